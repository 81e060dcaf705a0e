"""Every operation, at every thing, by every sort of person, at every sort of project (``permission_grid.txt``).

A refusal, and a 200 that stores nothing, leaves every row and every byte as it was.
"""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from postgresql import PostgreSQL
from rest.asks import ACTORS, GONE, OPERATIONS, Line, read_lines
from rest.session import OWNERS
from rest.world import NOBODY, PROJECTS, World, copy_template, in_project, open_world

LINES: Final = read_lines()
CELLS: Final = [pytest.param(line, owner, id=f"{line.operation} {owner}") for line in LINES for owner in line.owners]
SAMPLE: Final = random.Random(1).sample(CELLS, 20)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[World]:
    """One for all tests of this module; whoever changes it restores it."""
    for world in open_world(copy_template(sqlite_template, folder := tmp_path_factory.mktemp("world")), folder):
        yield _with_deleted(world)


@pytest.fixture(scope="module")
def postgresql_world(
    tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL, postgresql_template: str
) -> Iterator[World]:
    name = postgresql.create(postgresql_template)
    for world in open_world(postgresql.url(name), tmp_path_factory.mktemp("world")):
        yield _with_deleted(world)
    postgresql.drop(name)


def _with_deleted(world: World) -> World:
    """With something to bring back everywhere."""
    for url, project in product(OWNERS.values(), PROJECTS.values()):
        resources = f"{in_project(url, project)}/resources"
        world.do("owner", "PUT", f"{resources}/R/files/{GONE}?inbody=true", b"voxels")
        world.do("owner", "PUT", f"{resources}/{GONE}")
        for deleted in (f"R/files/{GONE}", GONE):
            world.do("owner", "DELETE", f"{resources}/{deleted}")
    world.remember()
    return world


def _observe(world: World, line: Line, owner: str) -> dict[tuple[str, str], str]:
    """The status of each person at each project, with a star where it says that something was done and nothing was."""
    observed = {}
    before = world.state()
    for actor, accessibility in product(ACTORS, PROJECTS):
        reply = world.send(actor, line.ask(owner, PROJECTS[accessibility]))
        is_changed = world.state() != before
        is_told_so = reply.headers.get("filmroom-stored") == "no"
        observed[actor, accessibility] = _show(reply.status_code, line, is_changed=is_changed, is_told_so=is_told_so)
        if is_changed:
            world.restore()
    return observed


def _show(status: int, line: Line, *, is_changed: bool, is_told_so: bool) -> str:
    should_change = line.changes and status < 300 and not is_told_so
    return f"{status}{'*' if is_told_so else ''}{'' if is_changed is should_change else f', changed: {is_changed}'}"


def test_the_grid_has_a_line_for_every_operation_and_every_thing_it_can_be_done_to() -> None:
    assert {line.operation for line in LINES} == set(OPERATIONS)
    assert len({(line.operation, line.where) for line in LINES}) == len(LINES)
    for operation in ("list resources", "upload", "strict overwrite", "delete file", "refresh", "get", "delete"):
        owners = [owner for line in LINES if line.operation == operation for owner in line.owners]
        assert sorted(owners) == sorted(OWNERS)


@pytest.mark.parametrize(("line", "owner"), CELLS)
def test_who_may_do_what(world: World, line: Line, owner: str) -> None:
    assert _observe(world, line, owner) == line.expected


@pytest.mark.parametrize(("line", "owner"), SAMPLE)
def test_who_may_do_what_on_postgresql(postgresql_world: World, line: Line, owner: str) -> None:
    assert _observe(postgresql_world, line, owner) == line.expected


@pytest.mark.parametrize(("line", "owner"), CELLS)
def test_nobody_may_do_anything_on_a_closed_site(world: World, line: Line, owner: str) -> None:
    before = world.state()

    statuses = {world.send(NOBODY, line.ask(owner, project)).status_code for project in PROJECTS.values()}

    assert statuses == {401}
    assert world.state() == before
