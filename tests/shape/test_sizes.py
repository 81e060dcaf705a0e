"""Small functions, small files."""

from shape.sizes import LONGEST_FILE, LONGEST_FUNCTION, file_lengths, functions, python_files


def test_no_function_is_longer_than_fifty_lines() -> None:
    lengths = [pair for path in python_files("src", "bench", "tests") for pair in functions(path)]

    too_long = [pair for pair in lengths if pair[1] > LONGEST_FUNCTION and "migrations/versions" not in pair[0]]

    assert not too_long


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    too_long = [pair for pair in file_lengths("src", "bench", "tests") if pair[1] > LONGEST_FILE]

    assert not too_long
