"""What is quick for plain texts is the same for all of them."""

from urllib.parse import quote, unquote_to_bytes

from hypothesis import given
from hypothesis import strategies as st

from filmroom.model.percent import decode, encode, encode_path

TEXTS = st.text(st.sampled_from("ab9-._~/% +%2F%41é\0\n€") | st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_encoding_is_that_of_the_standard_library(text: str) -> None:
    assert (encode(text), encode_path(text)) == (quote(text, safe=""), quote(text, safe="/"))


@given(TEXTS)
def test_what_was_encoded_is_decoded(text: str) -> None:
    assert decode(encode(text)) == decode(encode_path(text)) == text


@given(st.text(st.sampled_from("a%2F41é/.")))
def test_decoding_is_that_of_the_standard_library(text: str) -> None:
    try:
        wanted = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        wanted = None
    try:
        found = decode(text)
    except UnicodeDecodeError:
        found = None
    assert found == wanted
