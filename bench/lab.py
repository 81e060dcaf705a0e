"""An archive of many people: what they are listed, what opening a project costs, and what it costs to know who asks."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from bench.fill import fill_lab
from bench.ground import Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores
from bench.report import Result, Sample, Series
from bench.servers import Filmroom, basic, open_filmroom

_ROUNDS: Final = 7
_USERS: Final = 10_000
_PROJECTS: Final = 1_000
_SESSIONS_EACH: Final = 200
_MEMBERS_EACH: Final = 100  # so that everybody is in ten projects
_LARGEST: Final = 20_000
_SHOWN: Final = 100
_LISTS: Final = {
    "projects": "/data/projects?format=json",
    "sessions": f"/data/experiments?limit={_SHOWN}&format=json",
}
# The member's ten are private.
_PEOPLE: Final = {"admin": "admin", "member": "user350", "outsider": "outsider"}
# A tenth of the projects are public and two tenths protected; the list of projects has all of them.
_OPEN: Final = _PROJECTS * 3 // 10
_PROJECTS_SEEN: Final = {"admin": _PROJECTS + 1, "member": _OPEN + 10, "outsider": _OPEN}
_OPENED: Final = {f"{_SESSIONS_EACH}": "P3", f"{_LARGEST:,}": "LARGEST"}
# Open to everybody, and next to nothing to do.
_SMALL: Final = "/xapi/siteConfig/siteId"
_REQUESTS: Final = 200
_MOST_LIST_MS: Final = 150
_MOST_COOKIE_MS: Final = 0.5

Ask = Callable[[str, str], bytes]


def run_lab(bench: Bench, name: str) -> Result:
    with bench.open_folder() as folder:
        with open_filmroom(folder):
            pass  # which makes the database, and the account whose password all get
        _fill(folder / "data" / "filmroom.db")
        busy = busy_cores()
        with open_filmroom(folder) as filmroom:
            series = [*_time_lists(filmroom), *_time_opening(filmroom), *_time_knowing(filmroom)]
    title = (
        f"{_USERS:,} users, {_PROJECTS:,} projects of {_SESSIONS_EACH} sessions and one of {_LARGEST:,}; "
        f"at most {_MOST_LIST_MS} ms for a list and {_MOST_COOKIE_MS} ms for a cookie, "
        "and opening a project costs the same whatever its size"
    )
    return Result(name=name, title=title, busy_cores=busy, series=series)


def _fill(database: Path) -> None:
    fill_lab(
        database,
        users=_USERS,
        projects=_PROJECTS,
        sessions_each=_SESSIONS_EACH,
        members_each=_MEMBERS_EACH,
        largest=_LARGEST,
    )


def _time_lists(filmroom: Filmroom) -> list[Series]:
    """Of each list and each person, in turn, round by round."""
    taken: dict[tuple[str, str], list[float]] = {(shown, person): [] for shown in _LISTS for person in _PEOPLE}
    for person in _PEOPLE:
        _check_lists(filmroom, person)
    for _ in range(_ROUNDS):
        for (shown, person), milliseconds in taken.items():
            with _open_client(filmroom, Authorization=basic(_PEOPLE[person])) as ask:
                milliseconds.append(_milliseconds(ask, "GET", _LISTS[shown]))
    return [_series(f"{shown} {person}", milliseconds) for (shown, person), milliseconds in taken.items()]


def _check_lists(filmroom: Filmroom, person: str) -> None:
    """Raises WrongAnswerError unless the person sees as much as there is to see; and signs the person in."""
    with _open_client(filmroom, Authorization=basic(_PEOPLE[person])) as ask:
        seen = {shown: len(json.loads(ask("GET", url))["ResultSet"]["Result"]) for shown, url in _LISTS.items()}
    wanted = {"projects": _PROJECTS_SEEN[person], "sessions": _SHOWN}
    if seen != wanted:
        raise WrongAnswerError(f"the lists of {person} have {seen} rows in place of {wanted}")


def _time_opening(filmroom: Filmroom) -> list[Series]:
    """Each project opened to everybody and closed again, in turn."""
    taken: dict[str, list[float]] = {size: [] for size in _OPENED}
    with _open_client(filmroom, Authorization=basic("admin")) as ask:
        for level in ("public", "private") * _ROUNDS:
            for size, project in _OPENED.items():
                taken[size].append(_milliseconds(ask, "PUT", f"/data/projects/{project}/accessibility/{level}"))
    return [_series(f"open/close {size}", milliseconds) for size, milliseconds in taken.items()]


def _time_knowing(filmroom: Filmroom) -> list[Series]:
    """The same small request by nobody, with a cookie and with a password, in turn; a round's number is a median."""
    login = {"Authorization": basic(_PEOPLE["member"])}
    with _open_client(filmroom, **login) as ask:
        session_id = ask("GET", "/data/JSESSION").decode()
    with (
        _open_client(filmroom) as nobody,
        _open_client(filmroom, Cookie=f"JSESSIONID={session_id}") as cookie,
        _open_client(filmroom, **login) as password,
    ):
        rounds = [_time_in_turn([nobody, cookie, password]) for _ in range(_ROUNDS)]
    plain, by_cookie, by_password = ([each[number] for each in rounds] for number in range(3))
    return [
        _series("nobody", plain),
        _series("cookie costs", [ours - base for ours, base in zip(by_cookie, plain, strict=True)]),
        _series("Basic costs", [ours - base for ours, base in zip(by_password, plain, strict=True)]),
    ]


def _time_in_turn(clients: Sequence[Ask]) -> list[float]:
    turns = [[_milliseconds(ask, "GET", _SMALL) for ask in clients] for _ in range(_REQUESTS)]
    return [median(turn[number] for turn in turns) for number in range(len(clients))]


def _milliseconds(ask: Ask, method: str, target: str) -> float:
    started = perf_counter()
    ask(method, target)
    return (perf_counter() - started) * 1000


def _series(label: str, milliseconds: Sequence[float]) -> Series:
    return Series(label, "ms", [Sample(number=number, wall_seconds=number / 1000) for number in milliseconds])


@contextmanager
def _open_client(filmroom: Filmroom, **headers: str) -> Iterator[Ask]:
    """One connection that is kept alive. What it yields gives an answer's body, or raises WrongAnswerError."""
    connection = HTTPConnection("127.0.0.1", filmroom.port, timeout=60)

    def ask(method: str, target: str) -> bytes:
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise WrongAnswerError(f"{method} {target}: {answer.status} {body[:200]!r}")
        return body

    with closing(connection):
        connection.connect()
        yield ask
