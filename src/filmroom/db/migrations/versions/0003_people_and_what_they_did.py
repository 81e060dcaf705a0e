"""Who belongs to which project, tokens, more about accounts, and a row for each change.

Whoever made a project owned it before there were groups, and does so still.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    _add_columns()
    _make_groups()
    _make_tokens()
    _make_events()
    op.execute(
        "INSERT INTO membership (project_pk, account_pk, suffix) SELECT node.pk, node.created_by, 'owner' "
        "FROM node JOIN account ON account.node_pk = node.created_by WHERE node.kind = 'project'"
    )


def _add_columns() -> None:
    op.add_column("account", sa.Column("is_verified", sa.Boolean(), nullable=False, server_default=sa.true()))
    for name in ("data_role", "email", "first_name", "last_name"):
        op.add_column("account", sa.Column(name, _TEXT, nullable=False, server_default=""))
    op.add_column("account", sa.Column("last_success_at", sa.BigInteger()))
    op.create_index("ix_login_failure_last_at", "login_failure", ["last_at"])


def _make_groups() -> None:
    op.create_table(
        "membership",
        sa.Column("project_pk", _PK, sa.ForeignKey("node.pk", name="fk_membership_project_pk"), nullable=False),
        sa.Column("account_pk", _PK, sa.ForeignKey("account.node_pk", name="fk_membership_account_pk"), nullable=False),
        sa.Column("suffix", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("project_pk", "account_pk", name="pk_membership"),
    )
    op.create_index("ix_membership_account_pk", "membership", ["account_pk"])
    op.create_table(
        "user_group",
        sa.Column("project_pk", _PK, sa.ForeignKey("node.pk", name="fk_user_group_project_pk"), nullable=False),
        sa.Column("suffix", _TEXT, nullable=False),
        sa.Column("display_name", _TEXT, nullable=False),
        sa.Column("rights", _TEXT, nullable=False, server_default="{}"),
        sa.PrimaryKeyConstraint("project_pk", "suffix", name="pk_user_group"),
    )


def _make_tokens() -> None:
    op.create_table(
        "alias_token",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("alias", _TEXT, nullable=False),
        sa.Column("secret_sha256", _TEXT, nullable=False),
        sa.Column(
            "account_pk", _PK, sa.ForeignKey("account.node_pk", name="fk_alias_token_account_pk"), nullable=False
        ),
        sa.Column("credential_version", sa.Integer(), nullable=False),
        sa.Column("is_single_use", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("alias", name="uq_alias_token_alias"),
        sa.PrimaryKeyConstraint("pk", name="pk_alias_token"),
    )
    op.create_index("ix_alias_token_account_pk", "alias_token", ["account_pk"])
    op.create_index("ix_alias_token_expires_at", "alias_token", ["expires_at"])


def _make_events() -> None:
    op.create_table(
        "event",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by_pk", _PK),
        sa.Column("project_pk", _PK),
        sa.Column("node_pk", _PK),
        sa.Column("action", _TEXT, nullable=False),
        sa.Column("address", _TEXT, nullable=False),
        sa.Column("details", _TEXT, nullable=False, server_default="{}"),
        sa.Column("client", _TEXT, nullable=False, server_default=""),
        sa.Column("reason", _TEXT, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("pk", name="pk_event"),
    )
    op.create_index("ix_event_node_pk", "event", ["node_pk"])
    op.create_index("ix_event_project_pk", "event", ["project_pk"])
