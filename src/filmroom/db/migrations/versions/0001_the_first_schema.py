"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LIVE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", _TEXT, nullable=False),
        sa.Column("next_value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counter"),
    )
    op.create_table(
        "lease",
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("owner", _TEXT, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.Column("fenced_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_lease"),
    )
    op.create_table(
        "login_failure",
        sa.Column("login", _TEXT, nullable=False),
        sa.Column("client", _TEXT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("login", "client", name="pk_login_failure"),
    )
    op.create_table(
        "node",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("parent_pk", _PK),
        sa.Column("project_pk", _PK),
        sa.Column("id", _TEXT, nullable=False),
        sa.Column("xsi_type", _TEXT, nullable=False),
        sa.Column("accessibility", _TEXT),
        sa.Column("fields", _TEXT, server_default="{}", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _PK),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_by", _PK),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["created_by"], ["node.pk"], name="fk_node_created_by"),
        sa.ForeignKeyConstraint(["modified_by"], ["node.pk"], name="fk_node_modified_by"),
        sa.ForeignKeyConstraint(["parent_pk"], ["node.pk"], name="fk_node_parent_pk"),
        sa.ForeignKeyConstraint(["project_pk"], ["node.pk"], name="fk_node_project_pk"),
        sa.PrimaryKeyConstraint("pk", name="pk_node"),
    )
    op.create_index("ix_node_parent_pk", "node", ["parent_pk"])
    op.create_index("ix_node_project_pk", "node", ["project_pk", "kind"])
    op.create_index(
        "uq_node_id",
        "node",
        ["kind", "id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND kind IN ('project', 'subject', 'experiment')"),
        postgresql_where=sa.text("deleted_at IS NULL AND kind IN ('project', 'subject', 'experiment')"),
    )
    op.create_index(
        "uq_node_id_in_session",
        "node",
        ["parent_pk", "kind", "id"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL AND kind IN ('scan', 'reconstruction')"),
        postgresql_where=sa.text("deleted_at IS NULL AND kind IN ('scan', 'reconstruction')"),
    )

    op.create_table(
        "account",
        sa.Column("node_pk", _PK, nullable=False),
        sa.Column("login", _TEXT, nullable=False),
        sa.Column("password_hash", _TEXT, nullable=False),
        sa.Column("credential_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["node_pk"], ["node.pk"], name="fk_account_node_pk"),
        sa.PrimaryKeyConstraint("node_pk", name="pk_account"),
        sa.UniqueConstraint("login", name="uq_account_login"),
    )
    op.create_table(
        "name",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("project_pk", _PK, nullable=False),
        sa.Column("family", _TEXT, nullable=False),
        sa.Column("label", _TEXT),
        sa.Column("node_pk", _PK, nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["node_pk"], ["node.pk"], name="fk_name_node_pk"),
        sa.ForeignKeyConstraint(["project_pk"], ["node.pk"], name="fk_name_project_pk"),
        sa.PrimaryKeyConstraint("pk", name="pk_name"),
    )
    op.create_index("ix_name_node_pk", "name", ["node_pk"])
    op.create_index(
        "uq_name_label",
        "name",
        ["project_pk", "family", "label"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index(
        "uq_name_node", "name", ["project_pk", "node_pk"], unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
    )

    op.create_table(
        "project_name",
        sa.Column("folded", _TEXT, nullable=False),
        sa.Column("project_pk", _PK, nullable=False),
        sa.ForeignKeyConstraint(["project_pk"], ["node.pk"], name="fk_project_name_project_pk"),
        sa.PrimaryKeyConstraint("folded", name="pk_project_name"),
    )
    op.create_index("ix_project_name_project_pk", "project_name", ["project_pk"])

    op.create_table(
        "resource",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("rid", sa.BigInteger()),
        sa.Column("node_pk", _PK, nullable=False),
        sa.Column("side", _TEXT, server_default="", nullable=False),
        sa.Column("label", _TEXT),
        sa.Column("format", _TEXT, server_default="", nullable=False),
        sa.Column("content", _TEXT, server_default="", nullable=False),
        sa.Column("description", _TEXT, server_default="", nullable=False),
        sa.Column("tags", _TEXT, server_default="[]", nullable=False),
        sa.Column("file_count", sa.BigInteger()),
        sa.Column("size_bytes", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _PK),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_by", _PK),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["created_by"], ["node.pk"], name="fk_resource_created_by"),
        sa.ForeignKeyConstraint(["modified_by"], ["node.pk"], name="fk_resource_modified_by"),
        sa.ForeignKeyConstraint(["node_pk"], ["node.pk"], name="fk_resource_node_pk"),
        sa.PrimaryKeyConstraint("pk", name="pk_resource"),
        sa.UniqueConstraint("rid", name="uq_resource_rid"),
    )
    op.create_index(
        "uq_resource_label",
        "resource",
        ["node_pk", "side", "label"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )

    op.create_table(
        "file",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("resource_pk", _PK, nullable=False),
        sa.Column("path", _TEXT, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("md5", _TEXT, nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("format", _TEXT, server_default="", nullable=False),
        sa.Column("content", _TEXT, server_default="", nullable=False),
        sa.Column("description", _TEXT, server_default="", nullable=False),
        sa.Column("tags", _TEXT, server_default="[]", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _PK),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_by", _PK),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["created_by"], ["node.pk"], name="fk_file_created_by"),
        sa.ForeignKeyConstraint(["modified_by"], ["node.pk"], name="fk_file_modified_by"),
        sa.ForeignKeyConstraint(["resource_pk"], ["resource.pk"], name="fk_file_resource_pk"),
        sa.PrimaryKeyConstraint("pk", name="pk_file"),
    )
    op.create_index(
        "uq_file_path", "file", ["resource_pk", "path"], unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
    )

    op.create_table(
        "folder",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("resource_pk", _PK, nullable=False),
        sa.Column("path", _TEXT, nullable=False),
        sa.ForeignKeyConstraint(["resource_pk"], ["resource.pk"], name="fk_folder_resource_pk"),
        sa.PrimaryKeyConstraint("pk", name="pk_folder"),
        sa.UniqueConstraint("resource_pk", "path", name="uq_folder_resource_pk_path"),
    )
    op.create_table(
        "session",
        sa.Column("id_sha256", _TEXT, nullable=False),
        sa.Column("account_pk", _PK, nullable=False),
        sa.Column("credential_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_pk"], ["account.node_pk"], name="fk_session_account_pk"),
        sa.PrimaryKeyConstraint("id_sha256", name="pk_session"),
    )
    op.create_index("ix_session_account_pk", "session", ["account_pk"])
    op.create_index("ix_session_last_used_at", "session", ["last_used_at"])

    op.create_table(
        "file_history",
        sa.Column("pk", _PK, nullable=False),
        sa.Column("file_pk", _PK, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("md5", _TEXT, nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("format", _TEXT, server_default="", nullable=False),
        sa.Column("content", _TEXT, server_default="", nullable=False),
        sa.Column("description", _TEXT, server_default="", nullable=False),
        sa.Column("tags", _TEXT, server_default="[]", nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_by", _PK),
        sa.Column("replaced_at", sa.BigInteger(), nullable=False),
        sa.Column("replaced_by", _PK),
        sa.ForeignKeyConstraint(["file_pk"], ["file.pk"], name="fk_file_history_file_pk"),
        sa.ForeignKeyConstraint(["modified_by"], ["node.pk"], name="fk_file_history_modified_by"),
        sa.ForeignKeyConstraint(["replaced_by"], ["node.pk"], name="fk_file_history_replaced_by"),
        sa.PrimaryKeyConstraint("pk", name="pk_file_history"),
    )
    op.create_index("ix_file_history_file_pk", "file_history", ["file_pk"])
