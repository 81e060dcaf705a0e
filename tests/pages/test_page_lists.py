"""The pages' lists and downloads, at every address; nothing here changes what the first fixture made."""

import io
import json
import zipfile
from typing import Final

import pytest
from lxml import etree
from starlette.testclient import TestClient

from pages.forms import EVERY_FORM, Form
from pages.readers import READERS
from rest.session import BASES, CATEGORIES, OWNERS, make_session, put_file, results

VOXELS: Final = bytes(range(256))
# What each owner has: resources C, A and B, made in this order, the last without files.
FILES: Final = {"C": {"a.txt": b"test", "d/b.nii": VOXELS}, "A": {"a.txt": b"0123456789"}}
LISTS: Final = pytest.mark.parametrize("listed", ["resources", "files"])
NAMED_BY: Final = pytest.mark.parametrize("named_by", ["label", "number"])


@pytest.fixture(scope="module")
def alice(shared: TestClient) -> TestClient:
    for project in ("/data/projects/DEMO", "/data/projects/OTHER"):
        shared.put(project)
        make_session(shared, project)
    for owner, url in OWNERS.items():
        shared.put(f"{url}/resources/C?format=NIFTI&content={owner}&tags=one,side:left")
        for label, files in FILES.items():
            for path, content in files.items():
                put_file(shared, f"{url}/resources/{label}/files/{path}", content, "format=NIFTI&tags=x")
        shared.put(f"{url}/resources/B")
    return shared


def _name(alice: TestClient, form: Form, label: str, named_by: str) -> str:
    """A resource of the form's owner by its label or its number."""
    rows = results(alice, f"{OWNERS[form.owner]}/resources")
    return {"label": label, "number": next(_rid(row) for row in rows if row["label"] == label)}[named_by]


def _rid(row: dict[str, str]) -> str:
    return row["xnat_abstractresource_id"]


@pytest.mark.page("project-resources:9", "project-resources:13")
@pytest.mark.page("experiment-resources:24", "experiment-resources:27-28", "experiment-resources:33-35")
@pytest.mark.page("image-assessor-resources:21-22", "image-assessor-resources:26-40")
@EVERY_FORM
def test_the_resources_of_a_thing_and_no_others_are_listed(alice: TestClient, form: Form) -> None:
    rows = results(alice, f"{form.url}/resources")

    assert [(row["label"], row["content"]) for row in rows] == [("C", form.owner), ("A", ""), ("B", "")]


@pytest.mark.page("project-resources:51", "project-resources:55")
@pytest.mark.page("experiment-resources:73", "experiment-resources:77-78", "experiment-resources:84-86")
@pytest.mark.page("image-assessor-resources:89-90", "image-assessor-resources:94-108")
@EVERY_FORM
def test_the_files_of_a_thing_and_no_others_are_listed(alice: TestClient, form: Form) -> None:
    uris = [row["URI"].split("/resources/") for row in results(alice, f"{form.url}/files")]

    assert {base for base, _ in uris} == {BASES[form.owner]}
    assert [end.partition("/files/")[2] for _, end in uris] == ["a.txt", "d/b.nii", "a.txt"]


@EVERY_FORM
@NAMED_BY
def test_the_files_of_one_resource_are_listed(alice: TestClient, form: Form, named_by: str) -> None:
    rows = results(alice, f"{form.url}/resources/{_name(alice, form, 'C', named_by)}/files")

    assert [(row["collection"], row["Name"]) for row in rows] == [("C", "a.txt"), ("C", "b.nii")]


@pytest.mark.page("project-resources:14-16", "project-resources:18-21")
@pytest.mark.page("project-resources:56-58", "project-resources:60-63")
@pytest.mark.page("experiment-resources:36", "experiment-resources:87")
@pytest.mark.page("image-assessor-resources:42-52", "image-assessor-resources:110-120")
@EVERY_FORM
@LISTS
def test_a_list_has_the_same_rows_in_each_format(alice: TestClient, form: Form, listed: str) -> None:
    replies = {name: alice.get(f"{form.url}/{listed}?format={name}") for name in READERS}

    types = [reply.headers["content-type"].partition(";")[0] for reply in replies.values()]
    rows = [read(replies[name].content) for name, (_, read) in READERS.items()]
    assert types == [media_type for media_type, _ in READERS.values()]
    assert rows == [results(alice, f"{form.url}/{listed}")] * len(READERS)


@pytest.mark.page("project-resources:18", "project-resources:60")
@pytest.mark.page("experiment-resources:36", "experiment-resources:87")
@pytest.mark.page("image-assessor-resources:46", "image-assessor-resources:114")
@EVERY_FORM
@LISTS
def test_a_list_is_json_for_whoever_asks_for_nothing_else(alice: TestClient, form: Form, listed: str) -> None:
    replies = [alice.get(f"{form.url}/{listed}", headers={"Accept": accept}) for accept in ("", "*/*")]

    assert [reply.headers["content-type"].partition(";")[0] for reply in replies] == ["application/json"] * 2


@pytest.mark.page("project-resources:22", "experiment-resources:37", "image-assessor-resources:54-56")
@EVERY_FORM
def test_resources_are_sorted_by_one_column_or_several(alice: TestClient, form: Form) -> None:
    urls = {columns: f"{form.url}/resources?sortBy={columns}" for columns in ("label", "file_size", "format,label")}

    orders = {columns: "".join(row["label"] for row in results(alice, url)) for columns, url in urls.items()}

    assert orders == {"label": "ABC", "file_size": "ACB", "format,label": "ACB"}


@pytest.mark.page("project-resources:64", "experiment-resources:88", "image-assessor-resources:122-124")
@EVERY_FORM
def test_files_are_sorted_by_one_column_or_several(alice: TestClient, form: Form) -> None:
    urls = {columns: f"{form.url}/files?sortBy={columns}" for columns in ("Size", "Name", "Name,collection")}

    orders = {columns: [row["Size"] for row in results(alice, url)] for columns, url in urls.items()}

    assert orders == {
        "Size": ["4", "10", "256"],
        "Name": ["4", "10", "256"],
        "Name,collection": ["10", "4", "256"],
    }


@pytest.mark.page("project-resources:26-40", "project-resources:43-44")
@pytest.mark.page("experiment-resources:45-59", "experiment-resources:62-63")
@pytest.mark.page("image-assessor-resources:63-77", "image-assessor-resources:80-81")
@EVERY_FORM
def test_a_resource_is_told_in_these_words(alice: TestClient, form: Form) -> None:
    body = alice.get(f"{form.url}/resources").text

    row = json.loads(body)["ResultSet"]["Result"][0]
    category, cat_id, cat_desc = CATEGORIES[form.owner]
    assert body.startswith('{"ResultSet":{"Result":[{"')
    assert body.endswith('"}], "totalRecords": "3","title": "Resources"}}')
    assert int(_rid(row)) > 0
    assert list(row.items()) == [
        ("file_count", "2"),
        ("xnat_abstractresource_id", _rid(row)),
        ("cat_desc", cat_desc),
        ("cat_id", cat_id),
        ("format", "NIFTI"),
        ("label", "C"),
        ("category", category),
        ("element_name", "xnat:resourceCatalog"),
        ("file_size", "260"),
        ("content", form.owner),
        ("tags", "one,side=left,x"),
    ]


@pytest.mark.page("project-resources:68-86", "project-resources:88", "project-resources:90")
@pytest.mark.page("experiment-resources:92", "experiment-resources:96-114", "experiment-resources:116")
@pytest.mark.page("experiment-resources:118")
@pytest.mark.page("image-assessor-resources:128", "image-assessor-resources:131-149", "image-assessor-resources:151")
@pytest.mark.page("image-assessor-resources:153")
@EVERY_FORM
def test_a_file_is_told_in_these_words(alice: TestClient, form: Form) -> None:
    body = alice.get(f"{form.url}/files").text

    row = json.loads(body)["ResultSet"]["Result"][0]
    assert body.startswith('{"ResultSet":{"Columns":[{"key":"URI","serverRoot":""}],"Result":[{"')
    assert body.endswith('"}], "title": "Files"}}')
    assert list(row.items()) == [
        ("file_content", ""),
        ("Size", "4"),
        ("file_tags", "x"),
        ("cat_ID", _name(alice, form, "C", "number")),
        ("digest", "098f6bcd4621d373cade4e832627b4f6"),
        ("collection", "C"),
        ("URI", f"{BASES[form.owner]}/resources/{row['cat_ID']}/files/a.txt"),
        ("file_format", "NIFTI"),
        ("Name", "a.txt"),
    ]


@pytest.mark.page("project-resources:84", "experiment-resources:92", "experiment-resources:114")
@pytest.mark.page("image-assessor-resources:128", "image-assessor-resources:149")
@pytest.mark.page("image-assessor-resources:223-229")
@EVERY_FORM
def test_each_uri_of_a_list_leads_to_its_file_and_to_no_other(alice: TestClient, form: Form) -> None:
    uris = [row["URI"] for row in results(alice, f"{form.url}/files")]

    assert len(set(uris)) == 3
    assert [alice.get(uri).content for uri in uris] == [b"test", VOXELS, b"0123456789"]


@pytest.mark.page("project-resources:31", "project-resources:35", "experiment-resources:41")
@pytest.mark.page("experiment-resources:57", "experiment-resources:59")
@pytest.mark.page("image-assessor-resources:60", "image-assessor-resources:75", "image-assessor-resources:77")
@EVERY_FORM
@NAMED_BY
def test_what_a_list_calls_a_resource_is_its_name_in_an_address(alice: TestClient, form: Form, named_by: str) -> None:
    catalog = alice.get(f"{form.url}/resources/{_name(alice, form, 'C', named_by)}").content

    assert [entry.get("URI") for entry in etree.fromstring(catalog).iter("{*}entry")] == ["a.txt", "d/b.nii"]


@pytest.mark.page("project-resources:96", "project-resources:100-102", "project-resources:104")
@pytest.mark.page("experiment-resources:128", "experiment-resources:132-133", "experiment-resources:139-143")
@pytest.mark.page("experiment-resources:147")
@pytest.mark.page("image-assessor-resources:199", "image-assessor-resources:202-203")
@pytest.mark.page("image-assessor-resources:207-237", "image-assessor-resources:241")
@EVERY_FORM
@NAMED_BY
def test_a_file_is_sent_byte_for_byte(alice: TestClient, form: Form, named_by: str) -> None:
    resource = f"{form.url}/resources/{_name(alice, form, 'C', named_by)}"

    text, voxels = alice.get(f"{resource}/files/a.txt"), alice.get(f"{resource}/files/d/b.nii")

    assert [(reply.status_code, reply.content) for reply in (text, voxels)] == [(200, b"test"), (200, VOXELS)]
    assert text.headers["content-type"] == "text/plain"
    assert voxels.headers["content-type"] == "application/octet-stream"


@EVERY_FORM
def test_a_file_is_found_without_its_resource(alice: TestClient, form: Form) -> None:
    """F-100."""
    assert alice.get(f"{form.url}/files/d/b.nii").content == VOXELS


@EVERY_FORM
@pytest.mark.parametrize("of", ["", "/resources/A"])
def test_files_come_as_one_archive(alice: TestClient, form: Form, of: str) -> None:
    """F-183."""
    reply = alice.get(f"{form.url}{of}/files?format=zip")

    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.testzip() is None
        members = {name.partition("/resources/")[2]: archive.read(name) for name in archive.namelist()}
    every = {f"{label}/files/{path}": text for label, files in FILES.items() for path, text in files.items()}
    assert members == {"": every, "/resources/A": {"A/files/a.txt": b"0123456789"}}[of]


@pytest.mark.page("experiment-resources:34-35", "experiment-resources:85-86", "experiment-resources:140-141")
@pytest.mark.page("image-assessor-resources:30-40", "image-assessor-resources:98-108")
@pytest.mark.page("image-assessor-resources:211-221")
@pytest.mark.parametrize("owner", [owner for owner in OWNERS if owner != "project"])
@LISTS
def test_a_label_is_looked_up_in_the_project_that_is_named(alice: TestClient, owner: str, listed: str) -> None:
    """The other project has things of the same labels, and nothing in them."""
    assert results(alice, f"{OWNERS[owner].replace('DEMO', 'OTHER')}/{listed}") == []


@pytest.mark.page("image-assessor-resources:8", "image-assessor-resources:10", "image-assessor-resources:12")
@pytest.mark.parametrize("thing", ["a reconstruction", "an assessor"])
def test_the_two_sides_of_a_thing_are_kept_apart(alice: TestClient, thing: str) -> None:
    sides = {side: OWNERS[f"{side} of {thing}"] for side in ("in", "out")}

    found = {side: results(alice, f"{url}/resources")[0]["content"] for side, url in sides.items()}

    assert found == {"in": f"in of {thing}", "out": f"out of {thing}"}


@pytest.mark.page("image-assessor-resources:14")
def test_inputs_can_be_had_again_as_they_were(alice: TestClient) -> None:
    inputs = alice.get(f"{OWNERS['in of an assessor']}/files?format=zip").content

    with zipfile.ZipFile(io.BytesIO(inputs)) as archive:
        assert archive.read("QC/in/resources/C/files/d/b.nii") == VOXELS


@pytest.mark.page("image-assessor-resources:16", "image-assessor-resources:128")
def test_a_download_of_all_takes_outputs_and_no_inputs(alice: TestClient) -> None:
    everything = alice.get(f"{OWNERS['experiment']}/files?format=zip&all=true").content

    with zipfile.ZipFile(io.BytesIO(everything)) as archive:
        names = archive.namelist()
    assert len([name for name in names if "/out/" in name]) == 6
    assert not [name for name in names if "/in/" in name]


@pytest.mark.page("image-assessor-resources:203")
def test_a_side_does_not_stand_for_the_assessor(alice: TestClient) -> None:
    """The page's address leaves the label of the assessor out (files-api S-21)."""
    reply = alice.get(f"{OWNERS['experiment']}/assessors/out/resources/A/files/a.txt")

    assert reply.status_code == 404
