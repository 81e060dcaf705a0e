"""The tables, once, for both databases. ``migrations/`` makes them; a test holds the two together.

Deletion sets ``deleted_at`` on the one row that was named; whatever is below it disappears with it, because resolving
an address walks up. The unique indexes count live rows only, so a name is free again at once and a deleted row can
be brought back. A row that is overwritten goes to ``file_history``.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    TextClause,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
    true,
)

# A row of any query: its columns are reached by name.
AnyRow = Row[*tuple[Any, ...]]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A moment as whole microseconds since 1970 in UTC: the same in both databases, exact, and sortable."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else _EPOCH + _MICROSECOND * int(value)


# Text sorts and compares by code point in both databases, whatever the locale of a PostgreSQL cluster is.
Text: Final = String().with_variant(String(collation="C"), "postgresql")
# SQLite gives out row numbers only for a column of exactly this type.
Pk: Final = BigInteger().with_variant(Integer(), "sqlite")
LIVE: Final = text("deleted_at IS NULL")
DELETED: Final = text("deleted_at IS NOT NULL")


def has_sitewide_id(table: str) -> TextClause:
    """That the things of a table or alias are of the kinds whose ids are unique in the archive.

    A query that means to use the index of these says so: SQLite cannot conclude it from a parameter.
    """
    return text(f"{table}.kind IN ('project', 'subject', 'experiment')")


def has_id_in_session(table: str) -> TextClause:
    """As ``has_sitewide_id``, of the kinds whose ids are unique in their session."""
    return text(f"{table}.kind IN ('scan', 'reconstruction')")


metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _live_index(name: str, *columns: str) -> Index:
    return Index(name, *columns, unique=True, sqlite_where=LIVE, postgresql_where=LIVE)


def _made_by() -> tuple[Column[Any], ...]:
    return (
        Column("created_at", Instant, nullable=False),
        Column("created_by", Pk, ForeignKey("node.pk")),
        Column("modified_at", Instant, nullable=False),
        Column("modified_by", Pk, ForeignKey("node.pk")),
    )


def _said() -> tuple[Column[Any], ...]:
    """What people say of a resource or file; ``tags`` is a JSON list of texts."""
    return (
        Column("format", Text, nullable=False, server_default=""),
        Column("content", Text, nullable=False, server_default=""),
        Column("description", Text, nullable=False, server_default=""),
        Column("tags", Text, nullable=False, server_default="[]"),
    )


def _bytes() -> tuple[Column[Any], ...]:
    """Where a file's bytes are and what they are."""
    return (
        Column("key", Text, nullable=False),
        Column("size_bytes", BigInteger, nullable=False),
        Column("md5", Text, nullable=False),
        Column("crc32", BigInteger, nullable=False),
    )


# Every kind of thing. ``kind`` is project, subject, experiment (assessors too: their parent is a session), scan,
# reconstruction or user. ``fields`` is a JSON object of XNAT's relative field paths.
node: Final = Table(
    "node",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("parent_pk", Pk, ForeignKey("node.pk")),
    Column("project_pk", Pk, ForeignKey("node.pk")),
    Column("id", Text, nullable=False),
    Column("xsi_type", Text, nullable=False),
    Column("accessibility", Text),
    Column("fields", Text, nullable=False, server_default="{}"),
    *_made_by(),
    Column("deleted_at", Instant),
    Index("ix_node_parent_pk", "parent_pk"),
    Index("ix_node_project_pk", "project_pk", "kind"),
    # Ids of subjects and experiments are unique in the archive; those of scans and reconstructions in their session.
    Index(
        "uq_node_id",
        "kind",
        "id",
        unique=True,
        sqlite_where=text("deleted_at IS NULL AND kind IN ('project', 'subject', 'experiment')"),
        postgresql_where=text("deleted_at IS NULL AND kind IN ('project', 'subject', 'experiment')"),
    ),
    Index(
        "uq_node_id_in_session",
        "parent_pk",
        "kind",
        "id",
        unique=True,
        sqlite_where=text("deleted_at IS NULL AND kind IN ('scan', 'reconstruction')"),
        postgresql_where=text("deleted_at IS NULL AND kind IN ('scan', 'reconstruction')"),
    ),
)

# Labels and shares. ``family`` is subject or experiment. A share is a row that is not primary; its label may be NULL.
name: Final = Table(
    "name",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("project_pk", Pk, ForeignKey("node.pk"), nullable=False),
    Column("family", Text, nullable=False),
    Column("label", Text),
    Column("node_pk", Pk, ForeignKey("node.pk"), nullable=False),
    Column("is_primary", Boolean, nullable=False),
    Column("deleted_at", Instant),
    _live_index("uq_name_label", "project_pk", "family", "label"),
    _live_index("uq_name_node", "project_pk", "node_pk"),
    Index("ix_name_node_pk", "node_pk"),
)

# ID, secondary ID, name and aliases of all projects in one namespace, case folded (C-72).
project_name: Final = Table(
    "project_name",
    metadata,
    Column("folded", Text, primary_key=True),
    Column("project_pk", Pk, ForeignKey("node.pk"), nullable=False),
    Index("ix_project_name_project_pk", "project_pk"),
)

# ``rid`` is the number users see; a user's cache folder has none.
resource: Final = Table(
    "resource",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("rid", BigInteger, unique=True),
    Column("node_pk", Pk, ForeignKey("node.pk"), nullable=False),
    Column("side", Text, nullable=False, server_default=""),
    Column("label", Text),
    *_said(),
    Column("file_count", BigInteger),
    Column("size_bytes", BigInteger),
    *_made_by(),
    Column("deleted_at", Instant),
    _live_index("uq_resource_label", "node_pk", "side", "label"),
)

# ``damaged_at`` is when the bytes were first found not to be what was stored; NULL for all that is well.
file: Final = Table(
    "file",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("resource_pk", Pk, ForeignKey("resource.pk"), nullable=False),
    Column("path", Text, nullable=False),
    *_bytes(),
    *_said(),
    *_made_by(),
    Column("deleted_at", Instant),
    Column("damaged_at", Instant),
    _live_index("uq_file_path", "resource_pk", "path"),
    # What was deleted is looked for by upkeep only, so the index holds nothing else.
    Index("ix_file_deleted", "resource_pk", sqlite_where=DELETED, postgresql_where=DELETED),
)

# What a file was before it was overwritten, until its grace period ends.
file_history: Final = Table(
    "file_history",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("file_pk", Pk, ForeignKey("file.pk"), nullable=False),
    *_bytes(),
    *_said(),
    Column("modified_at", Instant, nullable=False),
    Column("modified_by", Pk, ForeignKey("node.pk")),
    Column("replaced_at", Instant, nullable=False),
    Column("replaced_by", Pk, ForeignKey("node.pk")),
    Index("ix_file_history_file_pk", "file_pk"),
)

# Empty sub-folders, which only a user's cache has.
folder: Final = Table(
    "folder",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("resource_pk", Pk, ForeignKey("resource.pk"), nullable=False),
    Column("path", Text, nullable=False),
    UniqueConstraint("resource_pk", "path"),
)

# A user is a node of kind ``user`` (its cache hangs there); the account itself is here. A higher
# ``credential_version`` makes every remembered password and session of this account worthless.
account: Final = Table(
    "account",
    metadata,
    Column("node_pk", Pk, ForeignKey("node.pk"), primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("credential_version", Integer, nullable=False, server_default="1"),
    Column("is_admin", Boolean, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("is_verified", Boolean, nullable=False, server_default=true()),
    Column("data_role", Text, nullable=False, server_default=""),
    Column("email", Text, nullable=False, server_default=""),
    Column("first_name", Text, nullable=False, server_default=""),
    Column("last_name", Text, nullable=False, server_default=""),
    Column("last_success_at", Instant),
)

# Who belongs to a project: at most one group of each (C-145). ``suffix`` is owner, member, collaborator, or that of a
# row of ``user_group``.
membership: Final = Table(
    "membership",
    metadata,
    Column("project_pk", Pk, ForeignKey("node.pk"), primary_key=True),
    Column("account_pk", Pk, ForeignKey("account.node_pk"), primary_key=True),
    Column("suffix", Text, nullable=False),
    Index("ix_membership_account_pk", "account_pk"),
)

# The groups of a project that are not built in. ``rights`` is a JSON object of data types and letters (r, c, e, d).
user_group: Final = Table(
    "user_group",
    metadata,
    Column("project_pk", Pk, ForeignKey("node.pk"), primary_key=True),
    Column("suffix", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("rights", Text, nullable=False, server_default="{}"),
)

# Pairs that stand for a login and a password for a while (C-38). Only a hash of the secret is kept.
alias_token: Final = Table(
    "alias_token",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("alias", Text, nullable=False, unique=True),
    Column("secret_sha256", Text, nullable=False),
    Column("account_pk", Pk, ForeignKey("account.node_pk"), nullable=False),
    Column("credential_version", Integer, nullable=False),
    Column("is_single_use", Boolean, nullable=False, server_default=false()),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_alias_token_account_pk", "account_pk"),
    Index("ix_alias_token_expires_at", "expires_at"),
)

# One row for each change, in the transaction that makes it. It outlives what it tells of, so it refers to no row but
# the account's. ``by_pk`` is NULL for the archive itself; ``details`` is a JSON object of texts.
event: Final = Table(
    "event",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by_pk", Pk),
    Column("project_pk", Pk),
    Column("node_pk", Pk),
    Column("action", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("details", Text, nullable=False, server_default="{}"),
    Column("client", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Index("ix_event_node_pk", "node_pk"),
    Index("ix_event_project_pk", "project_pk"),
)

# Only a hash of a session's id is kept.
session: Final = Table(
    "session",
    metadata,
    Column("id_sha256", Text, primary_key=True),
    Column("account_pk", Pk, ForeignKey("account.node_pk"), nullable=False),
    Column("credential_version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Index("ix_session_account_pk", "account_pk"),
    Index("ix_session_last_used_at", "last_used_at"),
)

# Failed sign-ins in a row, per login (known or not) and client address.
login_failure: Final = Table(
    "login_failure",
    metadata,
    Column("login", Text, primary_key=True),
    Column("client", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Index("ix_login_failure_last_at", "last_at"),  # old ones are looked for at every failure
)

# One row per server process. A fenced lease may commit no upload any more, so its unnamed blobs can be swept.
lease: Final = Table(
    "lease",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("renewed_at", Instant, nullable=False),
    Column("fenced_at", Instant),
)

# The next free number of each sequence that users see.
counter: Final = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next_value", BigInteger, nullable=False),
)
