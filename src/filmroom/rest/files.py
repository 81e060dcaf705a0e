"""Files over HTTP: listed, downloaded, deleted (files-api sections 6, 7 and 9)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from itertools import compress
from operator import add
from typing import Any, Final, TypeVar

import orjson

from filmroom.model.errors import BadValue, NotFound
from filmroom.model.names import check_folder_path
from filmroom.model.resources import Selection
from filmroom.model.table import Batches, Columns, Table
from filmroom.rest.bundles import FORMATS, archive_reply
from filmroom.rest.call import Call, Handler
from filmroom.rest.catalog import DAMAGED, as_in_catalogs
from filmroom.rest.formats import requested_type, table_reply, timestamps
from filmroom.rest.reply import Reply
from filmroom.rest.single import named_reply, shown_reply
from filmroom.rest.uris import archive_folder, context_uri, requested_uri
from filmroom.service.archive import Archive
from filmroom.service.files import Listing
from filmroom.service.resources import Found

T = TypeVar("T")

# F-104, and F-105 for JSON: by the word of ``locator=``.
_COLUMNS: Final = (
    "Name",
    "Size",
    "URI",
    "collection",
    "file_tags",
    "file_format",
    "file_content",
    "cat_ID",
    "digest",
)
_JSON_KEYS: Final = {
    "URI": ("file_content", "Size", "file_tags", "cat_ID", "digest", "collection", "URI", "file_format", "Name"),
    # F-111: with another column in place of the URI, the order of XNAT's is another one too.
    "absolutePath": (
        *("file_content", "Size", "file_tags", "cat_ID", "digest"),
        *("absolutePath", "collection", "file_format", "Name"),
    ),
    "projectPath": (
        *("file_content", "Size", "projectPath", "file_tags", "cat_ID"),
        *("digest", "collection", "file_format", "Name"),
    ),
}
_LONGEST_INDEX: Final = 18
_OFFERED: Final = ("application/json", "text/html", "text/xml", "text/csv", "image/jpeg")


def _or_nothing(handler: Callable[[Archive, Call], Reply]) -> Handler:
    """F-98: with ``accept-not-found`` what is not there answers with 204 in place of 404."""

    @wraps(handler)
    def handle(archive: Archive, call: Call) -> Reply:
        try:
            return handler(archive, call)
        except NotFound:
            if call.query.flag("accept-not-found"):
                return Reply(status=204)
            raise

    return handle


@_or_nothing
def get_files(archive: Archive, call: Call) -> Reply:
    """A file when the path names one, a table when it names a folder or nothing, an archive when one is asked for."""
    selection = _read_selection(call)
    media_type = requested_type(call, _OFFERED)
    if media_type in FORMATS:
        return archive_reply(archive, call, selection, media_type)
    if call.query.text("index") is not None:
        return _indexed(archive, call, selection, media_type)
    if call.address.path is None or call.address.path.endswith("/"):
        return _list(archive, call, selection)
    return named_reply(archive, call, media_type)


def _read_selection(call: Call) -> Selection:
    """F-97, F-102: the folder that a path names, and the filters; ``NULL`` stands for saying nothing."""
    path = call.address.path
    is_folder = path is not None and path.endswith("/")
    return Selection(
        prefix=f"{check_folder_path(path or '')}/" if is_folder else None,
        formats=tuple("" if text == "NULL" else text for text in call.query.texts("file_format")),
        contents=tuple("" if text == "NULL" else text for text in call.query.texts("file_content")),
    )


def _indexed(archive: Archive, call: Call, selection: Selection, media_type: str) -> Reply:
    """F-103: the N-th file of what would be listed, from 0. Raises NotFound beyond the last."""
    text = call.query.text("index") or ""
    if not text.isascii() or not text.isdigit():
        raise BadValue("index", text, "it must be a whole number from 0")
    if len(text) > _LONGEST_INDEX:
        raise NotFound(f"file number {text}")
    found = archive.files.open_nth(call.viewer, call.address, selection, int(text), with_inside=call.query.flag("all"))
    return shown_reply(archive, call, found, media_type)


def _list(archive: Archive, call: Call, selection: Selection) -> Reply:
    with_inside, locate = call.query.flag("all"), _finder(archive, call)
    with archive.files.open_listing(
        call.viewer, call.address, selection, with_inside=with_inside, with_keys=locate is not None
    ) as listing:
        folder = selection.prefix if call.query.is_false("recursive") else None
        locator = _locator(call)
        table = Table(
            columns=tuple(locator if name == "URI" else name for name in _COLUMNS),
            rows=Batches(_iter_columns(listing, call, locate=locate, folder=folder)),
            json_keys=_JSON_KEYS[locator],
            properties={"title": "Files"},
            column_properties={"URI": {"serverRoot": call.site.root_path}},
        )
        return table_reply(call, table)


def _locator(call: Call) -> str:
    """F-111: what the column says that says where a file is."""
    word = call.query.text("locator") or "URI"
    return word if word in _JSON_KEYS else "URI"


def _finder(archive: Archive, call: Call) -> Callable[[str], str] | None:
    return archive.files.locate(call.viewer) if _locator(call) == "absolutePath" else None


def _base(found: Found, call: Call, *, is_one: bool) -> str:
    """What stands before the path of a file.

    URIs are raw, as F-109 has them: what clients find here they compare and send back as it is.
    """
    if _locator(call) == "projectPath":
        return f"{archive_folder(found)}/"
    context = requested_uri(found.place, call.address) if is_one else context_uri(found.place)
    return f"{context}/resources/{found.resource.rid}/files/"


def _iter_columns(
    listing: Listing, call: Call, *, locate: Callable[[str], str] | None, folder: str | None
) -> Iterator[Columns]:
    """The columns of the next files (F-107); with ``folder`` only of those that stand directly in it (F-97)."""
    is_one = call.address.resource is not None and len(listing.resources) == 1  # F-95
    bases = {pk: _base(found, call, is_one=is_one) for pk, found in listing.resources.items()}
    labels = {pk: found.resource.label for pk, found in listing.resources.items()}
    rids = {pk: found.resource.rid for pk, found in listing.resources.items()}
    for columns in listing.batches:
        pks, paths, sizes, md5s, formats, contents, tags, damaged, *keys = _directly_in(folder, columns)
        if not paths:
            continue
        yield (
            [path.rpartition("/")[2] for path in paths] if "/" in "".join(paths) else paths,
            sizes,
            list(map(locate, *keys)) if locate else list(map(add, _each(bases, pks), paths)),
            _each(labels, pks),
            _all_tags(tags, damaged),
            formats,
            contents,
            _each(rids, pks),
            md5s,
        )


def _directly_in(folder: str | None, columns: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    if not folder:
        return columns
    is_in = ["/" not in path[len(folder) :] for path in columns[1]]
    return [tuple(compress(column, is_in)) for column in columns]


def _each(values: Mapping[int, T], pks: Sequence[int]) -> list[T]:
    """For each resource its value; they are in order, so that there is only one if the first is the last."""
    return [values[pks[0]]] * len(pks) if pks[0] == pks[-1] else [values[pk] for pk in pks]


def _all_tags(tags: Sequence[str], damaged: Sequence[int | None]) -> list[str]:
    if tags.count(_UNTAGGED) == damaged.count(None) == len(tags):
        return [""] * len(tags)
    return list(map(_show_tags, tags, damaged))


_UNTAGGED: Final = "[]"


def _show_tags(tags: str, damaged: int | None) -> str:
    """F-107: the tags of a file; before them, if its bytes are not what was stored, since when that is known."""
    shown = [] if damaged is None else [f"{DAMAGED}={as_in_catalogs(timestamps([damaged])[0])}"]
    return ",".join(filter(None, [*shown, *orjson.loads(tags)]))


@_or_nothing
def delete_files(archive: Archive, call: Call) -> Reply:
    """F-161 to F-164."""
    call.query.flag("removeFiles")
    archive.files.delete(call.viewer, call.address, spellings=call.spellings)
    return Reply()
