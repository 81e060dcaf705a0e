"""What is remembered of the paths that lead to files changes nothing of where a path leads."""

from hypothesis import example, given
from hypothesis import strategies as st

from filmroom.model.address import CONTEXTS
from filmroom.model.errors import BadName
from filmroom.rest.dispatch import Route, find_route, read_route
from filmroom.rest.routes import MOUNTS, TABLES

DATA = MOUNTS[0]
SHAPES = sorted({shape for context in CONTEXTS for shape in context.shapes})
FOLLOWING = sorted({operation.suffix for operation in TABLES[DATA]} | {"in/files/{path}", "x/resources/y/files/{path}"})
SEGMENTS = st.sampled_from(
    ["", "x", "files", "resources", "in", "scans", "uploads", "a%20b", "%2F", "%FF", "%00", "a/b", "a+b", "ü"]
)


@st.composite
def paths(draw: st.DrawFn) -> str:
    """What fits an operation, or nearly does; often one that ends with the path of a file."""
    shape, suffix = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(FOLLOWING))
    parts = [part for part in f"{shape}/{suffix}".split("/") if part]
    segments = [draw(SEGMENTS) if part.startswith("{") and draw(st.booleans()) else part for part in parts]
    return "/".join(["", *segments, *draw(st.lists(SEGMENTS, max_size=2))])


def _told(path: str, *, remembers: bool) -> Route | str | None:
    try:
        return find_route(DATA, path) if remembers else read_route(DATA, path)
    except BadName as error:
        return str(error)


@given(paths())
@example("/projects/files/files/x")
@example("/files/x")
@example("/projects/P/resources/files/x")
@example("/projects/P/resources/files/files/")
@example("/projects/P/files//x")
@example("/projects/P/files//")
@example("/experiments/E/assessors/A/files/files/x")
@example("/experiments/E/assessors/A/in/files/x%2Fy")
def test_a_path_leads_where_it_would_if_nothing_were_remembered(path: str) -> None:
    assert _told(path, remembers=True) == _told(path, remembers=False)
