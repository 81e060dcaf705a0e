"""The date of a thing in a column of its own: lists show it in every row, and reading it out of the JSON is dear."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_DATED = sa.text("deleted_at IS NULL AND date IS NOT NULL")
_ONE_TEXT = {
    "sqlite": """json_type(fields, '$."date"') = 'text'""",
    "postgresql": "jsonb_typeof(CAST(fields AS jsonb) -> 'date') = 'string'",
}
_DATE = {
    "sqlite": """json_extract(fields, '$."date"')""",
    "postgresql": "CAST(fields AS jsonb) ->> 'date'",
}


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.drop_index("ix_node_date", "node")
    op.add_column("node", sa.Column("date", sa.String().with_variant(sa.String(collation="C"), "postgresql")))
    node = sa.table("node", sa.column("date"))
    dated = sa.update(node).values(date=sa.literal_column(_DATE[dialect])).where(sa.text(_ONE_TEXT[dialect]))
    op.execute(dated)
    op.create_index("ix_node_date", "node", ["date"], sqlite_where=_DATED, postgresql_where=_DATED)
