"""The commands of xnatctl 0.6.0, run as its command line runs them, one after the other in one process.

Left out are those for plugins and pipelines, and ``project create``: it POSTs to an address that takes no POST (C-3).
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner
from xnatctl.cli.main import cli

TREE = {"a.txt": b"one", "deep/b.bin": bytes(range(256)) * 20}


class Desk(NamedTuple):
    folder: Path
    session: str

    def place(self, name: str) -> Path:
        """An empty folder."""
        place = self.folder / name
        place.mkdir()
        return place


def _run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == code, (words, done.exit_code, done.output)
    return str(done.output)


def _rows(*words: str) -> Any:
    return json.loads(_run(*words, "-o", "json"))


def _put(path: str, *parameters: str) -> str:
    """What the answer ends with: an ID, when something was made."""
    return _run("api", "put", path, *(word for one in parameters for word in ("--params", one))).split()[-1]


def _connect(url: str, password: str, folder: Path) -> Desk:
    os.environ.update(XNAT_USER="admin", XNAT_PASS=password, NO_COLOR="1", COLUMNS="200")
    _run("config", "init", "--url", url, "--profile", "default", "--no-login")
    _run("config", "add-profile", "elsewhere", "--url", url)
    _run("auth", "login")
    for project in ("CTL", "CTL_2"):
        _put(f"/data/projects/{project}")
    _put("/data/projects/CTL/subjects/S1")
    session = _put("/data/projects/CTL/subjects/S1/experiments/MR1", "xsiType=xnat:mrSessionData", "date=2026-11-21")
    for identifier, kind in (("1", "T1"), ("2", "T2")):
        path = f"/data/projects/CTL/subjects/S1/experiments/MR1/scans/{identifier}"
        _put(path, "xsiType=xnat:mrScanData", f"type={kind}", "quality=usable")
    for path, content in TREE.items():
        (folder / "tree" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "tree" / path).write_bytes(content)
    return Desk(folder, session)


def _members(path: Path) -> dict[str, bytes]:
    """What a zip holds, by the part of the name below ``files/``."""
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/files/")[2]: archive.read(name) for name in archive.namelist()}


def _files(folder: Path) -> dict[str, bytes]:
    return {path.as_posix().partition("/files/")[2]: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def who_and_where(_: Desk) -> None:
    assert _rows("whoami")["username"] == "admin"
    assert "Authentication successful" in _run("auth", "test")
    ping = _rows("health", "ping")
    assert (ping["status"], ping["authenticated"]) == ("ok", True)
    assert "1.8.11" in ping["version"]
    assert _rows("admin", "version")["version"] == "1.8.11"


def projects(_: Desk) -> None:
    assert {"CTL", "CTL_2"} <= {row["id"] for row in _rows("project", "list")}
    shown = _rows("project", "show", "CTL")
    assert (shown["id"], int(shown["subjects"]), int(shown["sessions"])) == ("CTL", 1, 1)


def access_to_a_project(_: Desk) -> None:
    assert _rows("project", "access", "CTL_2")["accessibility"] == "protected"
    _run("project", "access", "CTL_2", "--set", "private", "--yes")
    assert _rows("project", "access", "CTL_2")["accessibility"] == "private"


def people(_: Desk) -> None:
    account = {"username": "carol", "password": "correct horse", "email": "carol@example.org", "enabled": True}
    _run(
        "api",
        "post",
        "/xapi/users",
        "--data",
        json.dumps({**account, "firstName": "C", "lastName": "D", "verified": True}),
    )

    _run("project", "grant", "CTL", "carol", "--role", "member", "--yes")
    assert {row["username"]: row["role"] for row in _rows("project", "users", "CTL")} == {
        "carol": "member",
        "admin": "owner",
    }
    assert {"admin", "carol"} <= {row["username"] for row in _rows("admin", "user", "list")}
    assert _rows("admin", "user", "show", "carol")["email"] == "carol@example.org"

    _run("admin", "user", "add", "carol", "CTL_2_collaborator")
    assert {row["username"] for row in _rows("project", "users", "CTL_2")} == {"admin", "carol"}

    _run("project", "revoke", "CTL", "carol", "--yes")
    assert [row["username"] for row in _rows("project", "users", "CTL")] == ["admin"]


def subjects(_: Desk) -> None:
    (row,) = _rows("subject", "list", "-P", "CTL")
    assert (row["label"], int(row["sessions"])) == ("S1", 1)
    assert _rows("subject", "show", "S1", "-P", "CTL")["label"] == "S1"


def subjects_are_renamed_and_deleted(_: Desk) -> None:
    _put("/data/projects/CTL_2/subjects/OLD_7")
    assert "OLD_7 -> NEW_7" in _run("subject", "rename", "-P", "CTL_2", "--pattern", r"^OLD_(\d)$", "--to", "NEW_{1}")
    assert [row["label"] for row in _rows("subject", "list", "-P", "CTL_2")] == ["NEW_7"]

    _run("subject", "delete", "NEW_7", "-P", "CTL_2", "--yes")
    assert _rows("subject", "list", "-P", "CTL_2") == []


def subjects_and_sessions_are_shared(_: Desk) -> None:
    _run("subject", "share", "S1", "--into", "CTL_2", "-P", "CTL", "--label", "S1_here", "--yes")
    assert _rows("subject", "show", "S1", "-P", "CTL")["shared_projects"] == ["CTL_2 (as S1_here)"]
    _run("session", "share", "-E", "MR1", "--into", "CTL_2", "-P", "CTL", "--label", "MR1_here", "--yes")
    assert "MR1_here" in {row["label"] for row in _rows("session", "list", "-P", "CTL_2")}

    _run("session", "unshare", "-E", "MR1", "--from", "CTL_2", "-P", "CTL", "--yes")
    _run("subject", "unshare", "S1", "--from", "CTL_2", "-P", "CTL", "--yes")
    assert _rows("subject", "show", "S1", "-P", "CTL")["shared_projects"] == []


def custom_variables(_: Desk) -> None:
    _run("subject", "vars", "set", "S1", "studytag=phase 1", "-P", "CTL", "--yes")
    assert _rows("subject", "vars", "S1", "-P", "CTL") == [{"name": "studytag", "value": "phase 1"}]
    _run("session", "vars", "set", "-E", "MR1", "-P", "CTL", "visit=baseline", "--yes")
    assert _rows("session", "vars", "-E", "MR1", "-P", "CTL") == [{"name": "visit", "value": "baseline"}]


def sessions(desk: Desk) -> None:
    (row,) = _rows("session", "list", "-P", "CTL", "--subject", "S1", "--modality", "MR")
    assert (row["id"], row["label"], row["subject"], row["date"]) == (desk.session, "MR1", "S1", "2026-11-21")
    for words in (("-E", "MR1", "-P", "CTL"), ("-E", desk.session)):
        assert desk.session in _run("session", "show", *words)


def scans(desk: Desk) -> None:
    listed = _rows("scan", "list", "-E", "MR1", "-P", "CTL")
    assert [(row["id"], row["type"], row["quality"]) for row in listed] == [
        ("1", "T1", "usable"),
        ("2", "T2", "usable"),
    ]
    _run("scan", "show", "-E", desk.session, "1")


def a_scan_is_deleted(desk: Desk) -> None:
    _put("/data/projects/CTL/subjects/S1/experiments/MR1/scans/77", "xsiType=xnat:mrScanData")
    _run("scan", "delete", "-E", desk.session, "--scans", "77", "--yes")
    assert "77" not in {row["id"] for row in _rows("scan", "list", "-E", desk.session)}


def resources_on_each_level(desk: Desk) -> None:
    place = desk.place("levels")
    levels = {
        "project": ["-P", "CTL"],
        "subject": ["-P", "CTL", "-S", "S1"],
        "session": [desk.session],
        "scan": [desk.session, "--scan", "1"],
    }
    for level, words in levels.items():
        _run("resource", "upload", *words, "TREE", str(desk.folder / "tree"), "--format", "TEXT", "--content", "RAW")
        _run("resource", "upload", *words, "TREE", str(desk.folder / "tree/deep/b.bin"))

        listed = {row["label"]: row for row in _rows("resource", "list", *words)}
        assert int(listed["TREE"]["file_count"]) == 3, (level, listed)
        target = place / f"{level}.zip"
        _run("resource", "download", *words, "TREE", "--output-file", str(target))
        assert _members(target) == {**TREE, "b.bin": TREE["deep/b.bin"]}, level


def a_resource_is_shown_and_refreshed(desk: Desk) -> None:
    _run("resource", "upload", desk.session, "SHOWN", str(desk.folder / "tree"), "--format", "TEXT", "--content", "RAW")

    shown = _rows("resource", "show", desk.session, "SHOWN")
    assert (shown["label"], shown["format"], shown["content"]) == ("SHOWN", "TEXT", "RAW"), shown
    assert sorted(shown["files"]) == ["a.txt", "b.bin"]
    path = f"/archive/experiments/{desk.session}/resources/SHOWN"
    _run("resource", "refresh", path, "--options", "checksum", "--options", "populateStats")
    assert "Refreshed 1 experiments" in _run("admin", "refresh-catalogs", "CTL")


def scans_are_downloaded(desk: Desk) -> None:
    for scan in ("1", "2"):
        (desk.folder / f"{scan}.dcm").write_bytes(f"slice {scan}".encode())
        _run("resource", "upload", desk.session, "DICOM", str(desk.folder / f"{scan}.dcm"), "--scan", scan)
    place = desk.place("scans")

    _run("scan", "download", "-E", desk.session, "--scans", "2", "--out", str(place / "one"), "-r", "DICOM")
    _run("scan", "download", "-E", desk.session, "--scans", "*", "--out", str(place / "all"), "--extract")

    assert _members(place / "one" / desk.session / "scans.zip") == {"2.dcm": b"slice 2"}
    assert _files(place / "all").items() >= {"1.dcm": b"slice 1", "2.dcm": b"slice 2"}.items()


def a_session_is_downloaded(desk: Desk) -> None:
    (desk.folder / "s.dcm").write_bytes(b"slice of a session")
    _run("resource", "upload", desk.session, "SLICES", str(desk.folder / "s.dcm"), "--scan", "1")
    place = desk.place("session")

    _run("session", "download", "-E", "MR1", "-P", "CTL", "--out", str(place), "--extract")

    assert _files(place)["s.dcm"] == b"slice of a session"


def a_project_is_transferred(desk: Desk) -> None:
    for project in ("CTL_FROM", "CTL_TO"):
        _put(f"/data/projects/{project}")
    _put("/data/projects/CTL_FROM/subjects/S7")
    session = _put(
        "/data/projects/CTL_FROM/subjects/S7/experiments/MR7", "xsiType=xnat:mrSessionData", "note=as it was"
    )
    _put("/data/projects/CTL_FROM/subjects/S7/experiments/MR7/scans/1", "xsiType=xnat:mrScanData", "type=T1")
    for words in ([session, "NIFTI"], [session, "DOC"]):
        scan = ["--scan", "1"] if "NIFTI" in words else []
        _run("resource", "upload", *words, str(desk.folder / "tree"), *scan)
    there = ("-P", "CTL_FROM", "--dest-profile", "elsewhere", "--dest-project", "CTL_TO")

    assert "OK" in _run("project", "transfer-check", *there)
    assert "Experiments Synced  1" in _run("project", "transfer", *there, "--yes")

    (arrived,) = _rows("session", "list", "-P", "CTL_TO")
    assert (arrived["label"], arrived["subject"]) == ("MR7", "S7")
    target = desk.place("transfer") / "nifti.zip"
    _run("resource", "download", arrived["id"], "NIFTI", "--scan", "1", "--output-file", str(target))
    assert _members(target) == TREE


def raw_requests(desk: Desk) -> None:
    path = "/data/projects/CTL/resources/PLAN/files/plan.json"
    (desk.folder / "plan.json").write_text('{"a": 1}')

    _run("api", "put", path, "--file", str(desk.folder / "plan.json"))
    assert '"a": 1' in _run("api", "get", path)
    _run("api", "delete", path, "--yes")

    _run("api", "get", path, code=5)
    assert _run("api", "get", "/data/projects/CTL/subjects", "--params", "columns=ID,label", "-o", "json")


def settings_of_the_site(_: Desk) -> None:
    assert _rows("admin", "site-config", "get", "siteId")
    assert _run("admin", "plugins", "-o", "json").strip() in {"[]", "{}"}


def the_prearchive_and_saved_searches(_: Desk) -> None:
    assert _rows("prearchive", "list") == []
    assert _rows("search", "list") == []
    assert _rows("project", "requests", "CTL") == []


def mistakes(desk: Desk) -> None:
    _run("project", "show", "NOWHERE", code=5)
    _run("resource", "show", desk.session, "NOTHING", code=1)
    _run("api", "put", "/data/projects/bad.id", code=1)


def signing_out(_: Desk) -> None:
    assert "Logged out" in _run("auth", "logout")
