"""xnatctl 0.6.0: its commands (in ``scripts/xnatctl_commands.py``), and its program as a person types it."""

from pathlib import Path

import pytest

from compat.environments import check_steps, run
from server.process import PASSWORD, Server

XNATCTL = "xnatctl 0.6.0"


@pytest.mark.client(
    XNATCTL,
    "projects, subjects, sessions and scans: list, show, rename, share, custom variables, delete",
    "GET /data/projects",
    "GET /data/{project}/subjects",
    "GET /data/{project}/experiments",
    "GET /data/{experiment}/scans",
    "PUT /data/{subject}",
    "PUT /data/{subject}/projects/{name}",
    "DELETE /data/{subject}/projects/{name}",
    "DELETE /data/{scan}",
)
@pytest.mark.client(
    XNATCTL,
    "resources: upload of files and folders, list, show, download, refresh; download of scans and sessions",
    "PUT /data/{thing}/resources/{resource}",
    "PUT /data/{thing}/resources/{resource}/files/{path}",
    "GET /data/{thing}/resources/{resource}/files",
    "GET /data/{experiment}/scans/ALL/files",
    "POST /data/services/refresh/catalog",
)
@pytest.mark.client(
    XNATCTL, "transfer of a project from one server to another", "PUT /data/{thing}/resources/{resource}/files"
)
@pytest.mark.client(
    XNATCTL,
    "administration: the server's health and version, users, access, plugins, settings, prearchive, saved searches",
    "GET /data/{project}/accessibility",
    "PUT /data/{project}/users/{name}/{login}",
    "GET /xapi/users/{login}",
    "PUT /xapi/users/{login}/groups",
    "GET /xapi/plugins",
    "GET /xapi/siteConfig/buildInfo/version",
    "GET /data/prearchive",
    "GET /data/search/saved",
)
def test_xnatctl_runs_its_commands(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "xnatctl_commands", site.url, PASSWORD, home=tmp_path)


@pytest.mark.client(
    XNATCTL,
    "signing in and out",
    "POST /data/JSESSION",
    "DELETE /data/JSESSION",
)
def test_xnatctl_signs_in_and_out(site: Server, tmp_path: Path) -> None:
    told = [run("pyxnat", "xnatctl", "config", "init", "--url", site.url, "--no-login", home=tmp_path)]
    login = ("auth", "login", "-u", "admin", "--password-stdin")
    told.append(run("pyxnat", "xnatctl", *login, home=tmp_path, typed=f"{PASSWORD}\n"))
    told.append(run("pyxnat", "xnatctl", "auth", "logout", home=tmp_path))
    refused = run("pyxnat", "xnatctl", *login, home=tmp_path, typed="wrong\n")

    assert [done.returncode for done in told] == [0, 0, 0], [done.stdout + done.stderr for done in told]
    assert refused.returncode == 3, refused.stdout + refused.stderr
