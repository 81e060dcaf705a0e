"""The guide to running a server knows every setting."""

from dataclasses import fields
from pathlib import Path

from filmroom.settings import Settings

GUIDE = Path(__file__).parents[2] / "docs/guides/running.md"


def _row(name: str, default: object, doc: str) -> str:
    shown = "" if default == "" else str(default).lower() if isinstance(default, bool) else f"{default}"
    return f"| `{name}` | {f'`{shown}`' if shown else ''} | {doc} |\n"


def test_the_table_of_settings_is_that_of_the_settings() -> None:
    rows = [_row(option.name, option.default, option.metadata["doc"]) for option in fields(Settings)]
    table = "".join(["| setting | default | what it is |\n|---|---|---|\n", *rows])

    assert table in GUIDE.read_text(encoding="utf-8")
