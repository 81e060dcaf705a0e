"""A server on an archive of its own, what was asked of it, and how to look at all that it holds."""

import hashlib
import io
import itertools
import json
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, TypeVar

from durability.ledger import Ledger, Outcome, State
from durability.nursery import ForkedServer
from rest.tus import TUS
from server.process import PASSWORD

PROJECT: Final = "/data/projects/DEMO"
FILES: Final = f"{PROJECT}/resources/R/files"
CACHE: Final = "/data/user/cache/resources/C/files"
SUBJECT: Final = "subject"
"""The key of the label of the only subject."""

_PATIENCE_SECONDS: Final = 60.0
_NO_STATUS: Final = 0
_SERVER_ERROR: Final = 500
_CLIENT_ERROR: Final = 400
# The archive says that it is busy, or full, and that nothing was done.
_NOTHING_DONE: Final = frozenset({503, 507})
_DIGEST_LETTERS: Final = 12
_NOTHING: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Answer:
    """One that arrived whole, or without a status, in which case nothing is known."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def outcome(self) -> Outcome:
        is_error = self.status >= _SERVER_ERROR and self.status not in _NOTHING_DONE
        if is_error or self.status == _NO_STATUS:
            return Outcome.UNKNOWN
        is_refused = self.status >= _CLIENT_ERROR or "filmroom-stored" in self.headers
        return Outcome.REFUSED if is_refused else Outcome.ACKNOWLEDGED

    def rows(self) -> list[dict[str, str]]:
        found: dict[str, Any] = json.loads(self.body)
        return list(found["ResultSet"]["Result"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that changes an archive: the states it wants, and how it is asked for."""

    wants: Mapping[str, State]
    ask: Callable[["Ground"], Outcome]
    is_atomic: bool = True


def digest(body: bytes) -> str:
    """As much of it as tells bodies apart and can still be read."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()[:_DIGEST_LETTERS]


class Ground:
    """Call ``open`` first. ``judge`` and ``restart`` only while nothing is under way.

    Where several servers share one archive each request goes to the next of them. ``uploads`` are the addresses of
    resumable uploads by their keys: how far each has come is looked at too.
    """

    def __init__(self, *servers: ForkedServer) -> None:
        self.servers = servers
        self._turns = itertools.cycle(servers)
        self.ledger = Ledger()
        self.uploads: dict[str, str] = {}
        self._authorization = _basic("admin", PASSWORD)

    @property
    def server(self) -> ForkedServer:
        """The first, which may be the only one."""
        return self.servers[0]

    def open(self) -> None:
        """Start on a new archive, with a project and a subject. Tokens cost no hashing of passwords."""
        self.start()
        issued = json.loads(self._get("/data/services/tokens/issue").body)
        self._authorization = _basic(issued["alias"], issued["secret"])
        for target in (PROJECT, f"{PROJECT}/subjects/one"):
            assert self.ask("PUT", target).outcome is Outcome.ACKNOWLEDGED
        self.ledger.settle(self.look())

    def start(self) -> None:
        for server in self.servers:
            server.start()

    def kill(self) -> None:
        """Every process that still runs."""
        for server in self.servers:
            if server.is_running():
                server.kill()

    def ask(self, method: str, target: str, body: bytes = b"", said: Mapping[str, str] = _NOTHING) -> Answer:
        """Raises OSError or HTTPException when the whole answer does not arrive, TimeoutError if the server hangs."""
        connection = HTTPConnection("127.0.0.1", next(self._turns).port, timeout=_PATIENCE_SECONDS)
        try:
            headers = {"Authorization": self._authorization, "Content-Type": "application/octet-stream", **said}
            connection.request(method, target, body, headers)
            reply = connection.getresponse()
            answered = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, answered, reply.read())
        finally:
            connection.close()

    def try_to_ask(self, method: str, target: str, body: bytes = b"", said: Mapping[str, str] = _NOTHING) -> Answer:
        """As ``ask``; an answer without a status where none arrives."""
        try:
            return self.ask(method, target, body, said)
        except TimeoutError:
            raise
        except (OSError, HTTPException):
            return Answer(_NO_STATUS, {}, b"")

    def do(self, deed: Deed) -> Outcome:
        """Do it, and keep in the ledger what became of it."""
        attempt = self.ledger.begin(deed.wants, is_atomic=deed.is_atomic)
        outcome = deed.ask(self)
        self.ledger.end(attempt, outcome)
        return outcome

    def look(self) -> dict[str, State]:
        """All that the archive holds. A file that is not what its row says has a state that nothing can allow."""
        held: dict[str, State] = {SUBJECT: self._get(f"{PROJECT}/subjects?format=json").rows()[0]["label"]}
        sums: dict[str, list[int]] = {}
        rows = self._get(f"{PROJECT}/files?format=json").rows()
        zipped = self._unzip() if rows else {}
        for row in rows:
            key = f"{row['collection']}/{row['URI'].split('/files/', 1)[1]}"
            held[key] = self._read(row, zipped.get(key))
            sums.setdefault(row["collection"], []).append(int(row["Size"]))
        for row in self._get(f"{PROJECT}/resources?format=json").rows():
            sizes = sums.get(row["label"], [])
            counted, told = [str(len(sizes)), str(sum(sizes))], [row["file_count"], row["file_size"]]
            if counted != told and (sizes or told != ["", ""]):
                held[f"{row['label']} counts"] = f"{told}, not {counted}"
        for folder in self._get("/data/user/cache/resources?format=json").rows():
            for row in self._get(f"{folder['URI']}/files/?format=json").rows():
                held[f"cache/{row['Name']}"] = self._read(row)
        return held | {key: self.offset(key) for key in self.uploads}

    def offset(self, key: str) -> State:
        """How far a resumable upload has come; None when it is there no more."""
        return self.ask("HEAD", self.uploads[key], said=TUS).headers.get("upload-offset")

    def _unzip(self) -> dict[str, bytes]:
        """The bytes of every file of the project by their keys; of none where it cannot be told of all."""
        try:
            packed = self._get(f"{PROJECT}/files?format=zip").body
            with zipfile.ZipFile(io.BytesIO(packed)) as members:
                return {_key_of_member(name): members.read(name) for name in members.namelist()}
        except (HTTPException, zipfile.BadZipFile):
            return {}

    def _read(self, row: Mapping[str, str], zipped: bytes | None = None) -> str:
        """What a file is: as it is in a zip of all, if there is one, else as it is served by itself."""
        answer = self.ask("GET", row["URI"]) if zipped is None else Answer(200, {}, zipped)
        found = digest(answer.body)
        told = row.get("digest", found)[:_DIGEST_LETTERS], int(row["Size"]), 200
        got = found, len(answer.body), answer.status
        return found if told == got else f"told to be {told} and served as {got}"

    def _get(self, target: str) -> Answer:
        answer = self.ask("GET", target)
        assert answer.status == 200, f"{target}: {answer.status} {answer.body!r}"
        return answer

    def judge(self) -> list[str]:
        return self.ledger.judge(self.look())

    def restart(self) -> list[str]:
        """Kill what still runs, start again, look: what is wrong; from now on what is held is the truth."""
        self.kill()
        self.start()
        return self.ledger.settle(self.look())


AnyGround = TypeVar("AnyGround", bound=Ground)


@contextmanager
def opened(ground: AnyGround) -> Iterator[AnyGround]:
    """A new archive, whose servers are killed in the end."""
    try:
        ground.open()
        yield ground
    finally:
        ground.kill()


def _key_of_member(name: str) -> str:
    """``DEMO/resources/R/files/a/b`` is ``R/a/b``."""
    return name.split("/resources/", 1)[1].replace("/files/", "/", 1)


def _basic(name: str, secret: str) -> str:
    return f"Basic {b64encode(f'{name}:{secret}'.encode()).decode()}"
