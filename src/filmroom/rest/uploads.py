"""Uploads over HTTP (files-api section 8). PUT and POST are the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from filmroom.model.errors import BadValue, WrongBodyType
from filmroom.model.names import check_file_path
from filmroom.model.resources import Digest, IfExists
from filmroom.rest import compat
from filmroom.rest.call import Call, Intake
from filmroom.rest.digests import read_declared_digests
from filmroom.rest.intakes import FileIntake, MultipartIntake, SummingIntake
from filmroom.rest.params import read_description
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive
from filmroom.service.staging import Staged
from filmroom.service.uploads import Arrival, Fate, UploadOptions


def put_files(archive: Archive, call: Call) -> Intake:
    """F-131 to F-143, in F-131's order: the place and the permission first, then the body."""
    upload = _Upload(archive, call, _read_options(call))
    is_wanted = archive.uploads.check_upload(call.viewer, call.address, upload.options)
    if _is_multipart(call):
        return MultipartIntake(
            call,
            new_stage=archive.uploads.stage,
            path_of=upload.part_path,
            finish=upload.put,
            forget=archive.uploads.forget,
        )
    if not is_wanted:
        return SummingIntake(upload.refuse)
    path = call.address.path or compat.default_upload_name(call.media_type)
    declared = read_declared_digests(call.request.headers)
    return FileIntake(archive.uploads.stage(declared), partial(upload.put_one, path))


@dataclass(frozen=True, slots=True)
class _Upload:
    """One upload while its body arrives."""

    archive: Archive
    call: Call
    options: UploadOptions

    def part_path(self, filename: str) -> str:
        """F-138, F-139: the URL's path, else the last component of the part's own name, of either kind of slash."""
        return check_file_path(self.call.address.path or filename.replace("\\", "/").rsplit("/", 1)[-1])

    def put_one(self, path: str, staged: Staged) -> Reply:
        return self.put([Arrival(path, staged)])

    def put(self, arrivals: Sequence[Arrival]) -> Reply:
        fates = self.archive.uploads.put(self.call.viewer, self.call.address, arrivals, options=self.options)
        refused = [arrival.path for arrival, fate in zip(arrivals, fates, strict=True) if fate is not Fate.STORED]
        return _duplicates_reply(refused, fates) if refused else Reply(media_type=compat.NOTHING_STORED_TYPE)

    def refuse(self, digest: Digest) -> Reply:
        fate = self.archive.uploads.compare(self.call.viewer, self.call.address, digest)
        return _duplicates_reply([self.call.address.path or ""], [fate])


def _duplicates_reply(paths: Sequence[str], fates: Sequence[Fate]) -> Reply:
    """F-142, and in headers what its 200 does not say: whether anything was stored."""
    refused_word = "same" if set(fates) == {Fate.SAME} else "no"
    word = "partly" if Fate.STORED in fates else refused_word
    note = f"{len(paths)} of {len(fates)} files were there already and were not replaced; overwrite=true replaces them"
    headers = [("Filmroom-Stored", word), ("Filmroom-Note", note)]
    return Reply(body=compat.duplicates_body(paths), media_type=compat.DUPLICATES_TYPE, headers=headers)


def _read_options(call: Call) -> UploadOptions:
    for name in ("extract", "reference"):
        if call.query.flag(name):
            raise BadValue(name, call.query.text(name) or "", "this is not possible yet")
    if "content-range" in call.request.headers:  # RFC 9110 section 14.5
        raise BadValue("Content-Range", call.request.headers["content-range"], "send the whole file, not a part of it")
    if call.address.path is not None and call.address.path.endswith("/"):
        raise BadValue("file path", call.address.path, "a folder cannot be uploaded: name a file in it")
    if_exists = IfExists.REPLACE if call.query.flag("overwrite") else IfExists.REFUSE
    return UploadOptions(if_exists=if_exists, said=read_description(call.query, split_tags=False))


def _is_multipart(call: Call) -> bool:
    """F-132 to F-136: any body that is neither multipart nor a form is the file itself."""
    is_multipart = call.media_type.startswith("multipart/")
    if call.query.flag("inbody"):
        if is_multipart:
            raise BadValue("inbody", "true", "the body is multipart; send the file itself, or leave inbody out")
        return False
    if not call.media_type:
        raise BadValue(
            "body", "", "no data found: add inbody=true or a Content-Type to send a file as the body, or use multipart"
        )
    if call.media_type == "application/x-www-form-urlencoded":
        raise WrongBodyType(call.media_type, "add inbody=true to send a file as the body, or use multipart/form-data")
    return is_multipart
