"""Three projects, one of each accessibility and all alike inside, and one of each sort of person at them."""

import shutil
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from argon2 import PasswordHasher
from httpx2 import Response
from sqlalchemy import Connection, delete, insert, select
from starlette.testclient import TestClient

from conftest import NAMED, PASSWORD, RULES, Clock
from filmroom.app import create_app
from filmroom.blobs.local import LocalStore
from filmroom.db import schema
from filmroom.db.engine import Database, open_database
from filmroom.db.people import insert_account
from filmroom.model.nodes import Kind
from filmroom.service.archive import Archive
from filmroom.settings import Settings
from rest.session import OWNERS, THINGS

PROJECTS: Final = {"private": "PRIVATE", "protected": "PROTECT", "public": "PUBLICX"}
"""By accessibility. All names have seven letters, so that answers can be compared to the letter."""
OTHER: Final = "ANOTHER"
"""A public project in which everybody with an account is a member."""
LOGINS: Final = {
    "admin": "admin",
    "owner": "alice",
    "member": "mary",
    "collaborator": "carl",
    "rater": "rita",
    "outsider": "oscar",
}
NOBODY: Final = "nobody"
RATERS_RIGHTS: Final = "displayName=raters&xnat:subjectData=re&xnat:mrSessionData=re"
# What a refusal must leave as it was.
_TABLES: Final = (
    schema.node,
    schema.name,
    schema.project_name,
    schema.resource,
    schema.file,
    schema.file_history,
    schema.folder,
    schema.user_group,
    schema.membership,
    schema.upload,
)
State = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request before it is known who sends it."""

    method: str
    url: str
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class World:
    """An archive, behind a site that lets guests in and, for nobody, behind one that does not."""

    def __init__(self, archive: Archive, database: Database, blobs: Path, clients: ExitStack) -> None:
        self._database = database
        self._blobs = blobs
        app = create_app(archive, Settings(require_login=False))
        self._open = clients.enter_context(TestClient(app, headers=NAMED))
        self._closed = TestClient(create_app(archive, Settings()), headers=NAMED)
        self._make()
        self.remember()

    def send(self, actor: str, ask: Ask) -> Response:
        site = self._closed if actor == NOBODY else self._open
        return site.request(ask.method, ask.url, content=ask.content, headers={**ask.headers, **_credentials(actor)})

    def state(self) -> State:
        """Every row of things, names, resources, files and people of projects, and every byte."""
        with self._database.read() as connection:
            rows = {table.name: _rows(connection, table) for table in _TABLES}
        return {**rows, "bytes": [(str(path), path.read_bytes()) for path in self._list_blobs()]}

    def remember(self) -> None:
        """Let this be what is restored."""
        self._rows = self.state()
        self._files = set(self._list_blobs())

    def restore(self) -> None:
        """As it was in the beginning, or when it was remembered."""
        self._database.write(self._restore_rows)
        for path in set(self._list_blobs()) - self._files:
            path.unlink()

    def do(self, actor: str, method: str, url: str, content: bytes = b"") -> Response:
        """What must succeed."""
        reply = self.send(actor, Ask(method=method, url=url, content=content))
        assert reply.status_code in {200, 201}, (url, reply.text)
        return reply

    def _restore_rows(self, connection: Connection) -> None:
        """But for people, to whom other rows refer and whom no request here changes."""
        for table in reversed(_TABLES[1:]):
            connection.execute(delete(table))
        connection.execute(delete(schema.node).where(schema.node.c.kind != Kind.USER))
        for table in _TABLES:
            columns = table.columns.keys()
            rows = [dict(zip(columns, row, strict=True)) for row in self._rows[table.name]]
            if kept := [row for row in rows if row.get("kind") != Kind.USER]:
                connection.execute(insert(table), kept)

    def _list_blobs(self) -> list[Path]:
        return sorted(path for path in self._blobs.rglob("*") if path.is_file())

    def _make(self) -> None:
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        for login in sorted(set(LOGINS.values()) - {"admin", "alice"}):
            self._database.write(partial(_insert, login=login, password_hash=cheap))
        self.do("owner", "PUT", f"/data/projects/{OTHER}?accessibility=public")
        self._put_people(OTHER, {login: "member" for actor, login in LOGINS.items() if actor != "owner"})
        for accessibility, project in PROJECTS.items():
            self.do("owner", "PUT", f"/data/projects/{project}?accessibility={accessibility}")
            self.do("owner", "PUT", f"/data/projects/{project}/groups/raters?{RATERS_RIGHTS}")
            self._put_people(project, {"mary": "member", "carl": "collaborator", "rita": "raters"})
            for path, query in THINGS.items():
                self.do("owner", "PUT", f"/data/projects/{project}/{path}?{query}")
            for url in OWNERS.values():
                self.do("owner", "PUT", f"{in_project(url, project)}/resources/R/files/a.txt?inbody=true", b"voxels")

    def _put_people(self, project: str, groups: dict[str, str]) -> None:
        for login, group in groups.items():
            self.do("owner", "PUT", f"/data/projects/{project}/users/{group}/{login}")


def open_world(url: str, folder: Path) -> Iterator[World]:
    """For a fixture: on a migrated database with the usual people in it."""
    database = open_database(url)
    archive = Archive(database, LocalStore(folder / "blobs"), clock=Clock(), rules=RULES, spool_dir=folder)
    with ExitStack() as clients:  # which closes the archive at its end
        yield World(archive, database, folder / "blobs", clients)


def copy_template(template: Path, folder: Path) -> str:
    """The URL of a SQLite database like another one."""
    shutil.copy(template, folder / "filmroom.db")
    return f"sqlite:///{folder / 'filmroom.db'}"


def in_project(url: str, project: str) -> str:
    return url.replace("/DEMO", f"/{project}", 1)


def _credentials(actor: str) -> dict[str, str]:
    """RFC 7617; none for guests and for nobody."""
    pair = f"{LOGINS.get(actor)}:{PASSWORD}".encode()
    return {"Authorization": f"Basic {b64encode(pair).decode()}"} if actor in LOGINS else {}


def _insert(connection: Connection, login: str, password_hash: str) -> int:
    return insert_account(connection, login, password_hash, is_admin=False, now=datetime(2026, 1, 1, tzinfo=UTC))


def _rows(connection: Connection, table: Any) -> list[tuple[Any, ...]]:
    keys: Sequence[Any] = tuple(table.primary_key.columns)
    return [tuple(row) for row in connection.execute(select(table).order_by(*keys))]
