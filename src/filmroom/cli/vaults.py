"""What ``backup`` and ``restore`` do."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from filmroom.blobs.local import LocalStore, sync_folder
from filmroom.blobs.vault import has_content
from filmroom.cli.filesystem import refuse_network_file_system
from filmroom.cli.inspecting import FLAWS_FOUND, inspecting, opened_as_it_is, tell_end, teller
from filmroom.composition import database_of, half_restored
from filmroom.db.dump import check_empty
from filmroom.service.backup import Wishes
from filmroom.service.pacing import Pace
from filmroom.service.restore import find_snapshot, restore, verify
from filmroom.settings import SettingError, Settings

Given = tuple[Path | None, dict[str, Any]]


def make_backup(root: Path, given: Given, *, keep: int | None, links: bool, pace: Pace, as_json: bool) -> None:
    wishes = Wishes(keep=keep, links=links, pace=pace)
    with inspecting(*given) as settings, opened_as_it_is(settings) as archive:
        if root.resolve().is_relative_to(settings.data_dir.resolve()):
            raise SettingError("a backup inside the data folder would be lost with it; name another folder")
        made = archive.backups.make(root, wishes, teller(as_json=as_json))
    text = (
        f"snapshot {made.snapshot}: {made.blobs} blobs of {made.size_bytes} bytes, "
        f"{made.new_blobs} of {made.new_bytes} bytes new; {made.findings.total()} findings; "
        f"{made.forgotten_snapshots} old snapshots removed, {made.forgotten_blobs} blobs with them"
    )
    _end(made, text, as_json=as_json, is_flawed=made.has_flaws)


def verify_backups(root: Path, pace: Pace, given: Given, *, as_json: bool) -> None:
    with inspecting(*given):
        outcome = verify(root, pace, teller(as_json=as_json))
    count = outcome.findings.total()
    text = f"{len(outcome.snapshots)} snapshots, {outcome.blobs} blobs of {outcome.size_bytes} bytes; {count} findings"
    _end(outcome, text, as_json=as_json, is_flawed=bool(count))


def restore_archive(root: Path, given: Given, *, wanted: str | None, as_json: bool) -> None:
    with inspecting(*given) as settings:
        refuse_network_file_system(settings)
        if has_content(settings.data_dir):
            raise SettingError(f"{settings.data_dir} is not empty; an archive is restored into a new folder")
        if settings.data_dir.resolve().is_relative_to(root.resolve()):
            raise SettingError("an archive inside the folder of its backups would be lost with it; name another folder")
        name = find_snapshot(root, wanted)
        mark = _begin(settings)
        database = database_of(settings)
        try:
            blobs = LocalStore(settings.data_dir / "blobs")
            now = datetime.now(UTC)
            outcome = restore(root, name, database, blobs, now=now, tell=teller(as_json=as_json))
        finally:
            database.close()
        mark.unlink()
        sync_folder(settings.data_dir)
    count = outcome.findings.total()
    text = f"restored {outcome.snapshots[0]}: {outcome.blobs} blobs of {outcome.size_bytes} bytes; {count} findings"
    _end(outcome, text, as_json=as_json, is_flawed=bool(count))


def _begin(settings: Settings) -> Path:
    """Make the data folder, and in it the mark of a restore that has not come to its end."""
    if settings.database:  # one that may be there already
        database = database_of(settings)
        try:
            check_empty(database)
        finally:
            database.close()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(settings.data_dir.parent)
    mark = half_restored(settings)
    mark.touch(mode=0o600)
    sync_folder(settings.data_dir)
    return mark


def _end(summary: object, text: str, *, as_json: bool, is_flawed: bool) -> None:
    tell_end(summary, text, as_json=as_json)
    if is_flawed:
        click.get_current_context().exit(FLAWS_FOUND)
