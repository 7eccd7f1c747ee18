"""The tables, as SQLAlchemy sees them. Migrations in Data/migrations make them; a test compares the two.

Times are whole milliseconds since 1970 UTC; money is whole ten-thousandths of the currency unit (Data/money.py).
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Byte order on both databases: pages by key then agree with each other and with Python's order of strings.
ID = String(200).with_variant(String(200, collation="C"), "postgresql")
SHA256 = String(64).with_variant(String(64, collation="C"), "postgresql")
# "INTEGER PRIMARY KEY" is SQLite's row id, which BIGINT is not.
BIG_KEY = BigInteger().with_variant(Integer(), "sqlite")

products = Table(
    "products",
    metadata,
    Column("product_id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("brand", Text),
    Column("category", Text),
    Column("category_name", Text),
    Column("category_predicted", Boolean, nullable=False, server_default=false()),
    Column("gender", String(10)),
    Column("age_group", String(10)),
    Column("colour", Text),
    Column("sizes", JSON, nullable=False),
    Column("group_id", Text),
    Column("price", BigInteger),
    Column("final_price", BigInteger),
    Column("currency", String(3)),
    Column("product_url", Text),
    Column("in_stock", Boolean, nullable=False, server_default=true()),
    Column("content_hash", String(32), nullable=False),
    Column("pictures_hash", String(32), nullable=False),
    Column("source", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("row_hash", String(64)),  # of the feed's row as it came; NULL once something else has written
    Index(None, "category"),
    # All that a sync asks of an unchanged product, so that it need not read the row itself.
    Index("ix_products_feed", "source", "product_id", "row_hash", "in_stock"),
)

product_pictures = Table(
    "product_pictures",
    metadata,
    Column("vector_id", BIG_KEY, primary_key=True, autoincrement=False),
    Column("product_id", ID, ForeignKey("products.product_id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("picture_sha256", SHA256),
    Column("source_url", Text),
    Column("status", String(10), nullable=False),
    Column("reason", Text),
    Column("is_cover", Boolean, nullable=False),
    Index(None, "product_id"),
    Index(None, "picture_sha256"),
    # The indexer asks for these many times a second; they are few.
    Index(
        "ix_product_pictures_pending",
        "vector_id",
        sqlite_where=text("status = 'pending'"),
        postgresql_where=text("status = 'pending'"),
    ),
)

pictures = Table(
    "pictures",
    metadata,
    Column("sha256", SHA256, primary_key=True),
    Column("mime", String(100), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("phash", String(64)),
    Column("quality", JSON(none_as_null=True)),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("created_at", BigInteger, nullable=False),
)

features = Table(
    "features",
    metadata,
    Column("picture_sha256", SHA256, primary_key=True),
    Column("embedder_id", String(64), primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # float16, little endian, dim * 2 bytes
    Column("attributes", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "embedder_id"),
)

changes = Table(
    "changes",
    metadata,
    Column("seq", BIG_KEY, primary_key=True, autoincrement=False),
    Column("op", String(10), nullable=False),  # 'upsert', 'meta' or 'delete'
    Column("vector_id", BigInteger, nullable=False),
    Column("product_id", ID, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

index_state = Table(
    "index_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("seq", BigInteger, nullable=False),  # last one given out
    Column("pruned_through", BigInteger, nullable=False),  # changes up to this one have been removed
    Column("next_vector_id", BigInteger, nullable=False),
    Column("catalogue_currency", String(3)),
    Column("embedder_id", String(64)),  # of the last features written
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
