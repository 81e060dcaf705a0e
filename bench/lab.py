"""An archive of many people: what they are listed, what opening a project costs, and what it costs to know who asks."""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from bench.asking import Ask, in_milliseconds, open_client, take_milliseconds
from bench.fill import fill_lab
from bench.ground import Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores
from bench.report import Result, Series
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


def run_lab(bench: Bench, name: str) -> Result:
    with bench.open_folder() as folder:
        with open_filmroom(folder):
            pass  # which makes the database, and the account whose password all get
        _fill(folder / "data" / "filmroom.db")
        busy = busy_cores()
        with open_filmroom(folder) as filmroom:
            series = [*_time_lists(filmroom), *_time_opening(filmroom), *_time_knowing(filmroom)]
    title = f"{_USERS:,} users, {_PROJECTS:,} projects of {_SESSIONS_EACH} sessions and one of {_LARGEST:,}"
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
            with open_client(filmroom, Authorization=basic(_PEOPLE[person])) as ask:
                milliseconds.append(take_milliseconds(ask, "GET", _LISTS[shown]))
    return [in_milliseconds(f"{shown} {person}", milliseconds) for (shown, person), milliseconds in taken.items()]


def _check_lists(filmroom: Filmroom, person: str) -> None:
    """Raises WrongAnswerError unless the person sees as much as there is to see; and signs the person in."""
    with open_client(filmroom, Authorization=basic(_PEOPLE[person])) as ask:
        seen = {shown: len(json.loads(ask("GET", url))["ResultSet"]["Result"]) for shown, url in _LISTS.items()}
    wanted = {"projects": _PROJECTS_SEEN[person], "sessions": _SHOWN}
    if seen != wanted:
        raise WrongAnswerError(f"the lists of {person} have {seen} rows in place of {wanted}")


def _time_opening(filmroom: Filmroom) -> list[Series]:
    """Each project opened to everybody and closed again, in turn."""
    taken: dict[str, list[float]] = {size: [] for size in _OPENED}
    with open_client(filmroom, Authorization=basic("admin")) as ask:
        for level in ("public", "private") * _ROUNDS:
            for size, project in _OPENED.items():
                taken[size].append(take_milliseconds(ask, "PUT", f"/data/projects/{project}/accessibility/{level}"))
    return [in_milliseconds(f"open/close {size}", milliseconds) for size, milliseconds in taken.items()]


def _time_knowing(filmroom: Filmroom) -> list[Series]:
    """The same small request by nobody, with a cookie and with a password, in turn; a round's number is a median."""
    login = {"Authorization": basic(_PEOPLE["member"])}
    with open_client(filmroom, **login) as ask:
        session_id = ask("GET", "/data/JSESSION").decode()
    with (
        open_client(filmroom) as nobody,
        open_client(filmroom, Cookie=f"JSESSIONID={session_id}") as cookie,
        open_client(filmroom, **login) as password,
    ):
        rounds = [_time_in_turn([nobody, cookie, password]) for _ in range(_ROUNDS)]
    plain, by_cookie, by_password = ([each[number] for each in rounds] for number in range(3))
    return [
        in_milliseconds("nobody", plain),
        in_milliseconds("cookie costs", [ours - base for ours, base in zip(by_cookie, plain, strict=True)]),
        in_milliseconds("Basic costs", [ours - base for ours, base in zip(by_password, plain, strict=True)]),
    ]


def _time_in_turn(clients: Sequence[Ask]) -> list[float]:
    turns = [[take_milliseconds(ask, "GET", _SMALL) for ask in clients] for _ in range(_REQUESTS)]
    return [median(turn[number] for turn in turns) for number in range(len(clients))]
