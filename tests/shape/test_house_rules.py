"""Conventions of the house, executed. Import rules are import-linter's (``make lint``)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from shape.sizes import ROOT, python_files

SOURCES = python_files("src")


def _calls(path: Path) -> Iterator[str]:
    for item in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(item, ast.Call):
            yield ast.unparse(item.func)


def _files_where(found: str) -> set[str]:
    return {path.name for path in SOURCES if any(call == found for call in _calls(path))}


def test_only_the_gate_asks_for_permission() -> None:
    assert _files_where("may") == {"gate.py"}


def test_only_the_gate_looks_at_who_a_viewer_is() -> None:
    asking = {
        path.name
        for path in SOURCES
        if path.parent.name == "service"
        and re.search(r"viewer\.(is_admin|is_guest|data_role)", path.read_text("utf-8"))
    }

    assert asking == {"gate.py"}


# Changes that are no event of the audit trail: what the archive notes for itself, and people coming and going.
UNRECORDED: Final = {
    "Health._write",  # a number that means nothing
    "Leases._take",
    "Leases.close",
    "Leases.renew",
    "Refresh.count",  # counted again, not changed
    "Removal.write",  # of what was deleted or purged, which was recorded; what a server's own upkeep does is in its log
    "ResumableUploads._look_again",
    "ResumableUploads._remove_if_over",
    "ResumableUploads.begin",  # until the last byte is there, nothing of the archive has changed
    "ResumableUploads._forget",
    "Sessions._write_if_possible",
    "Sessions.open",
    "Sessions.close",
    "Tokens.find_viewer",
    "Tokens.validate",
    "Upkeep._turn",
    "_Progress.advance",
}


def _called(item: ast.AST) -> set[str]:
    calls = (call.func for call in ast.walk(item) if isinstance(call, ast.Call))
    return {function.attr if isinstance(function, ast.Attribute) else ast.unparse(function) for function in calls}


def _reaches(calls: set[str], wanted: str, known: dict[str, set[str]]) -> bool:
    reached: set[str] = set()
    while calls - reached:
        reached |= calls
        calls = {name for called in calls for name in known.get(called, ())}
    return wanted in reached


def _functions(body: Iterable[ast.stmt]) -> Iterator[ast.FunctionDef]:
    return (item for item in body if isinstance(item, ast.FunctionDef))


def test_every_change_leaves_an_event() -> None:
    """Whatever writes says in the same unit what it does, unless it is known not to."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES if path.parent.name == "service"]
    groups = [item for tree in trees for item in tree.body if isinstance(item, ast.ClassDef)]
    helpers = [function for tree in trees for function in _functions(tree.body)]
    helpers += [method for group in groups for method in _functions(group.body) if method.name.startswith("_")]
    # Those of a class that records and opens no unit of its own work in the units of others.
    sources = {group: ast.unparse(group) for group in groups}
    within = [group for group, text in sources.items() if "record(" in text and "database.write(" not in text]
    helpers += [method for group in within for method in _functions(group.body)]
    known = {helper.name: _called(helper) for helper in helpers}
    writing = {
        f"{group.name}.{method.name}": _called(method)
        for group in groups
        for method in _functions(group.body)
        if "database.write(" in ast.unparse(method)
    }

    silent = {name for name, calls in writing.items() if not _reaches(calls, "record", known)}

    assert len(writing) > len(UNRECORDED)
    assert silent == UNRECORDED


def test_nothing_but_the_database_layer_commits() -> None:
    committing = {path for path in SOURCES if any(call.endswith(".commit") for call in _calls(path))}

    assert {path.parent.name for path in committing} <= {"db"}


def test_asynchronous_code_stays_at_the_edge() -> None:
    asynchronous = {
        path.name
        for path in SOURCES
        for item in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(item, ast.AsyncFunctionDef)
    }

    assert asynchronous == {"transfer.py", "endpoint.py", "app.py", "serve.py", "crew.py", "helper.py", "process.py"}


def test_only_settings_read_the_environment() -> None:
    reading = {path.name for path in SOURCES if "os.environ" in path.read_text(encoding="utf-8")}

    assert reading == {"settings.py"}


def test_every_oddity_names_its_source() -> None:
    tree = ast.parse((ROOT / "src/filmroom/rest/compat.py").read_text(encoding="utf-8"))

    functions = [item for item in tree.body if isinstance(item, ast.FunctionDef)]

    assert functions
    assert all(re.search(r"\b[FC]-\d+", ast.get_docstring(function) or "") for function in functions)


def test_every_module_says_what_it_is() -> None:
    silent = [path.name for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]

    assert not silent


def test_rules_that_the_code_cites_exist() -> None:
    wire = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference/wire").glob("*.md"))
    known = set(re.findall(r"\*\*([FC]-\d+a?)\b", wire))
    cited = {
        rule
        for path in python_files("src", "tests")
        for rule in re.findall(r"\b[FC]-\d+a?\b", path.read_text(encoding="utf-8"))
    }

    assert not cited - known


LOCK_FILES = sorted((ROOT / "requirements").iterdir())


@pytest.mark.parametrize("path", LOCK_FILES, ids=lambda path: path.name)
def test_lock_files_hold_hashes_and_no_addresses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "--hash=sha256:" in text
    assert "://" not in text


def _loaded_by(*modules: str) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_starting_loads_nothing_that_only_some_commands_need() -> None:
    """Start-up stays lean: what takes long to import is imported by what needs it."""
    rarely_needed = {"alembic", "pydicom", "numpy", "PIL", "psycopg", "sqlalchemy.dialects.postgresql"}

    assert not rarely_needed & _loaded_by("filmroom.app", "filmroom.cli.serve")


def test_starting_does_not_read_the_table_of_data_types() -> None:
    code = "import filmroom.app; from filmroom.model.datatypes import shipped_types as s; print(s.cache_info().misses)"

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "0\n"


def test_commands_for_operators_load_nothing_of_http() -> None:
    commands = [
        f"filmroom.cli.{name}" for name in ("admin", "audit", "backup", "fsck", "main", "undo", "upkeep", "users")
    ]

    assert not {"filmroom.rest.endpoint", "starlette", "uvicorn"} & _loaded_by(*commands)
