"""Signing in, alone and in a crowd: a password is checked the first time, and remembered the next."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from bench.asking import in_milliseconds, open_client, take_milliseconds
from bench.fill import fill_lab
from bench.ground import Bench
from bench.machine import busy_cores
from bench.report import Result, Sample, Series
from bench.servers import Filmroom, basic, open_filmroom

_ALONE: Final = 30
# No more: who waits for two seconds is told to come back.
_CROWD: Final = 4
_ROUNDS: Final = 3
_USERS: Final = _ALONE + _ROUNDS * _CROWD
# With what every client begins: it opens a session.
_SIGN_IN: Final = "/data/JSESSION"


def run_sign_in(bench: Bench, name: str) -> Result:
    """Nobody of the crowd, and nobody the first time, was there before; argon2 is meant to take its time."""
    with bench.open_folder() as folder:
        with open_filmroom(folder):
            pass  # which makes the database, and the account whose password all get
        database = folder / "data" / "filmroom.db"
        fill_lab(database, users=_USERS, projects=0, sessions_each=0, members_each=0, largest=0)
        busy = busy_cores()
        with open_filmroom(folder) as filmroom:
            first, again = _time_alone(filmroom)
            crowds = [_time_crowd(filmroom, _logins(number)) for number in range(_ROUNDS)]
    series = [
        in_milliseconds("first time", first),
        in_milliseconds("again", again),
        Series(f"{_CROWD} at once", "sign-ins/s", [Sample(number=_CROWD / each, wall_seconds=each) for each in crowds]),
    ]
    title = f"{_ALONE} people sign in one after another, and again; then {_CROWD} others at once, {_ROUNDS} times"
    return Result(name=name, title=title, busy_cores=busy, series=series)


def _logins(crowd: int) -> list[str]:
    return [f"user{_ALONE + crowd * _CROWD + number}" for number in range(_CROWD)]


def _time_alone(filmroom: Filmroom) -> tuple[list[float], list[float]]:
    """The milliseconds of each person's first sign-in, and of the next."""
    taken: tuple[list[float], list[float]] = ([], [])
    for number in range(_ALONE):
        with open_client(filmroom, Authorization=basic(f"user{number}")) as ask:
            for milliseconds in taken:
                milliseconds.append(take_milliseconds(ask, "GET", _SIGN_IN))
    return taken


def _time_crowd(filmroom: Filmroom, logins: Sequence[str]) -> float:
    """The seconds until the last of them is in."""
    with ThreadPoolExecutor(len(logins)) as executor:
        started = time.perf_counter()
        list(executor.map(lambda login: _sign_in(filmroom, login), logins))
        return time.perf_counter() - started


def _sign_in(filmroom: Filmroom, login: str) -> None:
    with open_client(filmroom, Authorization=basic(login)) as ask:
        ask("GET", _SIGN_IN)
