"""Rows put straight into the SQLite database of a filmroom that is stopped: much to list, without a byte behind it."""

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

_FILE_BYTES: Final = 526_336  # a CT slice of 512 x 512, and its head
_UID_ROOT: Final = "1.3.12.2.1107.5.2.32.35162"
_INSERT_FILE: Final = """
    INSERT INTO file (resource_pk, path, key, size_bytes, md5, crc32, format, content, created_at, modified_at)
    VALUES (?, ?, ?, ?, ?, ?, 'DICOM', 'RAW', ?, ?)
"""
_INSERT_SCAN: Final = """
    INSERT INTO node (kind, parent_pk, project_pk, id, xsi_type, fields, created_at, modified_at)
    SELECT 'scan', pk, project_pk, ?, 'xnat:mrScanData', '{"type": "T1 MPRAGE"}', ?, ? FROM node WHERE pk = ?
"""
_INSERT_RESOURCE: Final = """
    INSERT INTO resource (rid, node_pk, label, format, content, created_at, modified_at)
    SELECT max(rid) + 1, ?, 'DICOM', 'DICOM', 'RAW', ?, ? FROM resource
"""
_COUNT: Final = """
    UPDATE resource SET (file_count, size_bytes) = (
        SELECT count(*), coalesce(sum(size_bytes), 0) FROM file WHERE resource_pk = resource.pk AND deleted_at IS NULL
    )
"""
_COUNT_ON: Final = "UPDATE counter SET next_value = (SELECT max(rid) + 1 FROM resource) WHERE name = 'rid'"


def fill_resource(database: Path, *, files: int) -> None:
    """Add files to the one resource there is."""
    with _open(database) as connection:
        (resource_pk,) = connection.execute("SELECT pk FROM resource").fetchone()
        connection.executemany(_INSERT_FILE, _iter_files(resource_pk, files))


def fill_session(database: Path, *, scans: int, files_each: int) -> None:
    """Add scans to the one experiment there is, each with a resource DICOM."""
    now = time.time_ns() // 1000
    with _open(database) as connection:
        (session_pk,) = connection.execute("SELECT pk FROM node WHERE kind = 'experiment'").fetchone()
        for number in range(1, scans + 1):
            scan_pk = connection.execute(_INSERT_SCAN, (str(number), now, now, session_pk)).lastrowid
            resource_pk = connection.execute(_INSERT_RESOURCE, (scan_pk, now, now)).lastrowid
            connection.executemany(_INSERT_FILE, _iter_files(resource_pk or 0, files_each))


@contextmanager
def _open(database: Path) -> Iterator[sqlite3.Connection]:
    """One transaction, with the counters right at its end."""
    with closing(sqlite3.connect(database)) as connection, connection:
        yield connection
        connection.execute(_COUNT)
        connection.execute(_COUNT_ON)


def _iter_files(resource_pk: int, count: int) -> Iterator[tuple[int | str, ...]]:
    now = time.time_ns() // 1000
    for number in range(count):
        path = f"series-{number // 1000:03}/{_UID_ROOT}.{resource_pk}.{number}.dcm"
        digest = hashlib.md5(path.encode()).hexdigest()
        key = f"bench-{number // 1000:06x}-{resource_pk:09x}{number:09x}"
        yield resource_pk, path, key, _FILE_BYTES, digest, int(digest[:8], 16), now, now


_INSERT_USER: Final = """
    INSERT INTO node (kind, id, xsi_type, created_at, modified_at) VALUES ('user', ?, 'xdat:user', ?, ?)
"""
# Everybody has the first administrator's password, so that any of them can sign in.
_INSERT_ACCOUNT: Final = """
    INSERT INTO account (node_pk, login, password_hash, is_admin, is_enabled)
    SELECT ?, ?, password_hash, 0, 1 FROM account WHERE is_admin LIMIT 1
"""
_INSERT_PROJECT: Final = """
    INSERT INTO node (kind, id, xsi_type, accessibility, fields, created_at, modified_at)
    VALUES ('project', ?, 'xnat:projectData', ?, json_object('secondary_ID', ?, 'name', ?), ?, ?)
"""
_INSERT_BELOW: Final = """
    INSERT INTO node (kind, parent_pk, project_pk, id, xsi_type, created_at, modified_at) VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_NAME: Final = "INSERT INTO name (project_pk, family, label, node_pk, is_primary) VALUES (?, ?, ?, ?, 1)"
_INSERT_PROJECT_NAME: Final = "INSERT INTO project_name (folded, project_pk) VALUES (?, ?)"
_INSERT_MEMBER: Final = "INSERT INTO membership (project_pk, account_pk, suffix) VALUES (?, ?, 'member')"
# Of ten projects one is public, two are protected, and all others private.
_ACCESSIBILITIES: Final = ("public", "protected", "protected", *["private"] * 7)
_SESSIONS_EACH: Final = 4


def fill_lab(database: Path, *, users: int, projects: int, sessions_each: int, members_each: int, largest: int) -> None:
    """Add projects ``P0`` and so on, each with sessions and members, and ``LARGEST``, with many sessions and nobody.

    The accounts ``user0`` and so on are members of as many projects each; ``outsider`` is in none. A subject has four
    of the sessions.
    """
    now = time.time_ns() // 1000
    with closing(sqlite3.connect(database)) as connection, connection:
        _add_user(connection, "outsider", now)
        accounts = [_add_user(connection, f"user{number}", now) for number in range(users)]
        for number in range(projects):
            accessibility = _ACCESSIBILITIES[number % len(_ACCESSIBILITIES)]
            pk = _add_project(connection, (f"P{number}", accessibility), sessions_each, now)
            for member in range(members_each):
                connection.execute(_INSERT_MEMBER, (pk, accounts[(number * members_each + member) % users]))
        _add_project(connection, ("LARGEST", "private"), largest, now)


def _add_user(connection: sqlite3.Connection, login: str, now: int) -> int:
    pk = connection.execute(_INSERT_USER, (login, now, now)).lastrowid or 0
    connection.execute(_INSERT_ACCOUNT, (pk, login))
    return pk


def _add_project(connection: sqlite3.Connection, named: tuple[str, str], sessions: int, now: int) -> int:
    name, accessibility = named
    pk = connection.execute(_INSERT_PROJECT, (name, accessibility, name, name, now, now)).lastrowid or 0
    connection.execute(_INSERT_PROJECT_NAME, (name.casefold(), pk))
    for place in range(0, sessions, _SESSIONS_EACH):
        subject = _add_below(connection, ("subject", pk, pk, f"{name}_S{place}", "xnat:subjectData"), now)
        for session in range(place, min(place + _SESSIONS_EACH, sessions)):
            _add_below(connection, ("experiment", subject, pk, f"{name}_E{session}", "xnat:mrSessionData"), now)
    return pk


def _add_below(connection: sqlite3.Connection, row: tuple[str, int, int, str, str], now: int) -> int:
    kind, _parent_pk, project_pk, node_id, _xsi_type = row
    pk = connection.execute(_INSERT_BELOW, (*row, now, now)).lastrowid or 0
    connection.execute(_INSERT_NAME, (project_pk, kind, node_id, pk))
    return pk
