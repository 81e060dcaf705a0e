"""The table of what the four pages ask and what proves it; ``--write`` puts it into the documentation."""

import sys
from pathlib import Path
from typing import Final

from pages.forms import FORMS
from pages.statements import Statement, Test, list_statements, list_tests, read_pages

PATH: Final = Path(__file__).parents[2] / "docs/reference/pages.md"
_HEAD: Final = """\
# The four pages, line by line

XNAT describes its resources and files on four public pages.
Here is what each of their lines asks, in our own words, and the tests that prove it of filmroom.
Where XNAT itself does something else, or data would not be safe, the table says what filmroom does;
S-n and F-n are rules of [files-api.md](wire/files-api.md).

Made from [pages.toml](../../tests/pages/pages.toml) and the tests by `make pages`; a test fails when it is out of date.
"""
_TESTS_HEAD: Final = f"""\
## The tests

How often each of them runs.
*Form* is an address: {len(FORMS)} of them, with every shape of URL, things named by label and by ID wherever both are
allowed, without a side and with `/in` and `/out`, and every kind of thing under `/data`, `/REST`, `/data/archive` and
`/REST/archive` ([forms.py](../../tests/pages/forms.py)).
*Owner* is a thing that has resources, or one of its sides.

| test | for each |
| --- | --- |
"""


def render() -> str:
    tests = list_tests()
    sections = (_section(page, told["silent"], tests) for page, told in read_pages().items())
    links = "".join(f"[{test.name}]: ../../tests/pages/{test.module}.py\n" for test in tests)
    return "\n".join([_HEAD, *sections, _TESTS_HEAD + "".join(map(_times, tests)), links])


def _section(page: str, silent: list[str], tests: tuple[Test, ...]) -> str:
    rows = [_row(statement, tests) for statement in list_statements() if statement.page == page]
    lines = [
        f"## {page}\n",
        "| lines | what they ask | tests |",
        "| --- | --- | --- |",
        *rows,
        f"\nHeadings, brackets, blank lines and other lines that ask nothing: {', '.join(silent)}.\n",
    ]
    return "\n".join(lines)


def _row(statement: Statement, tests: tuple[Test, ...]) -> str:
    lines = str(statement).partition(":")[2]
    differs = f"<br>*filmroom: {statement.differs}*" if statement.differs else ""
    proofs = [f"[{test.name}]" for test in tests if test.proves(statement)]
    return f"| {lines} | {statement.asks}{differs} | {'<br>'.join(proofs)} |"


def _times(test: Test) -> str:
    axes = ", ".join(f"{name} ({size})" for name, size in test.axes.items())
    return f"| [{test.name}] | {axes or 'once'} |\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PATH.write_text(render(), encoding="utf-8")
    else:
        print(render(), end="")  # noqa: T201 - this is what the script is for
