"""Two hundred thousand sessions with fields, put straight into either database of a filmroom that is stopped."""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Final

import psycopg
from psycopg import sql

PROJECTS: Final = 1_000
SESSIONS_EACH: Final = 190
LARGEST: Final = 10_000
SESSIONS: Final = PROJECTS * SESSIONS_EACH + LARGEST
TYPES: Final = ("xnat:mrSessionData", "xnat:petSessionData", "xnat:ctSessionData")
MEMBER_OF: Final = 10
SESSIONS_EACH_SUBJECT: Final = 2
SCANNED_PROJECT: Final = 3
SCANS_EACH: Final = 10
_DAYS: Final = 3_650
_STEP: Final = 7_919  # prime, so that days follow each other in no order
_FIRST_DAY: Final = date(2016, 1, 1)
_NOTES: Final = 2_000
_UID_ROOT: Final = "1.3.12.2.1107.5.2.32.35162"
_FIRST_PK: Final = 1_000_000  # above whatever the server made itself

Row = tuple[object, ...]
_COLUMNS: Final = {
    "node": (
        *("pk", "kind", "parent_pk", "project_pk", "id", "xsi_type", "accessibility", "fields"),
        *("date", "created_at", "modified_at"),
    ),
    "name": ("pk", "project_pk", "family", "label", "node_pk", "is_primary"),
    "project_name": ("folded", "project_pk"),
    "resource": ("pk", "rid", "node_pk", "label", "file_count", "size_bytes", "created_at", "modified_at"),
    "membership": ("project_pk", "account_pk", "suffix"),
}
# Everybody has the first administrator's password, so that any of them can sign in.
_ADD_ACCOUNT: Final = """
    INSERT INTO account (node_pk, login, password_hash, is_admin, is_enabled)
    SELECT node.pk, node.id, account.password_hash, false, true FROM node, account
    WHERE node.kind = 'user' AND node.id IN ('member', 'owner') AND account.is_admin
"""
_COUNT_ON: Final = (
    "SELECT setval(pg_get_serial_sequence({text}, 'pk'), (SELECT max(pk) FROM {table})) FROM {table} LIMIT 1"
)


def fill_catalog(database: Path | str) -> None:
    """Add projects ``P0`` and so on and ``LARGEST``, all private, to a file of SQLite or at a URL of PostgreSQL.

    ``owner`` owns ``LARGEST``; ``member`` is in the first ten of the others.
    """
    rows = _Rows()
    rows.add_all()
    members = rows.tables.pop("membership")
    if isinstance(database, Path):
        _fill_sqlite(database, rows.tables, members)
    else:
        _fill_postgresql(database, rows.tables, members)


def project_of(number: int) -> str:
    """The ID of the project that a session belongs to, by the session's number."""
    return f"P{number // SESSIONS_EACH}" if number < PROJECTS * SESSIONS_EACH else "LARGEST"


def date_of(number: int) -> date:
    return _FIRST_DAY + timedelta(days=number * _STEP % _DAYS)


def note_of(number: int) -> str:
    return f"repeated run {number % _NOTES}"


def uid_of(number: int) -> str:
    return f"{_UID_ROOT}.{number}"


def label_of(number: int) -> str:
    return f"{project_of(number)}_MR{number}"


def id_of(number: int) -> str:
    return f"SITE_E{number:06}"


def subject_id_of(number: int) -> str:
    return f"SITE_S{number // SESSIONS_EACH_SUBJECT:06}"


class _Rows:
    """All rows, by table, each after those that it refers to."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Row]] = {table: [] for table in _COLUMNS}
        self._pks = count(_FIRST_PK)
        self._now = time.time_ns() // 1000

    def add_all(self) -> None:
        owner, member = (self._add_node("user", login, "xdat:user") for login in ("owner", "member"))
        for number in range(PROJECTS):
            first = number * SESSIONS_EACH
            pk = self._add_project(f"P{number}", range(first, first + SESSIONS_EACH))
            if number < MEMBER_OF:
                self.tables["membership"].append((pk, member, "member"))
        pk = self._add_project("LARGEST", range(PROJECTS * SESSIONS_EACH, SESSIONS))
        self.tables["membership"].append((pk, owner, "owner"))

    def _add_project(self, name: str, numbers: Sequence[int]) -> int:
        fields = {"secondary_ID": name, "name": name, "description": f"All that was measured for {name}"}
        project = self._add_node("project", name, "xnat:projectData", fields=fields)
        self.tables["project_name"].append((name.casefold(), project))
        for first in numbers[::SESSIONS_EACH_SUBJECT]:
            subject = self._add_subject(first, project)
            for number in range(first, first + SESSIONS_EACH_SUBJECT):
                session = self._add_session(number, subject, project)
                if name == f"P{SCANNED_PROJECT}":
                    self._add_scans(session, project)
        return project

    def _add_subject(self, number: int, project: int) -> int:
        node_id, fields = subject_id_of(number), _subject_fields(number)
        pk = self._add_node("subject", node_id, "xnat:subjectData", above=(project, project), fields=fields)
        self._add_name(project, "subject", f"Subject{number}", pk)
        return pk

    def _add_session(self, number: int, subject: int, project: int) -> int:
        xsi_type = TYPES[max(0, number % 10 - 7)]  # of ten one is PET and one CT
        above, fields = (subject, project), _session_fields(number)
        pk = self._add_node("experiment", id_of(number), xsi_type, above=above, fields=fields)
        self._add_name(project, "experiment", label_of(number), pk)
        return pk

    def _add_scans(self, session: int, project: int) -> None:
        fields = {"type": "T1", "quality": "usable", "frames": "176", "series_description": "T1 MPRAGE"}
        for number in range(1, SCANS_EACH + 1):
            scan = self._add_node("scan", str(number), "xnat:mrScanData", above=(session, project), fields=fields)
            pk = next(self._pks)
            self.tables["resource"].append((pk, pk, scan, "DICOM", 0, 0, self._now, self._now))

    def _add_name(self, project: int, family: str, label: str, node: int) -> None:
        self.tables["name"].append((next(self._pks), project, family, label, node, True))

    def _add_node(
        self,
        kind: str,
        node_id: str,
        xsi_type: str,
        *,
        above: tuple[int | None, int | None] = (None, None),
        fields: Mapping[str, str] = MappingProxyType({}),
    ) -> int:
        """``above`` is its parent and its project."""
        pk = next(self._pks)
        accessibility = "private" if kind == "project" else None
        told = json.dumps(dict(fields), separators=(",", ":"))
        held = (accessibility, told, fields.get("date"), self._now, self._now)
        self.tables["node"].append((pk, kind, *above, node_id, xsi_type, *held))
        return pk


def _subject_fields(number: int) -> dict[str, str]:
    return {
        "demographics/gender": "female",
        "demographics/yob": "1970",
        "fields/field[name=cohort]/field": str(number % 3),
    }


def _session_fields(number: int) -> dict[str, str]:
    return {
        "date": date_of(number).isoformat(),
        "time": "10:11:12",
        "UID": uid_of(number),
        "dcmPatientId": f"PAT{number // SESSIONS_EACH_SUBJECT}",
        "scanner": f"SCANNER{number % 7}",
        "scanner/manufacturer": "Maker",
        "acquisition_site": f"Site {number % 5}",
        "fieldStrength": "3.0",
        "note": note_of(number),
        "fields/field[name=visit]/field": str(number % 4),
        "fields/field[name=rating]/field": "good",
    }


def _fill_sqlite(path: Path, tables: dict[str, list[Row]], members: Iterable[Row]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in tables.items():
            connection.executemany(_insert(table), rows)
        connection.execute(_ADD_ACCOUNT)
        connection.executemany(_insert("membership"), members)


def _insert(table: str) -> str:
    columns = _COLUMNS[table]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _fill_postgresql(url: str, tables: dict[str, list[Row]], members: Iterable[Row]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            for table, rows in tables.items():
                _copy(connection, table, rows)
            connection.execute(_ADD_ACCOUNT)
            _copy(connection, "membership", members)
            for table in (table for table, columns in _COLUMNS.items() if "pk" in columns):
                connection.execute(sql.SQL(_COUNT_ON).format(text=sql.Literal(table), table=sql.Identifier(table)))
        connection.execute("ANALYZE")


def _copy(connection: "psycopg.Connection[tuple[object, ...]]", table: str, rows: Iterable[Row]) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS[table]))
    with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)) as copy:
        for row in rows:
            copy.write_row(row)
