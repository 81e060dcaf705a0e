"""Every way of saying no is drawn, is one sentence, and has a status."""

import inspect
import re
from collections.abc import Iterator
from types import ModuleType

import pytest

from filmroom.model import conflicts, errors
from filmroom.model.errors import ArchiveError
from filmroom.rest.reply import STATUS

# What people send may hold anything; it must not break the sentence.
NASTY = "a\nb'<c>\r\"d\u2028e"

SAMPLES = (
    errors.BadValue("format", NASTY, "use json, xml or csv"),
    errors.BadName("file path", NASTY, "no part of it may be . or .."),
    errors.BadFields((errors.BadValue("date", NASTY, "must be a date"),)),
    errors.IllegalId("subject label", NASTY),
    errors.NeedsType("scan"),
    errors.BadArchive("it ends in the middle of a member"),
    conflicts.IdTaken(NASTY),
    conflicts.LabelTaken(NASTY),
    conflicts.LastOwner(NASTY),
    conflicts.NotForGuests("a guest cannot belong to a project"),
    conflicts.AlreadyShared("DEMO"),
    conflicts.FilesExist((NASTY, "b")),
    conflicts.OtherProject(NASTY, "DEMO"),
    conflicts.WrongType(NASTY, "xnat:mrScanData"),
    errors.BadDocument("the body is no XML document"),
    errors.WrongBodyType(NASTY, "send the file itself"),
    errors.UnreadableZip(NASTY, "it has no directory"),
    errors.BodyTooLarge(16_777_216),
    errors.CutUpload("10 of 20 bytes came"),
    errors.DigestMismatch("md5", declared="00", arrived="ff"),
    errors.ChecksumMismatch("md5", declared="00", arrived="ff"),
    conflicts.WrongOffset(1, 2),
    errors.UploadInUse(),
    errors.UnknownCoding("gzip, chunked"),
    errors.StalledUpload("too little came within 60 seconds"),
    errors.NotSignedIn(),
    errors.AccountLocked(),
    errors.NotAllowed("you may not edit project 'DEMO'"),
    errors.StillNeeded("project 'B' has experiments of this subject", ("XNAT_E00001",)),
    errors.NeedsCsrfToken("a change that a browser asks for must say XNAT_CSRF=..."),
    errors.NotFound("project 'DEMO'"),
    errors.NotAcceptable(("application/json", "text/xml")),
    errors.NotInstalled("showing DICOM images as JPEG", "images"),
    errors.WrongMethod("PATCH", ("GET", "PUT")),
    errors.SetByOperator("POST", ("GET",), "require_login"),
    errors.Conflict("the state of the archive says no"),
    conflicts.ResourceExists(NASTY),
    conflicts.ProjectNameTaken(NASTY),
    conflicts.LoginTaken(NASTY),
    conflicts.LastAdministrator(NASTY),
    conflicts.NotBroughtBack("something else has this name"),
    conflicts.FolderExists(NASTY),
    conflicts.PathConflict(NASTY, f"{NASTY}/x"),
    errors.RetiredProjectId(NASTY),
    errors.StorageFull(),
    errors.MissingBytes("lease-batch-key"),
    errors.DamagedBytes("lease-batch-key"),
    errors.Busy("too many sign-ins at once"),
    errors.TooManyUploads("this account is sending 64 bodies already"),
    errors.LeaseLost(),
    errors.StorageFailed("blobs: Input/output error"),
    errors.BackupRefused("/backups is no folder of backups"),
    errors.DatabaseTooNew("9999"),
)


def _children(parent: type[ArchiveError]) -> Iterator[type[ArchiveError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _children(child)


CLASSES = tuple(_children(ArchiveError))


def test_every_class_has_a_sample() -> None:
    assert {type(sample) for sample in SAMPLES} == set(CLASSES)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_an_error_is_told_in_one_line(sample: ArchiveError) -> None:
    assert len(str(sample).splitlines()) == 1
    assert len(str(sample).split()) >= 3


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_an_error_can_be_raised_inside_a_context_and_hashed(sample: ArchiveError) -> None:
    """style.md, example 2: neither frozen nor compared by value."""
    with pytest.raises(type(sample)) as raised:
        raise sample from OSError("its cause")

    assert raised.value is sample
    assert {sample}


def test_a_long_value_is_cut_in_the_message() -> None:
    message = str(errors.BadValue("tags", "x" * 10_000, "too long"))

    assert message == f"tags '{'x' * 80}...': too long"


def _drawn(module: ModuleType, root: str) -> dict[str, str]:
    """Each class in the tree that a module draws, with its parent."""
    drawn: dict[str, str] = {}
    branch = [root]
    for bars, name in re.findall(r"^((?:│ {3}| {4})*)[├└]── (\w+)", inspect.getdoc(module) or "", re.MULTILINE):
        branch[len(bars) // 4 + 1 :] = [name]
        drawn[name] = branch[-2]
    return drawn


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = _drawn(errors, "ArchiveError") | _drawn(conflicts, "Conflict")

    assert drawn == {child.__name__: child.__bases__[-1].__name__ for child in CLASSES}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_of_its_own_or_of_its_kind(kind: type[ArchiveError]) -> None:
    rows = [ancestor for ancestor in kind.__mro__ if ancestor in STATUS]

    assert rows[0] is not ArchiveError


def test_statuses_are_those_of_errors() -> None:
    assert all(400 <= status <= 599 for status in STATUS.values())
