"""dax 2.21.0, which is built on pyxnat, lists, uploads and caches; the steps are in ``scripts/dax_*.py``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from compat.environments import check_steps
from compat.sites import served
from server.process import PASSWORD, Server

DAX = "dax 2.21.0"
TYPES = Path(__file__).with_name("dax_types.toml")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that has dax's own data types."""
    with served(tmp_path_factory.mktemp("dax"), f'data_types = "{TYPES}"\n') as server:
        yield server


@pytest.mark.client(
    DAX,
    "lists of projects, subjects, sessions, scans, assessors and resources, rows that join them",
    "GET /data/projects",
    "GET /data/{project}/subjects",
    "GET /data/{project}/experiments",
    "GET /data/{subject}/experiments",
    "GET /data/experiments",
    "GET /data/{thing}/resources",
    "GET /data/{experiment}/assessors",
    "GET /data/search/elements",
)
@pytest.mark.client(DAX, "cached sessions with their scans, assessors and resources", "GET /data/{experiment}")
def test_dax_lists_and_caches(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "dax_lists", site.url, PASSWORD, home=tmp_path)


@pytest.mark.client(
    DAX,
    "uploads of files, folders and snapshots, downloads, when a resource was changed, login from `.netrc`",
    "GET /data/JSESSION",
    "DELETE /data/JSESSION",
    "POST /data/{scan}/resources/{resource}/files/{path}",
    "POST /data/{assessor}/out/resources/{resource}/files/{path}",
    "GET /data/{scan}/resources/{resource}",
    "GET /data/{scan}/resources/{resource}/files/{path}",
)
def test_dax_uploads_and_downloads(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "dax_files", site.url, PASSWORD, home=tmp_path)
