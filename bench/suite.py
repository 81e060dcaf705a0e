"""What XNAT's own performance suite does: very many projects, public ones, and sessions under one subject."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.asking import Ask, in_milliseconds, open_client, take_milliseconds
from bench.ground import IS_FULL, Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores
from bench.report import Result, Series
from bench.servers import Filmroom, basic, open_filmroom

_LISTINGS: Final = 11
_OWNER: Final = "owner"
_OWNED: Final = "/data/projects/OWNED"
_LIST: Final = f"{_OWNED}/experiments?format=json"
# Of XNAT 1.8.10.1, published by its makers: their machine, not this one.
_PUBLISHED: Final = (
    "XNAT 1.8.10.1 by its makers, on their machine, with 750, 500, 40 and 10,000 of them: a project 470 ms, at last "
    "1,800; a public one 1,200, at last 16,000; opening one 15,000 to 17,000; a session 79 at first, then 40; "
    "listing them 700 to 1,000"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    projects: int
    public: int
    opened: int
    sessions: int


_SCALE: Final = (
    _Scale(projects=750, public=500, opened=40, sessions=10_000)
    if IS_FULL
    else _Scale(projects=150, public=100, opened=40, sessions=2_000)
)


def run_suite(bench: Bench, name: str) -> Result:
    """Every request is timed; of each kind the first tenth and the last are shown, so that growth is."""
    with bench.open_folder() as folder, open_filmroom(folder) as filmroom:
        filmroom.make_user(_OWNER)
        busy = busy_cores()
        with (
            open_client(filmroom, Authorization=basic("admin")) as admin,
            open_client(filmroom, Authorization=basic(_OWNER)) as owner,
        ):
            series = [*_time_projects(admin), *_time_sessions(owner), *_time_lists({"owner": owner, "admin": admin})]
        _check(filmroom)
    title = (
        f"{_SCALE.projects:,} projects, {_SCALE.public:,} public ones, {_SCALE.opened} made public, "
        f"{_SCALE.sessions:,} sessions under one subject, which are listed. {_PUBLISHED}"
    )
    return Result(name=name, title=title, busy_cores=busy, series=series)


def _time_projects(admin: Ask) -> list[Series]:
    admin("GET", "/data/JSESSION")  # so that the password is known
    return [
        *_time_each(admin, "project", [f"/data/projects/P{number}" for number in range(_SCALE.projects)]),
        *_time_each(
            admin, "public", [f"/data/projects/O{number}?accessibility=public" for number in range(_SCALE.public)]
        ),
        *_time_each(
            admin, "open", [f"/data/projects/P{number}/accessibility/public" for number in range(_SCALE.opened)]
        ),
    ]


def _time_sessions(owner: Ask) -> list[Series]:
    owner("PUT", _OWNED)
    owner("PUT", f"{_OWNED}/subjects/S")
    sessions = f"{_OWNED}/subjects/S/experiments"
    targets = [f"{sessions}/E{number}?xsiType=xnat:mrSessionData" for number in range(_SCALE.sessions)]
    return _time_each(owner, "session", targets)


def _time_each(ask: Ask, what: str, targets: Sequence[str]) -> list[Series]:
    """PUT all of them; the milliseconds of the first tenth and of the last."""
    milliseconds = [take_milliseconds(ask, "PUT", target) for target in targets]
    tenth = max(1, len(targets) // 10)
    return [
        in_milliseconds(f"{what}, first", milliseconds[:tenth]),
        in_milliseconds(f"{what}, last", milliseconds[-tenth:]),
    ]


def _time_lists(people: Mapping[str, Ask]) -> list[Series]:
    taken: dict[str, list[float]] = {person: [] for person in people}
    for person, ask in people.items():
        if (rows := _count_rows(ask("GET", _LIST))) != _SCALE.sessions:
            raise WrongAnswerError(f"{person} is listed {rows} sessions in place of {_SCALE.sessions}")
    for _ in range(_LISTINGS):
        for person, ask in people.items():
            taken[person].append(take_milliseconds(ask, "GET", _LIST))
    return [in_milliseconds(f"list {person}", milliseconds) for person, milliseconds in taken.items()]


def _check(filmroom: Filmroom) -> None:
    """Raises WrongAnswerError unless all projects are there, and the last ones of those made public are so."""
    wanted = _SCALE.projects + _SCALE.public + 1
    if (rows := _count_rows(filmroom.ask("GET", "/data/projects?format=json"))) != wanted:
        raise WrongAnswerError(f"{rows} projects are there in place of {wanted}")
    for project in (f"O{_SCALE.public - 1}", f"P{_SCALE.opened - 1}"):
        if (level := filmroom.ask("GET", f"/data/projects/{project}/accessibility")) != b"public":
            raise WrongAnswerError(f"project {project} is {level.decode()} in place of public")


def _count_rows(body: bytes) -> int:
    return len(json.loads(body)["ResultSet"]["Result"])
