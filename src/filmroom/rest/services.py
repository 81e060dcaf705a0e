"""Services over HTTP: files moved out of a user's cache, catalogs refreshed (F-273 to F-276)."""

from collections.abc import Iterator
from typing import Final

from filmroom.model.address import Address
from filmroom.model.errors import BadValue, NotFound
from filmroom.model.nodes import Kind
from filmroom.model.resources import IfExists
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_form
from filmroom.rest.params import read_description
from filmroom.rest.reply import Reply
from filmroom.rest.uploads import fates_reply
from filmroom.rest.uris import read_uri
from filmroom.service.archive import Archive
from filmroom.service.refresh import Work
from filmroom.service.uploads import Fate, UploadOptions

# F-273, F-274. What ``append`` and ``delete`` would mend cannot happen here, so they ask for nothing.
_OPTIONS: Final = ("append", "checksum", "delete", "populateStats")


@takes_form
def move_files(archive: Archive, call: Call) -> Reply:
    """F-276: each file or folder of the cache whole, or not at all. ``extract`` is asked for by its own name."""
    if_exists = IfExists.REPLACE if call.query.flag("overwrite") else IfExists.REFUSE
    options = UploadOptions(if_exists=if_exists, said=read_description(call.query, split_tags=False))
    is_unpacked = call.query.flag("extract")
    paths: list[str] = []
    fates: list[Fate] = []
    for source, target in list(_read_moves(call)):
        moved = archive.cache.move(call.viewer, source, target, options=options, is_unpacked=is_unpacked)
        paths += moved.paths
        fates += moved.fates
    return fates_reply(paths, fates)


def _read_moves(call: Call) -> Iterator[tuple[Address, Address]]:
    """``src=`` and ``dest=``, or pairs of a path in the cache and one in the archive."""
    pairs = list(call.query.addresses())
    if not pairs:
        source, target = call.query.text("src"), call.query.text("dest")
        if source is None or target is None:
            raise BadValue("src and dest", "", "say what to move, and where to")
        pairs = [(source, target)]
    for source, target in pairs:
        yield _read_source(source), _read_target(target)


def _read_source(text: str) -> Address:
    address = read_uri(text, what="src")
    if address.kind is not Kind.USER or address.resource is None:
        raise BadValue("src", text, "it must be in your cache: /user/cache/resources/FOLDER/files/PATH")
    return address


def _read_target(text: str) -> Address:
    address = read_uri(text, what="dest")
    if address.kind is Kind.USER or address.resource is None:
        raise BadValue("dest", text, "it must be a resource of the archive: /archive/.../resources/LABEL/files/PATH")
    return address


@takes_form
def refresh_catalogs(archive: Archive, call: Call) -> Reply:
    """F-273 to F-275; how many files are damaged, if any are, is in a header."""
    work = _read_work(call)
    texts = call.query.texts("resource")
    if not texts:
        raise BadValue("resource", "", "say what to refresh: resource=/archive/...")
    addresses = [_read_refreshed(text) for text in texts]
    files = damaged = 0
    for text, address in zip(texts, addresses, strict=True):
        try:
            report = archive.refresh.run(call.viewer, address, work)
        except NotFound as error:
            raise BadValue("resource", text, str(error)) from error
        files, damaged = files + report.files, damaged + report.damaged
    return Reply(headers=[("Filmroom-Damaged", f"{damaged} of {files} files")] if damaged else [])


def _read_refreshed(text: str) -> Address:
    address = read_uri(text, what="resource")
    if address.kind is Kind.USER or address.path is not None:
        raise BadValue("resource", text, "it must be a thing of the archive or one of its resources, not a file")
    return address


def _read_work(call: Call) -> Work:
    """A list of words, or each word as a flag of its own; nothing said means all."""
    said = {word.strip() for text in call.query.texts("options") for word in text.split(",") if word.strip()}
    if unknown := said - set(_OPTIONS):
        raise BadValue("options", min(unknown), f"there are {', '.join(_OPTIONS)}")
    said |= {word for word in _OPTIONS if call.query.flag(word)}
    return Work(counts=not said or "populateStats" in said, reads_bytes=not said or "checksum" in said)
