"""pyxnat 1.6.4 signs in, out and in again (``make test`` builds its environment)."""

from pathlib import Path

from compat.environments import run_script
from server.process import PASSWORD, Server


def test_pyxnat_signs_in_out_and_in_again(server: Server, tmp_path: Path) -> None:
    told = run_script("pyxnat_session", f"http://127.0.0.1:{server.port}", PASSWORD, home=tmp_path)

    assert told == {
        "connect": ["DEMO"],
        "version": "1.8.11",
        "entry": "/data",
        "disconnect": None,
        "again with the stale cookie": ["DEMO"],
        "wrong password": "HTTPError",
        "wrong password, a list": "DatabaseError",
    }
