"""No two members of an archive have one name, so that unpacking it gives every file (F-101, F-184, F-187)."""

import io
import tarfile
import zipfile
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from rest.session import ASSESSOR_ID, SESSION, SESSION_ID, SUBJECT, make_session, put_file, results

MR1 = f"{SUBJECT}/experiments/MR1"
SNAP = f"{MR1}/resources/SNAP"
TOP = f"{MR1}/resources/TOP"
Unpack = Callable[[bytes], list[tuple[str, bytes]]]
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _unzip(content: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return sorted((info.filename, archive.read(info)) for info in archive.infolist())


def _untar(content: bytes) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return sorted((info.name, _read(archive, info)) for info in archive)


def _read(archive: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    member = archive.extractfile(info)
    assert member is not None
    return member.read()


AS_EACH = pytest.mark.parametrize(("format_", "unpack"), [("zip", _unzip), ("tar", _untar), ("tar.gz", _untar)])


@pytest.fixture
def mr1(alice: TestClient, demo: str) -> str:
    make_session(alice, demo)
    return MR1


@pytest.fixture
def scans(alice: TestClient, mr1: str) -> str:
    """Two scans that hold files of the same paths, and one that holds another."""
    for scan in ("4", "5"):
        for path in ("1.dcm", "sub/1.dcm"):
            put_file(alice, f"{mr1}/scans/{scan}/resources/DICOM/files/{path}", f"{path} of {scan}".encode())
    put_file(alice, f"{mr1}/scans/6/resources/DICOM/files/only/6.dcm", b"6")
    return f"{mr1}/scans/ALL/files"


@pytest.fixture
def sessions(alice: TestClient, mr1: str) -> str:
    """Another session like the first one: its ID."""
    other = mr1.replace("MR1", "MR2")
    session_id = alice.put(f"{other}?xsiType=xnat:mrSessionData").text
    alice.put(f"{other}/scans/4?xsiType=xnat:mrScanData&type=T1%20w/o")
    for session in (mr1, other):
        put_file(alice, f"{session}/scans/4/resources/DICOM/files/1.dcm", session[-3:].encode())
        put_file(alice, f"{session}/resources/TOP/files/a", session[-3:].encode())
    return session_id


@pytest.fixture
def namesake(alice: TestClient, mr1: str) -> str:
    """A session of the same label in another project: its ID."""
    alice.put("/data/projects/OTHER")
    other = "/data/projects/OTHER/subjects/S1/experiments/MR1"
    alice.put("/data/projects/OTHER/subjects/S1")
    session_id = alice.put(f"{other}?xsiType=xnat:mrSessionData").text
    alice.put(f"{other}/scans/4?xsiType=xnat:mrScanData&type=T1%20w/o")
    put_file(alice, f"{mr1}/scans/4/resources/DICOM/files/1.dcm", b"DEMO")
    put_file(alice, f"{other}/scans/4/resources/DICOM/files/1.dcm", b"OTHER")
    return session_id


def _rids(alice: TestClient, url: str) -> dict[str, str]:
    return {row["label"]: row["xnat_abstractresource_id"] for row in results(alice, f"{url}/resources")}


@ON_SQLITE
@AS_EACH
@pytest.mark.parametrize(
    ("pattern", "paths"), [("sub/", ["sub/1.dcm"]), ("sub", ["sub/1.dcm"]), ("1*", ["1.dcm"]), ("1.dcm", ["1.dcm"])]
)
def test_a_path_that_several_resources_hold_gives_the_long_names(
    alice: TestClient, scans: str, pattern: str, paths: list[str], format_: str, unpack: Unpack
) -> None:
    reply = alice.get(f"{scans}/{pattern}?format={format_}")

    assert unpack(reply.content) == [
        (f"MR1/scans/{folder}/resources/DICOM/files/{path}", f"{path} of {folder[0]}".encode())
        for folder in ("4-T1_w_o", "5-T2")
        for path in paths
    ]


@AS_EACH
@pytest.mark.parametrize(
    ("pattern", "member"),
    [("only/", "only/6.dcm"), ("only", "only/6.dcm"), ("on*", "only/6.dcm"), ("only/6.dcm", "6.dcm")],
)
@pytest.mark.usefixtures("scans")
def test_a_path_that_one_of_several_resources_holds_gives_the_short_name(
    alice: TestClient, pattern: str, member: str, format_: str, unpack: Unpack
) -> None:
    """F-101."""
    reply = alice.get(f"{MR1}/scans/ALL/files/{pattern}?format={format_}")

    assert unpack(reply.content) == [(member, b"6")]


@ON_SQLITE
@AS_EACH
@pytest.mark.usefixtures("mr1")
def test_files_of_a_folder_named_without_its_slash_keep_their_paths(
    alice: TestClient, format_: str, unpack: Unpack
) -> None:
    for path in ("t/a/x", "t/b/x", "tt"):
        put_file(alice, f"{SNAP}/files/{path}", path.encode())

    reply = alice.get(f"{SNAP}/files/t?format={format_}")

    assert unpack(reply.content) == [("t/a/x", b"t/a/x"), ("t/b/x", b"t/b/x")]


@ON_SQLITE
@AS_EACH
@pytest.mark.usefixtures("mr1")
def test_a_file_and_a_folder_of_one_name_come_from_two_resources(
    alice: TestClient, format_: str, unpack: Unpack
) -> None:
    put_file(alice, f"{SNAP}/files/t", b"file")
    put_file(alice, f"{TOP}/files/t/x", b"in folder")

    reply = alice.get(f"{MR1}/files/t?format={format_}")

    assert unpack(reply.content) == [
        ("MR1/resources/SNAP/files/t", b"file"),
        ("MR1/resources/TOP/files/t/x", b"in folder"),
    ]


@ON_SQLITE
@pytest.mark.parametrize(
    ("format_", "unpack", "scan"), [("zip", _unzip, "4_T1 w_o"), ("tar", _untar, "4"), ("tar.gz", _untar, "4")]
)
def test_improved_names_that_two_sessions_share_begin_with_their_ids(
    alice: TestClient, sessions: str, format_: str, unpack: Unpack, scan: str
) -> None:
    both = f"/data/experiments/{SESSION_ID},{sessions}"
    query = f"format={format_}&structure=improved"

    scans = alice.get(f"{both}/scans/4/files?{query}")
    tops = alice.get(f"{both}/resources/TOP/files?{query}")

    assert unpack(scans.content) == [
        (f"{SESSION_ID}/scans/{scan}/DICOM/1.dcm", b"MR1"),
        (f"{sessions}/scans/{scan}/DICOM/1.dcm", b"MR2"),
    ]
    assert unpack(tops.content) == [
        (f"{SESSION_ID}/resources/TOP/a", b"MR1"),
        (f"{sessions}/resources/TOP/a", b"MR2"),
    ]


@AS_EACH
def test_names_that_nothing_shares_stay_as_they_are_beside_those_that_are_shared(
    alice: TestClient, sessions: str, format_: str, unpack: Unpack
) -> None:
    put_file(alice, f"{MR1}/scans/6/resources/DICOM/files/1.dcm", b"alone")

    reply = alice.get(f"/data/experiments/{SESSION_ID},{sessions}/scans/4,6/files?format={format_}&structure=improved")

    assert ("scans/6/DICOM/1.dcm", b"alone") in unpack(reply.content)
    assert len({name for name, _ in unpack(reply.content)}) == 3


@ON_SQLITE
@AS_EACH
def test_a_resource_without_files_in_the_archive_changes_no_name(
    alice: TestClient, sessions: str, format_: str, unpack: Unpack
) -> None:
    put_file(alice, f"{MR1}/resources/TOP/files/nii", b"brain", "format=NIFTI")

    both = f"/data/experiments/{SESSION_ID},{sessions}/resources/TOP/files"
    reply = alice.get(f"{both}?format={format_}&structure=improved&file_format=NIFTI")

    assert unpack(reply.content) == [("resources/TOP/nii", b"brain")]


@ON_SQLITE
@AS_EACH
@pytest.mark.parametrize(
    ("structure", "folder"), [("", "scans/4-T1_w_o/resources/DICOM/files"), ("simplified", "scans/4/DICOM")]
)
def test_two_sessions_of_one_label_are_told_apart_by_their_ids(
    alice: TestClient, namesake: str, structure: str, folder: str, format_: str, unpack: Unpack
) -> None:
    both = f"/data/experiments/{SESSION_ID},{namesake}/scans/4/files"

    reply = alice.get(f"{both}?format={format_}&structure={structure}")

    assert unpack(reply.content) == [
        (f"{SESSION_ID}/MR1/{folder}/1.dcm", b"DEMO"),
        (f"{namesake}/MR1/{folder}/1.dcm", b"OTHER"),
    ]


@ON_SQLITE
@AS_EACH
def test_a_path_in_two_sessions_of_one_label_gives_names_with_their_ids(
    alice: TestClient, namesake: str, format_: str, unpack: Unpack
) -> None:
    reply = alice.get(f"/data/experiments/{SESSION_ID},{namesake}/scans/4/files/1.dcm?format={format_}")

    folder = "MR1/scans/4-T1_w_o/resources/DICOM/files"
    assert unpack(reply.content) == [
        (f"{SESSION_ID}/{folder}/1.dcm", b"DEMO"),
        (f"{namesake}/{folder}/1.dcm", b"OTHER"),
    ]


@ON_SQLITE
@AS_EACH
@pytest.mark.usefixtures("mr1")
def test_the_sides_of_an_assessor_are_told_apart_by_the_numbers_of_their_resources(
    alice: TestClient, format_: str, unpack: Unpack
) -> None:
    for side in ("in", "out"):
        put_file(alice, f"{MR1}/assessors/QC/{side}/resources/DATA/files/a", side.encode())
    rids = [_rids(alice, f"{MR1}/assessors/QC/{side}")["DATA"] for side in ("in", "out")]

    reply = alice.get(f"{MR1}/assessors/QC/resources/{','.join(rids)}/files?format={format_}&structure=improved")

    members = unpack(reply.content)
    assert [(name.split("/")[-2:], content) for name, content in members] == [
        ([f"DATA,{rids[0]}", "a"], b"in"),
        ([f"DATA,{rids[1]}", "a"], b"out"),
    ]
    assert all(name.startswith(f"{SESSION_ID}/assessors/{ASSESSOR_ID}") for name, _ in members)


@ON_SQLITE
@AS_EACH
@pytest.mark.usefixtures("mr1")
def test_a_resource_named_like_a_folder_of_others_does_not_mix_with_them(
    alice: TestClient, format_: str, unpack: Unpack
) -> None:
    put_file(alice, f"{MR1}/scans/4/resources/DICOM/files/1.dcm", b"of the scan")
    put_file(alice, f"{MR1}/resources/scans/files/4/DICOM/1.dcm", b"of the session")

    reply = alice.get(f"{MR1}/files?all=true&format={format_}&structure=simplified")

    assert unpack(reply.content) == [
        ("MR1/scans/4/DICOM/1.dcm", b"of the scan"),
        (f"{SESSION_ID}/MR1/scans/4/DICOM/1.dcm", b"of the session"),
    ]


@ON_SQLITE
@AS_EACH
@pytest.mark.usefixtures("mr1")
def test_a_scan_whose_id_looks_like_the_id_and_type_of_another_keeps_apart(
    alice: TestClient, format_: str, unpack: Unpack
) -> None:
    alice.put(f"{MR1}/scans/5-T2?xsiType=xnat:mrScanData")
    for scan in ("5", "5-T2"):
        put_file(alice, f"{MR1}/scans/{scan}/resources/DICOM/files/1.dcm", scan.encode())

    reply = alice.get(f"{MR1}/scans/5,5-T2/files?format={format_}")

    rids = [_rids(alice, f"{MR1}/scans/{scan}")["DICOM"] for scan in ("5", "5-T2")]
    base = f"{SESSION_ID}/MR1/scans/5-T2/resources/DICOM"
    assert unpack(reply.content) == [
        (f"{base},{rids[0]}/files/1.dcm", b"5"),
        (f"{base},{rids[1]}/files/1.dcm", b"5-T2"),
    ]


@ON_SQLITE
@AS_EACH
@pytest.mark.usefixtures("sessions")
def test_a_session_named_twice_comes_once_under_its_own_name(alice: TestClient, format_: str, unpack: Unpack) -> None:
    rid = _rids(alice, MR1)["TOP"]

    reply = alice.get(f"{SESSION}/resources/{rid},TOP,{rid}/files?format={format_}")

    assert unpack(reply.content) == [("MR1/resources/TOP/files/a", b"MR1")]


@ON_SQLITE
@pytest.mark.parametrize("format_", ["zip", "ZIP", "application/zip"])
@pytest.mark.usefixtures("sessions")
def test_a_zip_has_descriptions_however_it_is_asked_for(alice: TestClient, format_: str) -> None:
    """F-21, F-187."""
    reply = alice.get(f"{MR1}/scans/4/files?format={format_}&structure=improved")

    assert _unzip(reply.content) == [("scans/4_T1 w_o/DICOM/1.dcm", b"MR1")]


@ON_SQLITE
@pytest.mark.parametrize("format_", ["TAR", "application/x-tar", "application/x-gtar"])
@pytest.mark.usefixtures("sessions")
def test_a_tar_has_no_descriptions_however_it_is_asked_for(alice: TestClient, format_: str) -> None:
    """F-187."""
    reply = alice.get(f"{MR1}/scans/4/files?format={format_}&structure=improved")

    assert _untar(reply.content) == [("scans/4/DICOM/1.dcm", b"MR1")]


@ON_SQLITE
def test_filters_hold_for_paths_too(alice: TestClient, mr1: str) -> None:
    """F-102."""
    assert mr1
    for path, format_ in {"t/a": "DICOM", "t/b": "NIFTI"}.items():
        put_file(alice, f"{SNAP}/files/{path}", path.encode(), f"format={format_}")

    members = [
        [name for name, _ in _unzip(alice.get(f"{SNAP}/files/{path}?format=zip&file_format=NIFTI").content)]
        for path in ("t", "t/", "t/*")
    ]

    assert members == [["t/b"], ["t/b"], ["t/b"]]
