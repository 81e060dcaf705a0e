"""The schemas that the server tells of its data types (C-166 to C-168)."""

import re
from collections.abc import Callable

import pytest
from lxml import etree
from starlette.testclient import TestClient

from filmroom.model.datatypes import shipped_types
from rest.schemas import read_schema

NAMES = ["xnat", "xdat", "assessments", "pipeline/workflow", "birn/birnprov"]
XS = "{http://www.w3.org/2001/XMLSchema}"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = ON_SQLITE


def _types(text: bytes) -> dict[str, etree._Element]:
    return {str(one.get("name")): one for one in etree.fromstring(text).iterfind(f"{XS}complexType")}


def test_all_schemas_are_listed_and_each_is_there(alice: TestClient) -> None:
    names = alice.get("/xapi/schemas?format=json").json()

    replies = [alice.get(f"/xapi/schemas/{name}") for name in names]
    assert names == NAMES
    assert {(reply.status_code, reply.headers["content-type"]) for reply in replies} == {(200, "application/xml")}
    assert all(reply.content.isascii() for reply in replies)
    assert all(read_schema(name) for name in names)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_where_documents_say_it_is(alice: TestClient, name: str) -> None:
    path = {"pipeline/workflow": "pipeline/workflow.xsd", "birn/birnprov": "birn/birnprov.xsd"}.get(
        name, f"{name}/{name}.xsd"
    )

    assert alice.get(f"/schemas/{path}").content == alice.get(f"/xapi/schemas/{name}").content


@pytest.mark.parametrize(
    "url", ["/xapi/schemas/none", "/xapi/schemas/xnat/xnat", "/schemas/xnat/none.xsd", "/schemas/xnat", "/schemas"]
)
def test_a_schema_that_is_not_there_is_not_found(alice: TestClient, url: str) -> None:
    assert alice.get(url).status_code == 404


@pytest.mark.parametrize("url", ["/xapi/schemas", "/xapi/schemas/xnat", "/schemas/xnat/xnat.xsd"])
def test_schemas_are_for_who_signs_in(client: Callable[[str], TestClient], url: str) -> None:
    """C-25 does not have them among what is open."""
    assert client("").get(url).status_code == 401


def test_all_data_types_are_listed(alice: TestClient) -> None:
    names = alice.get("/xapi/schemas/datatypes").json()

    assert names == [data_type.xsi_type for data_type in shipped_types().types]
    assert {"xnat:projectData", "xnat:mrSessionData", "xnat:qcManualAssessorData"} <= set(names)


def test_the_root_of_a_schema_declares_every_prefix(alice: TestClient) -> None:
    """C-167: clients read it by a pattern."""
    text = alice.get("/xapi/schemas/xnat").text

    root = re.match(r"<xs:schema [^>]*>", text)
    assert root is not None
    assert dict(re.findall(r'xmlns:(\w+)="([^"]+)"', root[0]))["xnat"] == "http://nrg.wustl.edu/xnat"
    assert dict(re.findall(r'xmlns:(\w+)="([^"]+)"', root[0]))["xdat"] == "http://nrg.wustl.edu/xdat"


def test_every_data_type_is_in_the_schema(alice: TestClient) -> None:
    found = _types(alice.get("/xapi/schemas/xnat").content)

    known = [data_type.xsi_type for data_type in shipped_types().types]
    assert [f"xnat:{name}" for name in found] == [name for name in known if name.startswith("xnat:")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("projectData", "name"),
        ("subjectData", "label"),
        ("experimentData", "label"),
        ("imageScanData", "ID"),
        ("reconstructedImageData", "ID"),
        ("abstractResource", "label"),
        ("investigatorData", "lastname"),
        ("addField", "name"),
        ("abstractProtocol", "ID"),
        ("studyProtocol", "ID"),
        ("datatypeProtocol", "ID"),
    ],
)
def test_a_type_says_what_its_things_are_told_apart_by(alice: TestClient, name: str, shown: str) -> None:
    """C-168."""
    told = _types(alice.get("/xapi/schemas/xnat").content)[name]

    [note] = told.iterfind(f"{XS}annotation/{XS}appinfo/{{http://nrg.wustl.edu/xdat}}element")
    assert note.get("displayIdentifiers") == shown


def test_nothing_is_in_a_schema_that_stops_clients(alice: TestClient) -> None:
    """C-167."""
    text = alice.get("/xapi/schemas/xnat").text

    assert not re.findall(r"<xs:(group|attributeGroup|union|any|pattern)\b", text)
    assert "complexContent><xs:restriction" not in re.sub(r"\s+", "", text)


def test_the_choices_of_a_custom_variable_are_a_list_for_clients(alice: TestClient) -> None:
    """C-167: xnatpy makes no list of elements that are nothing but text."""
    group = _types(alice.get("/xapi/schemas/xnat").content)["fieldDefinitionGroup"]

    [choice] = group.iterfind(f".//{XS}element[@name='possibleValue']")
    assert choice.find(f"{XS}complexType/{XS}simpleContent/{XS}extension/{XS}attribute") is not None


def test_what_can_be_searched_for_names_types_and_fields(alice: TestClient) -> None:
    """C-170."""
    names = [
        row["ELEMENT_NAME"] for row in alice.get("/data/search/elements?format=json").json()["ResultSet"]["Result"]
    ]

    fields = alice.get(f"/data/search/elements/{names[0]}?format=json").json()["ResultSet"]["Result"]
    assert names == ["xnat:projectData", "xnat:subjectData"]
    assert {"ID", "NAME", "PI_LASTNAME"} <= {row["FIELD_ID"] for row in fields}
    assert all(row["FIELD_ID"] == row["FIELD_ID"].upper() for row in fields)
    assert alice.get("/data/search/elements/xnat:none").status_code == 404
