"""Indexes of what lists and searches look up in all projects: labels, and some fields."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_LIVE = sa.text("deleted_at IS NULL")
_FIELDS = ("date", "UID", "dcmPatientId")


def upgrade() -> None:
    op.create_index("ix_name_label", "name", ["label"], sqlite_where=_LIVE, postgresql_where=_LIVE)
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for path in _FIELDS:
        field = (
            f"""json_extract(fields, '$."{path}"')"""
            if is_sqlite
            else f"""((CAST(fields AS jsonb) ->> '{path}') COLLATE "C")"""
        )
        has_it = sa.text(f"deleted_at IS NULL AND {field} IS NOT NULL")
        op.create_index(f"ix_node_{path}", "node", [sa.text(field)], sqlite_where=has_it, postgresql_where=has_it)
