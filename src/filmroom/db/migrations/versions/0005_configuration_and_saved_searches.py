"""Configuration of tools, searches that people saved, and indexes for sums over the whole archive."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_LIVE = sa.text("deleted_at IS NULL")
_DELETED = sa.text("deleted_at IS NOT NULL")
_SHARES = sa.text("NOT is_primary AND deleted_at IS NULL")
_SQLITE_SHARES = sa.text("is_primary = 0 AND deleted_at IS NULL")
_OF_SITE = sa.text("project_pk IS NULL")
_OF_PROJECT = sa.text("project_pk IS NOT NULL")


def upgrade() -> None:
    _make_configuration()
    _make_searches()
    _index("ix_node_type", "node", ["kind", "project_pk", "xsi_type", "parent_pk"], where=_LIVE)
    _index("ix_node_deleted", "node", ["kind"], where=_DELETED)
    op.create_index("ix_name_share", "name", ["node_pk"], sqlite_where=_SQLITE_SHARES, postgresql_where=_SHARES)


def _index(name: str, table: str, columns: list[str], *, where: sa.TextClause, unique: bool = False) -> None:
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _make_configuration() -> None:
    op.create_table(
        "configuration",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("project_pk", _PK, sa.ForeignKey("node.pk", name="fk_configuration_project_pk")),
        sa.Column("tool", _TEXT, nullable=False),
        sa.Column("path", _TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("contents", _TEXT, nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _PK, sa.ForeignKey("node.pk", name="fk_configuration_created_by")),
        sa.PrimaryKeyConstraint("pk", name="pk_configuration"),
    )
    named = ["tool", "path", "version"]
    _index("uq_configuration_of_site", "configuration", named, where=_OF_SITE, unique=True)
    _index("uq_configuration_of_project", "configuration", ["project_pk", *named], where=_OF_PROJECT, unique=True)


def _make_searches() -> None:
    owner = sa.ForeignKey("account.node_pk", name="fk_saved_search_account_pk")
    op.create_table(
        "saved_search",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("account_pk", _PK, owner, nullable=False),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("document", _TEXT, nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("account_pk", "id", name="uq_saved_search_account_pk_id"),
        sa.PrimaryKeyConstraint("pk", name="pk_saved_search"),
    )
    search = sa.ForeignKey("saved_search.pk", name="fk_saved_search_reader_search_pk")
    op.create_table(
        "saved_search_reader",
        sa.Column("search_pk", _PK, search, nullable=False),
        sa.Column("login", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("search_pk", "login", name="pk_saved_search_reader"),
    )
    op.create_index("ix_saved_search_reader_login", "saved_search_reader", ["login"])
