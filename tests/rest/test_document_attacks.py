"""Documents that are made to do harm (C-23, C-56): refused at once, whatever they would expand to."""

import pytest
from starlette.testclient import TestClient

from rest.session import SUBJECT

XML = {"Content-Type": "text/xml"}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def subject(alice: TestClient, demo: str) -> None:
    alice.put(f"{demo}/subjects/S1")


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
ATTACKS = {
    "doctype": b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    "entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "laughs": f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>'.encode(),
    "encoding": b'<?xml version="1.0" encoding="nonsense"?><a/>',
    "other encoding": b'<?xml version="1.0" encoding="UTF-16"?><a/>',
    "broken text": b"<?xml version='1.0'?><a>\xff\xfe</a>",
    "deep": b"<a>" * 100_000,
    "many": b"<a>" + b"<b/>" * 600_000 + b"</a>",
    "attributes": b"<a " + b" ".join(b'a%d=""' % n for n in range(600_000)) + b"/>",
    "nothing": b"no document at all",
    "namespace": b"<Subject/>",
}


@ON_SQLITE
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("url", [SUBJECT, "/data/projects/DEMO"])
@pytest.mark.usefixtures("subject")
def test_a_document_that_attacks_is_refused(alice: TestClient, url: str, attack: bytes) -> None:
    """C-23, C-56."""
    assert alice.put(url, content=attack, headers=XML).status_code == 422


@ON_SQLITE
@pytest.mark.usefixtures("subject")
def test_a_document_that_is_too_long_is_refused(alice: TestClient) -> None:
    pieces = (b"<a>" + b" " * 1_000_000 for _ in range(20))

    assert alice.put(SUBJECT, content=pieces, headers=XML).status_code == 413
