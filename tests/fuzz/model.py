"""What an archive with one project should hold, as plain dicts; and the URLs of what is in it."""

from dataclasses import dataclass, field
from typing import Final

Files = dict[str, bytes]
Key = tuple[str, int]
"""A kind of owner of resources, and which: of sessions the number, whatever it is called now."""

SUBJECT_OF: Final = (0, 0, 1)
"""The subject of each session that there can be."""
PROJECT: Final[Key] = ("project", 0)
KINDS_IN_SESSION: Final = ("scan", "in", "out")
KEYS: Final[tuple[Key, ...]] = (
    PROJECT,
    *(("subject", number) for number in range(2)),
    *(("session", number) for number in range(3)),
    *((kind, number) for kind in KINDS_IN_SESSION for number in range(3)),
)


@dataclass
class Model:
    """``things`` are those that are there; an assessor, which is there for its two sides, is ``out``."""

    url: str
    things: set[Key] = field(default_factory=lambda: {PROJECT})
    is_renamed: dict[int, bool] = field(default_factory=dict)
    resources: dict[tuple[Key, str], Files] = field(default_factory=dict)

    def url_of(self, key: Key) -> str:
        """Of the thing, or of a side of it."""
        kind, number = key
        if kind == "project":
            return self.url
        if kind == "subject":
            return f"{self.url}/subjects/S{number}"
        session = f"{self.url_of(('subject', SUBJECT_OF[number]))}/experiments/{self.label(number)}"
        endings = {"session": "", "scan": "/scans/1", "in": f"/assessors/Q{number}/in", "out": f"/assessors/Q{number}"}
        return session + endings[kind]

    def label(self, number: int) -> str:
        return f"E{number}{'R' if self.is_renamed.get(number) else ''}"

    def is_there(self, key: Key) -> bool:
        return all(one in self.things for one in (_thing(key), *_above(key)))

    def may_be_made(self, key: Key) -> bool:
        return all(one in self.things for one in _above(key))

    def drop(self, key: Key) -> None:
        """With all that is in it."""
        thing = _thing(key)
        gone = {one for one in KEYS if _thing(one) == thing or thing in _above(one)}
        self.things -= gone
        self.resources = {where: files for where, files in self.resources.items() if where[0] not in gone}

    def files(self, key: Key, resource: str) -> Files:
        return self.resources.get((key, resource), {})

    def conflicts(self, key: Key, resource: str, path: str) -> bool:
        """A file cannot be a folder too."""
        there = self.files(key, resource)
        return any(one.startswith(f"{path}/") or path.startswith(f"{one}/") for one in there)

    def put(self, key: Key, resource: str, files: Files, *, overwrite: bool) -> set[str]:
        """Those that were refused, because they are there."""
        there = self.resources.setdefault((key, resource), {})
        refused = set() if overwrite else files.keys() & there.keys()
        there |= {path: content for path, content in files.items() if path not in refused}
        return refused


def _thing(key: Key) -> Key:
    return ("out", key[1]) if key[0] == "in" else key


def _above(key: Key) -> tuple[Key, ...]:
    kind, number = key
    if kind == "project":
        return ()
    if kind == "subject":
        return (PROJECT,)
    subject = ("subject", SUBJECT_OF[number])
    return (PROJECT, subject) if kind == "session" else (PROJECT, subject, ("session", number))
