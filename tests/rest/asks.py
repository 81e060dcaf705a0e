"""The operations of ``permission_grid.txt`` as requests."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rest.session import OWNERS
from rest.tus import STRETCH, named
from rest.world import LOGINS, OTHER, PROJECTS, Ask, in_project

STRICT: Final = {"Prefer": "handling=strict"}
CHANGING: Final = frozenset({"PUT", "POST", "DELETE"})
GONE: Final = "gone"
"""A file in each R, and a resource beside it, that were deleted."""
_REFRESH: Final = "/data/services/refresh/catalog?resource="


def _get(suffix: str) -> Callable[[str], Ask]:
    return lambda url: Ask(method="GET", url=f"{url}{suffix}")


def _put(suffix: str) -> Callable[[str], Ask]:
    return lambda url: Ask(method="PUT", url=f"{url}{suffix}")


def _delete(suffix: str) -> Callable[[str], Ask]:
    return lambda url: Ask(method="DELETE", url=f"{url}{suffix}")


def _post(suffix: str) -> Callable[[str], Ask]:
    return lambda url: Ask(method="POST", url=f"{url}{suffix}")


def _upload(suffix: str, *, is_strict: bool = False) -> Callable[[str], Ask]:
    headers = STRICT if is_strict else {}
    return lambda url: Ask(method="PUT", url=f"{url}/resources/R/files/{suffix}", content=b"mine", headers=headers)


def _upload_resumably(url: str) -> Ask:
    headers = {**named("new.txt", 4), **STRETCH}
    return Ask(method="POST", url=f"{url}/resources/R/uploads", content=b"mine", headers=headers)


OPERATIONS: Final[dict[str, Callable[[str], Ask]]] = {
    "list resources": _get("/resources"),
    "read resource": _get("/resources/R"),
    "list files": _get("/resources/R/files"),
    "read file": _get("/resources/R/files/a.txt"),
    "zip": _get("/resources/R/files?format=zip"),
    "upload": _upload("new.txt?inbody=true"),
    "overwrite": _upload("a.txt?inbody=true&overwrite=true"),
    "strict upload": _upload("new.txt?inbody=true", is_strict=True),
    "strict overwrite": _upload("a.txt?inbody=true&overwrite=true", is_strict=True),
    "resumable upload": _upload_resumably,
    "create resource": _put("/resources/NEW"),
    "delete file": _delete("/resources/R/files/a.txt"),
    "empty resource": _delete("/resources/R/files/*"),
    "delete resource": _delete("/resources/R"),
    "list deleted": _get("/deleted"),
    "undelete file": _post(f"/resources/R/undelete/{GONE}"),
    "undelete resource": _post(f"/resources/{GONE}/undelete"),
    "refresh": lambda url: Ask(method="POST", url=f"{_REFRESH}{url.replace('/data', '/archive', 1)}/resources/R"),
    "get": _get(""),
    "change": _put("?note=n2&description=d2&type=changed&gender=female"),
    "rename": _put("?label=RENAMED"),
    "delete": _delete("?removeFiles=true"),
    "create subject": _put("/subjects/NEW"),
    "create experiment": _put("/experiments/NEW?xsiType=xnat:mrSessionData"),
    "create scan": _put("/scans/NEW?xsiType=xnat:mrScanData"),
    "create reconstruction": _put("/reconstructions/NEW"),
    "create assessor": _put("/assessors/NEW?xsiType=xnat:qcManualAssessorData"),
    "list subjects": _get("/subjects"),
    "list experiments": _get("/experiments"),
    "list scans": _get("/scans"),
    "list reconstructions": _get("/reconstructions"),
    "list assessors": _get("/assessors"),
    "get accessibility": _get("/accessibility"),
    "open": lambda url: Ask(
        method="PUT", url=f"{url}/accessibility/{'private' if url.endswith(PROJECTS['public']) else 'public'}"
    ),
    "list users": _get("/users"),
    "put user": _put("/users/owner/carl"),
    "remove user": _delete("/users/member/mary"),
    "list groups": _get("/groups"),
    "put group": _put("/groups/others?xnat:subjectData=r"),
    "delete group": _delete("/groups/raters"),
    "share": _put(f"/projects/{OTHER}"),
    "give away": _put(f"/projects/{OTHER}?primary=true"),
    "list projects of": _get("/projects"),
}
# What checks bytes again, and changes nothing where they are what they should be.
_CHANGES_NOTHING: Final = frozenset({"refresh"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the grid: an operation on some of OWNERS, and of each person, in each project, the status."""

    operation: str
    where: str
    expected: dict[tuple[str, str], str]

    @property
    def owners(self) -> list[str]:
        return [owner for owner in OWNERS if self.where in _words_of(owner)]

    def ask(self, owner: str, project: str) -> Ask:
        return OPERATIONS[self.operation](in_project(_url(self.operation, owner), project))

    @property
    def changes(self) -> bool:
        is_change = OPERATIONS[self.operation]("").method in CHANGING
        return is_change and self.operation not in _CHANGES_NOTHING


def _words_of(owner: str) -> set[str]:
    """By which words of the grid one of OWNERS is meant."""
    kind = owner.rsplit(" ", 1)[-1]
    return {kind} if kind in {"project", "assessor"} else {kind, "data"}


def _url(operation: str, owner: str) -> str:
    """Only resources hang on a side; what is done to the thing itself is done to both."""
    is_of_resources = any(word in operation.split() for word in ("resource", "resources", "file", "files"))
    is_upload = operation.rsplit(" ", 1)[-1] in {"upload", "overwrite", "zip", "refresh"}
    url = OWNERS[owner]
    return url if is_of_resources or is_upload else url.removesuffix("/in").removesuffix("/out")


def read_lines() -> list[Line]:
    text = (Path(__file__).parent / "permission_grid.txt").read_text(encoding="utf-8")
    return [_read_line(line) for line in text.splitlines() if line and not line.startswith("#")]


def _read_line(text: str) -> Line:
    first, *rest = text.split("|")
    *operation, where, admin, owner, member, collaborator = first.split()
    closed, open_ = rest[0].split()
    alike = {"admin": admin, "owner": owner, "member": member, "collaborator": collaborator}
    expected = {
        (actor, accessibility): code
        for actor, cell in alike.items()
        for accessibility, code in zip(PROJECTS, _by_accessibility(cell), strict=True)
    }
    for accessibility, rater in zip(PROJECTS, (closed, closed, open_), strict=True):
        expected["rater", accessibility] = rater
    for actor, cells in (("outsider", rest[1]), ("guest", rest[2])):
        for accessibility, code in zip(PROJECTS, cells.split(), strict=True):
            expected[actor, accessibility] = code
    return Line(" ".join(operation), where, expected)


def _by_accessibility(cell: str) -> tuple[str, str, str]:
    """``403/200`` is 403 in the private and the protected project and 200 in the public one."""
    closed, _, open_ = cell.partition("/")
    return closed, closed, open_ or closed


ACTORS: Final = (*LOGINS, "guest")
