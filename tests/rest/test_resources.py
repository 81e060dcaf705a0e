"""Resources over HTTP (files-api sections 4 and 5)."""

from collections.abc import Callable

import pytest
from lxml import etree
from starlette.testclient import TestClient

CAT = "{http://nrg.wustl.edu/catalog}"


def _rows(alice: TestClient, demo: str, query: str = "") -> list[dict[str, str]]:
    return list(alice.get(f"{demo}/resources{query}").json()["ResultSet"]["Result"])


def test_a_resource_is_made_once(alice: TestClient, demo: str) -> None:
    """F-85, F-88, F-328: 200 and nothing; the second time 409."""
    first = alice.put(f"{demo}/resources/NEW")
    second = alice.put(f"{demo}/resources/NEW")

    assert (first.status_code, first.content) == (200, b"")
    assert "location" not in first.headers
    assert second.status_code == 409


def test_a_new_resource_has_no_counts_until_its_first_upload(alice: TestClient, demo: str) -> None:
    """F-65, F-154: unset, then exact, 0 included."""
    alice.put(f"{demo}/resources/NEW")
    before = _rows(alice, demo)[0]
    alice.put(f"{demo}/resources/NEW/files/a?inbody=true", content=b"four")
    filled = _rows(alice, demo)[0]
    alice.delete(f"{demo}/resources/NEW/files/a")
    emptied = _rows(alice, demo)[0]

    counts = [(row["file_count"], row["file_size"]) for row in (before, filled, emptied)]
    assert counts == [("", ""), ("1", "4"), ("0", "0")]


def test_the_list_is_what_the_wire_says_byte_for_byte(alice: TestClient, demo: str) -> None:
    """F-63, F-64, F-66, F-171."""
    alice.put(f"{demo}/resources/R?format=NIFTI&content=RAW&tags=one,colour:red&tags=two")

    reply = alice.get(f"{demo}/resources")

    assert reply.text == (
        '{"ResultSet":{"Result":[{"file_count":"","xnat_abstractresource_id":"1","cat_desc":" ","cat_id":"",'
        '"format":"NIFTI","label":"R","category":"resources","element_name":"xnat:resourceCatalog","file_size":"",'
        '"content":"RAW","tags":"one,colour=red,two"}], "totalRecords": "1","title": "Resources"}}'
    )


def test_an_empty_list_is_a_list(alice: TestClient, demo: str) -> None:
    """F-61."""
    reply = alice.get(f"{demo}/resources/")

    assert reply.text == '{"ResultSet":{"Result":[], "totalRecords": "0","title": "Resources"}}'


def test_resources_come_by_number_unless_sorted(alice: TestClient, demo: str) -> None:
    """F-68."""
    for label in ("b", "C", "a"):
        alice.put(f"{demo}/resources/{label}")

    orders = {
        query: "".join(row["label"] for row in _rows(alice, demo, query))
        for query in ("", "?sortBy=LABEL", "?sortBy=label&sortOrder=desc", "?sortOrder=DESC", "?sortBy=nothing")
    }

    assert orders == {
        "": "bCa",
        "?sortBy=LABEL": "Cab",
        "?sortBy=label&sortOrder=desc": "baC",
        "?sortOrder=DESC": "aCb",
        "?sortBy=nothing": "bCa",
    }


@pytest.mark.parametrize(
    ("label", "rule"),
    [
        ("123", "digits"),
        ("x" * 65, "64 characters"),
        ("a%2Fb", "encoded slash"),
        ("a%5Cb", "backslash"),
        ("a%00b", "NUL"),
        ("a%0Ab", "control"),
        ("%20a", "blank"),
        ("%2E%2E", "reserved"),
        ("%2e", "reserved"),
        ("null", "reserved"),
        ("%FF", "UTF-8"),
    ],
)
def test_a_bad_label_is_400_and_says_which_rule(alice: TestClient, demo: str, label: str, rule: str) -> None:
    made = alice.put(f"{demo}/resources/{label}")
    uploaded = alice.put(f"{demo}/resources/{label}/files/a?inbody=true", content=b"x")

    assert made.status_code == 400
    assert rule in made.text
    assert uploaded.status_code in {400, 404}
    assert _rows(alice, demo) == []


@pytest.mark.parametrize("label", ["T1 w/o".replace("/", "-"), "a%b", "é", "a;b", "a'b\"", "x" * 64, "<&>"])
def test_an_unusual_label_works_everywhere(alice: TestClient, demo: str, label: str) -> None:
    """F-3, F-55: decoded once, validated, never taken for anything else."""
    url = f"{demo}/resources/{label.replace('%', '%25').replace(';', '%3B')}"

    alice.put(f"{url}/files/a.txt?inbody=true", content=b"x")

    assert alice.get(f"{url}/files/a.txt").content == b"x"
    assert _rows(alice, demo)[0]["label"] == label
    assert alice.put(url).status_code == 409
    assert alice.delete(url).status_code == 200
    assert _rows(alice, demo) == []


def test_a_number_addresses_a_resource_too(alice: TestClient, demo: str) -> None:
    """F-51, F-52."""
    alice.put(f"{demo}/resources/R/files/a?inbody=true", content=b"x")
    rid = _rows(alice, demo)[0]["xnat_abstractresource_id"]

    assert alice.get(f"{demo}/resources/{rid}/files/a").content == b"x"
    assert alice.put(f"{demo}/resources/{rid}").status_code == 409
    assert alice.get(f"{demo}/resources/999/files").status_code == 404
    assert alice.get(f"{demo}/resources/99999999999999999999/files").status_code == 404
    assert alice.delete(f"{demo}/resources/999").status_code == 404


def test_an_upload_to_a_list_goes_to_its_first_item(alice: TestClient, demo: str) -> None:
    """F-51, F-145."""
    alice.put(f"{demo}/resources/A , B/files/a?inbody=true", content=b"x")

    assert [row["label"] for row in _rows(alice, demo)] == ["A"]
    assert alice.put(f"{demo}/resources/A,B").status_code == 409


def test_deleting_what_is_not_there_is_no_error(alice: TestClient, demo: str) -> None:
    """F-91, F-240."""
    reply = alice.delete(f"{demo}/resources/NONE?removeFiles=true")

    assert (reply.status_code, reply.content) == (200, b"")


def test_several_resources_are_deleted_at_once_and_the_others_stay(alice: TestClient, demo: str) -> None:
    """F-92."""
    for label in ("A", "B", "C"):
        alice.put(f"{demo}/resources/{label}/files/a?inbody=true", content=label.encode())

    alice.delete(f"{demo}/resources/A, C")

    assert [row["label"] for row in _rows(alice, demo)] == ["B"]
    assert alice.get(f"{demo}/resources/B/files/a").content == b"B"


def test_a_label_is_free_again_after_deletion_and_gets_a_new_number(alice: TestClient, demo: str) -> None:
    alice.put(f"{demo}/resources/R/files/old?inbody=true", content=b"x")
    alice.delete(f"{demo}/resources/R")

    alice.put(f"{demo}/resources/R")

    assert [(row["xnat_abstractresource_id"], row["file_count"]) for row in _rows(alice, demo)] == [("2", "")]
    assert alice.get(f"{demo}/resources/R/files/old").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_what_follows_a_resource_must_be_files(alice: TestClient, demo: str, method: str) -> None:
    """F-79."""
    alice.put(f"{demo}/resources/R")

    reply = alice.request(method, f"{demo}/resources/R/a.txt")

    assert reply.status_code == 400
    assert "append /files" in reply.text


def test_the_catalog_begins_as_xnatpy_knows_it_whatever_is_asked_for(alice: TestClient, demo: str) -> None:
    """F-75, F-201 to F-206."""
    alice.put(f"{demo}/resources/R?description=about&tags=t")
    alice.put(f"{demo}/resources/R/files/d/b%20%26.txt?inbody=true&format=TXT&tags=x%3Dy", content=b"four")
    alice.put(f"{demo}/resources/R/files/a?inbody=true", content=b"")

    reply = alice.get(f"{demo}/resources/R?format=json")

    root = etree.fromstring(reply.content)
    entries = root.findall(f"{CAT}entries/{CAT}entry")
    assert reply.text.startswith(
        '<?xml version="1.0" encoding="UTF-8"?>\n<cat:Catalog ID="R" description="about" xmlns'
    )
    assert reply.headers["content-type"].startswith("text/xml")
    assert not reply.text.endswith("\n")
    assert [entry.get("URI") for entry in entries] == ["a", "d/b &.txt"]
    assert {str(name): str(value) for name, value in entries[1].attrib.items()} == {
        "ID": "d/b &.txt",
        "URI": "d/b &.txt",
        "cachePath": "d/b &.txt",
        "createdBy": "alice",
        "createdTime": "2026-11-21T12:00:00.123",
        "digest": "8cbad96aced40b3838dd9f07f6ef5772",
        "format": "TXT",
        "name": "b &.txt",
    }
    assert entries[1].findtext(f"{CAT}metaFields/{CAT}metaField[@name='SIZE']") == "4"
    assert entries[1].findtext(f"{CAT}tags/{CAT}tag") == "x=y"
    assert root.findtext(f"{CAT}metaFields/{CAT}metaField[@name='PROJECT']") == "DEMO"


def test_the_catalog_of_an_empty_resource_has_no_entries(alice: TestClient, demo: str) -> None:
    """F-208."""
    alice.put(f"{demo}/resources/R")

    root = etree.fromstring(alice.get(f"{demo}/resources/R").content)

    assert root.find(f"{CAT}entries") is None


def test_a_changed_entry_says_who_changed_it(
    client: Callable[[str], TestClient], alice: TestClient, demo: str, clock: Callable[[], object]
) -> None:
    """F-153."""
    alice.put(f"{demo}/resources/R/files/a?inbody=true&format=OLD&content=C&tags=t", content=b"one")
    clock.move(seconds=1)  # type: ignore[attr-defined]
    client("admin").put(f"{demo}/resources/R/files/a?inbody=true&overwrite=true&format=NEW", content=b"two")

    entry = etree.fromstring(alice.get(f"{demo}/resources/R").content).find(f"{CAT}entries/{CAT}entry")

    assert entry is not None
    said = {name: entry.get(name) for name in ("createdBy", "modifiedBy", "modifiedTime", "format", "content")}
    assert said == {
        "createdBy": "alice",
        "modifiedBy": "admin",
        "modifiedTime": "2026-11-21T12:00:01.123",
        "format": "NEW",
        "content": "C",
    }


def test_the_catalog_of_none_or_several_is_404(alice: TestClient, demo: str) -> None:
    """F-77."""
    alice.put(f"{demo}/resources/A")
    alice.put(f"{demo}/resources/B")

    assert alice.get(f"{demo}/resources/NONE").status_code == 404
    assert alice.get(f"{demo}/resources/A,B").status_code == 404


def test_a_catalog_is_only_xml(alice: TestClient, demo: str) -> None:
    """F-75."""
    alice.put(f"{demo}/resources/A")

    assert alice.get(f"{demo}/resources/A", headers={"Accept": "application/pdf"}).status_code == 406
    assert alice.get(f"{demo}/resources/A", headers={"Accept": "text/xml"}).status_code == 200


def test_a_document_describes_a_new_resource(alice: TestClient, demo: str) -> None:
    """F-86, C-48."""
    body = (
        '<xnat:resourceCatalog xmlns:xnat="http://nrg.wustl.edu/xnat" format="F" content="C">'
        '<xnat:tags><xnat:tag name="n">v</xnat:tag></xnat:tags></xnat:resourceCatalog>'
    )

    alice.put(f"{demo}/resources/R?content=Q", content=body.encode(), headers={"Content-Type": "text/xml"})

    row = _rows(alice, demo)[0]
    assert (row["format"], row["content"], row["tags"]) == ("F", "Q", "n=v")


@pytest.mark.parametrize("body", [b"<", b"<xnat:Project xmlns:xnat='http://nrg.wustl.edu/xnat'/>", b"text"])
def test_a_document_that_is_none_makes_no_resource(alice: TestClient, demo: str, body: bytes) -> None:
    """F-86."""
    reply = alice.put(f"{demo}/resources/R", content=body, headers={"Content-Type": "application/xml"})

    assert reply.status_code == 422
    assert _rows(alice, demo) == []


XML = '<xnat:resourceCatalog xmlns:xnat="http://nrg.wustl.edu/xnat" label="FROM_XML" format="NIFTI"/>'


@pytest.mark.parametrize(
    ("query", "content", "label", "format_"),
    [
        ("xnat:resourceCatalog/label=NII&xnat:resourceCatalog/format=NIFTI", "", "NII", "NIFTI"),
        ("", XML, "FROM_XML", "NIFTI"),
        ("xnat:resourceCatalog/label=NII&format=F", XML, "NII", "F"),
        ("", "", "", ""),
    ],
)
def test_a_resource_is_made_by_its_list(
    alice: TestClient, demo: str, query: str, content: str, label: str, format_: str
) -> None:
    """F-94."""
    headers = {"Content-Type": "text/xml"} if content else {}

    reply = alice.post(f"{demo}/resources?{query}", content=content, headers=headers)

    [row] = alice.get(f"{demo}/resources").json()["ResultSet"]["Result"]
    assert (row["label"], row["format"]) == (label, format_)
    assert reply.status_code == 200
    assert reply.text == reply.headers["location"] == f"{demo}/resources/{row['xnat_abstractresource_id']}"
    assert alice.put(f"{reply.text}/files/a.txt?inbody=true", content=b"x").status_code == 200
    assert alice.get(f"{reply.text}/files/a.txt").content == b"x"


@pytest.mark.parametrize("label", ["NII", "12", "a/b", "NULL"])
def test_a_list_makes_no_resource_whose_label_is_taken_or_cannot_be(alice: TestClient, demo: str, label: str) -> None:
    alice.put(f"{demo}/resources/NII")

    reply = alice.post(f"{demo}/resources", params={"xnat:resourceCatalog/label": label})

    assert reply.status_code == (409 if label == "NII" else 400)
    assert len(alice.get(f"{demo}/resources").json()["ResultSet"]["Result"]) == 1
