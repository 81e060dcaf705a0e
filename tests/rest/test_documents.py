"""Things that come as documents and forms: what is merged, what is refused, what survives (core-api section 3.1)."""

import re

import pytest
from lxml import etree
from starlette.testclient import TestClient

from rest.session import ASSESSOR_ID, SESSION, SESSION_ID, SUBJECT, SUBJECT_ID, make_session, put_file, results

MR1 = f"{SUBJECT}/experiments/MR1"
XML = {"Content-Type": "text/xml"}
DECLARED = 'xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> str:
    make_session(alice, demo)
    return MR1


def _document(element: str, inside: str = "", attributes: str = "") -> bytes:
    return f"<xnat:{element} {DECLARED} {attributes}>{inside}</xnat:{element}>".encode()


def _put(alice: TestClient, url: str, document: bytes | str) -> tuple[int, str]:
    reply = alice.put(url, content=document, headers=XML)
    return reply.status_code, reply.text


def _fields(alice: TestClient, url: str) -> dict[str, str]:
    return dict(alice.get(f"{url}?format=json").json()["items"][0]["data_fields"])


def _children(alice: TestClient, url: str) -> dict[str, list[dict[str, str]]]:
    item = alice.get(f"{url}?format=json").json()["items"][0]
    return {child["field"]: [one["data_fields"] for one in child["items"]] for child in item["children"]}


@pytest.mark.parametrize("url", [SUBJECT, MR1, f"{MR1}/scans/4", f"{MR1}/reconstructions/R1", f"{MR1}/assessors/QC"])
@pytest.mark.parametrize("query", ["", "?allowDataDeletion=true"])
@pytest.mark.usefixtures("mr1")
def test_what_is_read_can_be_sent_back(alice: TestClient, url: str, query: str) -> None:
    """C-142: with all that is inside it; resources are as they were."""
    put_file(alice, f"{MR1}/scans/4/resources/DICOM/files/a.dcm")
    alice.put(f"{MR1}/scans/4?xnat:mrScanData/parameters/addParam[name=p]/addField=v&xnat:mrScanData/parameters/te=2")
    alice.put(f"{MR1}?xnat:mrSessionData/fields/field[name=k]/field=v&xnat:mrSessionData/scanner/model=M")
    before = alice.get(f"{url}?format=xml").text

    status, _ = _put(alice, f"{url}{query}", before)

    assert status == 200
    assert alice.get(f"{url}?format=xml").text == before
    assert len(results(alice, f"{MR1}/scans/4/files")) == 1


@ON_SQLITE
@pytest.mark.usefixtures("mr1")
def test_what_is_sent_back_unchanged_is_no_change(alice: TestClient) -> None:
    """C-53."""
    before = results(alice, f"{SUBJECT}/history")

    _put(alice, SUBJECT, alice.get(f"{SUBJECT}?format=xml").text)

    assert results(alice, f"{SUBJECT}/history") == before


@ON_SQLITE
def test_a_document_is_merged_over_what_is_there(alice: TestClient, mr1: str) -> None:
    """C-53: what it does not name keeps its value, in nested elements too."""
    alice.put(f"{mr1}?note=kept&xnat:mrSessionData/fields/field[name=a]/field=1&xnat:mrSessionData/scanner/model=M")
    document = _document(
        "MRSession",
        '<xnat:scanner manufacturer="S"/><xnat:fields><xnat:field name="b">2</xnat:field></xnat:fields>',
    )

    status, text = _put(alice, mr1, document)

    fields = _fields(alice, mr1)
    assert (status, text) == (200, SESSION_ID)
    assert (fields["note"], fields["scanner/model"], fields["scanner/manufacturer"]) == ("kept", "M", "S")
    assert _children(alice, mr1)["fields/field"] == [{"name": "a", "field": "1"}, {"name": "b", "field": "2"}]


@ON_SQLITE
def test_a_whole_document_replaces_fields_and_deletes_no_things(alice: TestClient, mr1: str) -> None:
    """C-53: only with the very word ``true`` (C-9); scans and their files are never lost to a document."""
    alice.put(f"{mr1}?note=gone")
    document = _document("MRSession", "<xnat:operator>O</xnat:operator>")

    _put(alice, f"{mr1}?allowDataDeletion=1", document)
    kept = _fields(alice, mr1)
    _put(alice, f"{mr1}?allowDataDeletion=true", document)

    assert kept["note"] == "gone"
    assert "note" not in _fields(alice, mr1)
    assert _fields(alice, mr1)["operator"] == "O"
    assert len(results(alice, f"{mr1}/scans")) == 3


@ON_SQLITE
def test_nested_elements_are_told_apart_by_what_names_them(alice: TestClient, mr1: str) -> None:
    """C-53: a listed child is changed or added, and none is lost."""
    regions = '<xnat:region name="{}" hemisphere="left"/>'
    _put(alice, mr1, _document("MRSession", f"<xnat:regions>{regions.format('A')}{regions.format('B')}</xnat:regions>"))

    changed = '<xnat:region name="B" hemisphere="left" session_id="x"/>'
    _put(alice, mr1, _document("MRSession", f"<xnat:regions>{changed}{regions.format('C')}</xnat:regions>"))

    assert [(one["name"], one.get("session_id")) for one in _children(alice, mr1)["regions/region"]] == [
        ("A", None),
        ("B", "x"),
        ("C", None),
    ]


@ON_SQLITE
@pytest.mark.usefixtures("mr1")
def test_things_inside_a_document_are_made_and_changed(alice: TestClient) -> None:
    """C-53."""
    inside = (
        '<xnat:scans><xnat:scan xsi:type="xnat:mrScanData" ID="4"><xnat:quality>questionable</xnat:quality>'
        '</xnat:scan><xnat:scan xsi:type="xnat:mrScanData" type="new"/></xnat:scans>'
        '<xnat:assessors><xnat:assessor xsi:type="xnat:qcManualAssessorData" label="QC2"/></xnat:assessors>'
        '<xnat:reconstructions><xnat:reconstructedImage ID="R1" type="max"/></xnat:reconstructions>'
    )

    status, _ = _put(alice, MR1, _document("MRSession", inside))

    scans = {row["ID"]: (row["type"], row["quality"]) for row in results(alice, f"{MR1}/scans")}
    assert status == 200
    assert scans == {"1": ("new", ""), "4": ("T1 w/o", "questionable"), "5": ("T2", ""), "6": ("", "")}
    assert [row["label"] for row in results(alice, f"{MR1}/assessors")] == ["QC", "QC2"]
    assert [row["type"] for row in results(alice, f"{MR1}/reconstructions")] == ["max"]


def test_a_subject_comes_with_its_experiments(alice: TestClient, demo: str) -> None:
    """C-53."""
    inside = (
        '<xnat:demographics xsi:type="xnat:demographicData"><xnat:gender>F</xnat:gender></xnat:demographics>'
        '<xnat:experiments><xnat:experiment xsi:type="xnat:mrSessionData" ID="" label="MR1"><xnat:date>01/31/2024'
        '</xnat:date><xnat:scans><xnat:scan xsi:type="xnat:mrScanData" ID="7"/></xnat:scans></xnat:experiment>'
        "</xnat:experiments>"
    )

    made = _put(alice, f"{demo}/subjects/S1", _document("Subject", inside))

    assert made == (201, SUBJECT_ID)
    assert _fields(alice, MR1)["date"] == "2024-01-31"
    assert [row["ID"] for row in results(alice, f"{SESSION}/scans")] == ["7"]
    assert _fields(alice, SUBJECT)["project"] == "DEMO"


@ON_SQLITE
@pytest.mark.parametrize(
    "inside",
    [
        '<xnat:scan xsi:type="xnat:mrSessionData" ID="9"/>',
        '<xnat:scan xsi:type="xnat:imageScanData" ID="9"/>',
        '<xnat:scan xsi:type="xnat:nonsense" ID="9"/>',
        '<xnat:scan ID="9"/>',
        '<xnat:scan xsi:type="xnat:mrScanData" ID="9"><xnat:frames>many</xnat:frames></xnat:scan>',
    ],
)
def test_nothing_is_done_when_something_inside_is_wrong(alice: TestClient, mr1: str, inside: str) -> None:
    document = _document("MRSession", f"<xnat:operator>O</xnat:operator><xnat:scans>{inside}</xnat:scans>")

    status, _ = _put(alice, mr1, document)

    assert status == 400
    assert "operator" not in _fields(alice, mr1)
    assert len(results(alice, f"{mr1}/scans")) == 3


@ON_SQLITE
@pytest.mark.parametrize(
    ("url", "document", "status"),
    [
        (SUBJECT, _document("Subject", attributes='ID="OTHER"'), 400),
        (SUBJECT, _document("Subject", attributes='label="OTHER"'), 400),
        (SUBJECT, _document("Subject", attributes='project="OTHER"'), 409),
        (SUBJECT, _document("Subject", attributes=f'ID="{SUBJECT_ID}" label="S1" project="DEMO"'), 200),
        (SUBJECT, _document("MRSession"), 422),
        (SUBJECT, _document("Nonsense"), 422),
        (MR1, _document("Subject"), 422),
        (MR1, _document("CTSession"), 409),
        (MR1, _document("QCManualAssessment"), 422),
        (MR1, _document("MRSession", attributes='label="OTHER"'), 400),
        (f"{MR1}/scans/4", _document("MRSession"), 400),
        (f"{MR1}/scans/4", _document("CTScan"), 409),
        (f"{MR1}/reconstructions/R1", _document("MRScan"), 422),
        (f"{MR1}/assessors/QC", _document("MRSession"), 422),
        (f"{MR1}/assessors/QC", _document("QCManualAssessment", attributes='label="OTHER"'), 400),
        ("/data/projects/DEMO", _document("Subject"), 422),
    ],
)
@pytest.mark.usefixtures("mr1")
def test_what_a_document_cannot_change_is_refused(alice: TestClient, url: str, document: bytes, status: int) -> None:
    """C-83, C-92, C-95, C-106, C-107, C-111, C-118."""
    before = alice.get(f"{url}?format=xml").text

    assert _put(alice, url, document)[0] == status
    assert alice.get(f"{url}?format=xml").text == before


@pytest.mark.parametrize("parameter", ["project=DEMO", "xnat:subjectData/project=DEMO"])
@ON_SQLITE
def test_what_is_addressed_without_a_project_may_say_it(alice: TestClient, demo: str, parameter: str) -> None:
    """C-80."""
    made = alice.put(f"/data/subjects/NEW?{parameter}")
    again = alice.put(f"/data/subjects/NEW?{parameter}&gender=male")
    without = alice.put("/data/subjects/OTHER")

    assert (made.status_code, again.status_code, without.status_code) == (201, 200, 422)
    assert [row["label"] for row in results(alice, f"{demo}/subjects")] == ["NEW"]


def _multipart(*parts: tuple[str, str, str]) -> tuple[bytes, dict[str, str]]:
    """As pyxnat makes it, with its boundary."""
    boundary = "----------ThIs_Is_tHe_bouNdaRY_$"
    lines = [
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n{more}\r\n{body}" for head, more, body in parts
    ]
    body = "\r\n".join([*lines, f"--{boundary}--", ""])
    return body.encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


@pytest.mark.usefixtures("mr1")
def test_a_document_in_a_part_is_read(alice: TestClient) -> None:
    """C-49, C-216: what pyxnat's ``create(xml=...)`` sends."""
    document = _document("MRSession", "<xnat:note>from a part</xnat:note>", 'label="NEW"').decode()
    body, headers = _multipart(('name="data.xml"; filename="data.xml"', "Content-Type: text/xml\r\n", document))

    made = alice.put(f"{SUBJECT}/experiments/NEW?allowDataDeletion=true", content=body, headers=headers)

    assert made.status_code == 201
    assert _fields(alice, f"{SUBJECT}/experiments/NEW")["note"] == "from a part"


@ON_SQLITE
@pytest.mark.parametrize("query", ["", "?req_format=form"])
def test_fields_come_as_a_form(alice: TestClient, mr1: str, query: str) -> None:
    """C-48: the parameters of the URL win."""
    alice.put(f"{mr1}{query}", data={"note": "from a form", "operator": "from a form"})
    alice.put(f"{mr1}?operator=from%20the%20url", data={"operator": "from a form"})
    body, headers = _multipart(('name="xnat:mrSessionData/coil"', "", "from a part"))
    alice.put(f"{mr1}{query}", content=body, headers=headers)

    fields = _fields(alice, mr1)
    assert (fields["note"], fields["operator"], fields["coil"]) == ("from a form", "from the url", "from a part")


@ON_SQLITE
@pytest.mark.parametrize(
    ("query", "media_type"),
    [("inbody=true", "application/octet-stream"), ("req_format=xml", "application/x-www-form-urlencoded"), ("", "")],
)
def test_a_body_can_be_said_to_be_a_document(alice: TestClient, mr1: str, query: str, media_type: str) -> None:
    """C-49; in pieces too (C-11)."""
    document = _document("MRSession", "<xnat:note>in pieces</xnat:note>")
    pieces = iter([document[:20], document[20:]])

    put = alice.put(f"{mr1}?{query}", content=pieces, headers={"Content-Type": media_type} if media_type else {})

    assert put.status_code == 200
    assert _fields(alice, mr1)["note"] == "in pieces"


@ON_SQLITE
def test_a_body_that_is_neither_a_document_nor_a_form_is_refused(alice: TestClient, mr1: str) -> None:
    refused = alice.put(mr1, content=b'{"note": "x"}', headers={"Content-Type": "application/json"})
    two = _multipart(*[(f'name="{n}"; filename="{n}.xml"', "", "<a/>") for n in "ab"])

    assert refused.status_code == 415
    assert alice.put(mr1, content=two[0], headers=two[1]).status_code == 400


@ON_SQLITE
def test_what_is_no_field_is_named_and_does_no_harm(alice: TestClient, mr1: str) -> None:
    """C-51."""
    inside = (
        '<xnat:note>x</xnat:note><xnat:nonsense a="b"/><xnat:scanner colour="red"/><note/>'
        '<xnat:scans><xnat:scan xsi:type="xnat:mrScanData" ID="4" mood="good"/></xnat:scans>'
    )

    reply = alice.put(f"{mr1}?wrong=1&xnat:ctSessionData/note=y", content=_document("MRSession", inside), headers=XML)

    named = re.split(", ", reply.headers["Filmroom-Ignored"])
    assert reply.status_code == 200
    assert named == ["wrong", "xnat:ctSessionData/note", "nonsense", "scanner/@colour", "note", "@mood"]
    assert _fields(alice, mr1)["note"] == "x"


@ON_SQLITE
def test_documents_may_have_another_prefix_and_encoding(alice: TestClient, mr1: str) -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><x:MRSession xmlns:x="http://nrg.wustl.edu/xnat"><x:note>Ü</x:note>'

    status, _ = _put(alice, mr1, f"{text}<!-- a comment --></x:MRSession>".encode("utf-16"))

    assert status == 200
    assert _fields(alice, mr1)["note"] == "Ü"


@ON_SQLITE
def test_a_custom_variable_needs_a_name_that_can_be_told(alice: TestClient, mr1: str) -> None:
    field = '<xnat:fields><xnat:field name="{}">v</xnat:field></xnat:fields>'
    statuses = [_put(alice, mr1, _document("MRSession", field.format(name)))[0] for name in ("a b", "a/b", "a]", "")]

    assert statuses == [200, 400, 400, 400]


@ON_SQLITE
@pytest.mark.usefixtures("mr1")
def test_an_assessor_of_another_session_is_not_taken_from_it(alice: TestClient) -> None:
    alice.put(f"{SUBJECT}/experiments/MR2?xsiType=xnat:mrSessionData")
    inside = f'<xnat:assessor xsi:type="xnat:qcManualAssessorData" ID="{ASSESSOR_ID}"/>'
    document = _document("MRSession", f"<xnat:assessors>{inside}</xnat:assessors>")

    status, _ = _put(alice, f"{SUBJECT}/experiments/MR2", document)

    assert status == 409
    assert results(alice, f"{SUBJECT}/experiments/MR2/assessors") == []


@ON_SQLITE
def test_the_definitions_of_custom_variables_survive(alice: TestClient, demo: str) -> None:
    """C-139: as xnatpy's ``custom_variables`` reads them."""
    inside = (
        '<xnat:studyProtocol xsi:type="xnat:datatypeProtocol" ID="DEMO_mr" name="MR" data-type="xnat:mrSessionData">'
        '<xnat:definitions><xnat:definition ID="g" data-type="xnat:mrSessionData" description="d"><xnat:fields>'
        '<xnat:field name="v" datatype="string" required="false" '
        'xmlPath="xnat:mrSessionData/fields/field[name=v]/field">'
        "<xnat:possibleValues><xnat:possibleValue>foo</xnat:possibleValue><xnat:possibleValue>bar</xnat:possibleValue>"
        "</xnat:possibleValues></xnat:field></xnat:fields></xnat:definition></xnat:definitions></xnat:studyProtocol>"
    )

    put = _put(alice, demo, _document("Project", inside))
    again = _put(alice, demo, alice.get(f"{demo}?format=xml").text)

    item = alice.get(f"{demo}?format=json").json()["items"][0]
    [protocol] = [child["items"] for child in item["children"] if child["field"] == "studyProtocol"]
    [definition] = protocol[0]["children"][0]["items"]
    [field] = definition["children"][0]["items"]
    [values] = field["children"]
    assert (put[0], again[0]) == (200, 200)
    assert len(protocol) == 1
    assert protocol[0]["meta"]["xsi:type"] == "xnat:datatypeProtocol"
    assert protocol[0]["data_fields"] == {"ID": "DEMO_mr", "name": "MR", "data-type": "xnat:mrSessionData"}
    assert (protocol[0]["children"][0]["field"], definition["data_fields"]["ID"]) == ("definitions/definition", "g")
    assert (definition["children"][0]["field"], field["data_fields"]["name"]) == ("fields/field", "v")
    assert values["field"] == "possibleValues/possibleValue"
    assert [one["data_fields"] for one in values["items"]] == [{"possibleValue": "foo"}, {"possibleValue": "bar"}]


@ON_SQLITE
def test_a_project_with_everything_is_sent_back_unchanged(alice: TestClient, demo: str) -> None:
    """C-68 to C-72."""
    inside = (
        "<xnat:name>N</xnat:name><xnat:keywords>k</xnat:keywords>"
        '<xnat:aliases><xnat:alias source="x">one</xnat:alias><xnat:alias>two</xnat:alias></xnat:aliases>'
        '<xnat:publications><xnat:publication type="p"><xnat:title>t</xnat:title>'
        "</xnat:publication></xnat:publications>"
        "<xnat:PI><xnat:lastname>Doe</xnat:lastname></xnat:PI><xnat:investigators><xnat:investigator>"
        "<xnat:lastname>Roe</xnat:lastname></xnat:investigator></xnat:investigators>"
    )
    put = _put(alice, demo, _document("Project", inside))
    before = alice.get("/data/projects/two?format=xml").text

    again = _put(alice, demo, before)

    assert (put[0], again[0]) == (200, 200)
    assert alice.get(f"{demo}?format=xml").text == before
    assert etree.fromstring(before.encode()).find(".//{*}investigator/{*}lastname").text == "Roe"  # type: ignore[union-attr]
