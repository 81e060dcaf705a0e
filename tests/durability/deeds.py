"""What the tests of durability have an archive do: each deed knows the states it wants, and how it is asked for."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from durability.ground import CACHE, FILES, PROJECT, SUBJECT, Deed, Ground, digest
from durability.ledger import Outcome, State
from rest.tus import STRETCH, named

_TO_CACHE: Final = "cache/"


def _url(key: str) -> str:
    """Of a file in a resource of the project (``R/a/b``) or in the cache (``cache/a``)."""
    if key.startswith(_TO_CACHE):
        return f"{CACHE}/{key.removeprefix(_TO_CACHE)}"
    resource, path = key.split("/", 1)
    return f"{PROJECT}/resources/{resource}/files/{path}"


def _asking(method: str, target: str, body: bytes = b"") -> Callable[[Ground], Outcome]:
    return lambda ground: ground.try_to_ask(method, target, body).outcome


def put(key: str, body: bytes, *, overwrite: bool = True) -> Deed:
    target = f"{_url(key)}?inbody=true{'&overwrite=true' if overwrite else ''}"
    return Deed(wants={key: digest(body)}, ask=_asking("PUT", target, body))


def delete(key: str) -> Deed:
    return Deed(wants={key: None}, ask=_asking("DELETE", _url(key)))


def delete_all(resource: str, *names: str) -> Deed:
    """Every file of a resource, which must be those that are named."""
    target = f"{PROJECT}/resources/{resource}/files/*"
    return Deed(wants={f"{resource}/{name}": None for name in names}, ask=_asking("DELETE", target))


def delete_resource(resource: str, *names: str) -> Deed:
    """A resource with all its files, which must be those that are named."""
    target = f"{PROJECT}/resources/{resource}"
    return Deed(wants={f"{resource}/{name}": None for name in names}, ask=_asking("DELETE", target))


def undelete(resource: str, wants: Mapping[str, State], *, path: str = "") -> Deed:
    """What was deleted last under the name of a resource, or under that of a file in it."""
    target = f"{PROJECT}/resources/{resource}/undelete{f'/{path}' if path else ''}"
    return Deed(wants=wants, ask=_asking("POST", target))


def extract(archive_name: str, members: Mapping[str, bytes]) -> Deed:
    """An archive, whose name says what kind, taken apart into resource R."""
    pack = _zip if archive_name.endswith(".zip") else _tar_gz
    target = f"{FILES}/{archive_name}?inbody=true&extract=true&overwrite=true"
    wants = {f"R/{name}": digest(body) for name, body in members.items()}
    return Deed(wants=wants, ask=_asking("PUT", target, pack(members)))


def _zip(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return packed.getvalue()


def _tar_gz(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return packed.getvalue()


def relabel(label: str) -> Deed:
    """Rename the subject."""
    return Deed(wants={SUBJECT: label}, ask=_asking("PUT", f"{PROJECT}/subjects/XNAT_S00001?label={label}"))


def move(name: str, to: str, body: bytes) -> Deed:
    """A file of the cache, whose bytes are told, into the archive."""
    target = f"/archive{_url(to).removeprefix('/data')}"
    query = f"src=/user/cache/resources/C/files/{name}&dest={target}&overwrite=true"
    wants = {f"{_TO_CACHE}{name}": None, to: digest(body)}
    return Deed(wants=wants, ask=_asking("POST", f"/data/services/move-files?{query}"))


def make_members(chance: Random, folder: str, *, many: int) -> dict[str, bytes]:
    return {f"{folder}/{number}": chance.randbytes(chance.randrange(1, 9000)) for number in range(many)}


@dataclass(frozen=True, slots=True)
class Resumable:
    """A file that is sent in stretches. Its upload has a key of its own, under which stands how far it has come."""

    key: str
    body: bytes

    @property
    def upload(self) -> str:
        return f"upload of {self.key}"

    def begin(self) -> Deed:
        resource, path = self.key.split("/", 1)
        target = f"{PROJECT}/resources/{resource}/uploads?overwrite=true"
        said = named(path, len(self.body))

        def ask(ground: Ground) -> Outcome:
            answer = ground.try_to_ask("POST", target, said=said)
            if answer.outcome is Outcome.ACKNOWLEDGED:
                ground.uploads[self.upload] = answer.headers["location"]
            return answer.outcome

        return Deed(wants={self.upload: "0"}, ask=ask)

    def send(self, begin: int, end: int) -> Deed:
        """One stretch; the file is there with the last, and not before."""
        return Deed(wants=self._wants(end), ask=lambda ground: self._send(ground, begin, end))

    def complete(self) -> Deed:
        """Ask how far it has come, and send what is left, if anything is."""

        def ask(ground: Ground) -> Outcome:
            come = int(ground.offset(self.upload) or 0)
            return Outcome.ACKNOWLEDGED if come == len(self.body) else self._send(ground, come, len(self.body))

        return Deed(wants=self._wants(len(self.body)), ask=ask)

    def _wants(self, end: int) -> dict[str, State]:
        file = {self.key: digest(self.body)} if end == len(self.body) else {}
        return {self.upload: str(end), **file}

    def _send(self, ground: Ground, begin: int, end: int) -> Outcome:
        said = {**STRETCH, "Upload-Offset": str(begin)}
        return ground.try_to_ask("PATCH", ground.uploads[self.upload], self.body[begin:end], said).outcome
