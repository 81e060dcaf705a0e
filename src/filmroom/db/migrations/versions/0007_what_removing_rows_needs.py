"""What removing rows for good needs: indexes by which they are found, and bytes that are still to go.

Accounts are never removed, so what says who did something needs no foreign key; with one, each removed node would be
looked for in every row of the largest tables.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_DELETED = sa.text("deleted_at IS NOT NULL")
_BY = {
    "node": ("created_by", "modified_by"),
    "resource": ("created_by", "modified_by"),
    "file": ("created_by", "modified_by"),
    "file_history": ("modified_by", "replaced_by"),
    "configuration": ("created_by",),
}


def upgrade() -> None:
    _drop_foreign_keys()
    _make_indexes()
    op.add_column("lease", sa.Column("swept_at", sa.BigInteger()))
    op.create_table(
        "doomed_blob",
        sa.Column("key", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_doomed_blob"),
    )
    op.create_table(
        "chore",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("holder", _TEXT, nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("name", name="pk_chore"),
    )


def _make_indexes() -> None:
    for table in ("name", "resource", "file"):
        op.create_index(
            f"ix_{table}_deleted_at", table, ["deleted_at"], sqlite_where=_DELETED, postgresql_where=_DELETED
        )
    op.drop_index("ix_file_deleted", "file")
    op.create_index("ix_file_resource_pk", "file", ["resource_pk"])
    op.create_index("ix_file_key", "file", ["key"])
    op.create_index("ix_file_history_key", "file_history", ["key"])
    op.create_index("ix_file_history_replaced_at", "file_history", ["replaced_at"])
    op.create_index("ix_resource_node_pk", "resource", ["node_pk"])
    op.create_index("ix_name_project_pk", "name", ["project_pk"])
    op.drop_index("ix_event_node_pk", "event")
    op.create_index("ix_event_node_pk", "event", ["node_pk", "at"])


def _drop_foreign_keys() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _rewrite_definitions(op.get_bind())
        return
    for table, columns in _BY.items():
        for column in columns:
            op.drop_constraint(f"fk_{table}_{column}", table)


def _rewrite_definitions(connection: sa.Connection) -> None:
    """SQLite's own way of dropping a constraint without copying the table (its page on ALTER TABLE, section 7)."""
    version = connection.execute(sa.text("PRAGMA schema_version")).scalar_one()
    connection.execute(sa.text("PRAGMA writable_schema=ON"))
    for table, columns in _BY.items():
        query = sa.text("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = :table")
        sql = connection.execute(query, {"table": table}).scalar_one()
        for column in columns:
            constraint = rf",\s*CONSTRAINT fk_{table}_{column} FOREIGN KEY\s?\({column}\) REFERENCES node \(pk\)"
            sql = re.sub(constraint, "", sql)
        update = sa.text("UPDATE sqlite_schema SET sql = :sql WHERE type = 'table' AND name = :table")
        connection.execute(update, {"sql": sql, "table": table})
    connection.execute(sa.text(f"PRAGMA schema_version={version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema=OFF"))
