"""What the tests of durability have an archive do: each deed knows the states it wants, and how it is asked for."""

import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from durability.ground import CACHE, FILES, PROJECT, SUBJECT, Deed, Ground, digest
from durability.ledger import Outcome

_TO_CACHE: Final = "cache/"


def _url(key: str) -> str:
    """Of a file in a resource of the project (``R/a/b``) or in the cache (``cache/a``)."""
    if key.startswith(_TO_CACHE):
        return f"{CACHE}/{key.removeprefix(_TO_CACHE)}"
    resource, path = key.split("/", 1)
    return f"{PROJECT}/resources/{resource}/files/{path}"


def _asking(method: str, target: str, body: bytes = b"") -> Callable[[Ground], Outcome]:
    return lambda ground: ground.change(method, target, body)


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
