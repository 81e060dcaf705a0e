"""Lengths of time on the command line, such as 30d."""

import re
from datetime import timedelta
from typing import Any, Final

import click

_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DURATION: Final = re.compile(r"(\d{1,5})([mhdw])")


class Duration(click.ParamType[timedelta]):
    """A whole number and a unit: m, h, d or w."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        match = _DURATION.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is no length of time: use a number and m, h, d or w, such as 30d", param, ctx)
        return int(match[1]) * _UNITS[match[2]]
