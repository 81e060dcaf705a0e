"""Who does upkeep, and when; and what may be swept of those who died."""

from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from conftest import RULES, Clock
from filmroom.blobs.local import LocalStore
from filmroom.db import schema
from filmroom.db.engine import Database
from filmroom.model.errors import Busy, LeaseLost
from filmroom.model.people import Viewer
from filmroom.service.archive import Archive
from filmroom.service.removal import Removal
from filmroom.service.rounds import Rounds
from filmroom.service.upkeep import Report
from service.desk import Desk, at, open_desk
from service.stock import count, run


@pytest.fixture
def desk(archive: Archive, people: dict[str, Viewer]) -> Desk:
    return open_desk(archive, people["alice"])


def test_blobs_of_a_living_lease_stay_and_those_of_a_silent_one_go(desk: Desk, blobs: LocalStore, clock: Clock) -> None:
    desk.upload("kept")
    dead = desk.stage()
    clock.move(minutes=61)
    desk.archive.upkeep._stores.leases.give_up()
    living = desk.stage()

    report = run(desk)

    assert (report.fenced_leases, report.unnamed_blobs, report.unnamed_bytes) == (1, 1, 6)
    assert living.key in set(blobs.iter_keys())
    assert dead.key not in set(blobs.iter_keys())
    assert desk.read("kept") == b"voxels"


def test_a_process_that_was_only_paused_cannot_name_what_was_swept(
    database: Database, blobs: LocalStore, clock: Clock, tmp_path: Path, desk: Desk
) -> None:
    other = Archive(database, blobs, clock=clock, rules=RULES, spool_dir=tmp_path)
    paused = Desk(other, desk.viewer)
    arrival = paused.arrival("late")
    clock.move(minutes=61)
    run(desk)

    with pytest.raises(LeaseLost):
        paused.put([arrival])

    assert paused.upload("again") is not None
    assert desk.paths() == ["again"]


def test_what_a_paused_process_wrote_after_the_sweep_goes_a_day_later(
    desk: Desk, database: Database, blobs: LocalStore, clock: Clock
) -> None:
    key = desk.stage().key
    clock.move(minutes=61)
    desk.archive.upkeep._stores.leases.give_up()
    run(desk)
    late = f"{key[:-1]}{'0' if key[-1] != '0' else '1'}"
    writer = blobs.create(late)
    writer.finish()
    run(desk)
    assert list(blobs.iter_keys()) == [late]
    clock.move(days=1)

    run(desk)

    assert list(blobs.iter_keys()) == []
    assert count(database, schema.lease) == 0


def test_the_lease_of_a_server_that_ran_into_a_silent_database_is_renewed_first(desk: Desk, clock: Clock) -> None:
    desk.upload("a")
    clock.move(hours=2)

    assert run(desk).fenced_leases == 0


def test_old_sessions_failures_and_tokens_go(desk: Desk, archive: Archive, clock: Clock) -> None:
    archive.sessions.open(desk.viewer)
    clock.move(days=3)

    report = run(desk)

    assert report.sessions == 1


def test_one_does_it_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[Report | None] = []
    remove = Removal.remove_deleted

    def remove_beside_another(removal: Removal, **by: Any) -> None:
        others.append(desk.archive.upkeep.run())
        remove(removal, **by)

    monkeypatch.setattr(Removal, "remove_deleted", remove_beside_another)

    assert run(desk) is not None
    assert others == [None]


def test_whoever_crashed_keeps_nobody_from_it_for_long(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep = desk.archive.upkeep
    with monkeypatch.context() as patch:  # neither does it nor gives it up
        patch.setattr("filmroom.db.chores.end_chore", lambda *_, **__: None)
        run(desk)
    assert upkeep.run() is None
    clock.move(minutes=10)

    assert upkeep.run() is not None


def test_whoever_was_paused_and_lost_its_turn_stops(desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    remove = Removal.remove_deleted

    def remove_late(removal: Removal, **by: Any) -> None:
        monkeypatch.undo()
        clock.move(minutes=11)
        run(desk)
        remove(removal, **by)

    monkeypatch.setattr(Removal, "remove_deleted", remove_late)

    with pytest.raises(Busy, match="taken over"):
        desk.archive.upkeep.run()


def test_it_is_not_done_again_before_it_is_due(desk: Desk, clock: Clock) -> None:
    upkeep, hour = desk.archive.upkeep, timedelta(hours=1)
    assert upkeep.run_if_due(hour, stop=Event()) is not None
    clock.move(minutes=59)
    assert upkeep.run_if_due(hour, stop=Event()) is None
    clock.move(minutes=1)
    assert upkeep.run_if_due(hour, stop=Event()) is not None


def test_it_stops_when_it_is_told_to(desk: Desk) -> None:
    stop = Event()
    stop.set()

    with pytest.raises(Busy, match="told to stop"):
        desk.archive.upkeep.run(stop=stop)

    assert run(desk) is not None


def test_a_server_does_it_at_intervals_and_ends_with_it(desk: Desk, clock: Clock, blobs: LocalStore) -> None:
    desk.upload("a")
    desk.archive.files.delete(desk.viewer, at("NII", "a"), spellings=["a"])
    clock.move(days=7)
    rounds = Rounds(desk.archive.upkeep, interval=timedelta(hours=1), look_every=timedelta(milliseconds=5))

    rounds.start()
    for _ in range(2000):
        if not list(blobs.iter_keys()):
            break
        Event().wait(0.01)
    rounds.close()

    assert list(blobs.iter_keys()) == []


def test_a_server_that_is_told_not_to_does_nothing(desk: Desk) -> None:
    rounds = Rounds(desk.archive.upkeep, interval=timedelta(0), look_every=timedelta(milliseconds=1))
    rounds.start()
    Event().wait(0.05)
    rounds.close()

    assert desk.archive.upkeep.run_if_due(timedelta(days=1), stop=Event()) is not None
