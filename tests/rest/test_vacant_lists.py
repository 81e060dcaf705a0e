"""Lists that have no rows here, and what is said of accounts and types on the way to a connection (C-158 to C-174)."""

import csv
import io
from collections.abc import Callable

import pytest
from lxml import etree
from starlette.testclient import TestClient

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Clients = Callable[[str], TestClient]
PREARCHIVE = (
    "project,timestamp,lastmod,uploaded,scan_date,scan_time,subject,folderName,name,tag,status,url,autoarchive,"
    "prevent_anon,prevent_auto_commit,SOURCE,VISIT,PROTOCOL,TIMEZONE"
)
LISTS = [
    "prearchive",
    "prearchive/projects",
    "prearchive/projects/DEMO",
    "prearchive/projects/Unassigned",
    "prearchive/experiments",
    "pars",
    "projects/DEMO/pars",
    "workflows",
    "users/favorites",
]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("prefix", ["/data", "/REST"])
def test_a_list_without_rows_is_well_formed_in_all_formats(
    alice: TestClient, demo: str, prefix: str, path: str
) -> None:
    """C-1, C-132 to C-134, C-186."""
    assert demo
    replies = {style: alice.get(f"{prefix}/{path}?format={style}") for style in ("json", "csv", "xml", "html")}

    assert {reply.status_code for reply in replies.values()} == {200}
    assert replies["json"].json() == {"ResultSet": {"Result": [], "totalRecords": "0"}}
    (header,) = csv.reader(io.StringIO(replies["csv"].text))
    assert [one.text for one in etree.fromstring(replies["xml"].content).iterfind(".//column")] == header
    assert header[0] in replies["html"].text
    assert "prearchive" not in path or header == PREARCHIVE.split(",")


@pytest.mark.parametrize("path", [*LISTS, "services/features", "status/1"])
def test_nobody_is_told_anything(client: Clients, demo: str, path: str) -> None:
    """C-25."""
    assert demo
    assert client("").get(f"/data/{path}").status_code == 401


@pytest.mark.parametrize("path", ["prearchive/projects/{}", "projects/{}/pars"])
def test_lists_of_a_project_that_is_not_there_or_hidden_are_not_there(
    client: Clients, alice: TestClient, demo: str, path: str
) -> None:
    """C-21."""
    assert alice.put(f"{demo}/accessibility/private").status_code == 200

    statuses = [client("bob").get(f"/data/{path.format(name)}").status_code for name in ("DEMO", "NONE")]
    assert statuses == [404, 404]
    assert client("admin").get(f"/data/{path.format('DEMO')}").status_code == 200


def test_there_are_no_plugins(alice: TestClient) -> None:
    """C-174."""
    assert alice.get("/xapi/plugins").json() == alice.get("/xapi/plugins/").json() == {}
    assert alice.get("/xapi/plugins/containers").status_code == 404
    assert alice.get("/data/services/features").json() == []


@pytest.mark.parametrize("path", ["status/1", "projects/DEMO/archive_spec", "prearchive/projects/DEMO/1/x"])
def test_what_filmroom_does_not_have_is_not_found(alice: TestClient, demo: str, path: str) -> None:
    """C-3, C-174, C-187."""
    assert demo
    assert alice.get(f"/data/{path}").status_code == 404


def test_types_are_told_by_what_can_be_done_with_them(alice: TestClient, demo: str) -> None:
    """C-160."""
    alice.put(f"{demo}/subjects/S1")

    browseable = alice.get("/xapi/access/displays/browseable").json()
    createable = {one["elementName"] for one in alice.get("/xapi/access/displays/createable").json()}
    assert [(one["elementName"], one["count"]) for one in browseable] == [
        ("xnat:projectData", 1),
        ("xnat:subjectData", 1),
    ]
    assert {"xnat:mrSessionData", "xnat:qcManualAssessorData"} <= createable
    assert not {"xnat:imageSessionData", "xnat:mrScanData"} & createable
    assert alice.get("/xapi/access/displays/none").status_code == 404


def test_groups_of_a_user_are_for_themselves_and_administrators(client: Clients, alice: TestClient, demo: str) -> None:
    """C-158."""
    alice.put(f"{demo}/users/member/bob")
    alice.put("/data/projects/GONE")
    alice.delete("/data/projects/GONE")
    url = "/xapi/users/{}/groups"

    assert client("bob").get(url.format("bob")).json() == ["DEMO_member"]
    assert client("admin").get(url.format("alice")).json() == ["DEMO_owner"]
    assert client("bob").get(url.format("alice")).status_code == 403
    assert client("admin").get(url.format("nobody")).status_code == 404
