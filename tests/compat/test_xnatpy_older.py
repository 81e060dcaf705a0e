"""xnatpy 0.7.2, which xnatutils asks for."""

from pathlib import Path
from typing import Any

import pytest

from compat.environments import run_script
from compat.xnatpy import LEVELS, md5
from server.process import PASSWORD, Server

FILE = "/data/{thing}/resources/{resource}/files/{path}"
WORKS = "a tour of files and things: create, upload in each method, read, zip, overwrite, change, share, rename, delete"
ASKED = (
    f"PUT {FILE}",
    f"GET {FILE}",
    f"DELETE {FILE}",
    "GET /data/{thing}/resources/{resource}/files",
    "PUT /data/{subject}",
    "PUT /data/{experiment}/projects/{name}",
    "DELETE /data/{experiment}",
)


@pytest.fixture(scope="module")
def told(site: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run_script("xnatutils_tour", site.url, PASSWORD, home=tmp_path_factory.mktemp("tour"))


@pytest.mark.client("xnatpy 0.7.2", WORKS, *ASKED)
@pytest.mark.parametrize("level", LEVELS)
def test_an_older_xnatpy_keeps_files(told: dict[str, Any], level: str) -> None:
    assert told[level] == {
        "read": True,
        "told": ["T1", "TEXT", "x", "5", md5(b"first")],
        "overwritten": True,
        "folders": dict.fromkeys(("per_file", "tar_memory", "tar_file", "tgz_memory", "tgz_file"), True),
        "zipped": True,
        "deleted": True,
    }


@pytest.mark.client("xnatpy 0.7.2", "attributes, fields, lists and tables after a change", "PUT /data/{scan}")
def test_an_older_xnatpy_changes_things(told: dict[str, Any]) -> None:
    assert told["changed"] == ["female", "first", "as it should be"]
    assert told["scans"] == [["1", "T1", "usable"]]
    assert told["assessors"] == ["QC1"]
    assert set(told["session downloaded"]) == {"a.txt", "b c.bin", "\u65e5.txt"}
    assert told["filtered"] == told["tabulated"] == ["S2"]
    assert told["shared"] == ["SHARED"]


@pytest.mark.client("xnatpy 0.7.2", "what may not be is an error", "GET /data/{project}")
def test_an_older_xnatpy_is_told_of_errors(told: dict[str, Any]) -> None:
    assert [told[step] for step in ("taken", "missing", "deleted")] == ["XNATResponseError"] * 3
    assert told["wrong password"] == "XNATLoginFailedError"


def test_a_home_is_not_ours(tmp_path: Path) -> None:
    """So that no password of whoever runs the tests is found."""
    from compat.environments import OWN, run

    done = run(OWN, "python", "-c", "import pathlib; print(pathlib.Path.home())", home=tmp_path)

    assert done.stdout.strip() == str(tmp_path)
