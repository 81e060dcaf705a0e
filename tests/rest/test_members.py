"""The people and groups of a project over HTTP (C-145, C-152 to C-155, C-160)."""

from collections.abc import Callable
from typing import Final

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from filmroom.db.engine import Database
from filmroom.db.schema import account
from rest.session import make_session, results

P: Final = "/data/projects/DEMO"
USERS: Final = f"{P}/users"
SESSION: Final = f"{P}/experiments/MR1"
Clients = Callable[[str], TestClient]


@pytest.fixture(autouse=True)
def private(alice: TestClient, demo: str) -> None:
    alice.put(f"{demo}/accessibility/private")


@pytest.fixture
def bob(client: Clients) -> TestClient:
    return client("bob")


def _set(database: Database, login: str, **values: object) -> None:
    database.write(
        lambda connection: connection.execute(update(account).where(account.c.login == login).values(values))
    )


def _groups(alice: TestClient, query: str = "") -> dict[str, str]:
    return {row["login"]: row["GROUP_ID"] for row in results(alice, f"{USERS}{query}")}


def test_whoever_makes_a_project_owns_it(alice: TestClient) -> None:
    """C-70, C-152."""
    reply = alice.get(f"{USERS}?format=csv")

    assert reply.text == "GROUP_ID,displayname,login,firstname,lastname,email\nDEMO_owner,Owners,alice,,,\n"


@pytest.mark.parametrize("group", ["DEMO_member", "member", "Members"])
def test_a_group_has_three_names(alice: TestClient, bob: TestClient, group: str) -> None:
    """C-153; answered with the table."""
    reply = alice.put(f"{USERS}/{group}/bob")

    assert reply.status_code == 200
    assert [(row["login"], row["displayname"]) for row in reply.json()["ResultSet"]["Result"]] == [
        ("alice", "Owners"),
        ("bob", "Members"),
    ]
    assert bob.get(P).status_code == 200


def test_somebody_is_named_by_number_or_e_mail_too(alice: TestClient, database: Database) -> None:
    _set(database, "bob", email="bob@example.org")
    alice.put(f"{USERS}/member/bob@example.org")
    by_mail = _groups(alice)

    with database.read() as connection:
        number = connection.execute(account.select().where(account.c.login == "admin")).one().node_pk
    alice.put(f"{USERS}/collaborator/{number}")

    assert by_mail["bob"] == "DEMO_member"
    assert _groups(alice)["admin"] == "DEMO_collaborator"


def test_several_at_once_all_or_none(alice: TestClient) -> None:
    refused = alice.put(f"{USERS}/member/bob,nobody")
    before = _groups(alice)
    done = alice.put(f"{USERS}/member/bob,%20admin")

    assert (refused.status_code, done.status_code) == (404, 200)
    assert before == {"alice": "DEMO_owner"}
    assert _groups(alice) == {"alice": "DEMO_owner", "bob": "DEMO_member", "admin": "DEMO_member"}


def test_nobody_is_in_two_groups_of_a_project(alice: TestClient) -> None:
    """C-145, C-153."""
    alice.put(f"{USERS}/collaborator/bob")

    alice.put(f"{USERS}/member/bob")

    assert _groups(alice)["bob"] == "DEMO_member"


@pytest.mark.parametrize(
    ("path", "status"), [("member/guest", 412), ("member/nobody", 404), ("none/bob", 404), ("member/99999", 404)]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_who_or_what_is_not_there_cannot_be_put_together(
    alice: TestClient, method: str, path: str, status: int
) -> None:
    assert alice.request(method, f"{USERS}/{path}").status_code == status
    assert _groups(alice) == {"alice": "DEMO_owner"}


def test_who_is_removed_has_no_rights_at_once(alice: TestClient, bob: TestClient) -> None:
    """C-154; neither the remembered password nor an open session keeps them."""
    alice.put(f"{USERS}/member/bob")
    session = TestClient(bob.app, cookies={"JSESSIONID": bob.get("/data/JSESSION").text})
    before = bob.get(P).status_code

    reply = alice.delete(f"{USERS}/member/bob")

    assert before == 200
    assert [row["login"] for row in reply.json()["ResultSet"]["Result"]] == ["alice"]
    assert bob.get(P).status_code == 404
    assert session.get(P).status_code == 404
    assert session.get("/data/projects").status_code == 200


def test_who_is_in_another_group_is_not_removed(alice: TestClient) -> None:
    alice.put(f"{USERS}/member/bob")

    reply = alice.delete(f"{USERS}/collaborator/bob")

    assert reply.status_code == 200
    assert _groups(alice)["bob"] == "DEMO_member"


@pytest.mark.parametrize(("method", "path"), [("DELETE", "owner/alice"), ("PUT", "member/alice")])
def test_the_last_owner_stays(alice: TestClient, client: Clients, method: str, path: str) -> None:
    """But an administrator may leave a project to nobody."""
    refused = alice.request(method, f"{USERS}/{path}")
    kept = _groups(alice)
    done = client("admin").request(method, f"{USERS}/{path}")

    assert (refused.status_code, done.status_code) == (409, 200)
    assert kept == {"alice": "DEMO_owner"}


def test_an_owner_may_go_when_there_is_another(alice: TestClient, bob: TestClient) -> None:
    alice.put(f"{USERS}/owner/bob")

    reply = alice.delete(f"{USERS}/owner/alice")

    assert (reply.status_code, reply.json()["ResultSet"]["Result"]) == (200, [])
    assert alice.get(P).status_code == 404
    assert _groups(bob) == {"bob": "DEMO_owner"}


def test_disabled_people_are_listed_only_where_asked_for(alice: TestClient, database: Database) -> None:
    """C-152."""
    alice.put(f"{USERS}/member/bob")

    _set(database, "bob", is_enabled=False)

    assert _groups(alice) == {"alice": "DEMO_owner"}
    assert _groups(alice, "/true") == {"alice": "DEMO_owner", "bob": "DEMO_member"}
    assert _groups(alice, "/false") == {"alice": "DEMO_owner"}


def test_people_with_a_role_at_all_projects_are_listed_where_asked_for(alice: TestClient, database: Database) -> None:
    _set(database, "bob", data_role="ALL_DATA_ACCESS")

    assert "bob" not in _groups(alice)
    assert _groups(alice, "?includeAllDataAccess=true")["bob"] == "ALL_DATA_ACCESS"


def test_the_list_is_by_group_backwards(alice: TestClient) -> None:
    """C-152."""
    alice.put(f"{USERS}/member/admin")
    alice.put(f"{USERS}/collaborator/bob")

    assert [row["GROUP_ID"] for row in results(alice, USERS)] == ["DEMO_owner", "DEMO_member", "DEMO_collaborator"]


@pytest.mark.parametrize(
    ("role", "reads", "writes"), [("ALL_DATA_ACCESS", 200, 403), ("ALL_DATA_ADMIN", 200, 200), ("", 404, 404)]
)
def test_roles_at_all_projects(
    alice: TestClient, bob: TestClient, database: Database, role: str, reads: int, writes: int
) -> None:
    """C-145."""
    make_session(alice, P)

    _set(database, "bob", data_role=role)

    assert bob.get(SESSION).status_code == reads
    assert bob.put(f"{SESSION}/resources/NEW").status_code == writes
    assert bob.delete(f"{SESSION}/scans/4").status_code == writes
    assert bob.put(f"{P}/accessibility/public").status_code == writes


SPELLINGS: Final = {
    "XNAT's form": {
        "xdat:userGroup/displayName": "raters",
        "xnat:mrSessionData_xnat:mrSessionData/project_DEMO_E": "1",
    },
    "letters": {"displayName": "raters", "xnat:mrSessionData": "rce"},
}


@pytest.mark.parametrize("said", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_group_of_the_projects_own(alice: TestClient, bob: TestClient, method: str, said: dict[str, str]) -> None:
    """C-155."""
    make_session(alice, P)

    made = alice.request(method, f"{P}/groups", params=said)
    alice.put(f"{USERS}/raters/bob")

    assert made.status_code == 200
    rows = {row["id"]: row for row in results(alice, f"{P}/groups")}
    assert list(rows) == ["DEMO_owner", "DEMO_member", "DEMO_collaborator", "DEMO_raters"]
    assert (rows["DEMO_raters"]["displayname"], rows["DEMO_raters"]["users"]) == ("raters", "1")
    assert bob.get(SESSION).status_code == 200
    assert bob.put(f"{SESSION}/resources/NEW").status_code == 200
    assert bob.delete(f"{SESSION}/resources/NEW").status_code == 403
    assert bob.get(f"{P}/subjects/S1").status_code == 404


@pytest.mark.parametrize("name", ["a_b", "owner", "Owners", "members", "", "x" * 65, "a/b"])
def test_a_group_has_a_name_that_can_be_told_from_others(alice: TestClient, name: str) -> None:
    """C-155: an underscore would be taken for the end of the project's ID."""
    reply = alice.put(f"{P}/groups", params={"displayName": name})

    assert reply.status_code == 400
    assert len(results(alice, f"{P}/groups")) == 3


def test_letters_that_mean_nothing_are_refused(alice: TestClient) -> None:
    assert alice.put(f"{P}/groups/raters?xnat:mrSessionData=rx").status_code == 400
    assert len(results(alice, f"{P}/groups")) == 3


@pytest.mark.parametrize("group", ["owner", "Members", "DEMO_collaborator"])
def test_the_groups_that_every_project_has_stay(alice: TestClient, group: str) -> None:
    assert alice.delete(f"{P}/groups/{group}").status_code == 403
    assert len(results(alice, f"{P}/groups")) == 3


def test_other_rights_count_at_once(alice: TestClient, bob: TestClient) -> None:
    make_session(alice, P)
    alice.put(f"{P}/groups/raters?xnat:mrSessionData=re")
    alice.put(f"{USERS}/raters/bob")
    before = bob.put(f"{SESSION}/resources/A").status_code

    alice.put(f"{P}/groups/raters?xnat:mrSessionData=r")

    assert (before, bob.put(f"{SESSION}/resources/B").status_code) == (200, 403)
    assert bob.get(SESSION).status_code == 200


def test_whoever_was_in_a_deleted_group_has_no_rights_at_once(alice: TestClient, bob: TestClient) -> None:
    """And is in no new group of the same name."""
    alice.put(f"{P}/groups/raters?xnat:mrSessionData=re")
    alice.put(f"{USERS}/raters/bob")
    before = bob.get(P).status_code
    session = TestClient(bob.app, cookies={"JSESSIONID": bob.get("/data/JSESSION").text})

    alice.delete(f"{P}/groups/raters")
    after = [bob.get(P).status_code, session.get(P).status_code]
    alice.put(f"{P}/groups/raters?xnat:mrSessionData=re")

    assert (before, after) == (200, [404, 404])
    assert bob.get(P).status_code == 404
    assert session.get("/data/projects").status_code == 200


def test_everybody_is_told_of_their_projects_and_what_they_are_there(alice: TestClient, bob: TestClient) -> None:
    """C-160, C-158."""
    alice.put("/data/projects/OPEN?accessibility=public&name=Open%20data&description=all")
    alice.put(f"{USERS}/Members/bob")

    accesses = bob.get("/xapi/access/projects")
    names = bob.get("/xapi/users/projects")

    assert accesses.json() == [
        {
            "ID": "DEMO",
            "secondary_ID": "DEMO",
            "name": "DEMO",
            "description": "",
            "role": "Members",
            "group_id": "DEMO_member",
            "URI": "/data/projects/DEMO",
        },
        {
            "ID": "OPEN",
            "secondary_ID": "OPEN",
            "name": "Open data",
            "description": "all",
            "role": "",
            "group_id": "",
            "URI": "/data/projects/OPEN",
        },
    ]
    assert names.json() == ["DEMO", "OPEN"]


def test_of_a_private_project_of_others_nobody_is_told(bob: TestClient) -> None:
    assert bob.get("/xapi/access/projects").json() == bob.get("/xapi/users/projects").json() == []


def test_somebody_is_put_into_groups_of_many_projects_or_of_none(alice: TestClient, client: Clients) -> None:
    """C-158."""
    url, groups = "/xapi/users/bob/groups", ["DEMO_member", "B_2_collaborator"]
    alice.put("/data/projects/B_2")

    refused = alice.put(url, json=["DEMO_member", "NONE_member"])
    outside = client("bob").put(url, json=groups)
    wrong: list[object] = [{}, [1]]
    told = [alice.put(url, json=body).status_code for body in wrong]
    put = alice.put(url, json=groups)

    assert (refused.status_code, outside.status_code, told, put.status_code) == (404, 404, [400, 400], 200)
    assert client("bob").get(url).json() == sorted(groups)
    assert alice.delete(f"{url}/DEMO_member").status_code == 200
    assert client("bob").get(url).json() == ["B_2_collaborator"]
    assert alice.put(f"{url}/B_2_owner").status_code == 200
    assert client("bob").get(url).json() == ["B_2_owner"]
