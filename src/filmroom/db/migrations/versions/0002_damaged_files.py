"""Since when a file's bytes are known not to be what was stored."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("file", sa.Column("damaged_at", sa.BigInteger()))
