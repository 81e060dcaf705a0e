"""Two server processes over one database: what one is told the other knows, of people, sessions and tokens."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pytest
from httpx2 import Response, request

from cli.commands import run
from server.process import PASSWORD, Server

PRIVATE: Final = "/data/projects/DEMO"
ADMIN: Final = ("admin", PASSWORD)
BOB: Final = ("bob", PASSWORD)
NEW: Final = "another horse"


def _ask(server: Server, path: str, *, method: str = "GET", **said: Any) -> Response:
    """On a connection of its own."""
    return request(method, f"http://127.0.0.1:{server.port}{path}", timeout=60, **said)


def _statuses(servers: tuple[Server, ...], **said: Any) -> list[int]:
    """What each server answers to whoever asks for a private project."""
    return [_ask(server, PRIVATE, **said).status_code for server in servers]


def _open_session(server: Server, pair: tuple[str, str]) -> dict[str, str]:
    """The head by which a session that was opened there is used."""
    return {"Cookie": f"JSESSIONID={_ask(server, '/data/JSESSION', auth=pair).text}"}


@dataclass(frozen=True, slots=True)
class Two:
    """Servers over one database and one folder, a private project, its administrator, and Bob, who may not see it."""

    first: Server
    second: Server
    database_url: str

    @property
    def both(self) -> tuple[Server, Server]:
        return self.first, self.second

    def put_bob(self, method: str = "PUT") -> None:
        """Bob becomes a member at the first server, or (DELETE) is one no more."""
        assert _ask(self.first, f"{PRIVATE}/users/member/bob", method=method, auth=ADMIN).status_code == 200

    def type(self, *words: str) -> str:
        """A command of the operator's."""
        result = run("user", *words, "--data", str(self.first.folder), "--database", self.database_url)
        assert result.exit_code == 0
        return result.output


@pytest.fixture
def two(make_server: Callable[..., Server], empty_database_url: str) -> Two:
    flags = ("--database", empty_database_url)
    two = Two(make_server(*flags), make_server(*flags), empty_database_url)
    assert two.first.port != two.second.port
    bob = {"username": "bob", "password": PASSWORD}
    made = [
        _ask(two.first, "/xapi/users", method="POST", json=bob, auth=ADMIN),
        _ask(two.first, f"{PRIVATE}?accessibility=private", method="PUT", auth=ADMIN),
    ]
    assert [reply.status_code for reply in made] == [201, 200]
    return two


def test_a_session_begun_at_one_server_works_and_ends_at_the_other(two: Two) -> None:
    cookie = _open_session(two.first, ADMIN)
    before = _statuses(two.both, headers=cookie)

    ended = _ask(two.second, "/data/JSESSION", method="DELETE", headers=cookie)

    assert (before, ended.status_code) == ([200, 200], 200)
    assert _statuses(two.both, headers=cookie) == [401, 401]


@pytest.mark.parametrize(
    "change",
    [
        lambda two: _ask(two.first, "/xapi/users/bob", method="PUT", json={"password": NEW}, auth=ADMIN),
        lambda two: two.type("password", "bob", "--password", NEW),
    ],
    ids=["at a server", "at the command line"],
)
def test_a_new_password_ends_what_the_other_server_holds_of_the_old_one(
    two: Two, change: Callable[[Two], object]
) -> None:
    two.put_bob()
    cookie = _open_session(two.second, BOB)
    before = [*_statuses(two.both, headers=cookie), *_statuses(two.both, auth=BOB)]

    change(two)

    assert before == [200, 200, 200, 200]
    assert _statuses(two.both, headers=cookie) == [401, 401]
    assert _statuses(two.both, auth=BOB) == [401, 401]
    assert _statuses(two.both, auth=("bob", NEW)) == [200, 200]


def test_a_token_issued_at_one_server_works_and_ends_at_the_other(two: Two) -> None:
    token = _ask(two.first, "/data/services/tokens/issue", auth=ADMIN).json()
    pair = (token["alias"], token["secret"])
    before = _statuses(two.both, auth=pair)

    _ask(two.second, f"/data/services/tokens/invalidate/{token['alias']}", auth=ADMIN)

    assert before == [200, 200]
    assert _statuses(two.both, auth=pair) == [401, 401]


def test_a_token_for_a_single_use_is_used_once_at_both_together(two: Two) -> None:
    token = _ask(two.first, "/data/services/tokens/issue?singleUse=true", auth=ADMIN).json()

    statuses = _statuses((two.second, two.first, two.second), auth=(token["alias"], token["secret"]))

    assert statuses == [200, 401, 401]


def test_who_is_put_into_a_group_at_one_server_reads_at_the_other_until_taken_out(two: Two) -> None:
    cookie = _open_session(two.second, BOB)
    statuses = [_statuses(two.both, headers=cookie)]

    for method in ("PUT", "DELETE"):
        two.put_bob(method)
        statuses.append(_statuses(two.both, headers=cookie))

    assert statuses == [[404, 404], [200, 200], [404, 404]]


def test_an_account_disabled_at_one_server_is_let_in_at_neither(two: Two) -> None:
    two.put_bob()
    cookie = _open_session(two.second, BOB)

    disabled = _ask(two.first, "/xapi/users/bob/enabled/false", method="PUT", auth=ADMIN)

    assert disabled.status_code == 200
    assert [*_statuses(two.both, headers=cookie), *_statuses(two.both, auth=BOB)] == [401, 401, 401, 401]


def test_failures_at_both_servers_count_together_and_lock_out_at_both(two: Two) -> None:
    """C-32: twenty; none of the servers saw more than ten."""
    two.put_bob()
    failures = [status for number in range(10) for status in _statuses(two.both, auth=("bob", f"wrong {number}"))]

    locked = _statuses(two.both, auth=BOB)
    told = two.type("list")
    two.type("unlock", "bob")

    assert (set(failures), locked) == ({401}, [401, 401])
    assert [line.split("\t")[0] for line in told.splitlines() if line.endswith("locked")] == ["bob"]
    assert _statuses(two.both, auth=BOB) == [200, 200]


def test_a_session_works_whichever_process_of_a_server_is_asked(make_server: Callable[..., Server]) -> None:
    server = make_server("--workers", "2")
    server.request("PUT", PRIVATE)
    cookie = _open_session(server, ADMIN)

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: _ask(server, PRIVATE, headers=cookie).status_code, range(20)))

    assert statuses == [200] * 20
