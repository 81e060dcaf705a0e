"""What a field may hold, in whichever way it comes (C-54, C-55), and how it is told (C-136 to C-143)."""

import pytest
from lxml import etree
from starlette.testclient import TestClient

from rest.schemas import read_schema
from rest.session import SUBJECT, make_session, put_file

MR1 = f"{SUBJECT}/experiments/MR1"
MR = "xnat:mrSessionData"
XNAT = "{http://nrg.wustl.edu/xnat}"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SCHEMA = read_schema()
pytestmark = [ON_SQLITE, pytest.mark.usefixtures("mr1")]


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> None:
    make_session(alice, demo)


def _fields(alice: TestClient, url: str) -> dict[str, object]:
    return dict(alice.get(f"{url}?format=json").json()["items"][0]["data_fields"])


def _children(alice: TestClient, url: str) -> dict[str, list[dict[str, object]]]:
    item = alice.get(f"{url}?format=json").json()["items"][0]
    return {child["field"]: [one["data_fields"] for one in child["items"]] for child in item["children"]}


BAD = {"date": "soon", "age": "old", "version": "1.5", "note": "x" * 2501, "xnat:mrSessionData/coil": "c" * 256}


@pytest.mark.parametrize("way", ["parameters", "form", "document"])
def test_every_bad_field_is_told_of_at_once(alice: TestClient, way: str) -> None:
    """C-54: 400 in every way in which values come, with a line for each of them."""
    document = (
        '<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat" version="1.5"><xnat:date>soon</xnat:date>'
        f"<xnat:note>{'x' * 2501}</xnat:note><xnat:age>old</xnat:age><xnat:coil>{'c' * 256}</xnat:coil>"
        "</xnat:MRSession>"
    )
    send = {
        "parameters": lambda: alice.put(MR1, params=BAD),
        "form": lambda: alice.put(MR1, data=BAD),
        "document": lambda: alice.put(MR1, content=document, headers={"Content-Type": "text/xml"}),
    }

    reply = send[way]()

    told = reply.text.partition("<h3>")[2].partition("</h3>")[0].splitlines()
    assert reply.status_code == 400
    assert sorted(line.split(" ", 1)[0] for line in told) == ["age", "coil", "date", "note", "version"]
    assert "must be at most 2500 characters long, not 2501" in reply.text
    assert _fields(alice, MR1)["date"] == "2024-05-06"


@pytest.mark.parametrize(
    ("url", "name", "text", "stored"),
    [
        (MR1, "date", "01/31/2024", "2024-01-31"),
        (MR1, "date", "20240131", "2024-01-31"),
        (MR1, "time", "10:11:12.500", "10:11:12.500000"),
        (MR1, "age", "42", 42.0),
        (MR1, f"{MR}/AGE", "+4.50", 4.5),
        (MR1, "version", "007", 7),
        (f"{MR1}/scans/4", "frames", "12", 12),
        (f"{MR1}/scans/4", "xnat:mrScanData/parameters/te", "2.5", 2.5),
    ],
)
def test_values_are_stored_in_one_form(alice: TestClient, url: str, name: str, text: str, stored: object) -> None:
    """C-54, C-55, C-138."""
    put = alice.put(url, params={name: text})

    assert put.status_code == 200
    assert stored in _fields(alice, url).values()


@pytest.mark.parametrize("text", ["2024-01-31T10:11:12", "2024-01-31 10:11:12", "2024-01-31T10:11:12Z"])
def test_moments_come_in_three_forms(alice: TestClient, text: str) -> None:
    """C-55."""
    alice.put(f"{SUBJECT}/experiments/PET", params={"xsiType": "xnat:petSessionData", "tracer_startTime": text})

    assert _fields(alice, f"{SUBJECT}/experiments/PET")["tracer/startTime"] == "2024-01-31T10:11:12"


@pytest.mark.parametrize("text", ["M", "F", "male", "unknown"])
def test_genders_are_told_as_they_were_sent(alice: TestClient, text: str) -> None:
    """C-193."""
    alice.put(f"{SUBJECT}?gender={text}")

    assert _children(alice, SUBJECT)["demographics"] == [{"gender": text}]
    assert alice.put(f"{SUBJECT}?gender=x").status_code == 400


@pytest.mark.parametrize("text", ["NULL", "", "%20"])
def test_a_field_is_cleared(alice: TestClient, text: str) -> None:
    """C-52."""
    alice.put(f"{MR1}?{MR}/fields/field[name=x]/field=1")

    alice.put(f"{MR1}?date={text}&{MR}/fields/field%5Bname%3Dx%5D/field={text}")

    assert "date" not in _fields(alice, MR1)
    assert "fields/field" not in _children(alice, MR1)


@pytest.mark.parametrize("leaf", ["field", "foo", "FOO"])
def test_a_text_is_cleared_by_its_own_name_too(alice: TestClient, leaf: str) -> None:
    """C-52, and a slip of xnatpy, which calls it so."""
    alice.put(f"{MR1}?{MR}/fields/field[name=foo]/field=1&{MR}/fields/field[name=other]/field=2")

    cleared = alice.put(f"{MR1}?{MR}/fields/field[name=foo]/{leaf}=NULL")

    assert (cleared.status_code, "Filmroom-Ignored" in cleared.headers) == (200, False)
    assert _children(alice, MR1)["fields/field"] == [{"name": "other", "field": "2"}]


@pytest.mark.parametrize("name", ["", "%20", "a%01b", "a%0Ab"])
def test_what_could_not_be_sent_back_as_xml_is_no_name_of_a_field(alice: TestClient, name: str) -> None:
    """C-51, C-142."""
    reply = alice.put(f"{MR1}?{MR}/fields/field[name={name}]/field=1&coil=c")

    assert (reply.status_code, reply.headers["Filmroom-Ignored"][:20]) == (200, f"{MR}/f")
    document = alice.get(f"{MR1}?format=xml").content
    assert alice.put(MR1, content=document, headers={"content-type": "text/xml"}).status_code == 200
    assert "fields/field" not in _children(alice, MR1)


@pytest.mark.parametrize("character", ["%00", "%01", "%1F", "%EF%BF%BE"])
def test_a_text_holds_no_control_characters(alice: TestClient, character: str) -> None:
    """C-54, C-142: XML could not tell them."""
    reply = alice.put(f"{MR1}?note=a{character}b")

    assert reply.status_code == 400
    assert alice.put(f"{MR1}?note=a%0A%09b").status_code == 200


def test_slips_of_clients_are_no_errors(alice: TestClient) -> None:
    """C-51: an unknown leaf, a field of another type."""
    urls = (f"{MR1}?{MR}/fields/field[name=foo]/bar=NULL", f"{MR1}/scans/4?xnat:petScanData/parameters/facility=x")

    replies = [alice.put(url) for url in urls]

    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[1].headers["Filmroom-Ignored"] == "xnat:petScanData/parameters/facility"


def test_a_small_id_names_the_id(alice: TestClient) -> None:
    """C-52: field names come in any case."""
    same, other = (alice.put(f"{MR1}/scans/9?xsiType=xnat:mrScanData&xnat:mrScanData/id={name}") for name in "98")

    assert (same.status_code, other.status_code) == (200, 400)


def test_a_label_that_is_as_it_was_does_not_stop_a_change(alice: TestClient) -> None:
    """C-96."""
    reply = alice.put(f"{MR1}?label=MR1&note=x")

    assert (reply.status_code, reply.text) == (200, "XNAT_E00001")
    assert _fields(alice, MR1)["note"] == "x"


def test_a_label_is_changed_by_its_own_parameter_only(alice: TestClient) -> None:
    """C-95."""
    assert alice.put(f"{MR1}?{MR}/label=NEW").status_code == 400
    assert alice.put(f"{MR1}/assessors/QC?xnat:qcManualAssessorData/label=NEW").status_code == 400
    assert alice.put(f"{MR1}?project=OTHER").status_code == 409


def test_outer_blanks_of_a_text_come_through_a_document(alice: TestClient) -> None:
    """C-142: all white space of an ``xs:string`` counts, but for the line breaks with which a document is laid out."""
    scan = f"{MR1}/scans/4"
    alice.put(f"{scan}?series_description=%20x%20&xnat:mrScanData/parameters/addParam[name=foo]/addField=%20y%20")
    for layout in ("", "&concealHiddenFields=true"):
        document = alice.get(f"{scan}?format=xml{layout}").content
        alice.put(f"{scan}?series_description=NULL")
        assert alice.put(scan, content=document, headers={"Content-Type": "text/xml"}).status_code == 200

        told = etree.fromstring(alice.get(f"{scan}?format=xml&concealHiddenFields=true").content)
        texts = [told.findtext(f"{XNAT}series_description"), next(told.iter(f"{XNAT}addParam")).text]
        assert texts == [" x ", " y "], layout


def test_comments_stand_where_xnat_has_them(alice: TestClient) -> None:
    """C-141: clients take every second text of a parameter for its value."""
    alice.put(f"{MR1}/scans/4?xnat:mrScanData/parameters/addParam[name=foo]/addField=foostring")

    told = etree.fromstring(alice.get(f"{MR1}/scans/4?format=xml").content)
    plain = alice.get(f"{MR1}/scans/4?format=xml&concealHiddenFields=true").text

    [parameter] = told.iter(f"{XNAT}addParam")
    assert (str(parameter.text).strip(), parameter[0].tail) == ("", "foostring")
    assert isinstance(told[0], etree._Comment)
    assert str(told[0].text).startswith("hidden_fields[xnat_mrScanData_id=")
    assert "<!--" not in plain
    assert ">foostring<" in plain
    SCHEMA.assertValid(told)


def test_a_document_says_where_its_schema_is(alice: TestClient) -> None:
    """C-141."""
    told = etree.fromstring(alice.get(f"{MR1}?format=xml").content)

    where = str(told.get("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation")).split()
    assert where[:2] == ["http://nrg.wustl.edu/xnat", "http://testserver/schemas/xnat/xnat.xsd"]
    assert alice.get(where[1]).status_code == 200


def test_what_is_shared_says_with_whom(alice: TestClient) -> None:
    """C-139."""
    alice.put("/data/projects/OTHER")
    alice.put(f"{SUBJECT}/projects/OTHER?label=X1")
    alice.put(f"{MR1}/projects/OTHER")

    told = etree.fromstring(alice.get(f"{SUBJECT}?format=xml").content)

    assert _children(alice, SUBJECT)["sharing/share"] == [{"project": "OTHER", "label": "X1"}]
    assert _children(alice, MR1)["sharing/share"] == [{"project": "OTHER", "label": "MR1"}]
    assert next(dict(share.attrib) for share in told.iter(f"{XNAT}share")) == {"project": "OTHER", "label": "X1"}
    SCHEMA.assertValid(told)


def test_resources_are_told_as_dax_reads_them(alice: TestClient) -> None:
    alice.put(f"{MR1}/scans/4/resources/DICOM?format=DICOM&content=RAW")
    put_file(alice, f"{MR1}/scans/4/resources/DICOM/files/a.dcm")
    put_file(alice, f"{MR1}/assessors/QC/resources/PDF/files/a.pdf")

    told = etree.fromstring(alice.get(f"{MR1}?format=xml").content)

    [file] = told.findall(f"{XNAT}scans/{XNAT}scan/{XNAT}file")
    said = {str(name).rpartition("}")[2]: str(text) for name, text in file.attrib.items()}
    assert said == {
        "type": "xnat:resourceCatalog",
        "label": "DICOM",
        "file_count": "1",
        "file_size": "6",
        "format": "DICOM",
        "content": "RAW",
    }
    assert len(told.findall(f"{XNAT}assessors/{XNAT}assessor/{XNAT}out/{XNAT}file")) == 1
    SCHEMA.assertValid(told)


@pytest.mark.parametrize("url", ["/data/projects/DEMO", SUBJECT, MR1, f"{MR1}/scans/4"])
def test_people_get_a_small_page(alice: TestClient, url: str) -> None:
    """C-18, C-143."""
    alice.put(f"{url}?note=%3Cscript%3E")

    asked = alice.get(f"{url}?format=html")
    browser = alice.get(url, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert asked.headers["Content-Type"].startswith("text/html")
    assert asked.content == browser.content
    assert asked.text.startswith("<html xmlns")
    assert "<script>" not in asked.text


def test_an_unknown_handler_is_refused(alice: TestClient) -> None:
    """C-140."""
    assert alice.get(f"{MR1}?format=xml&handler=unknown").status_code == 400
    assert alice.get(f"{MR1}?format=json&includeHistory=true").status_code == 200
