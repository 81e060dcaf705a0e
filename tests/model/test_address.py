"""Addresses: the grammar both ways, every shape of files-api section 2 written out, and what is refused."""

from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmroom.model.address import CONTEXTS, Address, Context, match_suffix, parse_address, split_address
from filmroom.model.errors import BadName, NotFound
from filmroom.model.nodes import Kind
from filmroom.model.resources import Side

# Context prefix, its kind and the levels it names: files-api section 2, c1 to c12, then F-35's aliases and the cache.
PLACES: Final[tuple[tuple[str, Kind, dict[str, str]], ...]] = (
    ("/projects/P", Kind.PROJECT, {"project": "P"}),
    ("/projects/P/subjects/S", Kind.SUBJECT, {"project": "P", "subject": "S"}),
    ("/subjects/S", Kind.SUBJECT, {"subject": "S"}),
    (
        "/projects/P/subjects/S/experiments/E",
        Kind.EXPERIMENT,
        {"project": "P", "subject": "S", "experiment": "E"},
    ),
    ("/projects/P/experiments/E", Kind.EXPERIMENT, {"project": "P", "experiment": "E"}),
    ("/experiments/E", Kind.EXPERIMENT, {"experiment": "E"}),
    (
        "/projects/P/subjects/S/experiments/E/scans/1",
        Kind.SCAN,
        {"project": "P", "subject": "S", "experiment": "E", "scan": "1"},
    ),
    ("/experiments/E/scans/1", Kind.SCAN, {"experiment": "E", "scan": "1"}),
    (
        "/projects/P/subjects/S/experiments/E/reconstructions/R1",
        Kind.RECONSTRUCTION,
        {"project": "P", "subject": "S", "experiment": "E", "reconstruction": "R1"},
    ),
    ("/experiments/E/reconstructions/R1", Kind.RECONSTRUCTION, {"experiment": "E", "reconstruction": "R1"}),
    (
        "/projects/P/subjects/S/experiments/E/assessors/A",
        Kind.ASSESSOR,
        {"project": "P", "subject": "S", "experiment": "E", "assessor": "A"},
    ),
    ("/experiments/E/assessors/A", Kind.ASSESSOR, {"experiment": "E", "assessor": "A"}),
    ("/projects/P/experiments/E/scans/1", Kind.SCAN, {"project": "P", "experiment": "E", "scan": "1"}),
    (
        "/projects/P/experiments/E/reconstructions/R1",
        Kind.RECONSTRUCTION,
        {"project": "P", "experiment": "E", "reconstruction": "R1"},
    ),
    ("/projects/P/experiments/E/assessors/A", Kind.ASSESSOR, {"project": "P", "experiment": "E", "assessor": "A"}),
    ("/user/cache", Kind.USER, {}),
)
SUFFIXES: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("", {}),
    ("/resources/DICOM", {"resource": "DICOM"}),
    ("/resources/DICOM/", {"resource": "DICOM"}),
    ("/resources/DICOM/files", {"resource": "DICOM"}),
    ("/resources/DICOM/files/", {"resource": "DICOM"}),
    ("/resources/DICOM/files/a/b.dcm", {"resource": "DICOM", "path": "a/b.dcm"}),
    ("/resources/DICOM/files/a/b/", {"resource": "DICOM", "path": "a/b/"}),
    ("/files", {}),
    ("/files/", {}),
    ("/files/a/b.dcm", {"path": "a/b.dcm"}),
)
# What a side is when the address does not say, and when it says out (F-32).
DEFAULT_SIDES = {Kind.RECONSTRUCTION: Side.OUT, Kind.ASSESSOR: Side.OUT}
TWO_SIDED = tuple(place for place in PLACES if place[1] in DEFAULT_SIDES)

_SEGMENTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0") | st.sampled_from("%+#? ;&é\u0301\\"), min_size=1
)
_PATHS = st.builds(
    lambda segments, end: "/".join(segments) + end, st.lists(_SEGMENTS, min_size=1), st.sampled_from(["", "/"])
)
_SHAPES = tuple((context, shape) for context in CONTEXTS for shape in context.shapes if context.kind is not Kind.SITE)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    context, shape = draw(st.sampled_from(_SHAPES))
    levels = {part[1:-1]: draw(_SEGMENTS) for part in shape.split("/") if part.startswith("{")}
    return Address(
        kind=context.kind,
        side=draw(st.sampled_from((Side.IN, Side.OUT) if context.sides else (Side.NONE,))),
        resource=draw(st.none() | _SEGMENTS),
        path=draw(st.none() | _PATHS),
        **levels,
    )


@given(addresses())
@settings(deadline=None, max_examples=500)
def test_an_address_is_read_back_as_it_was_written(address: Address) -> None:
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(("context", "shape"), _SHAPES, ids=[shape for _, shape in _SHAPES])
def test_every_shape_is_read_back_with_all_that_can_follow(context: Context, shape: str) -> None:
    levels = {part[1:-1]: f"{part[1:-1]} %+#?" for part in shape.split("/") if part.startswith("{")}
    side = DEFAULT_SIDES.get(context.kind, Side.NONE)
    address = Address(kind=context.kind, side=side, resource="my label", path="ä/100%+#?.dcm", **levels)

    written = str(address)

    assert parse_address(written) == address
    assert written.isascii()


def test_the_site_is_said_by_a_slash_alone() -> None:
    assert [str(Address(kind=Kind.SITE, path=path)) for path in (None, "x")] == ["/", "/files/x"]


@pytest.mark.parametrize(("suffix", "found"), SUFFIXES, ids=[suffix for suffix, _ in SUFFIXES])
@pytest.mark.parametrize(("prefix", "kind", "levels"), PLACES, ids=[place[0] for place in PLACES])
def test_every_url_of_the_route_table_leads_to_its_place(
    prefix: str, kind: Kind, levels: dict[str, str], suffix: str, found: dict[str, str]
) -> None:
    """F-33, F-35, F-37; a trailing slash is harmless, and in a file path means a folder (F-5, F-97)."""
    address = parse_address(prefix + suffix)

    assert address == Address(kind=kind, side=DEFAULT_SIDES.get(kind, Side.NONE), **{**levels, **found})


def test_every_shape_stands_in_the_table_of_this_test() -> None:
    written = {frozenset(levels) | {kind.value} for _, kind, levels in PLACES}

    generated = {
        frozenset(part[1:-1] for part in shape.split("/") if part.startswith("{")) | {context.kind.value}
        for context, shape in _SHAPES
    }

    assert written == generated


@pytest.mark.parametrize(
    ("word", "side"),
    [
        ("/in", Side.IN),
        ("/IN", Side.IN),
        ("/In", Side.IN),
        ("/out", Side.OUT),
        ("/OUT", Side.OUT),
        ("/sideways", Side.OUT),
        ("", Side.OUT),
    ],
)
@pytest.mark.parametrize("suffix", ["/resources/R", "/files/a.dcm"])
@pytest.mark.parametrize("place", TWO_SIDED, ids=[place[0] for place in TWO_SIDED])
def test_a_side_is_in_or_else_out(place: tuple[str, Kind, dict[str, str]], suffix: str, word: str, side: Side) -> None:
    """F-32."""
    assert parse_address(place[0] + word + suffix).side is side


@pytest.mark.parametrize("word", ["in", "out"])
def test_a_side_may_stand_last(word: str) -> None:
    assert parse_address(f"/experiments/E/assessors/A/{word}").side == word


def test_only_reconstructions_and_assessors_have_sides() -> None:
    with pytest.raises(NotFound):
        parse_address("/experiments/E/scans/1/in/resources/R")


@pytest.mark.parametrize(
    "place",
    [
        "",
        "/",
        "/nowhere",
        "/projects",
        "/projects/",
        "/projects//resources/R",
        "/PROJECTS/P",
        "/projects/P/scans/1",
        "/projects/P/subjects/S/scans/1",
        "/projects/P/resources",
        "/projects/P/resources/R/other",
        "/projects/P/resources/R/other/files/a",
        "/projects/P/files.zip",
        "/resources/1",
        "/files/a.dcm",
        "/user/cache/elsewhere",
        "/experiments/E/assessors/A/sideways",
    ],
)
def test_what_leads_nowhere_is_not_found(place: str) -> None:
    """F-34: neither are resources without an owner."""
    with pytest.raises(NotFound):
        parse_address(place)


@pytest.mark.parametrize(
    "place",
    [
        "/projects/a%2Fb",
        "/projects/a%2fb/resources/R",
        "/projects/P/resources/a%2Fb",
        "/projects/P/resources/a%2Fb/files/c",
        "/projects/P/resources//files/c",
        "/projects/a%00b",
        "/projects/P/resources/a%00b",
        "/projects/P/resources/R/files/a%00b",
        "/projects/%FF",
        "/projects/P/resources/%C3",
        "/projects/P/resources/R/files/a%ED%A0%80",
        "/projects/P/files/%E9t%E9",
    ],
)
def test_what_can_be_no_name_is_refused(place: str) -> None:
    """decisions.md, Names: an encoded slash outside file paths, a NUL, broken UTF-8, an empty segment."""
    with pytest.raises(BadName):
        parse_address(place)


def test_an_encoded_slash_separates_in_a_file_path() -> None:
    address = parse_address("/projects/P/resources/R/files/a%2Fb%2fc.dcm")

    assert address.path == "a/b/c.dcm"


def test_escapes_are_decoded_once_and_a_plus_stays_a_plus() -> None:
    """F-6."""
    address = parse_address("/projects/P/resources/my%20label/files/a%2520b+c%23d.dcm")

    assert (address.resource, address.path) == ("my label", "a%20b+c#d.dcm")


def test_a_leading_slash_of_a_file_path_is_dropped() -> None:
    assert parse_address("/projects/P/resources/R/files//a.dcm").path == "a.dcm"


@pytest.mark.parametrize("path", ["a//b", "a/./b", "../b", "/a/../b"])
def test_a_file_path_is_not_judged_by_the_grammar(path: str) -> None:
    """Only ``names.check_file_path`` says what a path may be."""
    address = parse_address(f"/projects/P/resources/R/files/{quote(path)}")

    assert address.path == path.removeprefix("/")


@pytest.mark.parametrize(
    ("raw_path", "kind", "rest"),
    [
        ("", Kind.SITE, ("",)),
        ("/", Kind.SITE, ("",)),
        ("/projects", Kind.SITE, ("projects",)),
        ("/projects/", Kind.SITE, ("projects", "")),
        ("/projects//resources", Kind.SITE, ("projects", "", "resources")),
        ("/projects/P", Kind.PROJECT, ()),
        ("projects/P", Kind.PROJECT, ()),
        ("/projects/P/", Kind.PROJECT, ("",)),
        ("/projects/P/resources/a%20b", Kind.PROJECT, ("resources", "a%20b")),
        ("/projects/P/subjects", Kind.PROJECT, ("subjects",)),
        ("/projects/P/subjects/", Kind.PROJECT, ("subjects", "")),
        ("/projects/P/subjects/S/experiments", Kind.SUBJECT, ("experiments",)),
        ("/experiments/E/assessors/A", Kind.ASSESSOR, ()),
        ("/experiments/E/assessors/A/", Kind.ASSESSOR, ("",)),
        ("/experiments/E/assessors/A/in", Kind.ASSESSOR, ()),
        ("/experiments/E/assessors/A/in/", Kind.ASSESSOR, ("",)),
        ("/experiments/E/assessors/A/resources", Kind.ASSESSOR, ("resources",)),
        ("/experiments/E/assessors/A/in/resources/R", Kind.ASSESSOR, ("resources", "R")),
        ("/experiments/E/assessors/A/other", Kind.ASSESSOR, ("other",)),
        ("/user/cache/resources", Kind.USER, ("resources",)),
        ("/user/other", Kind.SITE, ("user", "other")),
    ],
)
def test_the_longest_context_is_split_off(raw_path: str, kind: Kind, rest: tuple[str, ...]) -> None:
    """F-2: and what follows it stays raw."""
    address, left = split_address(raw_path)

    assert (address.kind, left) == (kind, rest)


@pytest.mark.parametrize(
    ("suffix", "rest", "found"),
    [
        ("", (), {}),
        ("", ("",), {}),
        ("", ("x",), None),
        ("resources", ("resources",), {}),
        ("resources", ("resources", ""), {}),
        ("resources", ("resources", "", ""), None),
        ("resources", ("Resources",), None),
        ("resources", (), None),
        ("resources/{resource}", ("resources", "a%20b"), {"resource": "a b"}),
        ("resources/{resource}", ("resources", "R", ""), {"resource": "R"}),
        ("resources/{resource}", ("resources", "R", "x"), None),
        ("resources/{resource}", ("resources",), None),
        ("resources/{resource}", ("resources", ""), None),
        ("files/{path}", ("files",), {}),
        ("files/{path}", ("files", ""), {}),
        ("files/{path}", ("files", "a"), {"path": "a"}),
        ("files/{path}", ("files", "a", ""), {"path": "a/"}),
        ("files/{path}", ("files", "", "a"), {"path": "a"}),
        ("files/{path}", ("files", "a%2Fb", "c"), {"path": "a/b/c"}),
        ("files/{path}", ("other", "a"), None),
        ("files/{path}", (), None),
        ("resources/{resource}/files/{path}", ("resources", "R", "files"), {"resource": "R"}),
        ("resources/{resource}/files/{path}", ("resources", "R"), None),
        ("accessibility/{level}", ("accessibility", "public"), {"level": "public"}),
    ],
)
def test_a_suffix_matches_what_it_describes(suffix: str, rest: tuple[str, ...], found: dict[str, str] | None) -> None:
    assert match_suffix(suffix, rest) == found


def test_a_wrong_word_is_no_match_before_any_name_is_judged() -> None:
    assert match_suffix("resources/{resource}", ("other", "%FF")) is None
