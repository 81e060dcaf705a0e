"""What pyxnat 1.6.4 sees of signing in. Runs in an environment of its own: ``pyxnat_session.py URL PASSWORD``."""

import json
import sys
from collections.abc import Callable
from typing import Any

from pyxnat import Interface


def _outcome(act: Callable[[], Any]) -> str:
    """The name of the error, or what came of it."""
    try:
        return str(act())
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        return type(error).__name__


def main(url: str, password: str) -> None:
    outcomes: dict[str, str] = {}
    interface = Interface(server=url, user="admin", password=password)
    outcomes["connect"] = _outcome(interface.select.projects().get)
    outcomes["version"] = _outcome(lambda: interface.version()["version"])
    outcomes["entry"] = interface._entry
    outcomes["disconnect"] = _outcome(interface.disconnect)
    outcomes["again with the stale cookie"] = _outcome(interface.select.projects().get)
    wrong = Interface(server=url, user="admin", password="wrong")
    outcomes["wrong password"] = _outcome(lambda: wrong.get("/data/projects").raise_for_status())
    outcomes["wrong password, a list"] = _outcome(lambda: wrong._get_json("/data/projects?format=csv"))
    sys.stdout.write(json.dumps(outcomes))


main(*sys.argv[1:])
