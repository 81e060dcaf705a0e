"""Since when a file's bytes are known not to be what was stored; and a way to files that were deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("file", sa.Column("damaged_at", sa.BigInteger()))
    deleted = sa.text("deleted_at IS NOT NULL")
    op.create_index("ix_file_deleted", "file", ["resource_pk"], sqlite_where=deleted, postgresql_where=deleted)
