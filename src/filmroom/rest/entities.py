"""Subjects, experiments, assessors, scans and reconstructions over HTTP (core-api sections 3.4 to 3.8)."""

import re
from dataclasses import replace
from typing import Final

from filmroom.model.address import with_name
from filmroom.model.changes import Change
from filmroom.model.datatypes import RECONSTRUCTION, SUBJECT, DataType, get_data_type, iter_known, scan_type_of
from filmroom.model.errors import BadDocument, BadValue
from filmroom.model.nodes import Kind
from filmroom.model.resources import IfExists, Side
from filmroom.rest import items, itemxml, saying
from filmroom.rest.call import Call, Handler
from filmroom.rest.documents import takes_document
from filmroom.rest.formats import requested_type
from filmroom.rest.itemhtml import to_html
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive
from filmroom.service.making import Changed

# C-50: the type of a new thing that does not say.
_DEFAULT_TYPES: Final = {Kind.SUBJECT: SUBJECT, Kind.RECONSTRUCTION: RECONSTRUCTION}
_SHARE: Final = re.compile(r"(?:\w+:\w+/)?sharing/share(?:\[\d*\])?/(project|label)")
_BESIDE_SHARE: Final = frozenset({"xsiType", "event_reason", "event_comment", "format", "XNAT_CSRF"})
# C-144: those whose PUT answers with nothing.
_SILENT: Final = frozenset({Kind.SCAN, Kind.RECONSTRUCTION})
# Those that a parameter ``label`` renames (C-82, C-96); assessors too, which is how xnatpy renames all three.
_BY_LABEL: Final = frozenset({Kind.SUBJECT, Kind.EXPERIMENT, Kind.ASSESSOR})


def get_entity(archive: Archive, call: Call) -> Reply:
    """C-136, C-141, C-143. XML unless something else is asked for."""
    if handler := call.query.text("handler"):
        raise BadValue("handler", handler, "there is no such handler here")  # C-140
    tree = archive.entities.get(call.viewer, call.address)
    match requested_type(call, ("text/xml", "application/json", "text/html")):
        case "application/json":
            return Reply(body=items.to_json(tree), media_type="application/json; charset=UTF-8")
        case "text/html":
            return Reply(body=to_html(tree), media_type="text/html; charset=UTF-8")
        case _:
            conceal = call.query.flag("concealHiddenFields")
            body = itemxml.to_xml(tree, site_url=call.site_url, conceal=conceal)
            return Reply(body=body, media_type="text/xml; charset=UTF-8")


def get_status(archive: Archive, call: Call) -> Reply:
    """C-61."""
    return Reply(body=archive.entities.get_place(call.viewer, call.address).node.status.encode())


@takes_document
def put_entity(archive: Archive, call: Call, document: bytes) -> Reply:
    """C-144: 201 and the ID of what is new, 200 and the ID of what is changed, 200 and nothing for a rename."""
    if not document and (share := _read_share(call)):
        shared_id = archive.sharing.share(
            call.viewer, call.address, share["project"], share.get("label"), is_primary=False
        )
        return Reply(body=shared_id.encode())
    changed = archive.entities.put(call.viewer, call.address, _read_change(archive, call, document))
    return _changed_reply(call, changed)


def _read_share(call: Call) -> dict[str, str]:
    """What to share it with, where it is said as a path into the thing and nothing else is said, as dax does it.

    The paths are those of C-192, C-194 and C-199.
    """
    pairs = list(call.query.items())
    said = {match[1]: value for name, value in pairs if (match := _SHARE.fullmatch(name)) and value}
    is_alone = all(_SHARE.fullmatch(name) or name in _BESIDE_SHARE for name, _ in pairs)
    if "project" not in said or not is_alone:
        return {}
    for name, _ in pairs:
        call.query.text(name)  # which counts it as read
    return said


def _changed_reply(call: Call, changed: Changed) -> Reply:
    if call.address.kind in _SILENT or changed.is_renamed:
        return Reply()
    return Reply(status=201 if changed.is_new else 200, body=changed.id.encode())


def poster(kind: Kind) -> Handler:
    """The handler that adds to a list of things of a kind (C-74): 200 and the URL of what is new, else 409."""

    @takes_document
    def post_entity(archive: Archive, call: Call, document: bytes) -> Reply:
        inside = replace(call, address=replace(call.address, kind=kind, side=_SIDES.get(kind, Side.NONE)))
        change = _read_change(archive, inside, document, is_new=True)
        if kind is Kind.SUBJECT and change.inside:
            raise BadDocument("Submitted subject record must not include experiments.")  # C-88
        name = (kind in _BY_LABEL and change.text("label")) or change.text("ID") or None
        address = with_name(inside.address, kind, name)
        changed = archive.entities.put(call.viewer, address, change, if_exists=IfExists.REFUSE)
        url = f"{call.site_url}{call.request.raw_path.removeprefix(call.site.root_path).rstrip('/')}/{changed.id}"
        return Reply(body=url.encode(), headers=[("Location", url)])

    return post_entity


_SIDES: Final = {Kind.ASSESSOR: Side.OUT, Kind.RECONSTRUCTION: Side.OUT}


def _read_change(archive: Archive, call: Call, document: bytes, *, is_new: bool = False) -> Change:
    """C-48 to C-52: the document first, then the parameters, which win. ``is_new`` says that nothing is there yet."""
    kind = call.address.kind
    root = saying.read_document(document)
    named = saying.named_type(call, root)
    stored = None if named or is_new else archive.entities.find_type(call.viewer, call.address)
    new_type = named or (None if stored else _type_of_new(archive, call, is_new=is_new))
    renames = kind in _BY_LABEL and not is_new
    said = saying.read_said(call, root, new_type or stored or _base_type(kind), without_label=renames)
    return Change(
        data_type=new_type,
        fields=said.fields,
        document=said.document,
        inside=said.inside,
        new_label=call.query.text("label") if renames else None,
        is_whole=root is not None and saying.is_whole(call),
        status=saying.read_status(call),
    )


def _type_of_new(archive: Archive, call: Call, *, is_new: bool) -> DataType | None:
    """C-50, C-116."""
    kind = call.address.kind
    if implied := saying.implied_type(call):
        return implied
    if is_new and kind is Kind.SCAN:
        session = archive.entities.find_type(call.viewer, replace(call.address, kind=Kind.EXPERIMENT))
        return scan_type_of(session) if session else None
    return get_data_type(_DEFAULT_TYPES[kind]) if kind in _DEFAULT_TYPES else None


def _base_type(kind: Kind) -> DataType:
    """What a thing of a kind has in any case; for what is neither there nor of any type."""
    return next(iter_known(kind))


def delete_entity(archive: Archive, call: Call) -> Reply:
    call.query.flag("removeFiles")
    archive.entities.delete(call.viewer, call.address)
    return Reply()
