"""Runs the steps of a script in the environment of a client, and says of each whether it went through.

A script is a module beside this one; its functions without a leading underscore are its steps, run in the order
in which they are written.
What each of them gets is what the script's ``_connect(url, password, folder)`` returns.
"""

import json
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import FunctionType


def _outcome(step: FunctionType, client: object) -> str:
    """Nothing, or what went wrong."""
    try:
        step(client)
    except Exception:  # noqa: BLE001 - whatever it is, it is told
        return traceback.format_exc()
    return ""


def main(name: str, url: str, password: str, folder: str) -> None:
    script = import_module(name)
    client = script._connect(url, password, Path(folder))
    for step, function in vars(script).items():
        if isinstance(function, FunctionType) and function.__module__ == name and not step.startswith("_"):
            sys.stdout.write(json.dumps([step, _outcome(function, client)]) + "\n")
            sys.stdout.flush()


main(*sys.argv[1:])
