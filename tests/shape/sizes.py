"""How long functions and files are; run as a script it shows the longest."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_FUNCTION = 50
LONGEST_FILE = 400


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function of a file with its number of lines."""
    for item in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}:{item.name}", (item.end_lineno or item.lineno) - item.lineno + 1


def file_lengths(*folders: str) -> list[tuple[str, int]]:
    return [
        (str(path.relative_to(ROOT)), len(path.read_text(encoding="utf-8").splitlines()))
        for path in python_files(*folders)
    ]


def _show() -> None:
    lengths = [pair for path in python_files("src") for pair in functions(path)]
    for title, pairs in (("functions", lengths), ("files", file_lengths("src"))):
        print(f"longest {title} of {len(pairs)}")  # noqa: T201 - this is what the script is for
        for name, lines in sorted(pairs, key=lambda pair: -pair[1])[:15]:
            print(f"  {lines:4} {name}")  # noqa: T201


if __name__ == "__main__":
    _show()
