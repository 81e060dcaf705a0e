"""Hundreds of wrong sign-ins at a real server, while somebody works with it."""

from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import count, takewhile
from threading import Event

from server.process import Server


def _knock(port: int, number: int) -> tuple[int, str | None]:
    pair = f"user{number % 7}:wrong {number % 29}"
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    method = ("GET", "PUT")[number % 2]
    connection.request(
        method, "/data/projects", headers={"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    )
    reply = connection.getresponse()
    reply.read()
    connection.close()
    return reply.status, reply.headers["Retry-After"]


def test_reading_and_uploading_go_on_while_hundreds_sign_in_wrongly(make_server: Callable[..., Server]) -> None:
    server = make_server("--workers", "1")
    server.request("PUT", "/data/projects/DEMO")
    has_worked = Event()

    def knock_on(first: int) -> set[tuple[int, str | None]]:
        """Ten times, and then until the work is done; a server that answers nobody ends it by a timeout."""
        numbers = takewhile(lambda number: number < first + 10 or not has_worked.is_set(), count(first))
        return {_knock(server.port, number) for number in numbers}

    with ThreadPoolExecutor(32) as pool:
        knocking = [pool.submit(knock_on, number) for number in range(32)]
        for number in range(20):
            server.request("PUT", f"/data/projects/DEMO/resources/R/files/{number}?inbody=true", b"voxels")
            server.request("GET", "/data/projects")
        has_worked.set()

    assert len(server.rows("/data/projects/DEMO/files?format=json")) == 20
    assert set().union(*(each.result() for each in knocking)) == {(401, None), (503, "1")}
