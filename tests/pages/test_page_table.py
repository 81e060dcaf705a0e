"""Every line of the pages is accounted for, has a test, and stands in the documentation."""

from collections import Counter

import pytest

from pages.statements import list_statements, list_tests, read_lines, read_pages, unknown_citations
from pages.table import PATH, render

PAGES = read_pages()


@pytest.mark.parametrize("page", PAGES)
def test_every_line_of_a_page_asks_something_or_nothing(page: str) -> None:
    ranges = [*PAGES[page]["asks"], *PAGES[page]["silent"]]

    lines = Counter(number for text in ranges for number in read_lines(text))

    assert lines == Counter(range(1, PAGES[page]["length"] + 1))


@pytest.mark.parametrize("page", PAGES)
def test_what_is_said_of_lines_is_said_of_those_that_ask_something(page: str) -> None:
    assert set(PAGES[page].get("differs", {})) <= set(PAGES[page]["asks"])


def test_every_line_that_asks_something_has_a_test() -> None:
    tests = list_tests()

    unproven = [str(statement) for statement in list_statements() if not any(test.proves(statement) for test in tests)]

    assert unproven == []


def test_no_test_cites_a_line_that_asks_nothing() -> None:
    assert unknown_citations() == []


def test_the_documentation_shows_what_is_asked_and_proven() -> None:
    assert PATH.read_text(encoding="utf-8") == render(), "out of date: run `make pages`"
