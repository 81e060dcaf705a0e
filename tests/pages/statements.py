"""What the lines of the pages ask (``pages.toml``), and which tests cite them (their ``page`` marks)."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
# Parameters that say only on which database a test runs.
_NOT_SHOWN: Final = frozenset({"database_url"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Lines of a page, from the first to the last, and what they ask; ``differs`` where another text is right."""

    page: str
    lines: range
    asks: str
    differs: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{_shown(self.lines)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """A test that cites lines; ``axes`` says of each of its parameters how many values it takes."""

    __test__ = False

    module: str
    name: str
    axes: Mapping[str, int]
    cited: tuple[tuple[str, range], ...]

    def proves(self, statement: Statement) -> bool:
        return any(page == statement.page and set(statement.lines) <= set(lines) for page, lines in self.cited)


def read_pages() -> dict[str, Any]:
    return tomllib.loads((HERE / "pages.toml").read_text(encoding="utf-8"))


def read_lines(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _shown(lines: range) -> str:
    return f"{lines[0]}-{lines[-1]}" if len(lines) > 1 else str(lines[0])


def list_statements() -> tuple[Statement, ...]:
    return tuple(
        Statement(
            page=page,
            lines=read_lines(lines),
            asks=asks,
            differs=told.get("differs", {}).get(lines, ""),
        )
        for page, told in read_pages().items()
        for lines, asks in told["asks"].items()
    )


def list_tests() -> tuple[Test, ...]:
    """Every test in this folder that cites a line. The modules are imported; nothing is run."""
    names = sorted(path.stem for path in HERE.glob("test_*.py"))
    return tuple(test for name in names for test in _tests_of(name))


def _tests_of(module: str) -> Iterator[Test]:
    for name, item in vars(import_module(f"pages.{module}")).items():
        marks = getattr(item, "pytestmark", []) if name.startswith("test_") else []
        if cited := tuple(_citation(text) for mark in marks if mark.name == "page" for text in mark.args):
            yield Test(module=module, name=name, axes=_axes(marks), cited=cited)


def _citation(text: str) -> tuple[str, range]:
    page, _, lines = text.partition(":")
    return page, read_lines(lines)


def _axes(marks: list[Any]) -> dict[str, int]:
    axes = {str(mark.args[0]): len(mark.args[1]) for mark in marks if mark.name == "parametrize"}
    return {name: size for name, size in reversed(axes.items()) if name not in _NOT_SHOWN}


def unknown_citations() -> list[str]:
    """Citations that do not begin and end with a line that asks something."""
    stated: dict[str, set[int]] = defaultdict(set)
    for statement in list_statements():
        stated[statement.page] |= set(statement.lines)
    return [
        f"{test.name} cites {page}:{_shown(lines)}"
        for test in list_tests()
        for page, lines in test.cited
        if not {lines[0], lines[-1]} <= stated[page]
    ]
