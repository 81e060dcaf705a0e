"""The worked examples of files-api section 15a, byte for byte, with the numbers that this archive gives."""

import io
import zipfile
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

MR1 = "/data/projects/P1/subjects/S1/experiments/MR1"
SESSION = "/data/experiments/XNAT_E00001"


@pytest.fixture(autouse=True)
def p1(alice: TestClient) -> None:
    """Session MR1 with ``a.txt`` in its resource TEST (1), and ``1.dcm`` in resource DICOM (2) of its scan 4."""
    for path in (
        "/data/projects/P1",
        "/data/projects/P1/subjects/S1",
        f"{MR1}?xsiType=xnat:mrSessionData",
        f"{MR1}/scans/4?xsiType=xnat:mrScanData&type=T1%20w/o",
    ):
        assert alice.put(path).status_code in {200, 201}
    alice.put(f"{MR1}/resources/TEST/files/a.txt?inbody=true", content=b"test")
    alice.put(f"{MR1}/scans/4/resources/DICOM/files/1.dcm?inbody=true", content=b"voxels")


def test_the_resources_of_a_session(alice: TestClient) -> None:
    """F-321."""
    reply = alice.get(f"{SESSION}/resources")

    assert reply.status_code == 200
    assert reply.headers["content-type"].partition(";")[0] == "application/json"
    assert reply.content == (
        b'{"ResultSet":{"Result":[{"file_count":"1","xnat_abstractresource_id":"1","cat_desc":" ",'
        b'"cat_id":"XNAT_E00001","format":"","label":"TEST","category":"resources",'
        b'"element_name":"xnat:resourceCatalog","file_size":"4","content":"","tags":""}], '
        b'"totalRecords": "1","title": "Resources"}}'
    )


def test_the_files_of_a_session(alice: TestClient) -> None:
    """F-322."""
    reply = alice.get(f"{SESSION}/files")

    assert reply.content == (
        b'{"ResultSet":{"Columns":[{"key":"URI","serverRoot":""}],"Result":[{"file_content":"","Size":"4",'
        b'"file_tags":"","cat_ID":"1","digest":"098f6bcd4621d373cade4e832627b4f6","collection":"TEST",'
        b'"URI":"/data/experiments/XNAT_E00001/resources/1/files/a.txt","file_format":"","Name":"a.txt"}], '
        b'"title": "Files"}}'
    )


def test_the_files_of_a_resource_below_project_and_subject(alice: TestClient) -> None:
    """F-323."""
    reply = alice.get(f"{MR1}/resources/TEST/files")

    assert reply.content == (
        b'{"ResultSet":{"Columns":[{"key":"URI","serverRoot":""}],"Result":[{"file_content":"","Size":"4",'
        b'"file_tags":"","cat_ID":"1","digest":"098f6bcd4621d373cade4e832627b4f6","collection":"TEST",'
        b'"URI":"/data/projects/P1/subjects/XNAT_S00001/experiments/XNAT_E00001/resources/1/files/a.txt",'
        b'"file_format":"","Name":"a.txt"}], "title": "Files"}}'
    )


def test_files_as_csv(alice: TestClient) -> None:
    """F-324."""
    reply = alice.get(f"{SESSION}/files?format=csv")

    assert reply.content == (
        b"Name,Size,URI,collection,file_tags,file_format,file_content,cat_ID,digest\n"
        b"a.txt,4,/data/experiments/XNAT_E00001/resources/1/files/a.txt,TEST,,,,1,098f6bcd4621d373cade4e832627b4f6\n"
    )


def test_resources_as_xml(alice: TestClient) -> None:
    """F-325."""
    reply = alice.get(f"{SESSION}/resources?format=xml")

    assert reply.content == (
        b'<ResultSet totalRecords="1" title="Resources"><results><columns><column>xnat_abstractresource_id</column>'
        b"<column>label</column><column>element_name</column><column>category</column><column>cat_id</column>"
        b"<column>cat_desc</column><column>file_count</column><column>file_size</column><column>tags</column>"
        b"<column>content</column><column>format</column></columns>\n"
        b"<rows><row><cell>1</cell><cell>TEST</cell><cell>xnat:resourceCatalog</cell><cell>resources</cell>"
        b"<cell>XNAT_E00001</cell><cell> </cell><cell>1</cell><cell>4</cell><cell></cell><cell></cell><cell></cell>"
        b"</row>\n</rows></results></ResultSet>"
    )


def test_a_duplicate_and_what_overwrites_it(alice: TestClient) -> None:
    """F-326."""
    url = f"{MR1}/resources/TEST/files/a.txt?inbody=true"

    refused = alice.put(url, content=b"next")
    stored = alice.put(f"{url}&overwrite=true", content=b"next")

    assert (refused.status_code, refused.headers["content-type"]) == (200, "text/html")
    assert refused.content == b'{"duplicates":["a.txt"]}'
    assert (stored.status_code, stored.content) == (200, b"")


@pytest.mark.parametrize(
    ("structure", "member"),
    [
        ("", "MR1/scans/4-T1_w_o/resources/DICOM/files/1.dcm"),
        ("&structure=simplified", "MR1/scans/4/DICOM/1.dcm"),
        ("&structure=improved", "scans/4_T1 w_o/DICOM/1.dcm"),
    ],
)
def test_all_scans_as_a_zip(alice: TestClient, structure: str, member: str) -> None:
    """F-327."""
    reply = alice.get(f"{SESSION}/scans/ALL/files?format=zip{structure}")

    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/zip")
    assert reply.headers["content-disposition"] == 'attachment; filename="MR1.zip";'
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {member: b"voxels"}


def test_the_life_of_an_empty_resource(alice: TestClient) -> None:
    """F-328."""
    url = f"{SESSION}/resources/NEW"

    made, again = alice.put(url), alice.put(url)
    listed = alice.get(f"{SESSION}/resources").content
    files, archive = alice.get(f"{url}/files"), alice.get(f"{url}/files?format=zip")
    deleted, once_more = alice.delete(url), alice.delete(url)

    assert (made.status_code, made.content, again.status_code) == (200, b"", 409)
    assert listed == (
        b'{"ResultSet":{"Result":[{"file_count":"1","xnat_abstractresource_id":"1","cat_desc":" ",'
        b'"cat_id":"XNAT_E00001","format":"","label":"TEST","category":"resources",'
        b'"element_name":"xnat:resourceCatalog","file_size":"4","content":"","tags":""},'
        b'{"file_count":"","xnat_abstractresource_id":"3","cat_desc":" ","cat_id":"XNAT_E00001","format":"",'
        b'"label":"NEW","category":"resources","element_name":"xnat:resourceCatalog","file_size":"","content":"",'
        b'"tags":""}], "totalRecords": "2","title": "Resources"}}'
    )
    assert files.status_code == 200
    assert files.content == (b'{"ResultSet":{"Columns":[{"key":"URI","serverRoot":""}],"Result":[], "title": "Files"}}')
    assert (archive.status_code, deleted.status_code, once_more.status_code) == (404, 200, 200)


def test_a_member_stores_files_and_deletes_none(alice: TestClient, client: Callable[[str], TestClient]) -> None:
    """F-329."""
    alice.put("/data/projects/P1/users/member/bob")
    url = f"{SESSION}/resources/TEST/files/b.txt"

    stored, deleted = client("bob").put(f"{url}?inbody=true", content=b"mine"), client("bob").delete(url)

    assert (stored.status_code, stored.content, deleted.status_code) == (200, b"", 403)
    assert "filmroom-stored" not in stored.headers
    assert alice.get(url).content == b"mine"


def test_a_collaborator_stores_nothing(alice: TestClient, client: Callable[[str], TestClient]) -> None:
    """F-329. The answer to the upload says so in words."""
    alice.put("/data/projects/P1/users/collaborator/bob")
    url = f"{SESSION}/resources/TEST/files/b.txt"

    refused = client("bob").put(f"{url}?inbody=true", content=b"mine")
    made = client("bob").put(f"{SESSION}/resources/X")

    assert (refused.status_code, refused.headers["filmroom-stored"], made.status_code) == (200, "no", 403)
    assert refused.text.startswith("Nothing was stored")
    assert alice.get(url).status_code == 404
    assert '"label":"X"' not in alice.get(f"{SESSION}/resources").text


def test_a_file_and_a_part_of_it(alice: TestClient) -> None:
    """F-330."""
    url = f"{SESSION}/resources/TEST/files/a.txt"

    whole, part = alice.get(url), alice.get(url, headers={"Range": "bytes=1-2"})

    told = ("content-type", "content-length", "content-disposition", "cache-control", "accept-ranges")
    assert (whole.status_code, whole.content) == (200, b"test")
    assert [whole.headers[name] for name in told] == [
        "text/plain",
        "4",
        'attachment; filename="a.txt";',
        "must-revalidate",
        "bytes",
    ]
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"es", "bytes 1-2/4")
