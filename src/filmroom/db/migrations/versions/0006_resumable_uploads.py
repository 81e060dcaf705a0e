"""Uploads that come in several stretches, by whichever process."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("account_pk", _PK, sa.ForeignKey("account.node_pk", name="fk_upload_account_pk"), nullable=False),
        sa.Column("address", _TEXT, nullable=False),
        sa.Column("path", _TEXT, nullable=False),
        sa.Column("is_replacing", sa.Boolean(), nullable=False),
        sa.Column("is_unpacked", sa.Boolean(), nullable=False),
        sa.Column("format", _TEXT, nullable=False, server_default=""),
        sa.Column("content", _TEXT, nullable=False, server_default=""),
        sa.Column("description", _TEXT, nullable=False, server_default=""),
        sa.Column("tags", _TEXT, nullable=False, server_default="[]"),
        sa.Column("metadata", _TEXT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger()),
        sa.Column("offset_bytes", sa.BigInteger(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("id", name="uq_upload_id"),
        sa.PrimaryKeyConstraint("pk", name="pk_upload"),
    )
    op.create_index("ix_upload_account_pk", "upload", ["account_pk"])
    op.create_index("ix_upload_expires_at", "upload", ["expires_at"])
