"""Accounts below /xapi (C-158, C-159)."""

from base64 import b64encode
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from conftest import PASSWORD, Clock
from filmroom.model.people import Viewer

Clients = Callable[[str], TestClient]
NEW = {
    "username": "carol",
    "password": "a good password",
    "email": "c@example.org",
    "firstName": "Carol",
    "lastName": "Danvers",
}
ADMINS_ONLY = [
    ("GET", "/xapi/users/profiles"),
    ("GET", "/xapi/users/current"),
    ("GET", "/xapi/users/profile/bob"),
    ("GET", "/xapi/users/bob"),
    ("GET", "/xapi/users/nobody"),
    ("GET", "/xapi/users/bob/enabled"),
    ("GET", "/xapi/users/bob/verified"),
    ("GET", "/xapi/users/bob/roles"),
    ("GET", "/xapi/users/rolemap"),
    ("GET", "/xapi/users/roles"),
    ("GET", "/xapi/users/roles/Administrator"),
    ("PUT", "/xapi/users/bob/enabled/false"),
    ("PUT", "/xapi/users/alice/verified/false"),
    ("PUT", "/xapi/users/alice/roles/Administrator"),
    ("DELETE", "/xapi/users/admin/roles/Administrator"),
    ("GET", "/data/user"),
    ("GET", "/data/user/bob"),
    ("GET", "/data/user/bob/roles"),
    ("POST", "/data/user/alice/roles?roles=Administrator"),
]


@pytest.fixture
def admin(client: Clients) -> TestClient:
    return client("admin")


def _logins(admin: TestClient) -> list[str]:
    return list(admin.get("/xapi/users").json())


def test_a_profile_has_the_keys_of_xnat(admin: TestClient, people: dict[str, Viewer], clock: Clock) -> None:
    admin.put("/xapi/users/alice", json={"email": "a@example.org", "firstName": "Ada", "lastName": "Byron"})

    profile = admin.get("/xapi/users/alice").json()

    assert profile == {
        "id": people["alice"].pk,
        "username": "alice",
        "firstName": "Ada",
        "lastName": "Byron",
        "email": "a@example.org",
        "secured": True,
        "enabled": True,
        "verified": True,
        "lastModified": int(clock.now.timestamp() * 1000),
        "lastSuccessfulLogin": None,
        "authorization": None,
        "pendingEmail": None,
    }
    assert admin.get("/xapi/users/profile/alice").json() == profile
    assert admin.get("/data/user/alice").json() == profile


def test_logins_and_profiles_are_listed(admin: TestClient) -> None:
    admin.put("/xapi/users/bob/enabled/false")

    profiles = admin.get("/xapi/users/profiles").json()

    assert [profile["username"] for profile in profiles] == ["admin", "alice", "bob"]
    assert [profile["username"] for profile in admin.get("/xapi/users/current").json()] == ["admin", "alice"]
    assert _logins(admin) == admin.get("/data/user").json() == ["admin", "alice", "bob"]


def test_people_are_told_of_those_who_are_enabled(admin: TestClient, alice: TestClient) -> None:
    admin.put("/xapi/users/bob/enabled/false")

    assert alice.get("/xapi/users").json() == ["admin", "alice"]


def test_people_see_their_own_profile(alice: TestClient) -> None:
    own = alice.get("/xapi/users/profile").json()

    assert own["username"] == "alice"
    assert alice.get("/xapi/users/alice").json() == own
    assert alice.get("/xapi/users/profile/alice").json() == own
    assert alice.get("/xapi/users/alice/enabled").json() is True
    assert alice.get("/xapi/users/alice/verified").json() is True
    assert alice.get("/xapi/users/alice/roles").json() == []


def test_people_learn_their_login_as_plain_text(alice: TestClient) -> None:
    reply = alice.get("/xapi/users/username")

    assert (reply.text, reply.headers["content-type"].split(";")[0]) == ("alice", "text/plain")


def test_passwords_are_checked_here(alice: TestClient) -> None:
    assert [provider["providerId"] for provider in alice.get("/xapi/users/authProviders").json()] == ["localdb"]


def test_an_administrator_makes_an_account(admin: TestClient, client: Clients) -> None:
    reply = admin.post("/xapi/users", json=NEW)

    carol = client("")
    carol.auth = ("carol", NEW["password"])
    made = reply.json()
    assert reply.status_code == 201
    assert (made["username"], made["lastName"], made["enabled"], made["verified"]) == ("carol", "Danvers", True, True)
    assert carol.get("/xapi/users/username").text == "carol"
    assert "password" not in reply.text


def test_an_account_can_be_made_to_be_let_in_later(admin: TestClient, client: Clients) -> None:
    admin.post("/xapi/users", json={**NEW, "verified": False})
    carol = client("")
    carol.auth = ("carol", NEW["password"])
    before = carol.get("/xapi/users/username").status_code

    admin.put("/xapi/users/carol/verified/true")

    assert (before, carol.get("/xapi/users/username").status_code) == (401, 200)


def test_a_login_that_is_taken_is_409(admin: TestClient) -> None:
    reply = admin.post("/xapi/users", json={**NEW, "username": "alice"})

    assert (reply.status_code, reply.text) == (409, "user name 'alice' is taken")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"username": None}, "say both"),
        ({"password": ""}, "say both"),
        ({"username": "a b"}, "user name 'a b'"),
        ({"username": "cache"}, "reserved"),
        ({"username": ["carol"]}, "username '***': it must be text"),
        ({"password": "short"}, "password '***'"),
        ({"password": 12345678}, "password '***': it must be text"),
        ({"email": "nobody"}, "e-mail address 'nobody'"),
        ({"enabled": "yes"}, "enabled 'yes'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_an_account_is_400_and_told(admin: TestClient, change: dict[str, object], told: str) -> None:
    reply = admin.post("/xapi/users", json={**NEW, **change})

    assert (reply.status_code, reply.headers["content-type"]) == (400, "text/plain; charset=UTF-8")
    assert told in reply.text
    assert "12345678" not in reply.text
    assert _logins(admin) == ["admin", "alice", "bob"]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"username": "\\ud800", "password": "a good password"}', "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b'{"username": "' + b"x" * 70_000 + b'"}', "application/json", 413),
        (b'{"username": "carol", "password": "a good password"}', "text/plain", 415),
        (b"username=carol&password=a+good+password", "application/x-www-form-urlencoded", 415),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_body_that_is_no_json_object_is_refused(admin: TestClient, body: bytes, media_type: str, status: int) -> None:
    reply = admin.post("/xapi/users", content=body, headers={"Content-Type": media_type})

    assert (reply.status_code, _logins(admin)) == (status, ["admin", "alice", "bob"])
    assert not reply.text.startswith("<")


def test_an_administrator_changes_an_account(admin: TestClient) -> None:
    reply = admin.put("/xapi/users/alice", json={"email": "a@example.org", "enabled": False})

    assert (reply.status_code, reply.json()["email"], reply.json()["enabled"]) == (200, "a@example.org", False)


def test_nothing_changed_is_304(admin: TestClient) -> None:
    profile = admin.get("/xapi/users/alice").json()

    reply = admin.put("/xapi/users/alice", json={**profile, "password": "", "email": ""})

    assert (reply.status_code, reply.content) == (304, b"")


def test_what_means_nothing_is_told(admin: TestClient) -> None:
    reply = admin.put("/xapi/users/alice", json={"email": "a@example.org", "firstname": "Ada"})

    assert reply.headers["filmroom-ignored"] == "firstname"


def test_an_account_keeps_its_login(admin: TestClient) -> None:
    reply = admin.put("/xapi/users/alice", json={"username": "alicia"})

    assert reply.status_code == 400
    assert "'alice'" in reply.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "nobody"),
        ("GET", "profile/nobody"),
        ("GET", "nobody/enabled"),
        ("GET", "nobody/roles"),
        ("PUT", "nobody/enabled/true"),
        ("PUT", "nobody/roles/Administrator"),
        ("PUT", "nobody/roles/ALL_DATA_ACCESS"),
        ("DELETE", "nobody/roles/Administrator"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_is_404_in_plain_text(admin: TestClient, method: str, path: str) -> None:
    reply = admin.request(method, f"/xapi/users/{path}")

    assert (reply.status_code, reply.text) == (404, "Unable to find user 'nobody'.")
    assert reply.headers["content-type"].startswith("text/plain")


def test_changing_nobody_makes_nobody(admin: TestClient) -> None:
    reply = admin.put("/xapi/users/nobody", json={"email": "a@example.org", "password": "a good password"})

    assert (reply.status_code, _logins(admin)) == (404, ["admin", "alice", "bob"])


def test_people_change_what_is_theirs(alice: TestClient) -> None:
    reply = alice.put("/xapi/users/update", json={"email": "a@example.org", "lastName": "Liddell"})

    assert reply.status_code == 200
    assert alice.get("/xapi/users/profile").json()["lastName"] == "Liddell"


@pytest.mark.parametrize(("document"), [{"enabled": False}, {"verified": False}, {"email": "x@y", "enabled": False}])
def test_people_do_not_change_their_rights(alice: TestClient, document: dict[str, object]) -> None:
    before = alice.get("/xapi/users/profile").json()

    reply = alice.put("/xapi/users/update", json=document)

    assert (reply.status_code, reply.content) == (403, b"")
    assert {**alice.get("/xapi/users/profile").json(), "lastSuccessfulLogin": 0} == {**before, "lastSuccessfulLogin": 0}


@pytest.mark.parametrize("path", ["update", "alice"])
@pytest.mark.parametrize("current", [None, "wrong password"])
def test_a_session_does_not_do_to_take_an_account(client: Clients, path: str, current: str | None) -> None:
    thief = client("")
    basic = b64encode(f"alice:{PASSWORD}".encode()).decode()
    thief.get("/data/JSESSION", headers={"Authorization": f"Basic {basic}"})

    reply = thief.put(f"/xapi/users/{path}", json={"password": "another password", "currentPassword": current})

    assert (reply.status_code, thief.get("/xapi/users/username").text) == (400, "alice")
    assert "current password" in reply.text
    assert client("alice").get("/xapi/users/username").status_code == 200


def test_whoever_says_the_password_in_force_changes_it(alice: TestClient, client: Clients) -> None:
    document = {"password": "another password", "currentPassword": PASSWORD}

    reply = alice.put("/xapi/users/update", json=document)

    again = client("")
    again.auth = ("alice", "another password")
    assert (reply.status_code, alice.get("/xapi/users/username").status_code) == (200, 401)
    assert again.get("/xapi/users/username").text == "alice"
    assert "password" not in reply.text


@pytest.mark.parametrize("word", ["enabled", "verified"])
def test_accounts_are_switched_off_and_on(admin: TestClient, alice: TestClient, word: str) -> None:
    seen = []
    for flag in ("false", "FALSE", "true"):
        reply = admin.put(f"/xapi/users/alice/{word}/{flag}")
        seen.append(
            (
                reply.status_code,
                reply.content,
                admin.get(f"/xapi/users/alice/{word}").json(),
                alice.get("/data/projects").status_code,
            )
        )

    assert seen == [(200, b"", False, 401), (200, b"", False, 401), (200, b"", True, 200)]


def test_a_switch_is_true_or_false(admin: TestClient) -> None:
    assert admin.put("/xapi/users/alice/enabled/maybe").status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/xapi/users/admin/enabled/false"),
        ("PUT", "/xapi/users/admin/verified/false"),
        ("DELETE", "/xapi/users/admin/roles/Administrator"),
        ("POST", "/data/user/admin/roles?roles=ALL_DATA_ADMIN"),
    ],
)
def test_the_last_administrator_stays(admin: TestClient, method: str, path: str) -> None:
    reply = admin.request(method, path)

    assert reply.status_code == 409
    assert "last administrator" in reply.text
    assert admin.get("/xapi/users/admin/roles").json() == ["Administrator"]


def test_roles_are_given_and_taken(admin: TestClient) -> None:
    for role in ("ALL_DATA_ACCESS", "Administrator"):
        assert admin.put(f"/xapi/users/alice/roles/{role}").status_code == 200
    admin.delete("/xapi/users/alice/roles/Administrator")

    roles = admin.get("/xapi/users/alice/roles").json()

    assert roles == ["ALL_DATA_ACCESS"]
    assert admin.put("/xapi/users/alice/roles/King").status_code == 400


def test_roles_are_shown_with_who_has_them(admin: TestClient) -> None:
    admin.put("/xapi/users/alice/roles/ALL_DATA_ADMIN")

    role_map = admin.get("/xapi/users/rolemap").json()

    assert role_map == {"Administrator": ["admin"], "ALL_DATA_ADMIN": ["alice"], "ALL_DATA_ACCESS": []}
    assert admin.get("/xapi/users/roles").json() == list(role_map)
    assert admin.get("/xapi/users/roles/ALL_DATA_ADMIN").json() == ["alice"]
    assert admin.get("/xapi/users/roles/King").json() == []


@pytest.mark.parametrize(("method", "path"), ADMINS_ONLY)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_for_administrators_is_403_for_others(
    admin: TestClient, alice: TestClient, method: str, path: str
) -> None:
    before = admin.get("/xapi/users/rolemap").json(), admin.get("/xapi/users/profiles").json()[1:]

    reply = alice.request(method, path)

    is_silent = reply.content == b""
    assert (reply.status_code, is_silent) == (403, path.startswith("/xapi"))
    assert admin.get("/xapi/users/rolemap").json() == before[0]
    assert [user["enabled"] for user in admin.get("/xapi/users/profiles").json()] == [True] * 3


@pytest.mark.parametrize("document", [NEW, {**NEW, "username": "alice"}])
def test_only_administrators_make_accounts(alice: TestClient, document: dict[str, str]) -> None:
    reply = alice.post("/xapi/users", json=document)

    assert (reply.status_code, reply.content) == (403, b"")


def test_no_line_of_the_log_holds_a_password(
    admin: TestClient, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    admin.post("/xapi/users", json=NEW)
    admin.put("/xapi/users/carol", json={"password": "another password"})
    admin.put("/xapi/users/admin", json={"password": "third password", "currentPassword": "no such password"})

    captured = capsys.readouterr()

    logged = captured.out + captured.err + caplog.text
    assert "/xapi/users/carol" in logged
    assert not [word for word in (NEW["password"], "another password", "third password", "no such") if word in logged]
