"""pyxnat 1.6.4 is driven through its whole interface; the steps are in ``scripts/pyxnat_*.py``."""

from pathlib import Path

import pytest

from compat.environments import check_steps
from server.process import PASSWORD, Server

PYXNAT = "pyxnat 1.6.4"


@pytest.mark.client(
    PYXNAT,
    "files: put (a file, text, with format, content and tags), get, attributes, last modified, overwrite, delete",
    "POST /data/{thing}/resources/{resource}/files/{path}",
    "GET /data/{thing}/resources/{resource}/files/{path}",
    "GET /data/{thing}/resources/{resource}/files",
    "HEAD /data/{thing}/resources/{resource}/files/{path}",
    "DELETE /data/{thing}/resources/{resource}/files/{path}",
)
@pytest.mark.client(
    PYXNAT,
    "resources: create, `put_zip`, `put_dir`, get as a zip and as a folder, attributes, delete; in and out",
    "PUT /data/{thing}/resources/{resource}",
    "GET /data/{thing}/resources",
    "DELETE /data/{thing}/resources/{resource}",
)
def test_pyxnat_keeps_files_on_every_level(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "pyxnat_files", site.url, PASSWORD, home=tmp_path)


@pytest.mark.client(
    PYXNAT,
    "download of scans, assessors and reconstructions of a session",
    "GET /data/{experiment}/scans/ALL/files",
    "GET /data/{experiment}/scans/T1,T2/files",
    "GET /data/{experiment}/assessors/ALL/files",
    "GET /data/{experiment}/reconstructions/ALL/files",
)
def test_pyxnat_downloads_what_is_in_a_session(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "pyxnat_downloads", site.url, PASSWORD, home=tmp_path)


@pytest.mark.client(
    PYXNAT,
    "things of every kind: create, also from XML, attributes, parameters, provenance, variables, delete",
    "PUT /data/{project}",
    "PUT /data/{subject}",
    "PUT /data/{experiment}",
    "PUT /data/{scan}",
    "PUT /data/{assessor}",
    "PUT /data/{reconstruction}",
    "GET /data/{project}",
    "GET /data/{experiment}",
    "DELETE /data/{project}",
    "DELETE /data/{subject}",
    "DELETE /data/{experiment}",
    "DELETE /data/{scan}",
    "DELETE /data/{assessor}",
    "DELETE /data/{reconstruction}",
)
def test_pyxnat_makes_describes_and_deletes_things(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "pyxnat_entities", site.url, PASSWORD, home=tmp_path)


@pytest.mark.client(
    PYXNAT,
    "selections: paths with patterns, collections, what an object says of itself",
    "GET /data/projects",
    "GET /data/{project}/subjects",
    "GET /data/{subject}/experiments",
    "GET /data/{project}/experiments",
    "GET /data/{experiment}/scans",
    "GET /data/{experiment}/assessors",
    "GET /data/{experiment}/reconstructions",
)
def test_pyxnat_finds_things(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "pyxnat_selections", site.url, PASSWORD, home=tmp_path)


@pytest.mark.client(
    PYXNAT,
    "people: users of the site and of a project, roles, accessibility, codes of a project, configuration, sessions",
    "GET /data/users",
    "GET /data/{project}/users",
    "PUT /data/{project}/users/{name}/{login}",
    "DELETE /data/{project}/users/{name}/{login}",
    "GET /data/{project}/accessibility",
    "PUT /data/{project}/accessibility/{name}",
    "GET /data/{project}/prearchive_code",
    "PUT /data/{project}/quarantine_code/{name}",
    "GET /data/{project}/current_arc",
    "GET /data/user/cache/resources",
)
@pytest.mark.client(
    PYXNAT,
    "sharing of subjects and sessions, also by another name, as a collection, and for good",
    "GET /data/{subject}/projects",
    "PUT /data/{subject}/projects/{name}",
    "DELETE /data/{subject}/projects/{name}",
    "GET /data/{experiment}/projects",
    "PUT /data/{experiment}/projects/{name}",
    "DELETE /data/{experiment}/projects/{name}",
)
def test_pyxnat_manages_people_and_shares(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "pyxnat_people", site.url, PASSWORD, home=tmp_path)


@pytest.mark.client(
    PYXNAT,
    "tables: arrays of experiments and scans, inspection, schemas, the prearchive's list",
    "GET /data/experiments",
    "GET /data/subjects",
    "GET /xapi/schemas/{name}",
    "GET /data/prearchive/projects",
)
@pytest.mark.client(
    PYXNAT,
    "the search engine: types and fields, searches with nested constraints, saved searches and templates",
    "GET /data/search/elements",
    "GET /data/search/elements/{name}",
    "POST /data/search",
    "GET /data/search/saved",
    "PUT /data/search/saved/{name}",
    "GET /data/search/saved/{name}",
    "GET /data/search/saved/{name}/results",
    "DELETE /data/search/saved/{name}",
)
def test_pyxnat_searches_and_inspects(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "pyxnat_tables", site.url, PASSWORD, home=tmp_path)


@pytest.mark.client(
    PYXNAT,
    "a guest at an open site",
    "GET /data/JSESSION",
    "GET /data/projects",
    "GET /data/{subject}/resources/{resource}/files/{path}",
)
def test_pyxnat_is_a_guest_at_an_open_site(open_site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "pyxnat_guest", open_site.url, PASSWORD, home=tmp_path)
