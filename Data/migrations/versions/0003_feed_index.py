"""An index that answers what a sync asks of each product of a feed, in place of one by feed alone.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Make the wider index, then drop the one that it stands in for."""
    op.create_index("ix_products_feed", "products", ["source", "product_id", "row_hash", "in_stock"])
    op.drop_index("ix_products_source", "products")


def downgrade() -> None:
    """Go back to the index by feed."""
    op.create_index("ix_products_source", "products", ["source"])
    op.drop_index("ix_products_feed", "products")
