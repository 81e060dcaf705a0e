"""A real archive for every test: each database in turn, blobs in a folder, people with passwords, a clock."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import structlog
from anyio.from_thread import BlockingPortal, start_blocking_portal
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from compat.sites import clients_ask_what_tests_say, open_site, session, site, url
from db.rows import open_migrated
from durability.nursery import Nursery
from filmroom.app import create_app
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database, SQLiteDatabase, open_database
from filmroom.db.migrate import migrate
from filmroom.db.people import find_account, insert_account
from filmroom.model.holdings import Finding
from filmroom.model.nodes import Accessibility
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive, Rules
from filmroom.service.backup import Made, Wishes
from filmroom.service.restore import Outcome, find_snapshot, restore
from filmroom.service.unpacking import Limits
from filmroom.settings import Settings
from postgresql import PostgreSQL
from server.process import Server
from service.desk import Desk, open_desk
from service.vaults import CONTENTS, Restore

__all__ = ["clients_ask_what_tests_say", "open_site", "session", "site", "url"]  # one conftest for all tests

ENGINES = ("sqlite", "postgresql")
PASSWORD = "correct horse"
# The id of every request, which error pages tell, so that answers can be compared word for word.
NAMED = {"X-Request-ID": "test"}
PEOPLE = {"admin": True, "alice": False, "bob": False}


def _work_in_memory() -> None:
    """Keep the files of tests in memory where there is room: on a disk a database takes longer to make than to use.

    What a power cut leaves is tried on file systems of their own (``durability/disks.py``).
    """
    memory = Path("/dev/shm")
    if "TMPDIR" not in os.environ and memory.is_dir() and shutil.disk_usage(memory).free > _ROOM_BYTES:
        os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None


_ROOM_BYTES = 6 * 1024**3
_work_in_memory()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test with very many cases take a sample, the same each time, unless EVERY_CASE or a case itself is named.

    ``make test-every-case`` takes all of them.
    """
    if "EVERY_CASE" in os.environ or any("[" in argument for argument in config.args):
        return
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out = {id(item) for each in cases.values() for item in _beyond_sample(each)}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in left_out])
    items[:] = [item for item in items if id(item) not in left_out]


def _beyond_sample(cases: list[pytest.Item]) -> list[pytest.Item]:
    """All but some, and an eighth of the rest; which they are depends on their names alone."""
    shuffled = sorted(cases, key=lambda item: crc32(item.nodeid.encode()))
    return shuffled[_ALWAYS_TAKEN + (len(cases) - _ALWAYS_TAKEN) // 8 :] if len(cases) > _ALWAYS_TAKEN else []


_ALWAYS_TAKEN = 20


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran on each database, so that nobody need guess whether PostgreSQL was there.

    What was not tested for want of a tool is told loudly, because nobody looks for what is not there.
    """
    passed = terminalreporter.stats.get("passed", [])
    counts = {engine: sum(engine in report.nodeid for report in passed) for engine in ENGINES}
    shown = ", ".join(f"{count} on {engine}" for engine, count in counts.items())
    terminalreporter.write_line(f"tests that passed with a database: {shown}")
    skipped = Counter(str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []))
    for reason, times in skipped.items():
        terminalreporter.write_line(f"NOT TESTED HERE, {times} times: {reason}", red=True, bold=True)


@pytest.fixture(autouse=True)
def usual_log() -> Iterator[None]:
    """Whatever a command that ran in this process made of the log, the next test finds it as it was."""
    yield
    structlog.reset_defaults()


class Clock:
    """Stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    folder = Path(tempfile.mkdtemp(prefix="filmroom-pg-"))
    folder.chmod(0o755)  # as root the server runs as a user of its own, who must get there
    server = PostgreSQL(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(url: str) -> None:
    """The schema, and people whose passwords cost little to check."""
    database = open_database(url)
    migrate(database)
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for login, is_admin in PEOPLE.items():
        database.write(
            lambda connection, login=login, is_admin=is_admin: insert_account(  # type: ignore[misc]
                connection, login, cheap, is_admin=is_admin, now=now
            )
        )
    database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "filmroom.db"
    _prepare(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template(postgresql: PostgreSQL) -> str:
    name = postgresql.create()
    _prepare(postgresql.url(name))
    return name


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database with people in it, on each engine."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "filmroom.db")
        yield f"sqlite:///{tmp_path / 'filmroom.db'}"
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        name = server.create(request.getfixturevalue("postgresql_template"))
        yield server.url(name)
        server.drop(name)


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        name = server.create()
        yield server.url(name)
        server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SQLiteDatabase]:
    """For tests of what only SQLite has."""
    database = open_migrated(tmp_path / "filmroom.db")
    yield database
    database.close()


@pytest.fixture
def blobs(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "blobs")


@pytest.fixture
def clock() -> Clock:
    return Clock()


RULES = Rules(
    default_accessibility=Accessibility.PROTECTED,
    undo_period=timedelta(days=7),
    session_idle_limit=timedelta(minutes=15),
    site_id="XNAT",
    archive_limits=Limits(members=50, expanded_bytes=10_000_000, ratio=100),
)


@pytest.fixture
def archive(database: Database, blobs: LocalStore, clock: Clock, tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(database, blobs, clock=clock, rules=RULES, spool_dir=tmp_path)
    yield archive
    with suppress(Exception):  # a test may have closed or broken what is closed here
        archive.close()


@pytest.fixture
def elsewhere(database_url: str, blobs: LocalStore, clock: Clock, tmp_path: Path) -> Iterator[Archive]:
    """The same archive as another server process has it: a database and a lease of its own."""
    archive = Archive(open_database(database_url), blobs, clock=clock, rules=RULES, spool_dir=tmp_path)
    yield archive
    with suppress(Exception):  # a test may have closed it
        archive.close()


@pytest.fixture
def people(database: Database) -> dict[str, Viewer]:
    """``admin`` is a site administrator; ``alice`` and ``bob`` are not."""
    with database.read() as connection:
        accounts = {login: find_account(connection, login) for login in PEOPLE}
    return {
        login: Viewer(pk=account.pk, login=login, is_admin=account.is_admin)
        for login, account in accounts.items()
        if account
    }


@pytest.fixture
def app(archive: Archive) -> Any:
    return create_app(archive, Settings())


@pytest.fixture(scope="session")
def event_loop_thread() -> Iterator[BlockingPortal]:
    """One for all requests of this process: a client on its own starts one for each."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def client(app: Any, event_loop_thread: BlockingPortal) -> Callable[[str], TestClient]:
    """A client for one of the people, or (``""``) for nobody; each in-process and without cookies of the others."""

    def make(login: str) -> TestClient:
        made = TestClient(app, headers=NAMED)
        made.portal = event_loop_thread
        if login:
            made.auth = (login, PASSWORD)
        return made

    return make


@pytest.fixture
def alice(client: Callable[[str], TestClient]) -> TestClient:
    """Who owns project DEMO in tests that need one."""
    return client("alice")


@pytest.fixture
def demo(alice: TestClient) -> str:
    """The URL of a project of Alice's."""
    assert alice.put("/data/projects/DEMO").status_code == 200
    return "/data/projects/DEMO"


@pytest.fixture(scope="module", params=["sqlite"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Alice at one archive for all tests of a module, which keep apart by names; for grids of many small tests."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copy(request.getfixturevalue("sqlite_template"), folder / "filmroom.db")
    database, blobs = open_database(f"sqlite:///{folder / 'filmroom.db'}"), LocalStore(folder / "blobs")
    archive = Archive(database, blobs, clock=Clock(), rules=RULES, spool_dir=folder)
    with TestClient(create_app(archive, Settings()), headers=NAMED) as client:  # which closes the archive at its end
        client.auth = ("alice", PASSWORD)
        yield client


def _stop(server: Server) -> None:
    if server.is_running():
        server.stop()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    with ExitStack() as stack:

        def make(*flags: str, log: str = "", environment: Mapping[str, str] | None = None) -> Server:
            server = Server(tmp_path / "data", *flags, log=log, environment=environment)
            stack.callback(_stop, server)
            server.start()
            return server

        yield make


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery(tmp_path_factory.mktemp("nursery")) as nursery:
        yield nursery


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    """With a project DEMO."""
    server = make_server()
    server.request("PUT", "/data/projects/DEMO")
    return server


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are typed in a folder without a settings file, and without the settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("FILMROOM_DATA", "FILMROOM_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def data(tmp_path: Path, sqlite_template: Path) -> Path:
    """The data folder of an archive with people in it."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "filmroom.db")
    return folder


@pytest.fixture
def filled_desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    desk = open_desk(archive, people["alice"])
    for path, content in CONTENTS.items():
        desk.upload(path, content)
    return desk


@pytest.fixture
def vault_root(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def back_up(filled_desk: Desk, vault_root: Path, clock: Clock) -> Callable[..., tuple[Made, list[Finding]]]:
    def make(**wishes: Any) -> tuple[Made, list[Finding]]:
        clock.move(seconds=1)
        found: list[Finding] = []
        made = filled_desk.archive.backups.make(vault_root, Wishes(**wishes), found.append)
        assert made.findings.total() == len(found)
        return made, found

    return make


@pytest.fixture
def bring_back(
    empty_database_url: str, vault_root: Path, tmp_path: Path, clock: Clock, people: dict[str, Viewer]
) -> Iterator[Restore]:
    with ExitStack() as stack:

        def bring(wanted: str | None = None) -> tuple[Desk, Outcome, list[Finding]]:
            database = open_database(empty_database_url)
            stack.callback(database.close)
            blobs = LocalStore(tmp_path / "restored")
            found: list[Finding] = []
            name = find_snapshot(vault_root, wanted)
            outcome = restore(vault_root, name, database, blobs, now=clock(), tell=found.append)
            archive = Archive(database, blobs, clock=clock, rules=RULES, spool_dir=tmp_path)
            stack.callback(archive.close)
            return Desk(archive, people["alice"]), outcome, found

        yield bring
