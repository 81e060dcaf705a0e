"""xnatuploader 1.1.9 on xnatpy 0.4.3: a spreadsheet is made, filled with DICOM that is found, and uploaded."""

import shutil
from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from compat.environments import run
from compat.xnatpy import connect, stored, write_netrc
from server.process import Server

CLIENT = "xnatuploader 1.1.9"


def _source(home: Path) -> dict[str, bytes]:
    """Two images of one patient, where the spreadsheet's pattern finds them."""
    folder = home / "source/Doe-001/study/T1_series"
    folder.mkdir(parents=True)
    for name in ("a.dcm", "b.dcm"):
        shutil.copy(str(get_testdata_file("MR_small.dcm")), folder / name)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.client(
    CLIENT,
    "`init`, `scan` and `upload`, once more with nothing new, and once more overwriting; digests are compared",
    "PUT /data/{scan}/resources/{resource}/files/{path}",
    "GET /data/{scan}/resources/{resource}/files",
    "PUT /data/{scan}/resources/{resource}",
    "PUT /data/{experiment}",
)
def test_a_spreadsheet_is_uploaded(site: Server, tmp_path: Path) -> None:
    site.request("PUT", "/data/projects/SHEET")
    write_netrc(tmp_path, site.url)
    images = _source(tmp_path)
    words = ("--dir", "source", "--server", site.url, "--project", "SHEET", "--spreadsheet", "files.xlsx")

    for operation in (["init"], ["scan"], ["upload"], ["upload"], ["--overwrite", "upload"]):
        done = run("xnatuploader", "xnatuploader", *words, *operation, home=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "exception" not in done.stderr
        assert "Error on trigger" not in done.stderr

    with connect(site.url) as session:
        experiment = session.projects["SHEET"].subjects["001"].experiments["001_MR1"]
        (scan,) = experiment.scans.values()
        assert scan.type == "T1_series"
        assert stored(scan.resources["DICOM"]) == images
