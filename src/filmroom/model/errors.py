"""Every way the archive says no, as facts; the doors choose the numbers and the words around them.

ArchiveError
├── BadValue            a value that breaks a rule (which value, which rule)
│   └── BadName         ... of an id, a label or a file path
├── BadFields           values that break rules, each with its rule
├── IllegalId           an id or label that no project, subject, ... may have
├── NeedsType           nothing that says what a new thing is
├── BadDocument         a body that cannot be read as what it claims to be
├── BadArchive          an archive that cannot or must not be extracted
├── WrongBodyType       a body of a type that is not taken here
├── UnreadableZip       a stored file that cannot be looked into as a zip
├── UnknownCoding       a body that is packed in a way that is not undone here
├── BodyTooLarge        a body beyond its limit
├── CutUpload           a body that ended before its end
│   └── StalledUpload       ... because its sender sent nothing more
├── DigestMismatch      a body that is not what was said of it beforehand
│   └── ChecksumMismatch    ... of a stretch of a resumable upload
├── NotSignedIn         nobody, or nobody we know
│   └── AccountLocked   too many failures in a row
├── NotAllowed          somebody, but not for this
│   ├── StillNeeded         what others have things of
│   └── NeedsCsrfToken  a browser that does not show that its user meant it
├── NotFound            nothing there, or nothing this viewer may know of
├── NotAcceptable       no representation that the client takes
├── NotInstalled        something that this server could do with one of its extras
├── WrongMethod         a place that does not do that
│   └── SetByOperator       what only the settings of the server can change
├── Conflict            the state of the archive says no: conflicts.py has each
├── UploadInUse         a resumable upload that goes on elsewhere at this moment
├── RetiredProjectId    an id that a deleted project still holds
├── StorageFull         no room for bytes or rows
├── MissingBytes        a row whose bytes are gone: never the client's fault
├── DamagedBytes        bytes that are not those that were stored: never the client's fault
├── Busy                too many at once; try again
│   └── TooManyUploads      ... of one account
├── LeaseLost           this process may not commit uploads any more; try again
├── StorageFailed       disk or database failed; the outcome of a change may be unknown
├── BackupRefused       a backup, or what is to be done with one, that cannot be as it was asked for
└── DatabaseTooNew      a schema that this program does not know; only ever at start
"""

from dataclasses import dataclass

_LONGEST_SHOWN = 80
_MOST_NAMED = 5


class ArchiveError(Exception):
    """The base of all; ``str()`` gives a whole sentence for the person who asked."""


@dataclass(eq=False)
class _Said:
    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class BadValue(ArchiveError):
    what: str
    value: str
    rule: str

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= _LONGEST_SHOWN else self.value[:_LONGEST_SHOWN] + "..."
        return f"{self.what} {shown!r}: {self.rule}"


class BadName(BadValue):
    pass


@dataclass(eq=False)
class BadFields(ArchiveError):
    faults: tuple[BadValue, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults[:50]))  # C-54: a line for each


@dataclass(eq=False)
class IllegalId(ArchiveError):
    what: str
    value: str

    def __str__(self) -> str:
        return f"Invalid character in {self.what} {self.value!r}: use 1 to 255 of the characters A-Z a-z 0-9 _ -"


@dataclass(eq=False)
class NeedsType(ArchiveError):
    kind: str

    def __str__(self) -> str:
        return f"Need PUT Contents: there is no such {self.kind} yet; say with xsiType=... what to make"


class BadDocument(_Said, ArchiveError):
    pass


@dataclass(eq=False)
class BadArchive(ArchiveError):
    reason: str

    def __str__(self) -> str:
        return f"nothing was extracted: {self.reason}"


@dataclass(eq=False)
class WrongBodyType(ArchiveError):
    media_type: str
    instead: str

    def __str__(self) -> str:
        return f"a body of type {self.media_type!r} is not taken here: {self.instead}"


@dataclass(eq=False)
class UnknownCoding(ArchiveError):
    coding: str

    def __str__(self) -> str:
        return f"a body with Transfer-Encoding {self.coding!r} is not taken here: send it as it is, or chunked"


@dataclass(eq=False)
class UnreadableZip(ArchiveError):
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path!r} is no zip that can be looked into: {self.reason}"


@dataclass(eq=False)
class BodyTooLarge(ArchiveError):
    limit_bytes: int

    def __str__(self) -> str:
        return f"this request's body may hold at most {self.limit_bytes} bytes"


@dataclass(eq=False)
class CutUpload(ArchiveError):
    reason: str

    def __str__(self) -> str:
        return f"the body was not received whole, so nothing was stored: {self.reason}"


@dataclass(eq=False)
class DigestMismatch(ArchiveError):
    algorithm: str
    declared: str
    arrived: str

    def __str__(self) -> str:
        return (
            f"the body was declared to have the {self.algorithm} {self.declared}, but what arrived has {self.arrived}, "
            "so nothing was stored"
        )


class ChecksumMismatch(DigestMismatch):
    pass


class StalledUpload(CutUpload):
    pass


class NotSignedIn(ArchiveError):
    def __str__(self) -> str:
        return "Login required or wrong user name or password"


class AccountLocked(NotSignedIn):
    def __str__(self) -> str:
        return (
            "Login required or wrong user name or password: after too many failed attempts from this address the "
            "account is locked for a while; its operator can unlock it"
        )


class NotAllowed(_Said, ArchiveError):
    pass


class NeedsCsrfToken(NotAllowed):
    pass


@dataclass(eq=False)
class StillNeeded(NotAllowed):
    needed_by: tuple[str, ...]

    def __str__(self) -> str:
        named = ", ".join(self.needed_by[:_MOST_NAMED])
        return f"{self.reason}: {named}{', ...' if len(self.needed_by) > _MOST_NAMED else ''}"


@dataclass(eq=False)
class NotFound(ArchiveError):
    what: str

    def __str__(self) -> str:
        return f"Unable to find {self.what}."


@dataclass(eq=False)
class NotAcceptable(ArchiveError):
    offered: tuple[str, ...]

    def __str__(self) -> str:
        return f"the Accept header names no type that is offered here ({', '.join(self.offered)})"


@dataclass(eq=False)
class NotInstalled(ArchiveError):
    what: str
    extra: str

    def __str__(self) -> str:
        return f"{self.what} is not installed here; the operator can add it with: pip install 'filmroom[{self.extra}]'"


@dataclass(eq=False)
class WrongMethod(ArchiveError):
    method: str
    allowed: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} is not possible here; possible are {', '.join(self.allowed)}"


@dataclass(eq=False)
class SetByOperator(WrongMethod):
    setting: str

    def __str__(self) -> str:
        return f"nothing was changed: this is for its operator to set in filmroom.toml {self.setting}".rstrip()


class Conflict(ArchiveError):
    pass


class UploadInUse(ArchiveError):
    def __str__(self) -> str:
        return "another request is adding to this upload; try again when it has ended"


@dataclass(eq=False)
class RetiredProjectId(ArchiveError):
    project_id: str

    def __str__(self) -> str:
        return f"Project {self.project_id!r} was deleted and can still be brought back, so its names are not free yet"


class StorageFull(ArchiveError):
    def __str__(self) -> str:
        return "the archive's disk is full, or nearly so: nothing was stored"


@dataclass(eq=False)
class MissingBytes(ArchiveError):
    key: str

    def __str__(self) -> str:
        return "the bytes of this file are missing from the archive's storage; please tell its operator"


@dataclass(eq=False)
class DamagedBytes(ArchiveError):
    key: str

    def __str__(self) -> str:
        return "the bytes of this file are no longer those that were stored; please tell the archive's operator"


@dataclass(eq=False)
class Busy(ArchiveError):
    reason: str

    def __str__(self) -> str:
        return f"{self.reason}; try again in a moment"


class TooManyUploads(Busy):
    pass


class LeaseLost(ArchiveError):
    def __str__(self) -> str:
        return "this server process was silent for too long and may not finish this upload; please send it again"


@dataclass(eq=False)
class StorageFailed(ArchiveError):
    reason: str

    def __str__(self) -> str:
        return f"the archive's storage failed ({self.reason}); it is not known whether the change was kept"


class BackupRefused(_Said, ArchiveError):
    pass


@dataclass(eq=False)
class DatabaseTooNew(ArchiveError):
    revision: str

    def __str__(self) -> str:
        return f"the database was written by a newer filmroom (schema {self.revision}); start that version or newer"
