"""Things in more projects than their own, over HTTP (C-85 to C-87, C-99, C-108)."""

from contextlib import suppress
from typing import Final

from filmroom.model.errors import NotAllowed, NotFound
from filmroom.model.nodes import Kind
from filmroom.model.table import Table, counted
from filmroom.rest.call import Call
from filmroom.rest.documents import takes_form
from filmroom.rest.entities import get_entity
from filmroom.rest.formats import table_reply
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive

# C-86.
_COLUMNS: Final = ("label", "ID", "Secondary_ID", "Name")


def list_projects(archive: Archive, call: Call) -> Reply:
    """C-86."""
    rows = [
        (
            presence.label,
            presence.project.id,
            str(presence.project.fields.get("secondary_ID", "")),
            str(presence.project.fields.get("name", "")),
        )
        for presence in archive.sharing.list_projects(call.viewer, call.address)
    ]
    return table_reply(call, counted(Table(columns=_COLUMNS, rows=rows)))


@takes_form
def share(archive: Archive, call: Call) -> Reply:
    """C-85, C-99: the ID of an experiment (201 where it is addressed without a project), else the thing itself.

    Nothing is said of what was given away.
    """
    is_primary = call.query.flag("primary")
    thing_id = archive.sharing.share(
        call.viewer, call.address, call.found["target"], call.query.text("label"), is_primary=is_primary
    )
    if is_primary:
        return Reply()
    if call.address.kind is not Kind.EXPERIMENT:
        # Whoever takes it from the viewer's sight between the two does not undo that it was shared.
        with suppress(NotAllowed, NotFound):
            return get_entity(archive, call)
        return Reply(body=thing_id.encode())
    return Reply(status=201 if call.address.project is None else 200, body=thing_id.encode())


def unshare(archive: Archive, call: Call) -> Reply:
    """C-87, C-100."""
    call.query.flag("removeFiles")
    archive.sharing.unshare(call.viewer, call.address, call.found["target"])
    return Reply()
