"""xnat-access 0.6: all that its client can ask for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from requests import HTTPError
from xnat_access import XNATClient


class Desk(NamedTuple):
    client: XNATClient
    folder: Path
    url: str
    password: str


SESSION = "projects/ACCESS/subjects/S1/experiments/MR1"


def _connect(url: str, password: str, folder: Path) -> Desk:
    client = XNATClient(url, "admin", password)
    client.open_session()
    client.put_request("projects/ACCESS?accessibility=private")
    client.create_subject("ACCESS", "S1", "controls", 70, 180, "female", 1970, 50, "left")
    client.create_experiment("ACCESS", "S1", "MR1", "xnat:mrSessionData")
    return Desk(client, folder, url, password)


def _refused(act: Callable[[], Any]) -> int:
    try:
        act()
    except HTTPError as error:
        assert error.response is not None  # noqa: PT017
        return error.response.status_code
    raise AssertionError(act)


def _write(desk: Desk, content: bytes) -> str:
    (desk.folder / "source").write_bytes(content)
    return str(desk.folder / "source")


def _read(desk: Desk, path: str) -> bytes:
    desk.client.download_file(path, str(desk.folder / "got"))
    return (desk.folder / "got").read_bytes()


def a_session_is_opened_when_it_is_needed(desk: Desk) -> None:
    client = XNATClient(desk.url, "admin", desk.password)
    assert not client.session_is_open()

    assert "ACCESS" in [row["ID"] for row in client.get_result("projects")]

    assert client.session_is_open()
    client.close_session()
    assert not client.session_is_open()


def a_session_that_was_lost_is_opened_again(desk: Desk) -> None:
    client = XNATClient(desk.url, "admin", desk.password)
    client.open_session()
    client._cookies.set("JSESSIONID", "0" * 32, domain="127.0.0.1", path="/")
    assert not client.session_is_open()

    assert client.get_result("projects/ACCESS/subjects")[0]["label"] == "S1"


def what_a_subject_was_made_with(desk: Desk) -> None:
    columns = "columns=label,group,gender,yob,age,handedness,weight,height&format=json"
    rows = desk.client.get_request(f"projects/ACCESS/subjects?{columns}").json()["ResultSet"]["Result"]

    (row,) = [row for row in rows if row["label"] == "S1"]
    assert (row["group"], row["gender"], row["yob"], row["handedness"]) == ("controls", "female", "1970", "left"), row
    assert (float(row["weight"]), float(row["height"]), float(row["age"])) == (70, 180, 50), row


def lists(desk: Desk) -> None:
    (session,) = desk.client.get_result("projects/ACCESS/subjects/S1/experiments")

    assert (session["label"], session["xsiType"]) == ("MR1", "xnat:mrSessionData")
    assert desk.client.get_json("projects/ACCESS/subjects")["ResultSet"]["totalRecords"] == "1"


def a_scan_with_a_file(desk: Desk) -> None:
    desk.client.create_container_and_upload_file(
        _write(desk, b"first"), "ACCESS", "S1", "MR1", "scans", "1", "xnat:mrScanData", "a.dcm", "DICOM"
    )
    path = f"{SESSION}/scans/1/resources/DICOM/files"
    assert _read(desk, f"{path}/a.dcm") == b"first"

    for content, name in ((b"second", "a.dcm"), (b"third", "b.dcm")):
        desk.client.create_container_and_upload_file(
            _write(desk, content), "ACCESS", "S1", "MR1", "scans", "1", "xnat:mrScanData", name, "DICOM"
        )
    assert [_read(desk, f"{path}/{name}") for name in ("a.dcm", "b.dcm")] == [b"second", b"third"]
    assert sorted(row["Name"] for row in desk.client.get_result(path)) == ["a.dcm", "b.dcm"]


def an_assessor_with_a_file(desk: Desk) -> None:
    for content in (b"first", b"second"):
        desk.client.create_container_and_upload_file(
            _write(desk, content), "ACCESS", "S1", "MR1", "assessors", "QC1", "xnat:qcManualAssessorData", "qc.txt"
        )

        assert _read(desk, f"{SESSION}/assessors/QC1/resources/OTHER/files/qc.txt") == content


def a_reconstruction_with_a_file(desk: Desk) -> None:
    desk.client.create_container_and_upload_file(
        _write(desk, b"made"), "ACCESS", "S1", "MR1", "reconstructions", "R1", "xnat:reconstructedImageData", "r.nii"
    )

    assert _read(desk, f"{SESSION}/reconstructions/R1/resources/OTHER/files/r.nii") == b"made"


def another_type_than_it_has(desk: Desk) -> None:
    arguments = (_write(desk, b"x"), "ACCESS", "S1", "MR1", "scans")
    desk.client.create_container_and_upload_file(*arguments, "2", "xnat:mrScanData", "a", "R")
    try:
        desk.client.create_container_and_upload_file(*arguments, "2", "xnat:ctScanData", "b", "R")
    except Exception as error:  # noqa: BLE001 - the client raises just this
        assert "does not match" in str(error)  # noqa: PT017
    else:
        raise AssertionError


def files_up_and_down(desk: Desk) -> None:
    path = "projects/ACCESS/resources/PLAN/files/plan.txt"

    desk.client.upload_file(path, _write(desk, "Größe\n".encode()))

    assert _read(desk, path) == "Größe\n".encode()
    assert desk.client.get_file(path).read() == "Größe\n"
    desk.client.delete_request(path)
    assert _refused(lambda: desk.client.get_request(path)) == 404


def posts(desk: Desk) -> None:
    reply = desk.client.post("data/projects/ACCESS/subjects/S1/resources/POSTED/files/a.txt?inbody=true", b"posted")

    assert reply.status_code == 200
    assert _read(desk, "projects/ACCESS/subjects/S1/resources/POSTED/files/a.txt") == b"posted"


def mistakes(desk: Desk) -> None:
    wrong = XNATClient(desk.url, "admin", "wrong")
    assert _refused(wrong.open_session) == 401
    assert _refused(lambda: desk.client.get_result("projects/NOWHERE/subjects")) == 404
