"""The URIs of listings, and the columns that say where a resource hangs: one row a kind (F-66, F-109, F-110)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from filmroom.model.address import Address, parse_address
from filmroom.model.errors import BadName, BadValue, NotFound
from filmroom.model.nodes import Kind, Place
from filmroom.model.percent import encode_path
from filmroom.rest.call import Call
from filmroom.service.resources import Found

_BLANK: Final = " "
_CURRENT_ARC: Final = "arc001"


@dataclass(frozen=True, slots=True)
class _Words:
    """``category`` and the two columns beside it, the path that URIs have, and the folder in XNAT's archive (F-211)."""

    category: str
    cat_id: Callable[[Place], str]
    cat_desc: Callable[[Place], str]
    path: Callable[[Place], str]
    folder: Callable[[Place], str]


def _nothing(_place: Place) -> str:
    return ""


def _one_blank(_place: Place) -> str:
    return _BLANK


def _id(place: Place) -> str:
    return place.node.id


def _session_path(place: Place) -> str:
    return f"/experiments/{place.session.id if place.session else ''}"


def _session_folder(place: Place) -> str:
    session = place.session or place.node
    return f"{_CURRENT_ARC}/{session.label or session.id}"


_WORDS: Final = {
    Kind.PROJECT: _Words(
        "resources", _nothing, _one_blank, lambda place: f"/projects/{place.node.id}", lambda _: "resources"
    ),
    Kind.SUBJECT: _Words(
        "resources",
        _nothing,
        _one_blank,
        lambda place: f"/projects/{place.seen_in.id}/subjects/{place.node.id}",
        lambda place: f"subjects/{place.node.label or place.node.id}",
    ),
    Kind.EXPERIMENT: _Words(
        "resources",
        _id,
        _one_blank,
        lambda place: f"/experiments/{place.node.id}",
        lambda place: f"{_session_folder(place)}/RESOURCES",
    ),
    Kind.SCAN: _Words(
        "scans",
        _id,
        lambda place: place.node.type,
        lambda place: f"{_session_path(place)}/scans/{place.node.id}",
        lambda place: f"{_session_folder(place)}/SCANS/{place.node.id}",
    ),
    Kind.RECONSTRUCTION: _Words(
        "reconstructions",
        _id,
        lambda place: place.node.type,
        lambda place: f"{_session_path(place)}/reconstructions/{place.node.id}/{place.side}",
        lambda place: f"{_session_folder(place)}/PROCESSED/{place.node.id}/{place.side}",
    ),
    Kind.ASSESSOR: _Words(
        "assessors",
        _id,
        lambda place: place.node.xsi_type,
        lambda place: f"{_session_path(place)}/assessors/{place.node.id}/{place.side}",
        lambda place: f"{_session_folder(place)}/ASSESSORS/{place.node.id}/{place.side}",
    ),
}


def category_columns(place: Place, *, is_inside: bool = False) -> tuple[str, str, str]:
    """``category``, ``cat_id`` and ``cat_desc`` (F-66).

    In the list of a whole session (``is_inside``) the session's own have neither ID nor description, and assessors
    no description (F-67).
    """
    words = _WORDS[place.kind]
    if is_inside and place.kind is Kind.EXPERIMENT:
        return words.category, "", ""
    description = "" if is_inside and place.kind is Kind.ASSESSOR else words.cat_desc(place)
    return words.category, words.cat_id(place), description


def context_uri(place: Place) -> str:
    """F-109: how a listing of several resources names where one hangs, always by ID."""
    return f"/data{_WORDS[place.kind].path(place)}"


def archive_folder(found: Found) -> str:
    """F-211: the folder in which XNAT would keep a resource, from the root of its project's archive."""
    return f"{_WORDS[found.place.kind].folder(found.place)}/{found.resource.label or found.resource.rid}"


def requested_uri(place: Place, address: Address) -> str:
    """F-110: how the listing of one resource names where it hangs: as the request came, but by ID."""
    path = _WORDS[place.kind].path(place)
    is_assessor_as_experiment = place.kind is Kind.ASSESSOR and address.kind is Kind.EXPERIMENT
    if is_assessor_as_experiment:
        path = f"/experiments/{place.node.id}"
    names_both = address.project is not None and address.subject is not None
    if place.kind in {Kind.PROJECT, Kind.SUBJECT} or not names_both or place.subject is None:
        return f"/data{path}"
    return f"/data/projects/{place.seen_in.id}/subjects/{place.subject.id}{path}"


def cache_uri(call: Call) -> str:
    """F-264: where the folders of a cache are, below the mount that the request came by."""
    path = call.request.raw_path.removeprefix(call.site.root_path)
    return f"{'/REST' if path.startswith('/REST/') else '/data'}/user/cache/resources"


def read_uri(text: str, *, what: str, is_raw: bool = False) -> Address:
    """The address that a client means by a URI such as listings have: below any mount or none, ``/archive`` or not.

    One that ``is_raw`` says every name as it is, as listings do; in any other, percent signs mean what they do in
    URLs. Raises BadValue for what leads nowhere.
    """
    path = text
    for prefix in ("/data/", "/REST/"):
        path = path.removeprefix(prefix)
    path = path.removeprefix("/").removeprefix("archive/")
    try:
        return parse_address(encode_path(path) if is_raw else path)
    except (NotFound, BadName) as error:
        raise BadValue(what, text, "it is no address in this archive") from error
