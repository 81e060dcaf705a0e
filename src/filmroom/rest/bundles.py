"""Files as zip, tar or tar.gz (F-101, F-181 to F-188): what the archive and its members are called.

No two members have one name: where the folder of a resource would also be that of another, or have another's in it,
the ID of its session (subject, project) is put in front, and if that is not enough, ``,rid`` behind its label.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice, pairwise
from typing import Final

from filmroom.model.errors import BadValue
from filmroom.model.nodes import INSIDE_SESSION, Kind, Place
from filmroom.model.resources import Selection
from filmroom.rest import compat
from filmroom.rest.call import Call
from filmroom.rest.download import file_reply
from filmroom.rest.reply import Chunks, Reply
from filmroom.rest.uris import category_columns
from filmroom.service.archive import Archive
from filmroom.service.bundles import BundleFormat, Namer, Names
from filmroom.service.resources import Found

_FolderOf = Callable[[Found, str], str]
"""The folder that a resource has in an archive when it goes by the given label."""

# F-21: the media types that ask for an archive, the format of each and its extension.
FORMATS: Final = {
    "application/zip": (BundleFormat.ZIP, ".zip"),
    "application/x-tar": (BundleFormat.TAR, ".tar"),
    "application/x-gtar": (BundleFormat.TAR_GZ, ".tar.gz"),
}
_WITH_TYPE: Final = frozenset({Kind.SCAN, Kind.RECONSTRUCTION})
_NOT_A_WORD: Final = re.compile(r"\W", re.ASCII)
_NOT_IN_NAMES: Final = re.compile(r'[/\\:*?"<>|]')


def archive_reply(archive: Archive, call: Call, selection: Selection, media_type: str) -> Reply:
    """F-181, F-182. Raises NotFound when there would be nothing in it."""
    _, extension = FORMATS[media_type]
    path = call.address.path
    if path is not None and not path.endswith(("/", "*")):
        if path.endswith(extension):  # F-101: it is one already
            return file_reply(call, archive.files.open_file(call.viewer, call.address, spellings=call.spellings))
        selection = replace(selection, paths=(path,))
    elif path is not None and path.endswith("*"):
        selection = replace(selection, prefix=path.removesuffix("*"))
    name = _archive_name(archive, call)
    return bundle_reply(archive, call, selection, media_type, name=name, names=_names(call, media_type))


def bundle_reply(
    archive: Archive,
    call: Call,
    selection: Selection,
    media_type: str,
    *,
    name: str,
    names: Names,
) -> Reply:
    """The selected files as an archive of the given name, to which its extension is added."""
    bundle_format, extension = FORMATS[media_type]
    if _is_deflated(call) and bundle_format is BundleFormat.ZIP:
        bundle_format = BundleFormat.DEFLATED_ZIP
    bundle = archive.bundles.open(
        call.viewer,
        call.address,
        selection,
        bundle_format=bundle_format,
        names=names,
        with_inside=call.query.flag("all"),
    )
    return Reply(
        body=Chunks(bundle.pieces, bundle.length, bundle.close),
        media_type=media_type,
        headers=[("Content-Disposition", compat.content_disposition(f"{name}{extension}"))],
    )


def _is_deflated(call: Call) -> bool:
    """F-182: 8 deflates, 0 stores."""
    text = call.query.text("compression") or "0"
    if text not in {"0", "8"}:
        raise BadValue("compression", text, "it must be 0 (stored) or 8 (deflated)")
    return text == "8"


def _archive_name(archive: Archive, call: Call) -> str:
    """F-181: the label of the session, experiment or subject, or the ID of the project; of several the first one's."""
    places = archive.entities.list_places(call.viewer, call.address)
    return _top(places[0]) if places else "files"


def _top(place: Place) -> str:
    """What a member's path begins with (F-184)."""
    node = place.session if place.session is not None else place.node
    return node.label or node.id


def _names(call: Call, media_type: str) -> Names:
    """F-101 where a path is given, unless it matches in several resources; else F-187."""
    path = call.address.path
    if path is None:
        return partial(_below_folders, _structure(call, media_type))
    short = str if path.endswith(("/", "*")) else partial(_short_name, path)

    def names(found: Mapping[int, Found], holds: Callable[[int], bool]) -> Mapping[int, Namer]:
        are_several = len(list(islice(filter(holds, found), 2))) > 1
        return _below_folders(_default_folder(call), found, holds) if are_several else dict.fromkeys(found, short)

    return names


def _short_name(named: str, path: str) -> str:
    """The bare name of the file that was named; the path of one in a folder that was named."""
    return path.rsplit("/", 1)[-1] if path == named else path


def _structure(call: Call, media_type: str) -> _FolderOf:
    """F-187. An unknown ``structure`` is the default one."""
    match call.query.text("structure"):
        case "improved":
            bundle_format, _ = FORMATS[media_type]
            return partial(_improved_folder, has_description=bundle_format is BundleFormat.ZIP)
        case "simplified":
            return lambda found, label: f"{_prefix(call, found)}/{label}"
        case _:
            return _default_folder(call)


def _default_folder(call: Call) -> _FolderOf:
    """F-184."""
    return lambda found, label: f"{_prefix(call, found, with_type=True)}/resources/{label}/files"


def _below_folders(
    folder_of: _FolderOf, found: Mapping[int, Found], holds: Callable[[int], bool]
) -> Mapping[int, Namer]:
    """Each resource's files in a folder of its own."""
    folders = {pk: folder_of(one, _label(one)) for pk, one in found.items()}
    if _clashing(folders):
        folders = {pk: folder for pk, folder in folders.items() if holds(pk)}
    clashes = Counter[int]()
    while clashing := _clashing(folders):  # ends: from the second round on labels grow
        clashes.update(clashing)
        folders |= {pk: _folder_apart(found[pk], folder_of, clashes[pk]) for pk in clashing}
    return {pk: _below(folder) for pk, folder in folders.items()}


def _clashing(folders: Mapping[int, str]) -> set[int]:
    """Those whose folder another one has too, or is in: only so can files of two resources get one name."""
    clashing = set()
    # Whatever is in a folder comes right behind it.
    for (outer, outer_pk), (inner, inner_pk) in pairwise(sorted((f"{folder}/", pk) for pk, folder in folders.items())):
        if inner.startswith(outer):
            clashing |= {outer_pk, inner_pk} if inner == outer else {outer_pk}
    return clashing


def _folder_apart(found: Found, folder_of: _FolderOf, clashes: int) -> str:
    """The folder of a resource that clashed so many times.

    A label holds no comma, so that no number behind it makes it another one's.
    """
    top = found.place.session or found.place.node
    return f"{top.id}/{folder_of(found, _label(found) + f',{found.resource.rid}' * (clashes - 1))}"


def _below(folder: str) -> Namer:
    return lambda path: f"{folder}/{path}"


def _label(found: Found) -> str:
    return found.resource.label or str(found.resource.rid)


def _prefix(call: Call, found: Found, *, with_type: bool = False) -> str:
    """F-184 to F-186: the part of a member's path before its resource."""
    place = found.place
    parts = [*_above(call, place)]
    if place.kind is Kind.ASSESSOR and call.address.kind is not Kind.EXPERIMENT:
        return "/".join([*parts, place.node.label or place.node.id, place.side])
    parts.append(_top(place))
    if place.kind in INSIDE_SESSION:
        is_named = call.address.kind in _WITH_TYPE and with_type
        type_ = _NOT_A_WORD.sub("_", place.node.type) if is_named else ""
        parts += [f"{place.kind}s", f"{place.node.id}-{type_}" if type_ else place.node.id]
    return "/".join([*parts, place.side] if place.side else parts)


def _above(call: Call, place: Place) -> list[str]:
    """F-186."""
    if call.address.kind not in _WITH_TYPE:
        return []
    project = [place.project.id] if call.query.flag("projectIncludedInPath") else []
    subject = place.subject if call.query.flag("subjectIncludedInPath") else None
    return [*project, subject.label or subject.id] if subject else project


def _improved_folder(found: Found, label: str, *, has_description: bool) -> str:
    """F-187: category, ID and description, label; a level that is empty is left out."""
    category, cat_id, cat_desc = category_columns(found.place, is_inside=found.place.kind is Kind.EXPERIMENT)
    description = _NOT_IN_NAMES.sub("_", cat_desc.strip())
    level = f"{cat_id}_{description}" if cat_id and description and has_description else cat_id
    return "/".join(part for part in (category, level, label) if part)
