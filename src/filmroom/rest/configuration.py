"""What tools are told, over HTTP (C-173)."""

from typing import Final

from filmroom.model.errors import BadValue, NotFound
from filmroom.model.table import Table, counted
from filmroom.rest.call import Call, Intake
from filmroom.rest.formats import table_reply, timestamp
from filmroom.rest.intakes import DocumentIntake
from filmroom.rest.params import read_whole
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive
from filmroom.service.configuration import Entry

_COLUMNS: Final = (
    "tool",
    "path",
    "project",
    "user",
    "create_date",
    "reason",
    "contents",
    "unversioned",
    "version",
    "status",
)
_LONGEST_BYTES: Final = 1024 * 1024
_STATUS: Final = {"enabled": True, "disabled": False}


def list_tools(archive: Archive, call: Call) -> Reply:
    tools = archive.configuration.list_tools(call.viewer, call.address)
    return table_reply(call, counted(Table(columns=("tool",), rows=[(tool,) for tool in tools])))


def get_configuration(archive: Archive, call: Call) -> Reply:
    """What a tool is told at a path, or, with only a tool in the address, at all of them.

    ``contents=true`` is the text itself. Nothing there is 404, or 204 with ``accept-not-found``.
    """
    is_accepted = call.query.flag("accept-not-found")
    is_raw = call.query.flag("contents")
    try:
        found = _find(archive, call, is_raw=is_raw)
    except NotFound:
        if is_accepted:
            return Reply(status=204)
        raise
    if is_raw:
        return Reply(body=found[0].contents.encode())
    return table_reply(call, counted(Table(columns=_COLUMNS, rows=[_row(entry) for entry in found])))


def _find(archive: Archive, call: Call, *, is_raw: bool) -> tuple[Entry, ...]:
    """Raises NotFound."""
    tool, path = _names(call)
    text = call.query.text("version")
    version = None if text is None else read_whole(text, "version")
    if path or is_raw or version is not None:
        return (archive.configuration.get(call.viewer, call.address, tool, path, version=version),)
    if found := archive.configuration.list_of(call.viewer, call.address, tool):
        return found
    raise NotFound(f"configuration of {tool!r}")


def _row(entry: Entry) -> tuple[str | int, ...]:
    return (
        entry.tool,
        entry.path,
        entry.project_id or "",
        entry.login,
        timestamp(entry.created_at),
        entry.reason,
        entry.contents,
        "false",
        entry.version,
        next(word for word, is_enabled in _STATUS.items() if is_enabled is entry.is_enabled),
    )


def put_configuration(archive: Archive, call: Call) -> Reply | Intake:
    """The body is the text, of whatever type it says; ``status=`` switches on or off what is there."""
    status = call.query.text("status")
    if status is None:
        call.query.flag("inbody")
        return DocumentIntake(lambda body: _store(archive, call, body), limit_bytes=_LONGEST_BYTES)
    if status not in _STATUS:
        raise BadValue("status", status, "it must be enabled or disabled")
    archive.configuration.set_status(call.viewer, call.address, *_names(call), is_enabled=_STATUS[status])
    return Reply()


def _store(archive: Archive, call: Call, body: bytes) -> Reply:
    try:
        contents = body.decode()
    except UnicodeDecodeError as error:
        raise BadValue("body", "", "it must be text in UTF-8") from error
    if "\0" in contents:
        raise BadValue("body", "", "it must not hold a NUL character")
    is_new = archive.configuration.put(call.viewer, call.address, *_names(call), contents=contents)
    return Reply(status=201 if is_new else 200)


def _names(call: Call) -> tuple[str, str]:
    """The tool and the path; without a path the empty one."""
    return call.found["tool"], call.found.get("path", "").rstrip("/")
