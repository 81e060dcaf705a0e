"""Searches that people save, and the one that lists all things of a type (C-179, C-180)."""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree
from starlette.testclient import TestClient

Clients = Callable[[str], TestClient]
SAVED = "/data/search/saved"
XDAT = {"xdat": "http://nrg.wustl.edu/security"}
MR = "xnat:mrSessionData"


def _document(*readers: str, root: str = "bundle", name: str = "My search") -> bytes:
    allowed = "".join(f"<xdat:allowed_user><xdat:login>{login}</xdat:login></xdat:allowed_user>" for login in readers)
    return (
        f'<xdat:{root} xmlns:xdat="{XDAT["xdat"]}" ID="@{MR}" brief-description="{name}" description="Größe &amp; co.">'
        f"<xdat:root_element_name>{MR}</xdat:root_element_name>{allowed}</xdat:{root}>"
    ).encode()


def _rows(client: TestClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"{SAVED}?format=json").json()["ResultSet"]["Result"]
    return rows


@pytest.mark.parametrize("root", ["bundle", "stored_search", "search"])
def test_a_search_is_saved_listed_read_and_deleted(alice: TestClient, root: str) -> None:
    """A body without a type is XML all the same (C-179)."""
    first = alice.put(f"{SAVED}/mine?inbody=true", content=_document(root=root))
    second = alice.put("/REST/search/saved/mine?inbody=true", content=_document(root=root, name="renamed"))

    assert (first.status_code, second.status_code) == (201, 200)
    assert _rows(alice) == [
        {
            "id": "mine",
            "brief_description": "renamed",
            "description": "Größe & co.",
            "root_element_name": MR,
            "secure": "",
            "tag": "",
            "allow_diff_columns": "",
            "layeredsequence": "",
            "users": "",
            "user": "alice",
        }
    ]
    reply = alice.get(f"{SAVED}/mine")
    assert reply.headers["content-type"].startswith("text/xml")
    assert etree.fromstring(reply.content).findtext("xdat:root_element_name", namespaces=XDAT) == MR
    assert [alice.delete(f"{SAVED}/mine").status_code for _ in range(2)] == [200, 404]
    assert alice.get(f"{SAVED}/mine").status_code == 404
    assert _rows(alice) == []


def test_a_search_is_its_owners_alone_unless_it_names_others(client: Clients, alice: TestClient) -> None:
    alice.put(f"{SAVED}/mine", content=_document())
    alice.put(f"{SAVED}/ours", content=_document("alice", "bob"))
    bob = client("bob")

    assert [(row["id"], row["user"]) for row in _rows(bob)] == [("ours", "alice")]
    assert [bob.get(f"{SAVED}/{name}").status_code for name in ("mine", "ours")] == [404, 200]
    assert bob.delete(f"{SAVED}/ours").status_code == 404
    assert client("admin").get(f"{SAVED}/ours").status_code == 404
    assert client("").get(SAVED).status_code == 401


def test_who_is_named_no_more_reads_it_no_more(client: Clients, alice: TestClient) -> None:
    alice.put(f"{SAVED}/ours", content=_document("bob"))
    alice.put(f"{SAVED}/ours", content=_document())

    assert _rows(client("bob")) == []


def test_of_two_searches_of_one_id_ones_own_comes_first(client: Clients, alice: TestClient) -> None:
    bob = client("bob")
    alice.put(f"{SAVED}/same", content=_document("bob", name="of alice"))
    assert bob.put(f"{SAVED}/same", content=_document(name="of bob")).status_code == 201

    assert "of bob" in bob.get(f"{SAVED}/same").text
    assert "of alice" in alice.get(f"{SAVED}/same").text
    assert [row["user"] for row in _rows(bob)] == ["bob", "alice"]
    assert bob.delete(f"{SAVED}/same").status_code == 200
    assert "of alice" in bob.get(f"{SAVED}/same").text


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"no xml", 422),
        (b"<x/>", 422),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + _document(), 422),
        (_document().replace(b"<xdat:root", b"<!--" + b"x" * 1048576 + b"--><xdat:root"), 413),
    ],
)
def test_what_is_no_search_is_not_saved(alice: TestClient, content: bytes, status: int) -> None:
    """C-23, C-56, C-178."""
    assert alice.put(f"{SAVED}/mine", content=content).status_code == status
    assert _rows(alice) == []


@pytest.mark.parametrize("name", ["@xnat:mrSessionData", "x" * 256])
def test_an_id_leaves_room_for_the_default_searches(alice: TestClient, name: str) -> None:
    assert alice.put(f"{SAVED}/{name}", content=_document()).status_code == 400


@pytest.mark.parametrize("data_type", [MR, "xnat:subjectData", "xnat:projectData", "xnat:qcManualAssessorData"])
def test_each_type_has_a_search_that_lists_all_of_it(alice: TestClient, data_type: str) -> None:
    """C-180."""
    reply = alice.get(f"{SAVED}/@{data_type}?format=xml")

    root = etree.fromstring(reply.content)
    fields = root.findall("xdat:search_field", XDAT)
    known = alice.get(f"/data/search/elements/{data_type}?format=csv").text
    assert root.tag == f"{{{XDAT['xdat']}}}bundle"
    assert root.findtext("xdat:root_element_name", namespaces=XDAT) == data_type
    assert fields
    assert all(f"\n{one.findtext('xdat:field_ID', namespaces=XDAT)}," in known for one in fields)
    assert alice.get(f"{SAVED}/@xnat:none").status_code == 404


@pytest.mark.parametrize("style", ["csv", "xml", "html", "json"])
def test_no_search_at_all_is_a_list_with_columns(alice: TestClient, style: str) -> None:
    """C-133, C-134."""
    reply = alice.get(f"{SAVED}?format={style}")

    assert reply.status_code == 200
    assert style == "json" or "brief_description" in reply.text
