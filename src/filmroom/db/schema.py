"""The tables, once, for both databases. ``migrations/`` makes them too; a test holds the two together.

Deletion sets ``deleted_at`` on the one row that was named; whatever is below it disappears with it, because resolving
an address walks up. The unique indexes count live rows only, so a name is free again at once and a deleted row can
be brought back. A row that is overwritten goes to ``file_history``. The indexes of a table stand in the order in which
the migrations made them: of two that serve as well SQLite takes one by their order.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    TextClause,
    UniqueConstraint,
    false,
    text,
    true,
)

from filmroom.db.columns import (
    DELETED,
    LIVE,
    Instant,
    Pk,
    Text,
    live_index,
    made_by,
    metadata,
    of_bytes,
    partial_index,
    said,
)
from filmroom.db.fieldsql import index_field

# A row of any query: its columns are reached by name.
AnyRow = Row[*tuple[Any, ...]]
_SHARES: Final = text("NOT is_primary AND deleted_at IS NULL")
# As SQLAlchemy says it to SQLite, which uses an index only for a condition in the same words.
_SQLITE_SHARES: Final = text("is_primary = 0 AND deleted_at IS NULL")
_OF_SITE: Final = text("project_pk IS NULL")
_OF_PROJECT: Final = text("project_pk IS NOT NULL")


def has_sitewide_id(table: str) -> TextClause:
    """That the things of a table or alias are of the kinds whose ids are unique in the archive.

    A query that means to use the index of these says so: SQLite cannot conclude it from a parameter.
    """
    return text(f"{table}.kind IN ('project', 'subject', 'experiment')")


def has_id_in_session(table: str) -> TextClause:
    """As ``has_sitewide_id``, of the kinds whose ids are unique in their session."""
    return text(f"{table}.kind IN ('scan', 'reconstruction')")


# Every kind of thing. ``kind`` is project, subject, experiment (assessors too: their parent is a session), scan,
# reconstruction or user. ``fields`` is a JSON object of XNAT's relative field paths; ``date`` repeats the text of that
# name in it, NULL for none, because lists of sessions show it in every row.
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
    *made_by(),
    Column("deleted_at", Instant),
    Column("date", Text),
    Index("ix_node_parent_pk", "parent_pk"),
    Index("ix_node_project_pk", "project_pk", "kind"),
    # Ids of subjects and experiments are unique in the archive; those of scans and reconstructions in their session.
    partial_index(
        "uq_node_id",
        "kind",
        "id",
        unique=True,
        where=text("deleted_at IS NULL AND kind IN ('project', 'subject', 'experiment')"),
    ),
    partial_index(
        "uq_node_id_in_session",
        "parent_pk",
        "kind",
        "id",
        unique=True,
        where=text("deleted_at IS NULL AND kind IN ('scan', 'reconstruction')"),
    ),
)
# The fields by which things are looked up in all projects.
index_field(node, "UID")
index_field(node, "dcmPatientId")
# For sums over the whole archive, which read nothing but the index.
_TYPE: Final = (node.c.kind, node.c.project_pk, node.c.xsi_type, node.c.parent_pk)
partial_index("ix_node_type", *_TYPE, where=LIVE)
partial_index("ix_node_deleted", node.c.kind, where=DELETED)
index_field(node, "date")

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
    Index("ix_name_node_pk", "node_pk"),
    live_index("uq_name_label", "project_pk", "family", "label"),
    live_index("uq_name_node", "project_pk", "node_pk"),
    partial_index("ix_name_label", "label", where=LIVE),
    partial_index("ix_name_share", "node_pk", where=_SQLITE_SHARES, postgresql_where=_SHARES),
    partial_index("ix_name_deleted_at", "deleted_at", where=DELETED),
    Index("ix_name_project_pk", "project_pk"),
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
    *said(),
    Column("file_count", BigInteger),
    Column("size_bytes", BigInteger),
    *made_by(),
    Column("deleted_at", Instant),
    live_index("uq_resource_label", "node_pk", "side", "label"),
    partial_index("ix_resource_deleted_at", "deleted_at", where=DELETED),
    Index("ix_resource_node_pk", "node_pk"),
)

# ``damaged_at`` is when the bytes were first found not to be what was stored; NULL for all that is well.
file: Final = Table(
    "file",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("resource_pk", Pk, ForeignKey("resource.pk"), nullable=False),
    Column("path", Text, nullable=False),
    *of_bytes(),
    *said(),
    *made_by(),
    Column("deleted_at", Instant),
    Column("damaged_at", Instant),
    live_index("uq_file_path", "resource_pk", "path"),
    partial_index("ix_file_deleted_at", "deleted_at", where=DELETED),
    Index("ix_file_resource_pk", "resource_pk"),
    Index("ix_file_key", "key"),
)

# What a file was before it was overwritten, until its grace period ends.
file_history: Final = Table(
    "file_history",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("file_pk", Pk, ForeignKey("file.pk"), nullable=False),
    *of_bytes(),
    *said(),
    Column("modified_at", Instant, nullable=False),
    Column("modified_by", Pk),
    Column("replaced_at", Instant, nullable=False),
    Column("replaced_by", Pk),
    Index("ix_file_history_file_pk", "file_pk"),
    Index("ix_file_history_key", "key"),
    Index("ix_file_history_replaced_at", "replaced_at"),
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
    Index("ix_event_project_pk", "project_pk"),
    Index("ix_event_node_pk", "node_pk", "at"),
)

# What tools are told, by the site (``project_pk`` is NULL) or by a project; every version is kept (C-173).
configuration: Final = Table(
    "configuration",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("project_pk", Pk, ForeignKey("node.pk")),
    Column("tool", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("contents", Text, nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Pk),
    partial_index("uq_configuration_of_site", "tool", "path", "version", unique=True, where=_OF_SITE),
    partial_index(
        "uq_configuration_of_project", "project_pk", "tool", "path", "version", unique=True, where=_OF_PROJECT
    ),
)

# Searches by the account that saved them, as XML documents (C-180), and the logins that may read them too.
saved_search: Final = Table(
    "saved_search",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("account_pk", Pk, ForeignKey("account.node_pk"), nullable=False),
    Column("id", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("modified_at", Instant, nullable=False),
    UniqueConstraint("account_pk", "id"),
)
saved_search_reader: Final = Table(
    "saved_search_reader",
    metadata,
    Column("search_pk", Pk, ForeignKey("saved_search.pk"), primary_key=True),
    Column("login", Text, primary_key=True),
    Index("ix_saved_search_reader_login", "login"),
)

# An upload that comes in several stretches. The first ``offset_bytes`` of its partial, whose key is made of ``id``, are
# durable; ``size_bytes`` is NULL until its sender says it. ``is_done`` is set by the transaction that stores the file.
upload: Final = Table(
    "upload",
    metadata,
    Column("pk", Pk, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("account_pk", Pk, ForeignKey("account.node_pk"), nullable=False),
    Column("address", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("is_replacing", Boolean, nullable=False),
    Column("is_unpacked", Boolean, nullable=False),
    *said(),
    Column("metadata", Text, nullable=False),
    Column("size_bytes", BigInteger),
    Column("offset_bytes", BigInteger, nullable=False),
    Column("is_done", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_upload_account_pk", "account_pk"),
    Index("ix_upload_expires_at", "expires_at"),
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

# One row per server process. A fenced lease may commit no upload any more, so its unnamed blobs can be swept;
# ``swept_at`` is when that was done last.
lease: Final = Table(
    "lease",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("renewed_at", Instant, nullable=False),
    Column("fenced_at", Instant),
    Column("swept_at", Instant),
)

# Bytes whose last row was removed in the same transaction, until they are gone from the store too.
doomed_blob: Final = Table("doomed_blob", metadata, Column("key", Text, primary_key=True))

# Work that one process at a time does: who does it until when, if nothing is heard of it, and when it was last done.
chore: Final = Table(
    "chore",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("held_until", Instant, nullable=False),
    Column("done_at", Instant),
)

# The next free number of each sequence that users see.
counter: Final = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("next_value", BigInteger, nullable=False),
)
