"""Files of every kind of thing, through every shape of URL that leads to it (files-api sections 2 and 3)."""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from rest.session import (
    ASSESSOR_ID,
    BASES,
    CATEGORIES,
    CONTEXT_URLS,
    OWNERS,
    SESSION,
    SUBJECT,
    SUBJECT_ID,
    make_session,
    owner_name,
    put_file,
    results,
)

MR1 = f"{SUBJECT}/experiments/MR1"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EVERY_CONTEXT = pytest.mark.parametrize("context", CONTEXT_URLS)
# F-184, for the request that names the thing itself.
MEMBERS = {
    "project": "DEMO/resources/DICOM/files/d/1.dcm",
    "subject": "S1/resources/DICOM/files/d/1.dcm",
    "experiment": "MR1/resources/DICOM/files/d/1.dcm",
    "scan": "MR1/scans/4-T1_w_o/resources/DICOM/files/d/1.dcm",
    "in of a reconstruction": "MR1/reconstructions/R1-mean/in/resources/DICOM/files/d/1.dcm",
    "out of a reconstruction": "MR1/reconstructions/R1-mean/out/resources/DICOM/files/d/1.dcm",
    "in of an assessor": "QC/in/resources/DICOM/files/d/1.dcm",
    "out of an assessor": "QC/out/resources/DICOM/files/d/1.dcm",
}
EVERY_OWNER = pytest.mark.parametrize("owner", OWNERS)


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> str:
    make_session(alice, demo)
    return MR1


@pytest.fixture
def filled(alice: TestClient, mr1: str) -> str:
    """A file ``d/1.dcm`` in a resource DICOM of everything, each saying where it is."""
    for owner, url in OWNERS.items():
        put_file(alice, f"{url}/resources/DICOM/files/d/1.dcm", owner.encode(), "format=DICOM")
    return mr1


def _owner_of(context: str) -> str:
    return owner_name(CONTEXT_URLS[context], context)


def _uris(alice: TestClient, url: str) -> list[str]:
    return [row["URI"] for row in results(alice, url)]


def _members(alice: TestClient, url: str) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(alice.get(url).content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@EVERY_CONTEXT
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_every_context_leads_to_its_own_files_and_no_others(alice: TestClient, context: str) -> None:
    """F-32, F-57: sides are kept apart."""
    assert alice.get(f"{context}/resources/DICOM/files/d/1.dcm").text == _owner_of(context)
    assert alice.get(f"{context}/files/d/1.dcm").text == _owner_of(context)
    assert len(results(alice, f"{context}/files")) == 1


@EVERY_CONTEXT
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_a_deletion_in_one_context_leaves_all_others(alice: TestClient, context: str) -> None:
    deleted = alice.delete(f"{context}/resources/DICOM")

    left = [owner for owner, url in OWNERS.items() if results(alice, f"{url}/files")]
    assert deleted.status_code == 200
    assert left == [owner for owner in OWNERS if owner != _owner_of(context)]


@EVERY_CONTEXT
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_a_list_names_files_by_id(alice: TestClient, context: str) -> None:
    """F-109."""
    [row] = results(alice, f"{context}/files")

    assert row["URI"] == f"{BASES[_owner_of(context)]}/resources/{row['cat_ID']}/files/d/1.dcm"


@EVERY_CONTEXT
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_the_list_of_one_resource_names_files_as_they_were_asked_for(alice: TestClient, context: str) -> None:
    """F-110: with project and subject where both are in the URL."""
    [row] = results(alice, f"{context}/resources/DICOM/files")

    base = BASES[_owner_of(context)]
    is_long = "/projects/" in context and "/subjects/" in context and "/experiments/" in context
    above = f"/projects/DEMO/subjects/{SUBJECT_ID}" * is_long
    assert row["URI"] == f"{base.replace('/data', f'/data{above}')}/resources/{row['cat_ID']}/files/d/1.dcm"


@EVERY_OWNER
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_a_resource_says_where_it_hangs(alice: TestClient, owner: str) -> None:
    """F-66."""
    [row] = results(alice, f"{OWNERS[owner]}/resources")

    assert (row["category"], row["cat_id"], row["cat_desc"]) == CATEGORIES[owner]


def test_all_of_a_session_is_its_own_and_what_is_inside_but_no_inputs(alice: TestClient, filled: str) -> None:
    """F-67."""
    rows = results(alice, f"{filled}/resources?all=true")
    names = [row["URI"].partition("/resources/")[0] for row in results(alice, f"{filled}/files?all=true")]

    assert [(row["category"], row["cat_id"], row["cat_desc"]) for row in rows] == [
        ("resources", "", ""),
        ("scans", "4", "T1 w/o"),
        ("reconstructions", "R1", "mean"),
        ("assessors", ASSESSOR_ID, ""),
    ]
    assert names == [BASES[owner] for owner in ("experiment", "scan", "out of a reconstruction", "out of an assessor")]


@pytest.mark.parametrize("owner", [owner for owner in OWNERS if owner != "experiment"])
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_all_means_nothing_where_there_is_no_session(alice: TestClient, owner: str) -> None:
    """F-67."""
    assert len(results(alice, f"{OWNERS[owner]}/files?all=true")) == 1


@pytest.mark.parametrize(
    ("names", "scans"),
    [
        ("ALL", ["4", "5", "6"]),
        ("*", ["4", "5", "6"]),
        ("4,5", ["4", "5"]),
        ("5, 4", ["4", "5"]),
        ("T2", ["5"]),
        ("T1%20w[SLASH]o", ["4"]),
        ("T2,4,nothing", ["4", "5"]),
        ("NULL", ["6"]),
    ],
)
@ON_SQLITE
def test_scans_are_named_by_id_by_type_or_all_at_once(
    alice: TestClient, mr1: str, names: str, scans: list[str]
) -> None:
    """F-45, F-70."""
    for scan in ("4", "5", "6"):
        put_file(alice, f"{mr1}/scans/{scan}/resources/DICOM/files/1.dcm")

    assert [row["cat_id"] for row in results(alice, f"{mr1}/scans/{names}/resources")] == scans
    assert len(results(alice, f"{mr1}/scans/{names}/resources/DICOM/files")) == len(scans)


@pytest.mark.parametrize("names", ["ALL", "4,5"])
@ON_SQLITE
def test_several_scans_cannot_be_written_to(alice: TestClient, filled: str, names: str) -> None:
    """F-47."""
    put_file(alice, f"{filled}/scans/5/resources/DICOM/files/2.dcm")
    urls = (f"{filled}/scans/{names}/resources/X", f"{filled}/scans/{names}/resources/DICOM")

    assert alice.put(urls[0]).status_code == 404
    assert alice.put(f"{urls[0]}/files/a?inbody=true", content=b"x").status_code == 404
    assert alice.delete(urls[1]).status_code == 404


@pytest.mark.parametrize("name", ["scans/9", "scans/9,8", "reconstructions/R9", "assessors/QC9"])
@pytest.mark.parametrize("suffix", ["resources", "files", "resources/DICOM/files", "resources/DICOM"])
@ON_SQLITE
def test_what_is_not_there_has_no_resources(alice: TestClient, filled: str, name: str, suffix: str) -> None:
    """F-48, as ours: no fallback to what is above."""
    assert alice.get(f"{filled}/{name}/{suffix}").status_code == 404


@EVERY_OWNER
@ON_SQLITE
def test_a_number_leads_to_its_files_through_another_path(alice: TestClient, filled: str, owner: str) -> None:
    """F-54."""
    [row] = results(alice, f"{OWNERS[owner]}/resources")
    rid = row["xnat_abstractresource_id"]
    elsewhere = f"{filled}/scans/5/resources/{rid}/files"

    assert len(results(alice, elsewhere)) == 1
    assert alice.get(f"{elsewhere}/d/1.dcm").text == owner


def test_a_number_of_anothers_resource_is_not_found(alice: TestClient, filled: str, client: object) -> None:
    """F-52, C-21."""
    assert callable(client)
    bob = client("bob")
    bob.put("/data/projects/BOBS")

    [row] = results(alice, f"{filled}/resources")
    reply = bob.get(f"/data/projects/BOBS/resources/{row['xnat_abstractresource_id']}/files")

    assert reply.status_code == 404


@pytest.mark.usefixtures("filled")
def test_an_assessor_addressed_as_an_experiment_shows_what_came_out(alice: TestClient) -> None:
    """F-57, F-110."""
    url = f"/data/experiments/{ASSESSOR_ID}"

    [row] = results(alice, f"{url}/resources/DICOM/files")

    assert alice.get(f"{url}/files/d/1.dcm").text == "out of an assessor"
    assert row["URI"] == f"{url}/resources/{row['cat_ID']}/files/d/1.dcm"


@EVERY_OWNER
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_members_of_an_archive_are_called_as_the_wire_says(alice: TestClient, owner: str) -> None:
    """F-184, F-185."""
    reply = _members(alice, f"{OWNERS[owner]}/files?format=zip")

    assert reply == {MEMBERS[owner]: owner.encode()}


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("", "MR1/scans/4-T1_w_o/resources/DICOM/files/d/1.dcm"),
        ("&structure=nonsense", "MR1/scans/4-T1_w_o/resources/DICOM/files/d/1.dcm"),
        ("&structure=simplified", "MR1/scans/4/DICOM/d/1.dcm"),
        ("&structure=improved", "scans/4_T1 w_o/DICOM/d/1.dcm"),
        ("&projectIncludedInPath=true", "DEMO/MR1/scans/4-T1_w_o/resources/DICOM/files/d/1.dcm"),
        (
            "&projectIncludedInPath=true&subjectIncludedInPath=true",
            "DEMO/S1/MR1/scans/4-T1_w_o/resources/DICOM/files/d/1.dcm",
        ),
    ],
)
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_the_structure_of_an_archive_can_be_chosen(alice: TestClient, query: str, member: str) -> None:
    """F-186, F-187, F-327."""
    reply = alice.get(f"{SESSION}/scans/ALL/files?format=zip{query}")

    assert reply.headers["content-type"] == "application/zip"
    assert reply.headers["content-disposition"].startswith('attachment; filename="MR1.zip"')
    assert list(_members(alice, f"{SESSION}/scans/ALL/files?format=zip{query}")) == [member]


@pytest.mark.parametrize("compression", ["0", "8"])
@ON_SQLITE
def test_a_zip_is_stored_or_deflated(alice: TestClient, filled: str, compression: str) -> None:
    """F-182."""
    reply = alice.get(f"{filled}/scans/4/files?format=zip&compression={compression}")

    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert archive.testzip() is None
        assert [info.compress_type for info in archive.infolist()] == [int(compression)]


@pytest.mark.parametrize(("format_", "mode", "extension"), [("tar", "r:", "tar"), ("tar.gz", "r:gz", "tar.gz")])
@ON_SQLITE
def test_files_come_as_a_tar(alice: TestClient, filled: str, format_: str, mode: str, extension: str) -> None:
    """F-181, F-187: no description in the names."""
    reply = alice.get(f"{filled}/scans/4/files?format={format_}&structure=improved")

    with tarfile.open(fileobj=io.BytesIO(reply.content), mode=mode) as archive:  # type: ignore[call-overload]
        members = {info.name: (info.size, info.mode) for info in archive}
    assert f'filename="MR1.{extension}"' in reply.headers["content-disposition"]
    assert members == {"scans/4/DICOM/d/1.dcm": (4, 0o644)}


def test_a_session_with_all_is_one_archive(alice: TestClient, filled: str) -> None:
    """F-183, F-184."""
    assert sorted(_members(alice, f"{filled}/files?format=zip&all=true")) == [
        f"MR1/assessors/{ASSESSOR_ID}/out/resources/DICOM/files/d/1.dcm",
        "MR1/reconstructions/R1/out/resources/DICOM/files/d/1.dcm",
        "MR1/resources/DICOM/files/d/1.dcm",
        "MR1/scans/4/resources/DICOM/files/d/1.dcm",
    ]


def test_the_improved_archive_of_a_session_begins_with_categories(alice: TestClient, filled: str) -> None:
    """F-187."""
    members = _members(alice, f"{filled}/files?format=zip&all=true&structure=improved")

    assert {"resources/DICOM/d/1.dcm", "scans/4_T1 w_o/DICOM/d/1.dcm"} <= set(members)


@pytest.mark.parametrize("url", [f"{MR1}/scans/5/files", f"{MR1}/resources/nothing/files"])
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_there_is_no_archive_of_nothing(alice: TestClient, url: str) -> None:
    """F-183, F-95a."""
    assert alice.get(f"{url}?format=zip").status_code == 404
    assert alice.get(f"{url}?format=zip&accept-not-found=true").status_code == 204


@EVERY_OWNER
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_files_are_filtered_and_counted_through(alice: TestClient, owner: str) -> None:
    """F-102, F-103."""
    files = f"{OWNERS[owner]}/resources/DICOM/files"
    put_file(alice, f"{files}/2.txt", b"second", "content=THUMBNAIL")

    names = {
        query: [row["Name"] for row in results(alice, f"{files}?{query}")]
        for query in ("file_format=DICOM", "file_content=THUMBNAIL", "file_content=NULL", "file_format=nothing")
    }

    assert list(names.values()) == [["1.dcm"], ["2.txt"], ["1.dcm"], []]
    assert alice.get(f"{files}?file_content=THUMBNAIL&index=0").content == b"second"
    assert [alice.get(f"{files}?index={number}").status_code for number in (0, 1, 2)] == [200, 200, 404]
    assert alice.get(f"{files}?file_content=THUMBNAIL&index=1").status_code == 404


def test_the_index_counts_through_several_resources(alice: TestClient, filled: str) -> None:
    """F-103: the rows of the table."""
    put_file(alice, f"{filled}/scans/5/resources/DICOM/files/2.dcm", b"last")
    uris = _uris(alice, f"{filled}/files?all=true")

    contents = [alice.get(f"{filled}/files?all=true&index={number}").content for number in range(len(uris))]

    assert contents == [alice.get(uri).content for uri in uris]
    assert contents[-1] == b"last"


# F-211.
FOLDERS = {
    "project": "resources/DICOM",
    "subject": "subjects/S1/DICOM",
    "experiment": "arc001/MR1/RESOURCES/DICOM",
    "scan": "arc001/MR1/SCANS/4/DICOM",
    "in of a reconstruction": "arc001/MR1/PROCESSED/R1/in/DICOM",
    "out of a reconstruction": "arc001/MR1/PROCESSED/R1/out/DICOM",
    "in of an assessor": f"arc001/MR1/ASSESSORS/{ASSESSOR_ID}/in/DICOM",
    "out of an assessor": f"arc001/MR1/ASSESSORS/{ASSESSOR_ID}/out/DICOM",
}


@EVERY_OWNER
@ON_SQLITE
@pytest.mark.usefixtures("filled")
def test_a_file_has_a_path_in_the_archive_of_its_project(alice: TestClient, owner: str) -> None:
    """F-111."""
    listed = alice.get(f"{OWNERS[owner]}/files?locator=projectPath").text

    [row] = results(alice, f"{OWNERS[owner]}/files?locator=projectPath")
    keys = ["file_content", "Size", "projectPath", "file_tags", "cat_ID", "digest", "collection", "file_format", "Name"]
    assert list(row) == keys
    assert row["projectPath"] == f"{FOLDERS[owner]}/d/1.dcm"
    assert listed.startswith('{"ResultSet":{"Columns":[{"key":"URI","serverRoot":""}],')


@pytest.mark.usefixtures("filled")
def test_only_administrators_see_where_bytes_lie(
    alice: TestClient, client: Callable[[str], TestClient], demo: str
) -> None:
    """F-111."""
    url = f"{demo}/resources/DICOM/files?locator=absolutePath"

    [row] = results(client("admin"), url)

    keys = ["file_content", "Size", "file_tags", "cat_ID", "digest", "absolutePath", "collection", "file_format"]
    assert list(row) == [*keys, "Name"]
    assert Path(row["absolutePath"]).read_bytes() == b"project"
    assert alice.get(url).status_code == 403
    assert "URI" in results(alice, f"{demo}/files?locator=else")[0]
