"""What the log of a real server tells of requests, and what it keeps to itself."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from server.process import AUTHORIZATION, PASSWORD, Server

FILES = "/data/projects/DEMO/resources/R/files"


def _send(server: Server, *lines: str, body: bytes = b"") -> bytes:
    """The whole answer to a request of these lines."""
    head = "".join(f"{line}\r\n" for line in (*lines, "Host: localhost", "Connection: close"))
    with server.connect() as connection:
        connection.sendall(head.encode() + b"\r\n" + body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def _stopped_log(server: Server) -> list[dict[str, Any]]:
    """All events of a server, which has told all of them when it has ended; each is one line of JSON."""
    server.stop()
    lines = (server.folder.parent / "server.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _header(answer: bytes, name: str) -> str:
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    return next(line.split(": ", 1)[1] for line in head.splitlines() if line.lower().startswith(f"{name}: "))


def test_every_request_is_one_line_of_who_what_where_and_how_much(server: Server) -> None:
    authorization = AUTHORIZATION.strip()
    put = _send(server, f"PUT {FILES}/a?inbody=true HTTP/1.1", authorization, "Content-Length: 6", body=b"voxels")
    got = _send(server, f"GET {FILES}/a HTTP/1.1", authorization)
    refused = _send(server, "GET /data/projects/NONE?format=json HTTP/1.1", authorization)

    events = {event["request"]: event for event in _stopped_log(server) if event["event"] == "request"}
    told = [events[_header(answer, "filmroom-request")] for answer in (put, got, refused)]
    for event in told:
        assert isinstance(event.pop("ms"), float)
        assert event.pop("timestamp").endswith("Z")
        del event["request"]
    same = {"event": "request", "level": "info", "viewer": "admin", "client": "127.0.0.1", "is_whole": True}
    page = refused.partition(b"\r\n\r\n")[2]
    assert told == [
        {**same, "method": "PUT", "path": f"{FILES}/a", "query": "inbody=true", "status": 200, "bytes_in": 6}
        | {"bytes_out": 0},
        {**same, "method": "GET", "path": f"{FILES}/a", "query": "", "status": 200, "bytes_in": 0, "bytes_out": 6},
        {**same, "method": "GET", "path": "/data/projects/NONE", "query": "format=json", "status": 404}
        | {"bytes_in": 0, "bytes_out": len(page)},
    ]


def test_an_error_page_tells_the_id_of_its_request(server: Server) -> None:
    answer = _send(server, "GET /data/projects/NONE HTTP/1.1", AUTHORIZATION.strip())

    assert f"<p>Request {_header(answer, 'filmroom-request')}</p>".encode() in answer


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [("7f3c-22.a:b_C", True), ("x" * 64, True), ("x" * 65, False), ("<b>", False), ("a b", False), ("-", False)],
)
def test_what_a_proxy_calls_a_request_is_taken_over_where_it_is_plain(
    server: Server, given: str, *, is_taken: bool
) -> None:
    answer = _send(server, "GET /healthz HTTP/1.1", f"X-Request-ID: {given}")

    assert (_header(answer, "filmroom-request") == given) is is_taken


def test_nothing_that_signs_anybody_in_is_in_the_log(server: Server) -> None:
    session = _send(server, "GET /data/JSESSION HTTP/1.1", AUTHORIZATION.strip()).rsplit(b"\r\n", 1)[1].decode()
    token = json.loads(
        _send(server, "GET /data/services/tokens/issue HTTP/1.1", AUTHORIZATION.strip()).partition(b"\r\n\r\n")[2]
    )
    form = f"username=admin&password={PASSWORD.replace(' ', '+')}".encode()
    _send(
        server,
        "POST /data/services/auth HTTP/1.1",
        f"Content-Length: {len(form)}",
        "Content-Type: application/x-www-form-urlencoded",
        body=form,
    )
    for line in (
        f"PUT /data/services/auth?username=admin&password={PASSWORD.replace(' ', '%20')} HTTP/1.1",
        f"GET /data/services/tokens/validate/{token['alias']}/{token['secret']} HTTP/1.1",
        f"GET /data/projects?XNAT_CSRF={session}&p%61ssword=hunter2 HTTP/1.1",
        f"DELETE /data/JSESSION/{session} HTTP/1.1",
    ):
        _send(server, line, f"Cookie: JSESSIONID={session}")
    _stopped_log(server)

    log = (server.folder.parent / "server.log").read_text(encoding="utf-8")

    secrets = (session, token["secret"], "hunter2", PASSWORD, PASSWORD.replace(" ", "%20"), AUTHORIZATION.split()[-1])
    assert [secret for secret in secrets if secret in log] == []
    assert token["alias"] in log


def test_no_request_can_write_a_line_of_the_log(server: Server) -> None:
    for nasty in ("%0A{%22event%22:%22forged%22}", "%0d%0a%1b[2J", '"}{"event":"forged"}'):
        _send(server, f"GET /data/projects/{nasty}?x={nasty} HTTP/1.1", f"X-Request-ID: {nasty}", f"Cookie: {nasty}")
    with server.connect() as connection:
        connection.sendall(b"GET /\x1b[2J\n{} HTTP/1.1\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)

    assert "forged" not in {event["event"] for event in _stopped_log(server)}


def test_a_log_that_cannot_be_written_keeps_nobody_from_working(make_server: Callable[..., Server]) -> None:
    """As when it is on a disk that is full."""
    server = make_server(log="/dev/full")
    server.request("PUT", "/data/projects/DEMO")

    assert server.request("PUT", f"{FILES}/a?inbody=true", b"voxels")[0] == 200
    assert server.request("GET", f"{FILES}/a")[1] == b"voxels"
