"""Each user's cache over HTTP (files-api section 12, F-261 to F-272): as it is meant, not as upstream's slip has it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from filmroom.model.conflicts import NotForGuests
from filmroom.model.errors import BadValue, NotFound, NotSignedIn
from filmroom.model.names import check_folder_path
from filmroom.model.resources import IfExists, Selection
from filmroom.model.table import Row, Table, counted
from filmroom.rest.bundles import FORMATS, bundle_reply
from filmroom.rest.call import Call, Intake
from filmroom.rest.download import file_reply
from filmroom.rest.formats import requested_type, table_reply
from filmroom.rest.reply import Reply
from filmroom.rest.uploads import check_names_no_folder, is_multipart, take_upload
from filmroom.rest.uris import cache_uri
from filmroom.service.archive import Archive
from filmroom.service.uploads import UploadOptions

# XML where the request does not say, HTML for a browser.
_OFFERED: Final = ("text/xml", "text/html", "application/json", "text/csv")
# F-264, and for JSON.
_FILE_COLUMNS: Final = ("Name", "Size", "URI")
_FILE_JSON_KEYS: Final = ("Size", "URI", "Name")
_MOST_PATHS: Final = 200


def refuse_guest(method: str) -> None:
    """decisions.md, People: PUT as XNAT's page has it, all else as where nobody is signed in."""
    raise NotForGuests("a guest has no cache: sign in to have one") if method == "PUT" else NotSignedIn


def list_folders(archive: Archive, call: Call) -> Reply:
    """F-263."""
    base = cache_uri(call)
    labels = [folder.label or "" for folder in archive.cache.list_folders(call.viewer, call.address)]
    rows = [(label, f"{base}/{label}") for label in labels]
    return table_reply(call, counted(_table(call, ("Resource", "URI"), rows)), offered=_OFFERED)


def _table(call: Call, columns: tuple[str, ...], rows: Sequence[Row]) -> Table:
    return Table(columns=columns, rows=rows, column_properties={"URI": {"serverRoot": call.site.root_path}})


def refuse_list(_archive: Archive, _call: Call) -> Reply:
    """F-268, F-270."""
    raise BadValue("address", "resources", "name a folder: /user/cache/resources/FOLDER")


def make_folder(archive: Archive, call: Call) -> Reply:
    """F-266."""
    archive.cache.make_folder(call.viewer, call.address)
    return Reply()


def make_folder_among_uploads(archive: Archive, call: Call) -> Reply:
    """F-266 for a sub-folder whose name is the word by which resumable uploads are found."""
    path = "/".join(("uploads", *call.found.get("upload", "").split("/"))).rstrip("/")
    archive.cache.make_folder(call.viewer, replace(call.address, path=path))
    return Reply()


def delete_folder(archive: Archive, call: Call) -> Reply:
    """F-270."""
    archive.cache.delete_folder(call.viewer, call.address)
    return Reply()


def get_files(archive: Archive, call: Call) -> Reply:
    """F-264, F-265: a file where the path names one, else the files of the folder; or either as an archive."""
    media_type = requested_type(call, _OFFERED)
    path = call.address.path
    if media_type in FORMATS:
        selection = Selection(paths=_paths(archive, call)) if path else Selection()
        name = call.address.resource or ""
        return bundle_reply(
            archive, call, selection, media_type, name=name, names=lambda found, _holds: dict.fromkeys(found, str)
        )
    if path is None or path.endswith("/"):
        return _list(archive, call)
    return file_reply(call, archive.files.open_file(call.viewer, call.address, spellings=call.spellings))


def _list(archive: Archive, call: Call) -> Reply:
    path = call.address.path
    selection = Selection(prefix=f"{check_folder_path(path)}/") if path else Selection()
    base = f"{cache_uri(call)}/{call.address.resource}/files/"
    with archive.files.open_listing(call.viewer, call.address, selection) as listing:
        if not listing.resources:
            raise NotFound(f"folder {call.address.resource!r}")
        rows = [
            (path, size_bytes, base + path)
            for _, paths, sizes, *_ in listing.batches
            for path, size_bytes in zip(paths, sizes, strict=True)
        ]
    table = replace(_table(call, _FILE_COLUMNS, rows), json_keys=_FILE_JSON_KEYS)
    return table_reply(call, counted(table), offered=_OFFERED)


def _paths(archive: Archive, call: Call) -> tuple[str, ...]:
    """What a path names: a file or folder, or else several with commas between them (F-265, F-270)."""
    path = (call.address.path or "").rstrip("/")
    if "," not in path or archive.cache.has(call.viewer, call.address, path):
        return (check_folder_path(path),)
    paths = tuple(dict.fromkeys(item.strip() for item in path.split(",") if item.strip()))
    if len(paths) > _MOST_PATHS:
        raise BadValue("file path", path, f"at most {_MOST_PATHS} can be named at once")
    return tuple(check_folder_path(item) for item in paths)


def put_files(archive: Archive, call: Call) -> Intake:
    """F-267: what is there is always replaced."""
    check_names_no_folder(call)
    return take_upload(archive, call, UploadOptions(if_exists=IfExists.REPLACE))


def post_files(archive: Archive, call: Call) -> Intake:
    """F-268: a form whose files keep their names, into the folder or (``files/sub/``) a folder in it."""
    if not is_multipart(call):
        raise BadValue("body", "", "send a form (multipart/form-data), or use PUT and name the file in the address")
    if call.address.path is not None and not call.address.path.endswith("/"):
        rule = "use PUT to name the file; a folder to upload into ends with a slash"
        raise BadValue("file path", call.address.path, rule)
    return take_upload(archive, call, UploadOptions(if_exists=IfExists.REPLACE), status=201)


def delete_files(archive: Archive, call: Call) -> Reply:
    """F-270."""
    if not call.address.path:
        raise BadValue("path", "", "name the files to delete; the folder itself goes with DELETE of its own address")
    archive.cache.delete_files(call.viewer, call.address, _paths(archive, call))
    return Reply()
