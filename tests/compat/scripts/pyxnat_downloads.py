"""Scans, assessors and reconstructions of a session, downloaded at once through pyxnat 1.6.4."""

import zipfile
from pathlib import Path
from typing import NamedTuple

from pyxnat import Interface


class Desk(NamedTuple):
    archive: Interface
    folder: Path

    def place(self, name: str) -> Path:
        """An empty folder."""
        place = self.folder / name
        place.mkdir(parents=True)
        return place


def _connect(url: str, password: str, folder: Path) -> Desk:
    return Desk(Interface(server=url, user="admin", password=password), folder)


def all_scans_are_downloaded(desk: Desk) -> None:
    session = desk.archive.select.project("DOWN").subject("S4").experiment("MR4")
    for identifier, kind in (("1", "T1"), ("2", "T2"), ("3", "T2")):
        session.scan(identifier).create(scans="xnat:mrScanData", type=kind)
        session.scan(identifier).resource("DICOM").file(f"{identifier}.dcm").put(f"slice {identifier}")

    for kinds, expected in (("ALL", "123"), ("T2", "23"), ("T1,T2", "123"), ("1", "1")):
        got = session.scans().download(str(desk.place(f"scans/{kinds}")), type=kinds, extract=True)
        contents = {Path(path).name: Path(path).read_text() for path in got if Path(path).is_file()}
        assert contents == {f"{one}.dcm": f"slice {one}" for one in expected}, (kinds, got)


def assessors_and_reconstructions_are_downloaded(desk: Desk) -> None:
    session = desk.archive.select.project("DOWN").subject("S5").experiment("MR5")
    session.assessor("QC5").create(assessors="xnat:qcManualAssessorData")
    session.assessor("QC5").out_resource("OUT").file("a.txt").put("of the assessor")
    session.reconstruction("R5").create()
    session.reconstruction("R5").out_resource("OUT").file("r.txt").put("of the reconstruction")

    for things, expected in ((session.assessors(), "assessor"), (session.reconstructions(), "reconstruction")):
        got = things.download(str(desk.place(f"down/{expected}")), extract=True)
        assert [Path(path).read_text() for path in got if Path(path).is_file()] == [f"of the {expected}"], got


def a_zip_of_scans_is_kept(desk: Desk) -> None:
    session = desk.archive.select.project("DOWN").subject("S6").experiment("MR6")
    session.scan("1").create(scans="xnat:mrScanData")
    session.scan("1").resource("DICOM").file("1.dcm").put("slice")

    got = session.scans().download(str(desk.place("kept")), extract=False)

    with zipfile.ZipFile(got) as archive:
        assert [archive.read(name) for name in archive.namelist()] == [b"slice"]
