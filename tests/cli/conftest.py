"""A folder to type commands in, and one that holds an archive."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings file and no settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("FILMROOM_DATA", "FILMROOM_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    yield  # noqa: PT022 - the folder is left after the test


@pytest.fixture
def data(tmp_path: Path, sqlite_template: Path) -> Path:
    """The data folder of an archive with people in it."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "filmroom.db")
    return folder
