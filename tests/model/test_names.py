"""What an id, a label and a file path may be: each rule of decisions.md "Names" has its case."""

import os.path
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filmroom.model.errors import BadName, IllegalId
from filmroom.model.names import (
    check_file_path,
    check_folder_path,
    check_id,
    check_label,
    is_rid,
)

# Pieces out of which paths that want to escape are made.
_NASTY = ("..", ".", "", "/", "//", "\\", "\0", "a", "a/..", "%2e%2e", "..\\", " ", "~", "\ud800", "*_catalog.xml")

LONGEST_SEGMENT = "x" * 255
LONGEST_PATH = "/".join([*[LONGEST_SEGMENT] * 7, "x" * 254, "x"])


@given(st.text() | st.lists(st.sampled_from(_NASTY)).map("/".join) | st.lists(st.sampled_from(_NASTY)).map("".join))
@settings(deadline=None, max_examples=500)
@example("../../etc/passwd")
@example("/etc/passwd")
@example("//etc/passwd")
@example("a/../../b")
def test_no_path_escapes_its_resource(text: str) -> None:
    """F-141."""
    try:
        path = check_file_path(text)
    except BadName:
        return

    where = os.path.normpath(os.path.join("/archive/resource", path))  # noqa: PTH118 - text, not a path of this machine

    assert where == f"/archive/resource/{path}"


@given(st.text("aZ0_-./", max_size=12))
@settings(deadline=None, max_examples=500)
def test_a_path_of_plain_characters_is_judged_by_what_is_between_its_slashes(text: str) -> None:
    """Most paths are let through at a glance; by no other rule than the rest of them."""
    try:
        is_let_through = check_file_path(text) == text
    except BadName:
        is_let_through = False

    assert is_let_through == {"", ".", ".."}.isdisjoint(text.split("/"))


@given(st.text() | st.lists(st.sampled_from(_NASTY)).map("/".join))
@settings(deadline=None)
def test_no_label_is_a_path(text: str) -> None:
    try:
        label = check_label(text)
    except BadName:
        return

    assert label == text
    assert os.path.normpath(f"/archive/{label}/x") == f"/archive/{label}/x"


@pytest.mark.parametrize(
    "label",
    [
        "DICOM",
        "a",
        "x" * 64,
        "ä" * 64,
        "my label",
        "a.b",
        "...",
        "NULLS",
        "1a",
        "1.0",
        "a+b%20#?;&<>\"'",
        "\u0661\u0662",  # digits, but none that number a resource
    ],
)
def test_a_label_may_be(label: str) -> None:
    assert check_label(label) == label


@pytest.mark.parametrize(
    "label",
    [
        "",
        "x" * 65,
        "a/b",
        "a\\b",
        "a,b",
        "a\tb",
        "a\nb",
        "a\0b",
        "a\x7fb",
        "a\x85b",
        " a",
        "a ",
        "\u3000a",
        ".",
        "..",
        "NULL",
        "null",
        "Null",
        "0",
        "123",
        "007",
    ],
)
def test_a_label_may_not_be(label: str) -> None:
    with pytest.raises(BadName):
        check_label(label)


def test_a_cache_folder_may_be_a_number() -> None:
    assert check_label("123", in_cache=True) == "123"


@pytest.mark.parametrize("label", ["", "a/b", "NULL", " a", "x" * 65])
def test_a_cache_folder_keeps_every_other_rule(label: str) -> None:
    with pytest.raises(BadName):
        check_label(label, in_cache=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("007", True), ("", False), ("1a", False), ("-1", False), ("1.0", False), ("\u0661", False)],
)
def test_a_number_of_a_resource_is_ascii_digits(text: str, *, expected: bool) -> None:
    """F-51."""
    assert is_rid(text) is expected


def test_the_longest_path_is_as_long_as_a_path_may_be() -> None:
    assert len(LONGEST_PATH.encode()) == 2048


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "a/b/c.dcm",
        LONGEST_SEGMENT,
        "ä" * 127,
        LONGEST_PATH,
        " a / b ",
        "a\\b",
        "a,b",
        "100%+#?.dcm",
        "...",
        "a/..b",
        ".hidden",
        "e\u0301",
        "catalog.xml",
        "DICOM_catalog.xml/a",
        "_catalog.xml.gz",
        "a.~lock-",
        "line\nbreak",
    ],
)
def test_a_file_path_may_be(path: str) -> None:
    assert check_file_path(path) == path


@pytest.mark.parametrize("check", [check_file_path, check_folder_path])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//a",
        "a//b",
        "a//",
        ".",
        "..",
        "./a",
        "a/.",
        "a/../b",
        "../a",
        "a\0b",
        f"{LONGEST_SEGMENT}x",
        "ä" * 128,
        f"{LONGEST_PATH}x",
        "\ud800",
    ],
)
def test_neither_a_file_nor_a_folder_may_be_at(path: str, check: Callable[[str], str]) -> None:
    with pytest.raises(BadName):
        check(path)


def test_a_file_path_has_no_trailing_slash() -> None:
    with pytest.raises(BadName):
        check_file_path("a/")


@pytest.mark.parametrize(
    "path", ["DICOM_catalog.xml", "_catalog.xml", "a/b_catalog.xml", "a\n_catalog.xml", ".~lock-", "a/.~lock-x"]
)
def test_a_file_may_not_look_like_a_catalog_or_its_lock(path: str) -> None:
    """F-140."""
    with pytest.raises(BadName):
        check_file_path(path)


@pytest.mark.parametrize("text", ["a/b", "a/b/"])
def test_a_folder_path_is_given_back_without_its_last_slash(text: str) -> None:
    assert check_folder_path(text) == "a/b"


def test_a_folder_may_be_named_like_a_catalog() -> None:
    assert check_folder_path("x_catalog.xml/") == "x_catalog.xml"


def test_names_are_not_normalised() -> None:
    """decisions.md: UTF-8 as received."""
    composed, decomposed = check_file_path("\u00e9"), check_file_path("e\u0301")

    assert composed != decomposed


GOOD_IDS = ("a", "A_b-9", "0", "x" * 255)
BAD_IDS = ("", "x" * 256, "a b", "a.b", "a/b", "ä", "a\n", "\0")


@pytest.mark.parametrize("text", GOOD_IDS)
def test_an_id_may_be(text: str) -> None:
    """C-57."""
    assert check_id(text, what="scan ID") == text


@pytest.mark.parametrize("what", ["project ID", "scan ID", "subject label"])
@pytest.mark.parametrize("text", BAD_IDS)
def test_an_id_may_not_be(text: str, what: str) -> None:
    with pytest.raises(IllegalId, match=what):
        check_id(text, what=what)
