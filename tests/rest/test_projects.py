"""Projects over HTTP (core-api section 3.3)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import select
from starlette.testclient import TestClient

from conftest import PASSWORD, RULES, Clock
from filmroom.app import create_app
from filmroom.blobs.local import LocalStore
from filmroom.db.engine import Database
from filmroom.db.schema import project_name
from filmroom.service.archive import Archive
from filmroom.settings import Settings

Clients = Callable[[str], TestClient]
XNAT = "{http://nrg.wustl.edu/xnat}"


def test_a_project_is_made_and_changed_with_200_and_nothing(alice: TestClient) -> None:
    """C-69."""
    made = alice.put("/data/projects/DEMO?name=First")
    changed = alice.put("/data/projects/DEMO?description=About")

    document = alice.get("/data/projects/DEMO?format=json").json()

    assert [(reply.status_code, reply.content) for reply in (made, changed)] == [(200, b""), (200, b"")]
    assert document["items"][0]["data_fields"] == {
        "ID": "DEMO",
        "secondary_ID": "DEMO",
        "name": "First",
        "description": "About",
    }


@pytest.mark.parametrize("project_id", ["bad.id", "a%20b", "%C3%A9", "a'b", "x" * 256, "a;b", "a+b"])
def test_an_illegal_id_is_417(alice: TestClient, project_id: str) -> None:
    """C-57."""
    reply = alice.put(f"/data/projects/{project_id}")

    assert reply.status_code == 417
    assert "Invalid character in project ID" in reply.text


def test_fields_come_by_shortcut_by_path_and_by_document(alice: TestClient) -> None:
    """C-48, C-51: parameters win over the document."""
    body = (
        f'<xnat:Project xmlns:xnat="{XNAT[1:-1]}" ID="DEMO" secondary_ID="second"><xnat:name>from xml</xnat:name>'
        "<xnat:keywords>k</xnat:keywords><xnat:PI><xnat:lastname>Doe</xnat:lastname></xnat:PI></xnat:Project>"
    )
    url = "/data/projects/DEMO?name=from%20query&xnat:projectData/description=d&pi_firstname=Jo&alias=one,two"

    reply = alice.put(url, content=body.encode(), headers={"Content-Type": "text/xml"})

    item = alice.get("/data/projects/two?format=json").json()["items"][0]
    children = {child["field"]: [item["data_fields"] for item in child["items"]] for child in item["children"]}
    assert reply.status_code == 200
    assert item["data_fields"] == {
        "ID": "DEMO",
        "secondary_ID": "second",
        "name": "from query",
        "keywords": "k",
        "description": "d",
    }
    assert children == {
        "PI": [{"lastname": "Doe", "firstname": "Jo"}],
        "aliases/alias": [{"alias": "one"}, {"alias": "two"}],
    }


def test_a_document_with_another_id_is_417(alice: TestClient) -> None:
    """C-71."""
    body = f'<xnat:Project xmlns:xnat="{XNAT[1:-1]}" ID="OTHER"/>'

    reply = alice.put("/data/projects/DEMO", content=body.encode(), headers={"Content-Type": "text/xml"})

    assert reply.status_code == 417


@pytest.mark.parametrize(
    "body",
    [
        b"<not xml",
        b"\xff\xfe\x00",
        b"<xnat:Subject xmlns:xnat='http://nrg.wustl.edu/xnat'/>",
        b"<Project/>",
        b"<!DOCTYPE p [<!ENTITY e 'x'>]><x:Project xmlns:x='http://nrg.wustl.edu/xnat' ID='DEMO'>&e;</x:Project>",
        b"<!DOCTYPE p SYSTEM 'file:///etc/passwd'><xnat:Project xmlns:xnat='http://nrg.wustl.edu/xnat' ID='DEMO'/>",
    ],
)
def test_a_document_that_cannot_be_read_is_422_and_makes_nothing(alice: TestClient, body: bytes) -> None:
    """C-23, C-56."""
    reply = alice.put("/data/projects/DEMO", content=body, headers={"Content-Type": "text/xml"})

    assert reply.status_code == 422
    assert alice.get("/data/projects/DEMO").status_code == 404


def test_xml_escapes_what_it_holds(alice: TestClient) -> None:
    """C-141."""
    alice.put("/data/projects/DEMO", params={"name": "a<b>&\"c'", "description": "\u00e9\n"})
    alice.put("/data/projects/DEMO/resources/R%3C%26%22?format=%3C")

    reply = alice.get("/data/projects/DEMO", headers={"Accept": "*/*"})

    root = etree.fromstring(reply.content)
    assert reply.headers["content-type"] == "text/xml; charset=UTF-8"
    assert root.tag == f"{XNAT}Project"
    assert root.findtext(f"{XNAT}name") == "a<b>&\"c'"
    assert root.findtext(f"{XNAT}description") == "\u00e9\n"
    assert root.find(f"{XNAT}resources/{XNAT}resource").get("label") == 'R<&"'  # type: ignore[union-attr]


def test_the_list_holds_what_one_may_see(client: Clients) -> None:
    """C-77."""
    client("alice").put("/data/projects/B?pi_lastname=Doe")
    client("alice").put("/data/projects/A")
    client("bob").put("/data/projects/C?accessibility=private")

    alices = client("alice").get("/data/projects").json()["ResultSet"]
    admins = client("admin").get("/data/projects?format=csv").text

    assert alices["totalRecords"] == "2"
    assert [row["URI"] for row in alices["Result"]] == ["/data/projects/A", "/data/projects/B"]
    assert alices["Result"][1]["pi_lastname"] == "Doe"
    assert admins == (
        "ID,secondary_ID,name,description,pi_firstname,pi_lastname,URI\n"
        "A,A,A,,,,/data/projects/A\nB,B,B,,,Doe,/data/projects/B\nC,C,C,,,,/data/projects/C\n"
    )


def test_a_post_to_the_list_makes_one_project(alice: TestClient) -> None:
    """C-73."""
    made = alice.post("/data/projects?ID=DEMO&name=n")
    again = alice.post("/data/projects?ID=DEMO")
    nameless = alice.post("/data/projects")

    assert made.status_code == 200
    assert made.text == made.headers["location"] == "http://testserver/data/projects/DEMO"
    assert (again.status_code, nameless.status_code) == (409, 417)


def test_of_two_that_post_one_project_at_once_one_makes_it(client: Clients, archive: Archive) -> None:
    posters, barrier = (client("alice"), client("bob")), threading.Barrier(2)

    def post(poster: TestClient, project_id: str) -> int:
        barrier.wait()
        return poster.post(f"/data/projects?ID={project_id}&name=n{project_id}&alias=a{project_id}").status_code

    ids = [f"P{number}" for number in range(8)]
    with ThreadPoolExecutor(2) as pool:
        told = [sorted(pool.map(post, posters, (project_id, project_id))) for project_id in ids]

    assert told == [[200, 409]] * 8
    listed = client("admin").get("/data/projects?format=json").json()["ResultSet"]["Result"]
    assert [row["ID"] for row in listed] == ids
    with archive.projects._stores.database.read() as connection:
        kept = connection.execute(select(project_name.c.folded)).scalars().all()
    assert sorted(kept) == sorted(f"{prefix}p{number}" for prefix in ("", "n", "a") for number in range(8))


def test_a_project_has_at_most_a_hundred_names(alice: TestClient) -> None:
    """Its ID is one of them."""
    aliases = [f"a{number}" for number in range(199)]

    enough = alice.put(f"/data/projects/FULL?alias={','.join(aliases[:99])}")
    more = alice.put(f"/data/projects/MORE?alias={','.join(aliases[99:])}")

    assert (enough.status_code, more.status_code) == (200, 400)
    assert "at most 100 names" in more.text
    assert alice.get("/data/projects/MORE").status_code == 404


def test_names_of_projects_share_one_namespace(client: Clients) -> None:
    """C-72."""
    client("bob").put("/data/projects/BOBS?name=study&alias=old&accessibility=private")

    by_id = client("alice").put("/data/projects/Study")
    by_name = client("alice").put("/data/projects/MINE?name=OLD")

    assert (by_id.status_code, by_name.status_code) == (409, 409)
    assert client("alice").get("/data/projects").json()["ResultSet"]["Result"] == []


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD"])
def test_what_one_may_not_see_answers_like_what_is_not_there(client: Clients, method: str) -> None:
    """C-21."""
    client("bob").put("/data/projects/BOBS?accessibility=private")

    hidden = client("alice").request(method, "/data/projects/BOBS")
    missing = client("alice").request(method, "/data/projects/NONE")

    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.text.replace("BOBS", "NONE") == missing.text


def test_the_administrator_may_do_everything(client: Clients) -> None:
    """C-149."""
    client("bob").put("/data/projects/BOBS")

    reply = client("admin").delete("/data/projects/BOBS?removeFiles=true")

    assert reply.status_code == 200
    assert client("bob").get("/data/projects/BOBS").status_code == 404


def test_a_site_may_leave_making_projects_to_administrators(
    database: Database, blobs: LocalStore, tmp_path: Path
) -> None:
    """C-69."""
    rules = replace(RULES, users_create_projects=False)
    archive = Archive(database, blobs, clock=Clock(), rules=rules, spool_dir=tmp_path)
    with TestClient(create_app(archive, Settings())) as client:
        statuses = [
            client.put(f"/data/projects/{login}", auth=(login, PASSWORD)).status_code for login in ("alice", "admin")
        ]

    assert statuses == [403, 200]


def test_a_deleted_project_takes_all_it_holds_along_and_nothing_else(alice: TestClient, demo: str) -> None:
    alice.put("/data/projects/OTHER")
    alice.put("/data/projects/OTHER/resources/R/files/a?inbody=true", content=b"x")
    alice.put(f"{demo}/resources/R/files/a?inbody=true", content=b"x")

    reply = alice.delete(demo)

    assert (reply.status_code, reply.content) == (200, b"")
    assert alice.get(f"{demo}/resources/R/files/a").status_code == 404
    assert alice.get("/data/projects/OTHER/resources/R/files/a").content == b"x"
    assert alice.delete(demo).status_code == 404


def test_the_id_of_a_project_just_deleted_cannot_be_used_again_yet(alice: TestClient, demo: str) -> None:
    alice.delete(demo)

    reply = alice.put(demo)

    assert reply.status_code == 403
    assert "can still be brought back" in reply.text


def test_accessibility_is_read_and_set_as_plain_words(alice: TestClient, demo: str) -> None:
    """C-150, C-151: no newline, no quotes."""
    before = alice.get(f"{demo}/accessibility")
    changed = alice.put(f"{demo}/accessibility/private")
    after = alice.get(f"{demo}/accessibility")
    wrong = alice.put(f"{demo}/accessibility/secret")

    assert (before.text, changed.text, after.text) == ("protected", "private", "private")
    assert after.headers["content-type"].startswith("text/plain")
    assert wrong.status_code == 400
    assert "private, protected, public" in wrong.text


def test_accessibility_without_a_level_stays_as_it_is(alice: TestClient, client: Clients, demo: str) -> None:
    """C-151."""
    reply = alice.put(f"{demo}/accessibility")

    assert (reply.status_code, reply.text) == (200, "protected")
    assert client("bob").put(f"{demo}/accessibility").status_code == 403
    assert alice.put("/data/projects/NONE/accessibility").status_code == 404
    assert alice.put(f"{demo}/accessibility/protected").text == "protected"
    assert "changed accessibility" not in alice.get(f"{demo}/history?format=csv").text


def test_a_new_project_can_say_who_may_see_it(alice: TestClient) -> None:
    """C-70."""
    alice.put("/data/projects/DEMO?accessibility=public")

    assert alice.get("/data/projects/DEMO/accessibility").text == "public"
    assert alice.put("/data/projects/X?accessibility=secret").status_code == 400


def test_what_follows_a_project_and_is_nothing_is_an_error(alice: TestClient, demo: str) -> None:
    assert alice.get(f"{demo}/nonsense").status_code == 404
    assert alice.get(f"{demo}/").status_code == 200


def test_parameters_without_effect_are_named(alice: TestClient) -> None:
    reply = alice.put(
        "/data/projects/DEMO?name=n&colour=red&xnat:subjectData/label=x&event_reason=because&req_format=qs"
    )

    assert reply.headers["filmroom-ignored"] == "colour, xnat:subjectData/label"


def test_who_leaves_a_project_for_good_is_told_so(alice: TestClient, demo: str, client: Clients) -> None:
    """C-154: the list of those who stay is not theirs to see any more, but they did leave."""
    alice.put(f"{demo}/accessibility/private")
    alice.put(f"{demo}/users/owner/bob")

    reply = client("bob").delete(f"{demo}/users/owner/bob")

    assert (reply.status_code, reply.json()["ResultSet"]["Result"]) == (200, [])
    assert client("bob").get(demo).status_code == 404
