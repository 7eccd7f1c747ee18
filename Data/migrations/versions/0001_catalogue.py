"""Products, pictures, features, the change log and leases.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_ID = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
_SHA256 = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create all tables, and the one row of index_state."""
    op.create_table(
        "products",
        sa.Column("product_id", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text()),
        sa.Column("category", sa.Text()),
        sa.Column("category_name", sa.Text()),
        sa.Column("category_predicted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("gender", sa.String(10)),
        sa.Column("age_group", sa.String(10)),
        sa.Column("colour", sa.Text()),
        sa.Column("sizes", sa.JSON(), nullable=False),
        sa.Column("group_id", sa.Text()),
        sa.Column("price", sa.BigInteger()),
        sa.Column("final_price", sa.BigInteger()),
        sa.Column("currency", sa.String(3)),
        sa.Column("product_url", sa.Text()),
        sa.Column("in_stock", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("content_hash", sa.String(32), nullable=False),
        sa.Column("pictures_hash", sa.String(32), nullable=False),
        sa.Column("source", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", name="pk_products"),
    )
    op.create_index("ix_products_category", "products", ["category"])
    op.create_index("ix_products_source", "products", ["source"])
    op.create_table(
        "product_pictures",
        sa.Column("vector_id", _BIG_KEY, nullable=False, autoincrement=False),
        sa.Column("product_id", _ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("picture_sha256", _SHA256),
        sa.Column("source_url", sa.Text()),
        sa.Column("status", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("is_cover", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("vector_id", name="pk_product_pictures"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.product_id"], name="fk_product_pictures_product_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_product_pictures_product_id", "product_pictures", ["product_id"])
    op.create_index("ix_product_pictures_picture_sha256", "product_pictures", ["picture_sha256"])
    pending = sa.text("status = 'pending'")
    op.create_index(
        "ix_product_pictures_pending", "product_pictures", ["vector_id"], sqlite_where=pending, postgresql_where=pending
    )
    op.create_table(
        "pictures",
        sa.Column("sha256", _SHA256, nullable=False),
        sa.Column("mime", sa.String(100), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("phash", sa.String(64)),
        sa.Column("quality", sa.JSON()),
        sa.Column("etag", sa.Text()),
        sa.Column("last_modified", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_pictures"),
    )
    op.create_table(
        "features",
        sa.Column("picture_sha256", _SHA256, nullable=False),
        sa.Column("embedder_id", sa.String(64), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("picture_sha256", "embedder_id", name="pk_features"),
    )
    op.create_index("ix_features_embedder_id", "features", ["embedder_id"])
    op.create_table(
        "changes",
        sa.Column("seq", _BIG_KEY, nullable=False, autoincrement=False),
        sa.Column("op", sa.String(10), nullable=False),
        sa.Column("vector_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", _ID, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_changes"),
    )
    state = op.create_table(
        "index_state",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("pruned_through", sa.BigInteger(), nullable=False),
        sa.Column("next_vector_id", sa.BigInteger(), nullable=False),
        sa.Column("catalogue_currency", sa.String(3)),
        sa.Column("embedder_id", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_index_state"),
    )
    op.bulk_insert(state, [{"id": 1, "seq": 0, "pruned_through": 0, "next_vector_id": 1}])
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def downgrade() -> None:
    """Remove all tables."""
    for table in ("leases", "index_state", "changes", "features", "pictures", "product_pictures", "products"):
        op.drop_table(table)
