"""Forms of requests, such as ``PUT /data/{thing}/resources/{resource}/files/{path}``, and what has one."""

import re
from functools import cache
from typing import Final

_EXPERIMENT: Final = r"(?:projects/[^/]+/)?(?:subjects/[^/]+/)?experiments/[^/]+"
_KINDS: Final = {
    "project": r"projects/[^/]+",
    "subject": r"(?:projects/[^/]+/)?subjects/[^/]+",
    "experiment": _EXPERIMENT,
    "scan": rf"{_EXPERIMENT}/scans/[^/]+",
    "assessor": rf"{_EXPERIMENT}/assessors/[^/]+",
    "reconstruction": rf"{_EXPERIMENT}/reconstructions/[^/]+",
}
# What may stand in braces: a thing of some kind in each shape of its address, any of them, or a part of a path.
PLACES: Final = {
    **_KINDS,
    "thing": rf"(?:{'|'.join(_KINDS.values())})(?:/(?:in|out))?",
    "resource": r"[^/]+",
    "folder": r"[^/]+",
    "path": r".+",
    "login": r"[^/]+",
    "name": r"[^/]+",
}


def has_form(form: str, method: str, path: str) -> bool:
    """``/data`` in a form is also ``/REST`` and each of the two with ``/archive``."""
    return _pattern(form).fullmatch(f"{method} {path}") is not None


@cache
def _pattern(form: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", form)
    literal = (re.escape(part).replace("\\ /data/", " /(?:data|REST)/(?:archive/)?") for part in parts[::2])
    places = (f"(?:{PLACES[name]})" for name in parts[1::2])
    return re.compile("".join(part for pair in zip(literal, [*places, ""], strict=True) for part in pair))
