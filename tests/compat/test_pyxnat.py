"""pyxnat 1.6.4 signs in, out and in again (``make test`` builds its environment)."""

from pathlib import Path

import pytest

from compat.environments import run_script
from server.process import PASSWORD, Server


@pytest.mark.client(
    "pyxnat 1.6.4",
    "signing in and out, and in again with a stale cookie",
    "GET /data/JSESSION",
    "DELETE /data/JSESSION",
    "GET /data/projects",
)
def test_pyxnat_signs_in_out_and_in_again(server: Server, tmp_path: Path) -> None:
    told = run_script("pyxnat_session", server.url, PASSWORD, home=tmp_path)

    assert told == {
        "connect": ["DEMO"],
        "version": "1.8.11",
        "entry": "/data",
        "disconnect": None,
        "again with the stale cookie": ["DEMO"],
        "wrong password": "HTTPError",
        "wrong password, a list": "DatabaseError",
    }
