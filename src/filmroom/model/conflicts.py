"""Every way the state of the archive says no to a change that would be fine otherwise.

Conflict
├── ResourceExists
├── ProjectNameTaken
├── IdTaken             an ID that something has, here or in another project
├── LabelTaken
├── LastOwner           a project that nobody would own any more
├── NotForGuests        something that only somebody can have
├── AlreadyShared       a thing that is in a project already
├── FilesExist          files that are there already, where that is to be an error
├── LoginTaken
├── LastAdministrator   a change that would leave nobody to administer the site
├── OtherProject        a thing that belongs to another project than was said
├── WrongType           a thing is of another data type already
├── NotBroughtBack      a name taken meanwhile, or something above that is deleted too
├── FolderExists        a folder of a user's cache that is there already
├── PathConflict        a file where a folder is, or the other way round
└── WrongOffset         a stretch of a resumable upload that does not begin where the last one ended
"""

from dataclasses import dataclass
from typing import Final

from filmroom.model.errors import Conflict

_MOST_NAMED: Final = 5


@dataclass(eq=False)
class ResourceExists(Conflict):
    label: str

    def __str__(self) -> str:
        return f"resource {self.label!r} already exists here"


@dataclass(eq=False)
class ProjectNameTaken(Conflict):
    name: str

    def __str__(self) -> str:
        return f"{self.name!r} is already an ID, secondary ID, name or alias of another project (in whatever case)"


@dataclass(eq=False)
class IdTaken(Conflict):
    id: str

    def __str__(self) -> str:
        return f"Specified ID is already in use: {self.id!r}"


@dataclass(eq=False)
class LabelTaken(Conflict):
    label: str

    def __str__(self) -> str:
        return f"Specified label is already in use: {self.label!r}"


@dataclass(eq=False)
class LastOwner(Conflict):
    project_id: str

    def __str__(self) -> str:
        return f"project {self.project_id!r} would have no owner any more; make somebody else one first"


@dataclass(eq=False)
class NotForGuests(Conflict):
    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class AlreadyShared(Conflict):
    project_id: str

    def __str__(self) -> str:
        return f"Already assigned to project: {self.project_id}"


@dataclass(eq=False)
class FilesExist(Conflict):
    paths: tuple[str, ...]

    def __str__(self) -> str:
        named = ", ".join(repr(path) for path in self.paths[:_MOST_NAMED])
        rest = ", ..." if len(self.paths) > _MOST_NAMED else ""
        return f"nothing was stored, because there is already {named}{rest}; overwrite=true replaces it"


@dataclass(eq=False)
class LoginTaken(Conflict):
    login: str

    def __str__(self) -> str:
        return f"user name {self.login!r} is taken"


@dataclass(eq=False)
class LastAdministrator(Conflict):
    login: str

    def __str__(self) -> str:
        return f"{self.login!r} is the last administrator who can sign in; make another one first"


@dataclass(eq=False)
class OtherProject(Conflict):
    given: str
    project_id: str

    def __str__(self) -> str:
        return f"Project must be modified through separate URI: this belongs to {self.project_id!r}, not {self.given!r}"


@dataclass(eq=False)
class WrongType(Conflict):
    given: str
    stored: str

    def __str__(self) -> str:
        return f"Specified xsiType {self.given!r} differs from existing xsiType {self.stored!r}"


@dataclass(eq=False)
class NotBroughtBack(Conflict):
    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(eq=False)
class FolderExists(Conflict):
    path: str

    def __str__(self) -> str:
        return f"folder {self.path!r} exists already"


@dataclass(eq=False)
class PathConflict(Conflict):
    path: str
    other: str

    def __str__(self) -> str:
        return f"{self.path!r} cannot be stored beside {self.other!r}: one name cannot be both a file and a folder"


@dataclass(eq=False)
class WrongOffset(Conflict):
    given: int
    offset: int

    def __str__(self) -> str:
        return f"this upload goes on at byte {self.offset}, not at {self.given}"
