"""Two kinds of chart: bars of several servers side by side, and curves. Everything is labelled where it is drawn."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.svg import FAINT_INK, GRID, Drawing, text_width

# Of the palette by Okabe and Ito, which the colour-blind can tell apart.
BLUE: Final = "#0072b2"
GREEN: Final = "#009e73"
PURPLE: Final = "#cc79a7"
ORANGE: Final = "#b35900"
LIMIT: Final = "#d55e00"
GREY: Final = "#a9b2bb"

_WIDTH: Final = 760
_EDGE: Final = 20
_HEAD: Final = 62
_BAR: Final = 16
_BAR_STEP: Final = 21
_BELOW_FLOOR: Final = 12
_GROUP_HEAD: Final = 24
_GROUP_GAP: Final = 10
_CURVES_HEIGHT: Final = 400
_LABEL_STEP: Final = 16


@dataclass(frozen=True, slots=True)
class Spread:
    """A median, and the lowest and the highest round."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Bar:
    """``floor`` is drawn as a thin line across it."""

    label: str
    spread: Spread
    color: str
    floor: float | None = None

    @property
    def height(self) -> float:
        return _BAR_STEP + (_BELOW_FLOOR if self.floor else 0)


@dataclass(frozen=True, slots=True)
class BarGroup:
    title: str
    bars: Sequence[Bar]


def shown(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def nice_ticks(highest: float) -> list[float]:
    """From 0 to the first of them that is not below the highest, four to seven in all."""
    rough = highest / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough)
    return [step * number for number in range(math.ceil(highest / step) + 1)]


def draw_bars(title: str, subtitle: str, unit: str, groups: Sequence[BarGroup]) -> str:
    bars = [bar for group in groups for bar in group.bars]
    body = sum(bar.height for bar in bars) + (_GROUP_HEAD + _GROUP_GAP) * len(groups)
    drawing = Drawing(_WIDTH, _HEAD + body + 52, title=title)
    _draw_head(drawing, title, subtitle)
    left = _EDGE + max(text_width(bar.label, 12) for bar in bars) + 10
    ticks = nice_ticks(max(max(bar.spread.high, bar.floor or 0) for bar in bars))
    right = _WIDTH - _EDGE - 40

    def place(number: float) -> float:
        return left + (right - left) * number / ticks[-1]

    top: float = _HEAD
    for group in groups:
        drawing.text((_EDGE, top + 17), group.title, is_bold=True)
        top += _GROUP_HEAD
        end = top + sum(bar.height for bar in group.bars)
        for tick in ticks:
            drawing.line((place(tick), top - 2), (place(tick), end), color=GRID)
        for bar in group.bars:
            _draw_bar(drawing, bar, top, place)
            top += bar.height
        top += _GROUP_GAP
    for tick in ticks:
        drawing.text((place(tick), top + 12), shown(tick), size=11, color=FAINT_INK, anchor="middle")
    drawing.text(((left + right) / 2, top + 34), unit, color=FAINT_INK, anchor="middle")
    return drawing.to_svg()


def _draw_head(drawing: Drawing, title: str, subtitle: str) -> None:
    drawing.text((_EDGE, 28), title, size=16, is_bold=True)
    drawing.text((_EDGE, 48), subtitle, color=FAINT_INK)


def _draw_bar(drawing: Drawing, bar: Bar, top: float, place: Callable[[float], float]) -> None:
    start, middle = place(0), top + _BAR / 2
    low, high = place(bar.spread.low), place(bar.spread.high)
    drawing.text((start - 8, middle + 4), bar.label, anchor="end")
    drawing.rect((start, top), (place(bar.spread.middle) - start, _BAR), fill=bar.color)
    drawing.line((low, middle), (high, middle))
    for end in (low, high):
        drawing.line((end, middle - 4), (end, middle + 4))
    if bar.floor:
        x = place(bar.floor)
        drawing.line((x, top - 4), (x, top + _BAR + 13), color=LIMIT, width=1.5)
        drawing.text((x + 5, top + _BAR + 12), f"floor {shown(bar.floor)}", size=11, color=LIMIT)
        high = max(high, x if x - high < text_width(shown(bar.spread.middle), 12) + 14 else high)
    drawing.text((high + 7, middle + 4), shown(bar.spread.middle), is_bold=bar.color != GREY)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points by x, each with its spread. ``has_dots`` marks each of them."""

    label: str
    color: str
    points: Sequence[tuple[float, Spread]]
    has_dots: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """Where numbers stand between 0 and 1, and which of them are written."""

    label: str
    ticks: Sequence[tuple[float, str]]
    is_log: bool = False

    def place(self, number: float) -> float:
        first, last = self.ticks[0][0], self.ticks[-1][0]
        if self.is_log:
            return math.log(number / first) / math.log(last / first)
        return (number - first) / (last - first)


def linear(label: str, highest: float) -> Axis:
    """From 0, with room for words above the highest."""
    return Axis(label, [(tick, shown(tick) if tick else "0") for tick in nice_ticks(1.1 * highest)])


def powers_of_ten(label: str, lowest: float, highest: float) -> Axis:
    first, last = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
    return Axis(label, [(10.0**power, f"{10.0**power:,.10g}") for power in range(first, last + 1)], is_log=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """A floor: a thin line from side to side."""

    label: str
    number: float


class _Plane:
    """Where the curves are drawn, with room for their labels on the right."""

    def __init__(self, x: Axis, y: Axis, curves: Sequence[Curve]) -> None:
        self.x, self.y = x, y
        self.left = _EDGE + max(text_width(text, 11) for _, text in y.ticks) + 10
        self.right = _WIDTH - _EDGE - max(text_width(curve.label, 12) for curve in curves) - 12
        self.top, self.bottom = _HEAD + 24, _CURVES_HEIGHT - 54

    def at(self, x: float, y: float) -> tuple[float, float]:
        return self.left + (self.right - self.left) * self.x.place(x), self.row(y)

    def row(self, y: float) -> float:
        return self.bottom - (self.bottom - self.top) * self.y.place(y)


def draw_curves(head: tuple[str, str], axes: tuple[Axis, Axis], curves: Sequence[Curve], limit: Limit | None) -> str:
    drawing = Drawing(_WIDTH, _CURVES_HEIGHT, title=head[0])
    plane = _Plane(*axes, curves)
    _draw_head(drawing, *head)
    _draw_axes(drawing, plane)
    if limit:
        y = plane.row(limit.number)
        drawing.line((plane.left, y), (plane.right, y), color=LIMIT, width=1.5, dash="6 3")
        drawing.text((plane.left + 6, y - 6), limit.label, size=11, color=LIMIT)
    for curve in curves:
        _draw_curve(drawing, plane, curve)
    _draw_labels(drawing, plane, curves)
    return drawing.to_svg()


def _draw_axes(drawing: Drawing, plane: _Plane) -> None:
    for number, text in plane.y.ticks:
        y = plane.row(number)
        drawing.line((plane.left, y), (plane.right, y), color=GRID)
        drawing.text((plane.left - 7, y + 4), text, size=11, color=FAINT_INK, anchor="end")
    drawing.text((_EDGE, plane.top - 14), plane.y.label, color=FAINT_INK)
    for number, text in plane.x.ticks:
        x, _ = plane.at(number, plane.y.ticks[0][0])
        drawing.line((x, plane.bottom), (x, plane.bottom + 5), color=FAINT_INK)
        drawing.text((x, plane.bottom + 19), text, size=11, color=FAINT_INK, anchor="middle")
    drawing.line((plane.left, plane.bottom), (plane.right, plane.bottom), color=FAINT_INK)
    drawing.text(((plane.left + plane.right) / 2, plane.bottom + 40), plane.x.label, color=FAINT_INK, anchor="middle")


def _draw_curve(drawing: Drawing, plane: _Plane, curve: Curve) -> None:
    for x, spread in curve.points:
        if spread.low < spread.high:
            drawing.line(plane.at(x, spread.low), plane.at(x, spread.high), color=curve.color)
    drawing.path([plane.at(x, spread.middle) for x, spread in curve.points], color=curve.color, width=2)
    for x, spread in curve.points if curve.has_dots else ():
        drawing.dot(plane.at(x, spread.middle), color=curve.color)


def _draw_labels(drawing: Drawing, plane: _Plane, curves: Sequence[Curve]) -> None:
    """At the end of each curve, pushed apart where two would lie over each other."""
    ends = [plane.at(x, spread.middle) for x, spread in (curve.points[-1] for curve in curves)]
    for curve, (x, _), y in zip(curves, ends, apart([y for _, y in ends]), strict=True):
        drawing.text((x + 10, y + 4), curve.label, color=curve.color, is_bold=True)


def apart(rows: Sequence[float]) -> list[float]:
    """The same, in the same order, moved until none is nearer to another than a line of text is high."""
    order = sorted(range(len(rows)), key=lambda number: rows[number])
    moved = [rows[number] for number in order]
    for _ in range(len(rows) * 20):
        for above in range(len(moved) - 1):
            lacking = _LABEL_STEP - (moved[above + 1] - moved[above])
            if lacking > 0:
                moved[above] -= lacking / 2
                moved[above + 1] += lacking / 2
    return [moved[order.index(number)] for number in range(len(rows))]
