"""What pyxnat may not do, as an error of its own."""

from collections.abc import Callable
from typing import Any

from pyxnat.core.errors import DatabaseError


def refused(act: Callable[[], Any], error: type[Exception] = DatabaseError) -> None:
    """Raises AssertionError where nothing is raised."""
    try:
        act()
    except error:
        return
    raise AssertionError(act)
