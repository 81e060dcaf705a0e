"""Services over HTTP: files moved out of a user's cache, catalogs refreshed (F-273 to F-276), headers shown (C-174)."""

from typing import Final

from filmroom.model.address import Address
from filmroom.model.errors import BadValue, NotFound
from filmroom.model.nodes import Kind
from filmroom.model.resources import IfExists
from filmroom.model.table import Table, counted
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_form
from filmroom.rest.formats import table_reply
from filmroom.rest.params import read_description
from filmroom.rest.reply import Reply
from filmroom.rest.uploads import fates_reply
from filmroom.rest.uris import read_uri
from filmroom.service.archive import Archive
from filmroom.service.refresh import Work
from filmroom.service.uploads import Fate, UploadOptions

# F-273, F-274. What ``append`` and ``delete`` would mend cannot happen here, so they ask for nothing.
_MOST_REFRESHED: Final = 100
_DUMPED: Final = ("tag1", "tag2", "vr", "value", "desc")
_OPTIONS: Final = ("append", "checksum", "delete", "populateStats")


@takes_form
def move_files(archive: Archive, call: Call) -> Reply:
    """F-276: each file or folder of the cache whole, or not at all. ``extract`` is asked for by its own name.

    None is moved unless all are there and may go where they are to go.
    """
    if_exists = IfExists.REPLACE if call.query.flag("overwrite") else IfExists.REFUSE
    options = UploadOptions(if_exists=if_exists, said=read_description(call.query, split_tags=False))
    is_unpacked = call.query.flag("extract")
    moves = [_read_move(archive, call, *pair) for pair in _read_pairs(call)]
    for source, target in moves:
        archive.cache.check_move(call.viewer, source, target, options)
    paths: list[str] = []
    fates: list[Fate] = []
    for source, target in moves:
        moved = archive.cache.move(call.viewer, source, target, options=options, is_unpacked=is_unpacked)
        paths += moved.paths
        fates += moved.fates
    return fates_reply(paths, fates)


def _read_pairs(call: Call) -> list[tuple[str, str]]:
    """``src=`` and ``dest=``, or pairs of a path in the cache and one in the archive."""
    if pairs := list(call.query.addresses()):
        return pairs
    source, target = call.query.text("src"), call.query.text("dest")
    if source is None or target is None:
        raise BadValue("src and dest", "", "say what to move, and where to")
    return [(source, target)]


def _read_move(archive: Archive, call: Call, source: str, target: str) -> tuple[Address, Address]:
    """Both as they are written, if there is such a file; else as URLs."""
    raw = _read_source(source, is_raw=True)
    is_raw = raw.path is None or archive.cache.has(call.viewer, raw, raw.path.rstrip("/"))
    return raw if is_raw else _read_source(source, is_raw=False), _read_target(target, is_raw=is_raw)


def _read_source(text: str, *, is_raw: bool) -> Address:
    address = read_uri(text, what="src", is_raw=is_raw)
    if address.kind is not Kind.USER or address.resource is None:
        raise BadValue("src", text, "it must be in your cache: /user/cache/resources/FOLDER/files/PATH")
    return address


def _read_target(text: str, *, is_raw: bool) -> Address:
    address = read_uri(text, what="dest", is_raw=is_raw)
    if address.kind is Kind.USER or address.resource is None:
        raise BadValue("dest", text, "it must be a resource of the archive: /archive/.../resources/LABEL/files/PATH")
    return address


@takes_form
def refresh_catalogs(archive: Archive, call: Call) -> Reply:
    """F-273 to F-275; how many files are damaged, if any are, is in a header."""
    work = _read_work(call)
    texts = tuple(dict.fromkeys(call.query.texts("resource")))
    if not 1 <= len(texts) <= _MOST_REFRESHED:
        raise BadValue("resource", "", f"say what to refresh, resource=/archive/..., at most {_MOST_REFRESHED} times")
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


def dump_header(archive: Archive, call: Call) -> Reply:
    """C-174: the elements of the first DICOM file of a scan, or of what else ``src`` names."""
    source = call.query.text("src")
    if source is None:
        raise BadValue("src", "", "say what to read: /archive/projects/P/experiments/E/scans/N")
    address = read_uri(source, what="src")
    if address.kind in {Kind.SITE, Kind.USER}:
        raise BadValue("src", source, "it must be something of the archive")
    rows = archive.headers.dump(call.viewer, address, call.query.texts("field"))
    return table_reply(call, counted(Table(columns=_DUMPED, rows=rows)))
