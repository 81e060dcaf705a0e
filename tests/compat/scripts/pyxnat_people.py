"""Who may do what, through pyxnat 1.6.4: users, accessibility, sharing; and the codes of a project."""

from pathlib import Path

from pyxnat import Interface
from refusals import refused


def _connect(url: str, password: str, folder: Path) -> Interface:
    archive = Interface(server=url, user="admin", password=password)
    archive.password = password
    archive.folder = folder
    for login in ("alice", "bob"):
        account = {
            "username": login,
            "password": password,
            "firstName": login.title(),
            "lastName": "Doe",
            "email": f"{login}@example.org",
            "enabled": True,
            "verified": True,
        }
        archive.post("/xapi/users", json=account).raise_for_status()
    return archive


def _as(archive: Interface, login: str) -> Interface:
    return Interface(server=archive._server, user=login, password=archive.password)


def users_of_the_site(archive: Interface) -> None:
    users = archive.manage.users

    assert {"admin", "alice", "bob"} <= set(users())
    assert (users.firstname("alice"), users.lastname("alice")) == ("Alice", "Doe")
    assert users.email("alice") == "alice@example.org"
    assert users.id("alice").isdigit()


def files_of_the_user(archive: Interface) -> None:
    """The client prints them."""
    archive.put("/data/user/cache/resources/SCRATCH/files/a.txt?inbody=true", data=b"mine").raise_for_status()

    archive.manage.users.resources()

    assert archive.get("/data/user/cache/resources/SCRATCH/files/a.txt").content == b"mine"


def users_of_a_project(archive: Interface) -> None:
    project = archive.select.project("PEOPLE").create()
    assert project.users() == project.owners() == ["admin"]
    assert (project.members(), project.collaborators()) == ([], [])

    project.add_user("alice", "member")
    project.add_user("bob", "collaborator")
    assert sorted(project.users()) == ["admin", "alice", "bob"]
    assert (project.members(), project.collaborators()) == (["alice"], ["bob"])
    assert [project.user_role(login) for login in ("admin", "alice", "bob")] == ["owner", "member", "collaborator"]

    project.add_user("alice", "owner")
    assert sorted(project.owners()) == ["admin", "alice"]
    project.remove_user("bob")
    assert sorted(project.users()) == ["admin", "alice"]


def the_manager_of_a_project(archive: Interface) -> None:
    archive.select.project("MANAGED").create()
    manager = archive.manage.project("MANAGED")

    manager.add_user("alice", "member")
    assert manager.members() == ["alice"]
    assert manager.accessibility() == b"protected"
    manager.remove_user("alice")
    assert manager.users() == ["admin"]


def accessibility(archive: Interface) -> None:
    project = archive.select.project("ACCESS").create()
    subject = project.subject("S1").create()
    subject.resource("R").file("a.txt").put("text")
    others = _as(archive, "bob").select.project("ACCESS")
    assert project.accessibility() == b"protected"

    for value, seen, read in (("private", False, False), ("protected", True, False), ("public", True, True)):
        project.set_accessibility(value)
        assert project.accessibility() == value.encode()
        assert others.exists() is seen, value
        assert others.subject("S1").exists() is read, value


def what_each_role_may_do(archive: Interface) -> None:
    project = archive.select.project("ROLES").create()
    project.set_accessibility("private")
    project.subject("S1").create()
    project.add_user("alice", "member")
    project.add_user("bob", "collaborator")
    members, collaborators = (_as(archive, login).select.project("ROLES") for login in ("alice", "bob"))

    assert members.subject("S2").create().exists()
    refused(members.subject("S2").delete)
    assert collaborators.subject("S1").exists()
    refused(collaborators.subject("S3").create)
    refused(lambda: collaborators.add_user("bob", "owner"))


def codes(archive: Interface) -> None:
    project = archive.select.project("CODES").create()
    assert (project.prearchive_code(), project.quarantine_code()) == (4, 0)

    project.set_prearchive_code("0")
    project.set_quarantine_code("1")

    assert (project.prearchive_code(), project.quarantine_code()) == (0, 1)
    assert project.current_arc() == b"arc001"


def a_subject_is_shared(archive: Interface) -> None:
    subject = archive.select("/project/SHARES/subject/S1").create()
    other = archive.select.project("SHARES_2").create()
    assert subject.shares().get() == ["SHARES"]
    assert not other.subject("S1").exists()

    subject.share("SHARES_2")
    assert other.subject("S1").exists()
    assert subject.shares().get() == ["SHARES", "SHARES_2"]

    subject.unshare("SHARES_2")
    assert not other.subject("S1").exists()
    assert subject.shares().get() == ["SHARES"]


def a_subject_is_shared_by_another_name(archive: Interface) -> None:
    subject = archive.select("/project/NAMED/subject/S1").create()
    other = archive.select.project("NAMED_2").create()

    subject.share("NAMED_2", label="elsewhere")

    assert other.subject("elsewhere").id() == subject.id()


def a_session_is_shared(archive: Interface) -> None:
    session = archive.select("/project/SESSIONS/subject/S1/experiment/MR1").create()
    session.resource("R").file("a.txt").put("shared bytes")
    other = archive.select.project("SESSIONS_2").create()
    assert session.shares().get() == ["SESSIONS"]

    session.share("SESSIONS_2")
    assert session.shares().get() == ["SESSIONS", "SESSIONS_2"]
    assert other.experiment("MR1").id() == session.id()
    path = f"/data/projects/SESSIONS_2/experiments/{session.id()}/resources/R/files/a.txt"
    assert archive.get(path).content == b"shared bytes"

    session.unshare("SESSIONS_2")
    assert session.shares().get() == ["SESSIONS"]
    assert "MR1" not in [one.label() for one in other.experiments()]


def a_session_moves_to_another_project(archive: Interface) -> None:
    session = archive.select("/project/MOVES/subject/MOVES_S1/experiment/MOVES_MR1").create(use_label=True)
    archive.select.project("MOVES_2").create()

    session.share("MOVES_2", primary=True)

    assert archive.array.experiments(experiment_id="MOVES_MR1").data[0]["project"] == "MOVES_2"


def sharing_with_oneself_is_an_error(archive: Interface) -> None:
    subject = archive.select("/project/ONESELF/subject/S1").create()

    refused(lambda: subject.share("ONESELF"), ValueError)
    refused(lambda: subject.unshare("ONESELF"), ValueError)
    refused(lambda: subject.share("NOWHERE"))


def collections_are_shared(archive: Interface) -> None:
    for label in ("S1", "S2"):
        archive.select(f"/project/CROWD/subject/{label}").create(use_label=False)
    other = archive.select.project("CROWD_2").create()
    subjects = archive.select("/project/CROWD/subjects")

    subjects.share("CROWD_2")
    assert sorted(subject.label() for subject in other.subjects()) == ["S1", "S2"]
    assert len(list(subjects.sharing(["CROWD", "CROWD_2"]))) == 2

    subjects.unshare("CROWD_2")
    assert other.subjects().get() == []


def a_wrong_password_is_an_error(archive: Interface) -> None:
    wrong = Interface(server=archive._server, user="alice", password="wrong")

    refused(wrong.manage.users)
    assert wrong.select.projects().get() == []


def a_saved_configuration(archive: Interface) -> None:
    path = archive.folder / "central.cfg"
    archive.save_config(str(path))

    again = Interface(config=str(path))

    assert again.select.projects().get() == archive.select.projects().get()


def a_session_ends_with_its_block(archive: Interface) -> None:
    with _as(archive, "alice") as own:
        own.select.project("BLOCK").create()
        cookie = own._http.cookies["JSESSIONID"]

    reply = archive._http.__class__().get(f"{archive._server}/data/auth", cookies={"JSESSIONID": cookie})
    assert reply.status_code == 401
