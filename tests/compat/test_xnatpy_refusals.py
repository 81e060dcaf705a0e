"""xnatpy 0.8.1 is told what it may not, as errors of its own; and a guest may look at what is public."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
import xnat

from compat.xnatpy import CLIENT, connect, plant
from server.process import Server

_NUMBERS = count()


@pytest.fixture(scope="module")
def things(session: Any) -> dict[str, Any]:
    return plant(session, "THINGS")


@pytest.fixture
def make_subject(session: Any, things: dict[str, Any]) -> Callable[[], Any]:
    return lambda: session.classes.SubjectData(parent=things["project"], label=f"new_{next(_NUMBERS)}")


@pytest.fixture
def make_session(session: Any, make_subject: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: session.classes.MrSessionData(parent=make_subject(), label=f"session_{next(_NUMBERS)}")


@pytest.mark.client(CLIENT, "a name that is taken: 409, or the client's own error", "PUT /data/{experiment}")
def test_a_name_that_is_taken_is_refused(session: Any, make_session: Callable[..., Any]) -> None:
    first, second = make_session(), make_session()
    session.clearcache()

    with pytest.raises(xnat.exceptions.XNATObjectAlreadyExistsError):
        session.classes.MrSessionData(parent=first.subject, label=second.label)
    with pytest.raises(xnat.exceptions.XNATResponseError) as refused:
        first.label = second.label

    assert refused.value.status_code == 409


@pytest.mark.client(
    CLIENT, "what is not there: 404, also for what would be below it", "GET /data/{subject}", "PUT /data/{experiment}"
)
def test_what_is_not_there_is_an_error(session: Any) -> None:
    acts: list[Callable[[], Any]] = [
        lambda: session.create_object("/data/projects/THINGS/subjects/NOBODY"),
        lambda: session.get("/data/projects/NONE"),
        lambda: session.delete("/data/projects/THINGS/subjects/NOBODY"),
        lambda: session.put("/data/projects/NONE/subjects/S/experiments/E?xsiType=xnat:mrSessionData"),
    ]

    assert [_refusal(act) for act in acts] == [404] * 4


@pytest.mark.client(CLIENT, "a value that does not fit: 400", "PUT /data/{subject}")
def test_a_value_that_does_not_fit_is_refused(make_subject: Callable[[], Any]) -> None:
    subject = make_subject()

    with pytest.raises(xnat.exceptions.XNATResponseError) as refused:
        subject.demographics.mset({"yob": "long ago"})

    assert refused.value.status_code == 400


@pytest.mark.client(
    CLIENT, "somebody who may not: 403, and 404 for what is hidden", "PUT /data/{subject}", "GET /data/{project}"
)
def test_who_may_not_is_told_so(session: Any, url: str, things: dict[str, Any]) -> None:
    _add_user(session, "carol")
    things["project"].set_access("carol", "Collaborators")
    session.put("/data/projects/HIDDEN", query={"accessibility": "private"})
    session.put("/data/projects/HIDDEN/accessibility/private")

    with connect(url, user="carol", password="a long password") as carol:
        subject = carol.projects["THINGS"].subjects["S1"]
        refusals = [_refusal(act) for act in _forbidden(carol, subject)]

    assert refusals == [403, 403, 403, 404]


def _forbidden(session: Any, subject: Any) -> list[Callable[[], Any]]:
    return [
        lambda: setattr(subject, "label", "mine"),
        lambda: session.classes.SubjectData(parent=session.projects["THINGS"], label="mine"),
        lambda: subject.create_resource("MINE"),
        lambda: session.get("/data/projects/HIDDEN"),
    ]


def _refusal(act: Callable[[], Any]) -> int:
    with pytest.raises(xnat.exceptions.XNATResponseError) as refused:
        act()
    return int(refused.value.status_code)


def _add_user(session: Any, login: str) -> None:
    told = {"username": login, "password": "a long password", "enabled": True, "verified": True, "email": "c@d.org"}
    session.post("/xapi/users", json=told)


@pytest.mark.client(
    CLIENT,
    "a guest looks at a public project on an open site, and changes nothing",
    "GET /data/{project}/subjects",
    "GET /data/{thing}/resources/{resource}/files/{path}",
)
def test_a_guest_reads_what_is_public(open_site: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", "/nonexistent")
    with connect(open_site.url) as session:
        things = plant(session, "PUBLIC")
        session.put("/data/projects/PUBLIC/accessibility/public")
        things["scan"].create_resource("DATA").upload_data(b"for all", "a.txt")

    with connect(open_site.url, user=None, password=None) as guest:
        scan = guest.projects["PUBLIC"].subjects["S1"].experiments["MR1"].scans["1"]
        with scan.resources["DATA"].files["a.txt"].open() as stream:
            content = stream.read()
        refusal = _refusal(lambda: scan.create_resource("MINE"))

    assert content == b"for all"
    assert refusal in {401, 403}
