"""Two server processes over one database: what one is told the other knows, of people, sessions and tokens."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from httpx2 import Response, request

from cli.commands import run
from postgresql import PostgreSQL
from server.process import PASSWORD, Server

ADMIN: Final = ("admin", PASSWORD)
NEW: Final = "another horse"
DEMO: Final = "/data/projects/DEMO"


def _ask(server: Server, path: str, *, method: str = "GET", **said: Any) -> Response:
    """On a connection of its own."""
    return request(method, f"http://127.0.0.1:{server.port}{path}", timeout=60, **said)


def _open_session(server: Server, pair: tuple[str, str]) -> dict[str, str]:
    """The head by which a session that was opened there is used."""
    return {"Cookie": f"JSESSIONID={_ask(server, '/data/JSESSION', auth=pair).text}"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Servers over one database and one folder; each test has a private project of its own, and a Bob of its own."""

    first: Server
    second: Server
    database_url: str


@dataclass(frozen=True, slots=True)
class Two:
    """A pair of servers, the path of a private project, and the login of somebody who may not see it."""

    pair: Pair
    project: str
    login: str

    @property
    def first(self) -> Server:
        return self.pair.first

    @property
    def second(self) -> Server:
        return self.pair.second

    @property
    def bob(self) -> tuple[str, str]:
        return self.login, PASSWORD

    def ask(self, *servers: Server, **said: Any) -> list[int]:
        """What each server (both, when none is named) answers to whoever asks for the project."""
        return [_ask(server, self.project, **said).status_code for server in servers or (self.first, self.second)]

    def put_bob(self, method: str = "PUT") -> None:
        """Bob becomes a member at the first server, or (DELETE) is one no more."""
        member = f"{self.project}/users/member/{self.login}"
        assert _ask(self.first, member, method=method, auth=ADMIN).status_code == 200

    def set(self, what: str, **said: Any) -> int:
        """Change Bob's account at the first server; the status of its answer."""
        return _ask(self.first, f"/xapi/users/{self.login}{what}", method="PUT", auth=ADMIN, **said).status_code

    def type(self, *words: str) -> str:
        """A command of the operator's."""
        result = run("user", *words, "--data", str(self.first.folder), "--database", self.pair.database_url)
        assert result.exit_code == 0
        return result.output


@pytest.fixture(scope="module")
def open_pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Pair]]:
    """The servers over a database of one kind, started for the first test that wants them."""
    pairs: dict[str, Pair] = {}
    with ExitStack() as stack:

        def start(folder: Path, url: str) -> Server:
            server = Server(folder / "data", "--database", url)
            stack.callback(server.stop)
            server.start()
            return server

        def open_one(engine: str) -> Pair:
            if engine not in pairs:
                folder = tmp_path_factory.mktemp("two")
                if engine == "sqlite":
                    url = f"sqlite:///{folder / 'empty.db'}"
                else:
                    cluster: PostgreSQL = request.getfixturevalue("postgresql")
                    name = cluster.create()
                    stack.callback(cluster.drop, name)
                    url = cluster.url(name)
                pairs[engine] = Pair(start(folder, url), start(folder, url), url)
            return pairs[engine]

        yield open_one


NUMBERS: Final = count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def two(request: pytest.FixtureRequest, open_pair: Callable[[str], Pair]) -> Two:
    number = next(NUMBERS)
    two = Two(open_pair(request.param), f"/data/projects/P{number}", f"bob{number}")
    assert two.first.port != two.second.port
    bob = {"username": two.login, "password": PASSWORD}
    made = [
        _ask(two.first, "/xapi/users", method="POST", json=bob, auth=ADMIN),
        _ask(two.first, f"{two.project}?accessibility=private", method="PUT", auth=ADMIN),
    ]
    assert [reply.status_code for reply in made] == [201, 200]
    return two


def test_a_session_begun_at_one_server_works_and_ends_at_the_other(two: Two) -> None:
    cookie = _open_session(two.first, ADMIN)
    before = two.ask(headers=cookie)

    ended = _ask(two.second, "/data/JSESSION", method="DELETE", headers=cookie)

    assert (before, ended.status_code) == ([200, 200], 200)
    assert two.ask(headers=cookie) == [401, 401]


@pytest.mark.parametrize(
    "change",
    [
        lambda two: two.set("", json={"password": NEW}),
        lambda two: two.type("password", two.login, "--password", NEW),
    ],
    ids=["at a server", "at the command line"],
)
def test_a_new_password_ends_what_the_other_server_holds_of_the_old_one(
    two: Two, change: Callable[[Two], object]
) -> None:
    two.put_bob()
    cookie = _open_session(two.second, two.bob)
    before = [*two.ask(headers=cookie), *two.ask(auth=two.bob)]

    change(two)

    assert before == [200, 200, 200, 200]
    assert two.ask(headers=cookie) == [401, 401]
    assert two.ask(auth=two.bob) == [401, 401]
    assert two.ask(auth=(two.login, NEW)) == [200, 200]


def test_a_token_issued_at_one_server_works_and_ends_at_the_other(two: Two) -> None:
    token = _ask(two.first, "/data/services/tokens/issue", auth=ADMIN).json()
    pair = (token["alias"], token["secret"])
    before = two.ask(auth=pair)

    _ask(two.second, f"/data/services/tokens/invalidate/{token['alias']}", auth=ADMIN)

    assert before == [200, 200]
    assert two.ask(auth=pair) == [401, 401]


def test_a_token_for_a_single_use_is_used_once_at_both_together(two: Two) -> None:
    token = _ask(two.first, "/data/services/tokens/issue?singleUse=true", auth=ADMIN).json()

    statuses = two.ask(two.second, two.first, two.second, auth=(token["alias"], token["secret"]))

    assert statuses == [200, 401, 401]


def test_who_is_put_into_a_group_at_one_server_reads_at_the_other_until_taken_out(two: Two) -> None:
    cookie = _open_session(two.second, two.bob)
    statuses = [two.ask(headers=cookie)]

    for method in ("PUT", "DELETE"):
        two.put_bob(method)
        statuses.append(two.ask(headers=cookie))

    assert statuses == [[404, 404], [200, 200], [404, 404]]


def test_an_account_disabled_at_one_server_is_let_in_at_neither(two: Two) -> None:
    two.put_bob()
    cookie = _open_session(two.second, two.bob)

    disabled = two.set("/enabled/false")

    assert disabled == 200
    assert [*two.ask(headers=cookie), *two.ask(auth=two.bob)] == [401, 401, 401, 401]


def test_failures_at_both_servers_count_together_and_lock_out_at_both(two: Two) -> None:
    """C-32: twenty; none of the servers saw more than ten."""
    two.put_bob()
    failures = [status for number in range(10) for status in two.ask(auth=(two.login, f"wrong {number}"))]

    locked = two.ask(auth=two.bob)
    told = two.type("list")
    two.type("unlock", two.login)

    assert (set(failures), locked) == ({401}, [401, 401])
    assert [line.split("\t")[0] for line in told.splitlines() if line.endswith("locked")] == [two.login]
    assert two.ask(auth=two.bob) == [200, 200]


def test_a_session_works_whichever_process_of_a_server_is_asked(make_server: Callable[..., Server]) -> None:
    server = make_server("--workers", "2")
    server.request("PUT", DEMO)
    cookie = _open_session(server, ADMIN)

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: _ask(server, DEMO, headers=cookie).status_code, range(20)))

    assert statuses == [200] * 20
