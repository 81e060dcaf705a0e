"""The commands of xnatutils 0.10.0 on xnatpy 0.7.2: put, ls, get, rename, variables; with a token that they keep."""

from collections.abc import Callable
from pathlib import Path

import pytest

from compat.environments import run
from compat.xnatpy import read_tree, write_tree
from server.process import PASSWORD, Server

CLIENT = "xnatutils 0.10.0"
FILE = "{scan}/resources/{resource}/files/{path}"
PER_FILE = ("--method", "per_file")
NIFTI = bytes(range(256)) * 64


@pytest.fixture(scope="module")
def home(site: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands keep a token, after somebody typed a password once."""
    site.request("PUT", "/data/projects/LAB")
    home = tmp_path_factory.mktemp("home")
    done = run("xnatutils", "xnat-ls", "--server", site.url, "--user", "admin", home=home, typed=f"{PASSWORD}\n")
    assert "LAB" in done.stdout, done.stderr
    return home


@pytest.fixture
def type_(site: Server, home: Path) -> Callable[..., str]:
    def typed(command: str, *words: str) -> str:
        done = run("xnatutils", command, *words, "--server", site.url, home=home)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return typed


@pytest.mark.client(
    CLIENT,
    "a token is issued at the first login and used from then on",
    "GET /data/services/tokens/issue",
    "GET /data/projects",
)
def test_a_token_is_kept(home: Path, type_: Callable[..., str]) -> None:
    assert PASSWORD not in (home / ".netrc").read_text()
    assert "LAB" in type_("xnat-ls").split()


@pytest.mark.client(
    CLIENT,
    "`xnat-put` of a file makes subject, session, scan and resource and compares digests, with `--method per_file`"
    " (in its archives this client puts links where files should be, which are refused); `xnat-get`",
    f"PUT /data/{FILE}",
    "PUT /data/{scan}/resources/{resource}",
    "GET /data/{scan}/resources/{resource}/files",
)
def test_a_file_is_put_and_got(type_: Callable[..., str], tmp_path: Path) -> None:
    """File by file: in its archives this client puts links where files should be, and ``xnat-get`` gets zips only."""
    (tmp_path / "t1.nii.gz").write_bytes(NIFTI)

    said = type_("xnat-put", "LAB_file_MR1", "t1", str(tmp_path / "t1.nii.gz"), "--create_session", *PER_FILE)
    type_("xnat-get", "LAB_file_MR1", "--target", str(tmp_path / "down"))

    assert "Successfully checked digest" in said
    assert list(read_tree(tmp_path / "down").values()) == [NIFTI]


@pytest.mark.client(
    CLIENT,
    "`xnat-put` of a folder of DICOM in each method; its headers are to be read",
    f"PUT /data/{FILE}",
    "PUT /data/{experiment}",
)
@pytest.mark.parametrize("method", ["per_file", "tar_memory", "tar_file", "tgz_memory", "tgz_file"])
def test_a_folder_is_put_and_got(type_: Callable[..., str], tmp_path: Path, method: str) -> None:
    folder = write_tree(tmp_path / "dicom", {f"{number}.dcm": bytes([number]) * 1000 for number in range(5)})
    session = f"LAB_{method.replace('_', '')}_MR1"

    said = type_("xnat-put", session, "t2", str(folder), "-c", "--resource_name", "DICOM", "--method", method)
    type_("xnat-get", session, "--target", str(tmp_path / "down"))

    assert "pulling data from headers" in said
    got = {Path(name).name: content for name, content in read_tree(tmp_path / "down").items()}
    assert got == read_tree(folder)


@pytest.mark.client(
    CLIENT,
    "`xnat-ls` of subjects, sessions and scans; `xnat-rename`",
    "GET /data/{project}/subjects",
    "GET /data/experiments",
    "PUT /data/{experiment}",
)
def test_things_are_listed_and_renamed(type_: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(NIFTI)
    type_("xnat-put", "LAB_named_MR1", "t1", str(tmp_path / "a.nii"), "-c", *PER_FILE)

    type_("xnat-rename", "LAB_named_MR1", "LAB_named_MR2")

    assert "named" in type_("xnat-ls", "-p", "LAB", "-d", "subject").split()
    assert "LAB_named_MR2" in type_("xnat-ls", "LAB_named.*", "-d", "session").split()
    assert type_("xnat-ls", "LAB_named_MR2", "-d", "scan", "-p", "LAB").split() == ["t1"]


@pytest.mark.client(CLIENT, "`xnat-varput` and `xnat-varget`", "PUT /data/{experiment}", "GET /data/{experiment}")
def test_variables_are_put_and_got(type_: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "a.nii").write_bytes(NIFTI)
    type_("xnat-put", "LAB_var_MR1", "t1", str(tmp_path / "a.nii"), "-c", *PER_FILE)

    type_("xnat-varput", "LAB_var_MR1", "visit", "baseline")

    assert type_("xnat-varget", "LAB_var_MR1", "visit") == "baseline"
