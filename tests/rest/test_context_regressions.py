"""What was once wrong with things other than projects, each named for what somebody would have seen."""

from collections.abc import Callable

import pytest
from lxml import etree
from starlette.testclient import TestClient

from rest.session import SESSION, SUBJECT, make_session

MR1 = f"{SUBJECT}/experiments/MR1"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> str:
    make_session(alice, demo)
    return MR1


# rest/items.py, fields_of: "project" is no field of a reconstruction (C-67), so _fill takes it for one of a site's own
# and adds an element <xnat:project> that XNAT's schema has not.
def test_the_document_of_a_reconstruction_holds_nothing_that_the_schema_has_not(alice: TestClient, mr1: str) -> None:
    root = etree.fromstring(alice.get(f"{mr1}/reconstructions/R1?format=xml&concealHiddenFields=1").content)

    assert [etree.QName(child).localname for child in root] == ["image_session_ID"]


# C-93: subject_ID= moves an existing experiment; here it answers 200, is stored, and changes nothing that can be seen.
def test_an_experiment_moves_to_another_subject(alice: TestClient, mr1: str, demo: str) -> None:
    changed = alice.put(f"{mr1}?subject_ID=S2")

    assert changed.status_code == 200
    assert alice.get(f"{demo}/subjects/S2/experiments/MR1?format=json").status_code == 200
    assert alice.get(f"{mr1}?format=json").status_code == 404


# service/entities.py, get and delete: list_places also matches types and ALL (F-45, for resources), so DELETE takes a
# scan that nobody named by its ID, while PUT to the same URL would make a new one (C-113, C-114: unknown is 404).
@pytest.mark.parametrize("name", ["scans/T2", "reconstructions/mean", "reconstructions/ALL", "assessors/ALL"])
def test_a_deletion_takes_only_what_is_named_by_its_id(alice: TestClient, mr1: str, name: str) -> None:
    before = alice.get(f"{mr1}?format=xml").content

    deleted = alice.delete(f"{mr1}/{name}")

    assert deleted.status_code == 404
    assert alice.get(f"{mr1}?format=xml").content == before


# C-142: a document is read with the first type of its kind (MR), whatever the thing is; of another type it is refused
# or its own fields are lost.
@pytest.mark.parametrize(
    ("path", "query"),
    [("", "xsiType=xnat:ctSessionData"), ("/scans/9", "xsiType=xnat:ctScanData")],
    ids=["session", "scan"],
)
def test_the_document_of_any_type_may_be_sent_back(alice: TestClient, mr1: str, path: str, query: str) -> None:
    url = f"{mr1}{path}" if path else f"{SUBJECT}/experiments/CT1"
    alice.put(f"{url}?{query}")
    document = alice.get(f"{url}?format=xml").content

    sent_back = alice.put(url, content=document, headers={"Content-Type": "text/xml"})

    assert sent_back.status_code == 200
    assert alice.get(f"{url}?format=xml").content == document


# C-50: the root of the document says the type.
def test_a_document_says_what_is_to_be_made(alice: TestClient, demo: str) -> None:
    document = b'<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat" label="MR2"/>'

    made = alice.put(f"{demo}/subjects/S1/experiments/MR2", content=document, headers={"Content-Type": "text/xml"})

    assert made.status_code == 201


@pytest.mark.parametrize("word", ["ALL", "*"])
@pytest.mark.parametrize("inside", ["scans", "reconstructions", "assessors"])
@pytest.mark.parametrize("session", ["/data/experiments/NOPE", f"{SUBJECT}/experiments/NOPE", "/data/experiments/A,B"])
def test_a_session_that_is_not_there_has_nothing_to_list(
    alice: TestClient, mr1: str, session: str, inside: str, word: str
) -> None:
    """F-48 to F-50: a mistyped session is not one without files."""
    assert mr1
    assert alice.get(f"{session}/{inside}/{word}/files").status_code == 404
    assert alice.get(f"{session}/{inside}/{word}/resources").status_code == 404


def test_all_of_what_another_owns_is_not_there(client: Callable[[str], TestClient], mr1: str) -> None:
    """C-21."""
    assert mr1
    assert client("bob").get(f"{SESSION}/scans/ALL/files").status_code == 404


def test_an_index_beyond_all_numbers_is_beyond_the_last(alice: TestClient, mr1: str) -> None:
    """F-103."""
    assert alice.get(f"{mr1}/files?index=99999999999999999999").status_code == 404
