"""What happened to a thing, over HTTP (C-101; the columns are ours)."""

from typing import Final

from filmroom.model.people import Event
from filmroom.model.table import Table
from filmroom.rest.call import Call
from filmroom.rest.formats import table_reply, timestamp
from filmroom.rest.params import read_limit
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive

_COLUMNS: Final = ("date", "user", "event", "address", "details", "client", "reason")


def list_events(archive: Archive, call: Call) -> Reply:
    """The latest first; ``limit`` and ``offset`` choose a part."""
    limit, offset = read_limit(call.query)
    events = archive.audit.list_of(call.viewer, call.address, limit=limit, offset=offset)
    return table_reply(call, Table(columns=_COLUMNS, rows=[_row(event) for event in events]))


def _row(event: Event) -> tuple[str, ...]:
    details = " ".join(f"{name}={value}" for name, value in event.details.items())
    return timestamp(event.at), event.login, event.action, event.address, details, event.client, event.reason
