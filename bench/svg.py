"""A drawing as SVG: one element a line and one digit behind the point, so that two drawings can be compared."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

INK: Final = "#1f2933"
FAINT_INK: Final = "#5a6672"
GRID: Final = "#e3e7eb"
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif"
# Wide enough for most letters of most fonts.
_LETTER: Final = 0.58


def text_width(text: str, size: float) -> float:
    """About as many pixels as a browser needs."""
    return len(text) * size * _LETTER


class Drawing:
    """Shapes on a white card, which stays readable on a dark page. Coordinates are pixels from the upper left."""

    def __init__(self, width: float, height: float, *, title: str) -> None:
        size = f'width="{width:g}" height="{height:g}"'
        font = f"font-family={quoteattr(_FONT)}"
        self._lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width:g} {height:g}" role="img" {font}>',
            f"<title>{escape(title)}</title>",
            f'<rect {size} rx="6" fill="#ffffff"/>',
        ]

    def rect(self, corner: tuple[float, float], size: tuple[float, float], *, fill: str) -> None:
        (x, y), (width, height) = corner, size
        self._lines.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>')

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        color: str = INK,
        width: float = 1,
        dash: str = "",
    ) -> None:
        self.path([start, end], color=color, width=width, dash=dash)

    def path(self, points: Sequence[tuple[float, float]], *, color: str, width: float = 1, dash: str = "") -> None:
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._lines.append(
            f'<polyline points="{joined}" fill="none" stroke="{color}" stroke-width="{width:g}"{dashed}/>'
        )

    def dot(self, center: tuple[float, float], *, color: str, radius: float = 3.5) -> None:
        x, y = center
        self._lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{color}"/>')

    def text(
        self, at: tuple[float, float], text: str, *, size: float = 12, color: str = INK, anchor: str = "start",
        is_bold: bool = False,
    ) -> None:  # fmt: skip
        x, y = at
        weight = ' font-weight="600"' if is_bold else ""
        self._lines.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{color}" text-anchor="{anchor}"{weight}>'
            f"{escape(text)}</text>"
        )

    def to_svg(self) -> str:
        return "\n".join([*self._lines, "</svg>", ""])
