"""How something was made: stored with assessors and reconstructions, and told in lists (C-203, C-204)."""

import pytest
from lxml import etree
from starlette.testclient import TestClient

from rest.session import SESSION, make_session, results

DECLARED = (
    'xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:prov="http://www.nbirn.net/prov"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
PROV = "{http://www.nbirn.net/prov}"
ELEMENTS = {"assessors/QC": "QCManualAssessment", "reconstructions/R1": "ReconstructedImage"}
TYPES = {"assessors/QC": "xnat:qcManualAssessorData", "reconstructions/R1": "xnat:reconstructedImageData"}


def _step(program: str, user: str = "") -> str:
    who = f"<prov:user>{user}</prov:user>" if user else ""
    return (
        f'<prov:processStep><prov:program version="1.2">{program}</prov:program>'
        f"<prov:timestamp>2011-03-01T12:01:01.897987</prov:timestamp>{who}</prov:processStep>"
    )


@pytest.fixture
def made(alice: TestClient, demo: str, inside: str) -> str:
    """A thing with two steps; the second does not say who did it."""
    make_session(alice, demo)
    steps = _step("recon", "angus") + _step("young")
    document = (
        f"<xnat:{ELEMENTS[inside]} {DECLARED}><xnat:provenance>{steps}</xnat:provenance></xnat:{ELEMENTS[inside]}>"
    )
    reply = alice.put(f"{SESSION}/{inside}", content=document, headers={"Content-Type": "text/xml"})
    assert reply.status_code in {200, 201}, reply.text
    return f"{SESSION}/{inside}"


@pytest.mark.parametrize("inside", ELEMENTS)
def test_each_step_is_kept_in_its_order(alice: TestClient, made: str) -> None:
    """C-203, C-204."""
    root = etree.fromstring(alice.get(f"{made}?format=xml").content)

    programs = [(str(one.text), str(one.get("version"))) for one in root.iter(f"{PROV}program")]
    assert programs == [("recon", "1.2"), ("young", "1.2")]
    assert [str(one.text) for one in root.iter(f"{PROV}timestamp")] == ["2011-03-01T12:01:01.897987"] * 2


@pytest.mark.parametrize("inside", ELEMENTS)
def test_what_is_read_with_its_steps_can_be_sent_back(alice: TestClient, made: str) -> None:
    """C-142."""
    before = alice.get(f"{made}?format=xml").text

    reply = alice.put(made, content=before, headers={"Content-Type": "text/xml"})

    assert reply.status_code == 200
    assert alice.get(f"{made}?format=xml").text == before


@pytest.mark.parametrize("inside", ELEMENTS)
def test_a_list_has_a_row_for_each_step(alice: TestClient, made: str, inside: str) -> None:
    """C-125: by a path without a condition; what is of one step is in one row."""
    path = f"{TYPES[inside]}/provenance/processStep"
    shown = ("program", "program/version", "user")
    columns = ",".join(f"{path}/{one}" for one in shown)

    rows = results(alice, f"{made.rpartition('/')[0]}?columns={columns}")

    told = [tuple(row[f"{path}/{one}".lower()] for one in shown) for row in rows]
    assert told == [("recon", "1.2", "angus"), ("young", "1.2", "")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_list_has_a_row_for_each_custom_variable_with_its_name(alice: TestClient, demo: str) -> None:
    """C-52, C-125."""
    make_session(alice, demo)
    alice.put(
        f"{SESSION}?xnat:mrSessionData/fields/field[name=a]/field=1&xnat:mrSessionData/fields/field[name=b]/field=2"
    )
    path = "xnat:mrSessionData/fields/field"

    rows = results(alice, f"{SESSION.rpartition('/')[0]}?columns={path}/name,{path}/field")

    assert [(row[f"{path}/name".lower()], row[f"{path}/field".lower()]) for row in rows] == [("a", "1"), ("b", "2")]
