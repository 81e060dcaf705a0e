"""The tests that come inside pyxnat 1.6.4, as they are, with our address put in and what they look for put there."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Final
from xml.sax.saxutils import quoteattr

import pytest

from compat.environments import find_environment, run
from server.process import PASSWORD, Server

_MODULES: Final = [
    *("array", "attributes", "custom_variables", "downloadutils", "experiments", "inspector", "interfaces"),
    *("manage", "prearchive", "project_manager", "provenance", "repr", "resources", "scans", "search", "select"),
    *("user_and_project_management", "xpath"),
]
# The server that their tests of public data ask.
_THEIRS: Final = "https://www.nitrc.org/ir"
# What looks for facts of its authors' servers: times, sizes, counts, a version, a session on its way into an
# archive, paths of a schema one by one, genders
# as one letter.
_LEFT_OUT: Final = {
    "array": ["ArrayTests::test_search_experiments"],
    "attributes": ["test_06_list_project_attrs"],
    "interfaces": ["test_version"],
    "prearchive": ["test_prearchive_status"],
    "repr": ["test_info_project", "test_info_subject", "test_info_experiment", "test_info_resource"],
}
_SCHIZ: Final = "cs_schizbull08/subjects"
_PROJECTS: Final = [
    "pyxnat_tests?alias=pyxnat&description=pyxnat%20CI%20tests&accessibility=private",
    "nosetests?alias=nosetests2",
    *(f"nosetests{number}" for number in range(3, 10)),
    *("pyxnat_tests2", "OASIS3", "ABIDE", "ixi?accessibility=public", "cs_schizbull08?accessibility=public"),
]
_MR: Final = "xsiType=xnat:mrSessionData&ID="
_SCAN: Final = "xsiType=xnat:mrScanData"
_VOXELS: Final = "&".join(f"xnat:mrScanData/parameters/voxelRes/{axis}=0.9375" for axis in "xyz")
_THINGS: Final = [
    "pyxnat_tests/subjects/001?ID=BBRCDEV_S02627&gender=unknown",
    f"pyxnat_tests/subjects/001/experiments/001_obscured?{_MR}BBRCDEV_E03106",
    f"pyxnat_tests/subjects/001/experiments/001_obscured/scans/11?{_SCAN}&type=SPGR&frames=175",
    "pyxnat_tests/subjects/001/experiments/001_obscured/resources/obscure_algorithm_output",
    f"ixi/subjects/1/experiments/1_MR?{_MR}ixi_E1",
    f"ixi/subjects/1/experiments/1_MR/scans/1?{_SCAN}",
    f"{_SCHIZ}/A?ID=xnat_S02636",
    f"{_SCHIZ}/A/experiments/A_MR?{_MR}xnat_E02685",
    f"{_SCHIZ}/A/experiments/A_MR/scans/1?{_SCAN}",
    f"{_SCHIZ}/B/experiments/B_MR?{_MR}xnat_E02579",
    f"{_SCHIZ}/B/experiments/B_MR/scans/anat?{_SCAN}",
    f"{_SCHIZ}/B/experiments/B_MR/assessors/B_QC?xsiType=xnat:qcManualAssessorData&ID=xnat_E02580",
    f"{_SCHIZ}/C/experiments/C_MR?{_MR}NITRC_IR_E10539",
    f"{_SCHIZ}/C/experiments/C_MR/scans/1?{_SCAN}",
    f"{_SCHIZ}/C/experiments/C_MR/scans/2?xsiType=xnat:otherDicomScanData",
    f"{_SCHIZ}/D?ID=xnat_S02582",
    f"{_SCHIZ}/E?ID=xnat_S02583",
    f"{_SCHIZ}/D/experiments/D_MR?xsiType=xnat:mrSessionData",
    f"{_SCHIZ}/D/experiments/D_MR/scans/1?{_SCAN}&{_VOXELS}",
]
_XNAT: Final = 'xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_PROTOCOL: Final = 'name="Subjects" ID="subjects" data-type="xnat:subjectData" xsi:type="xnat:datatypeProtocol"'


def _fill(server: Server) -> None:
    """What the tests expect to be there."""
    for path in (*_PROJECTS, *_THINGS):
        server.request("PUT", f"/data/projects/{path}")
    file = f"/data/projects/{_SCHIZ}/A/experiments/A_MR/scans/1/resources/DICOM/files/1.dcm"
    server.request("PUT", file, b"slice")
    protocol = f"<xnat:Project ID={quoteattr('pyxnat_tests')} {_XNAT}><xnat:studyProtocol {_PROTOCOL}/></xnat:Project>"
    server.request("PUT", "/data/projects/pyxnat_tests?inbody=true", protocol.encode())
    account = {"username": "admin", "firstName": "Admin", "lastName": "Admin", "email": "fake@fake.fake"}
    server.request_json("PUT", "/xapi/users/admin", account)


def _lay_out(server: Server, home: Path) -> None:
    """Their tests, and the files beside them that the package leaves out."""
    (installed,) = (find_environment("pyxnat").parent / "lib").glob("python3.*/site-packages/pyxnat/tests")
    suite = shutil.copytree(installed, home / "suite")
    for path in suite.glob("*_test.py"):
        path.write_text(path.read_text(encoding="utf-8").replace(_THEIRS, server.url), encoding="utf-8")
    (suite / "hello_xnat.txt").write_text("Hello XNAT!\n")
    (suite / "hello_again.txt").write_text("Hello again!\n")
    with zipfile.ZipFile(suite / "hello_dir.zip", "w") as archive:
        archive.writestr("hello_dir/", "")
        archive.writestr("hello_dir/hello_xnat_dir.txt", "one")
        archive.writestr("hello_dir/hello_dir2/", "")
        archive.writestr("hello_dir/hello_dir2/hello_xnat_dir2.txt", "two")
    (suite / "sess.xml").write_text(f"<xnat:MRSession {_XNAT}><xnat:operator>Alomar</xnat:operator></xnat:MRSession>")
    for name in (".devxnat.cfg", ".central.cfg", ".xnat.cfg"):
        (home / name).write_text(json.dumps({"server": server.url, "user": "admin", "password": PASSWORD}))


@pytest.mark.client(
    "pyxnat 1.6.4",
    "the tests that come inside it, which its documentation points to for examples",
    "GET /data/projects",
    "POST /data/{thing}/resources/{resource}/files/{path}",
    "POST /data/search",
)
def test_the_tests_inside_pyxnat_pass(open_site: Server, tmp_path: Path) -> None:
    _fill(open_site)
    _lay_out(open_site, tmp_path)
    modules = [f"suite/{name}_test.py" for name in _MODULES]
    left_out = [f"--deselect=suite/{name}_test.py::{test}" for name, tests in _LEFT_OUT.items() for test in tests]

    options = ["-q", "--tb=short", "-p", "no:cacheprovider"]
    done = run("pyxnat", "python", "-m", "pytest", *options, *left_out, *modules, home=tmp_path)

    assert done.returncode == 0, done.stdout[-8000:]
