"""pyxnat 1.6.4 signs in, out and in again (``make test`` builds its environment)."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from server.process import PASSWORD, Server
from shape.sizes import ROOT

PYTHON = ROOT / ".venv-pyxnat/bin/python"
SCRIPT = Path(__file__).with_name("pyxnat_session.py")

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="make .venv-pyxnat/done builds what this needs")


def test_pyxnat_signs_in_out_and_in_again(server: Server) -> None:
    command = [str(PYTHON), "-W", "ignore", str(SCRIPT), f"http://127.0.0.1:{server.port}", PASSWORD]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)

    assert json.loads(done.stdout.splitlines()[-1]) == {
        "connect": "['DEMO']",
        "version": "1.8.11",
        "entry": "/data",
        "disconnect": "None",
        "again with the stale cookie": "['DEMO']",
        "wrong password": "HTTPError",
        "wrong password, a list": "DatabaseError",
    }
