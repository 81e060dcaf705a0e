"""Uploads over HTTP (files-api section 8). PUT and POST are the same."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from filmroom.model.errors import BadValue, NotAllowed, WrongBodyType
from filmroom.model.names import check_file_path
from filmroom.model.nodes import Kind
from filmroom.model.people import Viewer
from filmroom.model.resources import Digest, IfExists
from filmroom.rest import compat
from filmroom.rest.call import Call, Intake
from filmroom.rest.digests import read_declared_digests
from filmroom.rest.intakes import CheckedIntake, DroppingIntake, FileIntake, MultipartIntake, SummingIntake
from filmroom.rest.params import read_description
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive
from filmroom.service.staging import Arrival, Receiver
from filmroom.service.uploads import Fate, UploadOptions


def put_files(archive: Archive, call: Call) -> Intake | Reply:
    """F-131 to F-143, in F-131's order: the place and the permission first, then the body."""
    check_names_no_folder(call)
    if_exists = IfExists.REPLACE if call.query.flag("overwrite") else IfExists.REFUSE
    said = read_description(call.query, split_tags=False)
    options = UploadOptions(if_exists=if_exists, said=said, is_strict=wants_strict(call))
    if (reference := call.query.text("reference")) is not None:
        return _copy_reference(archive, call, reference, options)
    return take_upload(archive, call, options)


def wants_strict(call: Call) -> bool:
    """Whether an upload that is not stored shall be an error: RFC 7240's ``handling``, else what the site says."""
    said = call.request.headers.get("prefer", "")
    preferences = {part.strip().lower() for part in re.split("[,;]", said)} if said else frozenset()
    if "handling=lenient" in preferences:
        return False
    return call.site.has_strict_uploads or "handling=strict" in preferences


def _refused_reply(error: NotAllowed, options: UploadOptions) -> Reply:
    """F-131, F-284: whoever may read but not edit is told 200, and nothing is stored; strictly, the error is raised."""
    if options.is_strict:
        raise error
    text = f"Nothing was stored: {error}. With the header 'Prefer: handling=strict' this is an error 403.\n"
    return Reply(
        body=text.encode("ascii", "backslashreplace"),
        media_type=compat.NOTHING_STORED_TYPE,
        headers=[("Filmroom-Stored", "no")],
    )


def check_names_no_folder(call: Call) -> None:
    """F-97: a path that ends with a slash is a folder's. Raises BadValue."""
    if call.address.path is not None and call.address.path.endswith("/"):
        raise BadValue("file path", call.address.path, "a folder cannot be uploaded: name a file in it")


def _copy_reference(archive: Archive, call: Call, reference: str, options: UploadOptions) -> Reply:
    """F-160; done when this answers, whatever ``async`` says, and never deleting what it copies."""
    upload = _Upload(archive, call, call.viewer, options, is_unpacked=False, status=200)
    try:
        archive.uploads.check_upload(upload.viewer, replace(call.address, path=None), options)
    except NotAllowed as error:
        return _refused_reply(error, options)
    return upload.put(archive.arrivals.stage_reference(reference, call.address.path))


def take_upload(archive: Archive, call: Call, options: UploadOptions, *, status: int = 200) -> Intake:
    """What takes the body of an upload, in whichever form it comes; ``status`` is that of success."""
    declared = read_declared_digests(call.request.headers, call.query)
    intake = _choose_intake(archive, call, options, status=status)
    return CheckedIntake(intake, declared) if declared else intake


def _choose_intake(archive: Archive, call: Call, options: UploadOptions, *, status: int) -> Intake:
    if "content-range" in call.request.headers:  # RFC 9110 section 14.5
        raise BadValue("Content-Range", call.request.headers["content-range"], "send the whole file, not a part of it")
    is_unpacked = call.query.flag("extract")
    upload = _Upload(archive, call, call.viewer, options, is_unpacked=is_unpacked, status=status)
    names_file = call.address.path is not None and not call.address.path.endswith("/")
    address = call.address if names_file and not is_unpacked else replace(call.address, path=None)
    try:
        is_small = call.request.body.is_small
        is_wanted = archive.uploads.check_upload(upload.viewer, address, options, is_small=is_small)
    except NotAllowed as error:
        return DroppingIntake(_refused_reply(error, options))
    if is_multipart(call):
        archive.arrivals.check_room(call.request.body.size_bytes)
        return MultipartIntake(
            call, receive=upload.receive_part, tell=upload.read_field, finish=upload.put, forget=archive.arrivals.forget
        )
    if not is_wanted:
        return SummingIntake(upload.refuse)
    archive.arrivals.check_room(call.request.body.size_bytes)
    path = call.address.path or compat.default_upload_name(call.media_type)
    return FileIntake(upload.receive(path, path.rsplit("/", 1)[-1]), upload.put)


@dataclass(slots=True)
class _Upload:
    """One upload while its body arrives."""

    archive: Archive
    call: Call
    viewer: Viewer
    options: UploadOptions
    is_unpacked: bool
    status: int

    def receive(self, path: str, name: str) -> Receiver:
        """Begin to take a file; F-156: whether it is an archive is told by the name it is uploaded under."""
        unpack_as = name if self.is_unpacked else None
        return self.archive.arrivals.receive(check_file_path(path), unpack_as=unpack_as)

    def receive_part(self, filename: str) -> Receiver:
        """F-138, F-139: the URL's path, else the last component of the part's own name, of either kind of slash."""
        name = filename.replace("\\", "/").rsplit("/", 1)[-1]
        path = self.call.address.path or ""
        return self.receive(path if path and not path.endswith("/") else f"{path}{name}", name)

    def read_field(self, name: str, value: str) -> None:
        """F-269: in a cache the word ``extract`` may be a field before the file; elsewhere fields say nothing."""
        if name == "extract" and self.call.address.kind is Kind.USER:
            self.is_unpacked = value.strip().lower() not in {"", "false", "0"}

    def put(self, arrivals: Sequence[Arrival]) -> Reply:
        try:
            fates = self.archive.uploads.put(self.viewer, self.call.address, arrivals, options=self.options)
        except NotAllowed as error:
            return _refused_reply(error, self.options)
        return fates_reply([arrival.path for arrival in arrivals], fates, status=self.status)

    def refuse(self, digest: Digest) -> Reply:
        fate = self.archive.uploads.compare(self.viewer, self.call.address, digest)
        return _duplicates_reply([self.call.address.path or ""], [fate])


def fates_reply(paths: Sequence[str], fates: Sequence[Fate], *, status: int = 200) -> Reply:
    """What an upload answers with: nothing, or (F-142) the names of what was there already."""
    refused = [path for path, fate in zip(paths, fates, strict=True) if not fate.is_stored]
    if refused:
        return _duplicates_reply(refused, fates)
    if not fates:
        note = "the archive holds no file that belongs into a resource"
        return Reply(status=status, headers=[("Filmroom-Stored", "no"), ("Filmroom-Note", note)])
    headers = [("Filmroom-Stored", "same")] if all(fate is Fate.RENEWED for fate in fates) else []
    return Reply(status=status, media_type=compat.NOTHING_STORED_TYPE, headers=headers)


def _duplicates_reply(paths: Sequence[str], fates: Sequence[Fate]) -> Reply:
    """F-142, and in headers what its 200 does not say: whether anything was stored."""
    refused_word = "same" if set(fates) == {Fate.SAME} else "no"
    word = "partly" if any(fate.is_stored for fate in fates) else refused_word
    note = f"{len(paths)} of {len(fates)} files were there already and were not replaced; overwrite=true replaces them"
    headers = [("Filmroom-Stored", word), ("Filmroom-Note", note)]
    return Reply(body=compat.duplicates_body(paths), media_type=compat.DUPLICATES_TYPE, headers=headers)


def is_multipart(call: Call) -> bool:
    """F-132 to F-136: any body that is neither multipart nor a form is the file itself."""
    media_type = call.media_type
    has_parts = media_type.startswith("multipart/")
    if call.query.flag("inbody"):
        if has_parts:
            raise BadValue("inbody", "true", "the body is multipart; send the file itself, or leave inbody out")
        return False
    if not media_type:
        raise BadValue(
            "body", "", "no data found: add inbody=true or a Content-Type to send a file as the body, or use multipart"
        )
    if media_type == "application/x-www-form-urlencoded":
        raise WrongBodyType(media_type, "add inbody=true to send a file as the body, or use multipart/form-data")
    return has_parts
