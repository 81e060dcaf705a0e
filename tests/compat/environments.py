"""Runs the scripts in ``scripts/``, each in the environment of a client that cannot live beside the others."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from shape.sizes import ROOT

OWN: Final = ""
"""The environment in which the tests themselves run."""
_SCRIPTS: Final = Path(__file__).with_name("scripts")


def find_environment(name: str) -> Path:
    """The programs of ``.venv-NAME``; without it the test is skipped, and where CI is set it fails."""
    if name == OWN:
        return Path(sys.executable).parent
    programs = ROOT / f".venv-{name}" / "bin"
    if not (programs.parent / "done").exists():
        missing = f"`make .venv-{name}/done` builds what this needs"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)
    return programs


def run(name: str, command: str, *arguments: str, home: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    """A program of an environment, whose home and folder is ``home``, and which knows nothing of ours."""
    line = [str(find_environment(name) / command), *arguments]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "XNAT", "FILMROOM"))}
    environment = {**kept, "HOME": str(home), "NETRC": str(home / ".netrc"), "PYTHONWARNINGS": "ignore"}
    return subprocess.run(
        line,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
        cwd=home,
        start_new_session=True,  # or a password would be asked for at our terminal
    )


def run_script(script: str, *arguments: str, home: Path) -> dict[str, Any]:
    """What ``scripts/NAME_*.py`` told, step by step, run in the environment NAME (see ``scripts/telling.py``)."""
    done = run(script.partition("_")[0], "python", str(_SCRIPTS / f"{script}.py"), *arguments, home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    return {name: outcome for line in lines for name, outcome in line.items()}


def check_steps(environment: str, script: str, *arguments: str, home: Path) -> None:
    """Every step of ``scripts/SCRIPT.py`` went through (see ``scripts/steps.py``), run in this environment."""
    done = run(environment, "python", str(_SCRIPTS / "steps.py"), script, *arguments, str(home), home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes: list[tuple[str, str]] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('["')]
    assert outcomes
    failed = [f"{step}: {outcome}" for step, outcome in outcomes if outcome]
    assert not failed, "\n".join(failed)
