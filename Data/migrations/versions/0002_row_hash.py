"""A feed row's fingerprint, so that a sync passes over unchanged rows without reading them into products.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the column; products that are there already get theirs with the next sync."""
    op.add_column("products", sa.Column("row_hash", sa.String(64)))


def downgrade() -> None:
    """Drop the column; nothing is lost but the short cut."""
    op.drop_column("products", "row_hash")
