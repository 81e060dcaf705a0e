"""A guest at an open site, through pyxnat 1.6.4."""

from pathlib import Path
from typing import NamedTuple

from pyxnat import Interface
from refusals import refused


class Door(NamedTuple):
    guest: Interface
    folder: Path


def _connect(url: str, password: str, folder: Path) -> Door:
    """A project of each accessibility, with a file in each."""
    archive = Interface(server=url, user="admin", password=password)
    for value in ("public", "protected", "private"):
        project = archive.select.project(f"IS_{value}").create()
        project.set_accessibility(value)
        project.subject("S1").experiment("MR1").create()
        project.subject("S1").resource("R").file("a.txt").put(f"{value} bytes")
    return Door(Interface(server=url, anonymous=True), folder)


def sees_what_is_open(door: Door) -> None:
    seen = door.guest.select.projects().get()

    assert {"IS_public", "IS_protected"} <= set(seen)
    assert "IS_private" not in seen
    assert not door.guest.select.project("IS_private").exists()


def reads_what_is_public(door: Door) -> None:
    subject = door.guest.select.project("IS_public").subject("S1")
    assert subject.exists()
    assert len(door.guest.select.project("IS_public").experiments().get()) == 1

    target = door.folder / "a.txt"
    subject.resource("R").file("a.txt").get(str(target))

    assert target.read_bytes() == b"public bytes"


def reads_no_more(door: Door) -> None:
    for value in ("protected", "private"):
        subject = door.guest.select.project(f"IS_{value}").subject("S1")
        assert not subject.exists(), value
        assert door.guest.get(f"/data/projects/IS_{value}/subjects/S1/resources/R/files/a.txt").status_code in {
            403,
            404,
        }


def changes_nothing(door: Door) -> None:
    refused(door.guest.select.project("OF_A_GUEST").create)
    refused(door.guest.select.project("IS_public").subject("S2").create)
    refused(door.guest.select.project("IS_public").delete)


def says_which_version_it_is(door: Door) -> None:
    assert door.guest.version()["version"] == "1.8.11"
