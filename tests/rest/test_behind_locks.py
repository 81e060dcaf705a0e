"""Whoever waits for a lock decides by what is so behind it, and not by what was read before."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, text, update
from starlette.testclient import TestClient

from filmroom.db.postgresql import PostgreSQLDatabase
from filmroom.db.schema import membership, name, node
from rest.session import results
from waiting import PATIENCE_SECONDS, wait_until

# On SQLite one unit at a time works, and nobody waits in the middle of one.
pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

_PROJECT = select(node.c.pk).where(node.c.id == "DEMO", node.c.kind == "project")
_BOB = select(node.c.pk).where(node.c.id == "bob", node.c.kind == "user")
_SESSION = select(name.c.node_pk).where(name.c.label == "E1", name.c.family == "experiment")
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def _wait_for_a_waiter(database: PostgreSQLDatabase) -> None:
    def somebody_waits() -> bool:
        with database.read() as connection:
            return bool(connection.execute(text(_WAITING)).scalar_one())

    wait_until(somebody_waits)


def _meanwhile(database: PostgreSQLDatabase, ask: Callable[[], Any], *, held: Any, change: Any) -> Any:
    """What is answered to who waits for a row, behind which something changes that was not locked."""
    with ThreadPoolExecutor(1) as pool:
        with database.engine.begin() as connection:
            connection.execute(select(node.c.pk).where(node.c.pk.in_(held)).with_for_update(key_share=True)).all()
            answer = pool.submit(ask)
            _wait_for_a_waiter(database)
            connection.execute(change)
        return answer.result(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("held", "target"),
    [(_PROJECT, "E2?xsiType=xnat:mrSessionData"), (_SESSION, "E1?note=late")],
    ids=["to make a session", "to change one"],
)
def test_who_is_an_owner_no_more_may_only_look(
    alice: TestClient,
    client: Callable[[str], TestClient],
    demo: str,
    database: PostgreSQLDatabase,
    held: Any,
    target: str,
) -> None:
    """C-81."""
    alice.put(f"{demo}/subjects/S/experiments/E1?xsiType=xnat:mrSessionData")
    assert alice.put(f"{demo}/users/Owners/bob").status_code == 200
    bob = client("bob")
    assert bob.put(f"{demo}/subjects/S/experiments/E1?note=early").status_code == 200

    no_more = update(membership).where(membership.c.account_pk.in_(_BOB)).values(suffix="collaborator")
    reply = _meanwhile(database, lambda: bob.put(f"{demo}/subjects/S/experiments/{target}"), held=held, change=no_more)

    assert reply.status_code == 403
    (session,) = results(client("admin"), f"{demo}/experiments?columns=label,note")
    assert (session["label"], session["note"]) == ("E1", "early")


def test_what_a_project_decides_meanwhile_is_so_for_what_comes_then(
    alice: TestClient, demo: str, database: PostgreSQLDatabase
) -> None:
    """C-98: it is to be looked at first."""
    alice.put(f"{demo}/subjects/S")
    alice.put(f"{demo}/quarantine_code/1")
    with database.read() as connection:
        fields = connection.execute(select(node.c.fields).where(node.c.pk.in_(_PROJECT))).scalar_one()
    alice.put(f"{demo}/quarantine_code/0")

    decided = update(node).where(node.c.pk.in_(_PROJECT)).values(fields=fields)
    url = f"{demo}/subjects/S/experiments/E1"
    reply = _meanwhile(database, lambda: alice.put(f"{url}?xsiType=xnat:mrSessionData"), held=_PROJECT, change=decided)

    assert reply.status_code == 201
    assert alice.get(f"{url}/status").text == "quarantine"
