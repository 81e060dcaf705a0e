"""How a script tells what came of each step: a line of JSON, the name of the step and its outcome."""

import json
import sys
from collections.abc import Callable
from typing import Any


def tell(step: str, outcome: Any) -> None:
    """Bytes are told as text, one character each; what JSON does not know, as ``str`` shows it."""
    shown = outcome.decode("latin-1") if isinstance(outcome, bytes) else outcome
    sys.stdout.write("\n" + json.dumps({step: shown}, default=str) + "\n")


def attempt(step: str, act: Callable[[], Any]) -> None:
    """Tell what came of it, or the name of the error."""
    try:
        outcome = act()
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        outcome = type(error).__name__
    tell(step, outcome)
