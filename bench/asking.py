"""One person's requests to a filmroom, one after another on one connection, and how long each took."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from time import perf_counter

from bench.load import WrongAnswerError
from bench.report import Sample, Series
from bench.servers import Filmroom

Ask = Callable[[str, str], bytes]


@contextmanager
def open_client(filmroom: Filmroom, **headers: str) -> Iterator[Ask]:
    """One connection that is kept alive. What it yields gives an answer's body, or raises WrongAnswerError."""
    connection = HTTPConnection("127.0.0.1", filmroom.port, timeout=60)

    def ask(method: str, target: str) -> bytes:
        connection.request(method, target, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status not in {200, 201}:
            raise WrongAnswerError(f"{method} {target}: {answer.status} {body[:200]!r}")
        return body

    with closing(connection):
        connection.connect()
        yield ask


def take_milliseconds(ask: Ask, method: str, target: str) -> float:
    started = perf_counter()
    ask(method, target)
    return (perf_counter() - started) * 1000


def in_milliseconds(label: str, milliseconds: Sequence[float]) -> Series:
    return Series(label, "ms", [Sample(number=number, wall_seconds=number / 1000) for number in milliseconds])
