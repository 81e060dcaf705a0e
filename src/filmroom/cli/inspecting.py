"""What commands share that look for flaws: an archive opened as it is, one line for each flaw, three exit codes."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import click
import orjson

from filmroom.cli.log import configure_log
from filmroom.cli.options import in_one_line, load_settings, printable
from filmroom.composition import compose, database_of, refuse_half_restored
from filmroom.db.migrate import REVISIONS, read_revision
from filmroom.model.errors import ArchiveError
from filmroom.model.holdings import Finding
from filmroom.service.archive import Archive
from filmroom.settings import SettingError, Settings

FLAWS_FOUND: Final = 1
COULD_NOT_RUN: Final = 2


class CouldNotRun(click.ClickException):
    exit_code = COULD_NOT_RUN


@contextmanager
def inspecting(config: Path | None, flags: dict[str, Any]) -> Iterator[Settings]:
    """The settings; log to standard error meanwhile, and end with an exit code of its own what could not be done."""
    try:
        settings = load_settings(config, flags).settings
        configure_log(settings.log_level)
        yield settings
    except (ArchiveError, SettingError, OSError) as error:
        raise CouldNotRun(in_one_line(error)) from error
    except Exception as error:
        traceback.print_exc()  # a fault of ours; Python's own exit code would pass for "there are findings"
        raise CouldNotRun(f"unforeseen: {error!r}") from error


@contextmanager
def opened_as_it_is(settings: Settings) -> Iterator[Archive]:
    """The archive, of which nothing is made or migrated. Raises SettingError where that would be needed."""
    refuse_half_restored(settings)
    blobs = settings.data_dir / "blobs"
    if not blobs.is_dir() or (settings.sqlite_path is not None and not settings.sqlite_path.exists()):
        raise SettingError(f"there is no archive in {settings.data_dir}, or not all of it; name its folder with --data")
    archive = _compose_as_it_is(settings)
    try:
        yield archive
    finally:
        archive.close()


def _compose_as_it_is(settings: Settings) -> Archive:
    database = database_of(settings)
    with ExitStack() as unless_done:
        unless_done.callback(database.close)
        revision = read_revision(database)
        if revision != REVISIONS[-1]:
            raise SettingError(f"the database has schema {revision}, not {REVISIONS[-1]}: start the server once")
        archive = compose(settings, database)
        unless_done.pop_all()
    return archive


def teller(*, as_json: bool) -> Callable[[Finding], None]:
    """What prints findings as they come."""

    def tell(finding: Finding) -> None:
        click.echo(_to_json(finding) if as_json else _to_text(finding))
        sys.stdout.flush()

    return tell


def tell_end(summary: Any, text: str, *, as_json: bool) -> None:
    click.echo(_to_json({"summary": summary}) if as_json else text)


def _to_json(told: Any) -> str:
    return orjson.dumps(told).decode()


def _to_text(finding: Finding) -> str:
    columns = (finding.flaw, finding.address or "-", finding.key or "-", finding.told)
    return "\t".join(map(printable, columns))
