"""Every option of the server, read once at start: defaults < ``filmroom.toml`` < ``FILMROOM_*`` < command line.

A value that cannot be is told with its name, its origin and what it may be; so is a name that is no option.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from filmroom.model.nodes import Accessibility
from filmroom.rest.proxies import read_networks

DEFAULT_CONFIG: Final = Path("filmroom.toml")
_SQLITE: Final = "sqlite:///"
_PREFIX: Final = "FILMROOM_"
# Read by hand: neither is an option of the running server.
_NOT_OPTIONS: Final = frozenset({"FILMROOM_CONFIG", "FILMROOM_ADMIN_PASSWORD"})


class SettingError(Exception):
    """A setting that cannot be; its text is for the person who made it."""


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not str(value).strip().lstrip("-").isdigit() or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return read


def _flag(value: Any) -> bool:
    words = {"true": True, "false": False}
    if str(value).lower() not in words:
        raise ValueError("true or false")
    return words[str(value).lower()]


def _word(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return str(value)

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text")  # noqa: TRY004 - one kind of error for one kind of mistake
    return value


def _folders(value: Any) -> str:
    text = _text(value)
    if not all(Path(folder).is_absolute() for folder in text.split(":") if text):
        raise ValueError("empty, or absolute folders with : between them")
    return text


def _root_path(value: Any) -> str:
    text = _text(value).rstrip("/")
    if text and not text.startswith("/"):
        raise ValueError("empty, or a path that begins with a slash, such as /xnat")
    return text


def _networks(value: Any) -> str:
    text = _text(value)
    try:
        read_networks(text)
    except ValueError as error:
        rule = "empty, or addresses and networks with commas between them, such as 127.0.0.1, 10.0.0.0/8"
        raise ValueError(rule) from error
    return text


def _location(value: Any) -> str:
    text = _text(value).rstrip("/")
    if not re.fullmatch(r"(?:/[A-Za-z0-9._-]+)*", text):
        raise ValueError("empty, or a location of letters, digits, dots and dashes, such as /filmroom-blobs")
    return text


def _database(value: Any) -> str:
    text = _text(value)
    if text and not text.startswith((_SQLITE, "postgresql://", "postgresql+psycopg://")):
        raise ValueError("empty, or a URL that begins with sqlite:/// or postgresql://")
    if text in {_SQLITE, f"{_SQLITE}:memory:"}:
        raise ValueError("a file, because several connections share it: sqlite:////folder/filmroom.db")
    return text


def _option(default: object, doc: str, read: Callable[[Any], Any], *, is_secret: bool = False) -> Any:
    return field(default=default, metadata={"doc": doc, "read": read, "is_secret": is_secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    data: str = _option("filmroom-data", "The folder that holds everything; made at the first start, mode 0700.", _text)
    host: str = _option("127.0.0.1", "The address to listen on; 0.0.0.0 means every one.", _text)
    port: int = _option(8080, "The port to listen on; 0 takes a free one.", _whole(0, 65535))
    workers: int = _option(
        0,
        "Server processes that share the port and the database; 0 begins with one and adds others while it has too "
        "much to do, up to one for each processor and at most four.",
        _whole(0, 64),
    )
    threads: int = _option(16, "Threads of each process for changes; half as many more do the reading.", _whole(2, 256))
    database: str = _option(
        "",
        "URL of the database; empty for filmroom.db in the data folder.",
        _database,
        is_secret=True,
    )
    site_id: str = _option("XNAT", "The name of the site: the realm of HTTP Basic and the beginning of new IDs.", _text)
    root_path: str = _option("", "The context path when the site is not at the root of its host.", _root_path)
    default_accessibility: str = _option(
        "protected", "Who may see a new project: private, protected or public.", _word(*Accessibility)
    )
    users_create_projects: bool = _option(
        default=True, doc="Whether people who are no administrators may make projects.", read=_flag
    )
    strict_uploads: bool = _option(
        default=False,
        doc="Whether an upload that is not allowed (403) or meets a file of its name (409) is an error.",
        read=_flag,
    )
    require_login: bool = _option(
        default=True,
        doc="Whether only those who sign in see anything; false lets guests see what is public.",
        read=_flag,
    )
    csrf_token: bool = _option(
        default=True,
        doc="Whether changes that a browser asks for need the token of its session.",
        read=_flag,
    )
    alias_token_hours: int = _option(48, "Hours for which an alias token can be used.", _whole(1, 87_600))
    sessions_per_user: int = _option(
        1000, "Sessions that one account may have at once; the least recently used end first.", _whole(1, 1_000_000)
    )
    trusted_proxies: str = _option(
        "",
        "Addresses and networks, with commas between them, of proxies whose X-Forwarded-For, X-Forwarded-Proto and "
        "X-Forwarded-Host are believed.",
        _networks,
    )
    accel_location: str = _option(
        "",
        "The internal location at which a proxy of trusted_proxies has the blobs, and sends whole files itself "
        "(X-Accel-Redirect of nginx); empty where filmroom sends them.",
        _location,
    )
    session_idle_minutes: int = _option(15, "Minutes after which an unused session ends.", _whole(1, 525_600))
    upload_expires_hours: int = _option(
        72, "Hours for which a resumable upload may rest before what came of it is removed.", _whole(1, 87_600)
    )
    undo_days: int = _option(7, "Days for which what was deleted or overwritten can be brought back.", _whole(0, 3650))
    upkeep_minutes: int = _option(
        60, "Minutes between two runs of what `filmroom upkeep` does; 0 leaves it to that command.", _whole(0, 525_600)
    )
    max_archive_members: int = _option(
        100_000, "Files that one archive may hold that is to be extracted.", _whole(1, 100_000_000)
    )
    max_archive_bytes: int = _option(
        1024**4, "Bytes that all files of such an archive may hold together.", _whole(1, 2**62)
    )
    max_archive_ratio: int = _option(
        250, "How many times as large as the archive itself they may be, beyond the first GiB.", _whole(1, 10**9)
    )
    max_connections: int = _option(
        1500, "Connections to one server process at once; more are told to come back (503).", _whole(1, 100_000)
    )
    max_head_bytes: int = _option(65_536, "Bytes that the head of a request may have (431).", _whole(4096, 2**24))
    max_body_bytes: int = _option(1024**4, "Bytes that the body of a request may have (413).", _whole(1, 2**62))
    progress_seconds: int = _option(
        60, "Seconds for which a client may send nothing of a body, or take nothing of an answer.", _whole(1, 86_400)
    )
    uploads_per_user: int = _option(
        64, "Bodies that one account may be sending to one server process at once (429).", _whole(1, 100_000)
    )
    min_free_bytes: int = _option(
        1024**3,
        "Bytes that stay free on every disk of the archive; uploads that need them are refused (507).",
        _whole(0, 2**62),
    )
    max_failed_logins: int = _option(
        20, "Failures to sign in to one account from one address after which it is locked there.", _whole(1, 10**6)
    )
    lockout_minutes: int = _option(60, "Minutes for which it is locked.", _whole(1, 525_600))
    reference_roots: str = _option(
        "",
        "Folders of the server, with : between them, from which whoever may upload may copy by reference=.",
        _folders,
    )
    data_types: str = _option("", "A file that adds data types of this site's own; empty for none.", _text)
    restrict_user_list: bool = _option(
        default=False, doc="Whether only administrators are told who has an account here.", read=_flag
    )
    log_level: str = _option(
        "info", "How much is logged: debug, info, warning or error.", _word("debug", "info", "warning", "error")
    )

    @property
    def data_dir(self) -> Path:
        return Path(self.data).absolute()

    @property
    def sqlite_path(self) -> Path | None:
        """Where an SQLite database is; None for PostgreSQL."""
        if not self.database:
            return self.data_dir / "filmroom.db"
        return Path(self.database.removeprefix(_SQLITE)) if self.database.startswith(_SQLITE) else None

    @property
    def reference_root_paths(self) -> tuple[Path, ...]:
        return tuple(Path(folder) for folder in self.reference_roots.split(":") if folder)

    @property
    def session_idle_limit(self) -> timedelta:
        return timedelta(minutes=self.session_idle_minutes)

    @property
    def alias_token_lifetime(self) -> timedelta:
        return timedelta(hours=self.alias_token_hours)

    @property
    def upload_lifetime(self) -> timedelta:
        return timedelta(hours=self.upload_expires_hours)

    @property
    def lockout_period(self) -> timedelta:
        return timedelta(minutes=self.lockout_minutes)

    @property
    def undo_period(self) -> timedelta:
        return timedelta(days=self.undo_days)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and for each where it came from."""

    settings: Settings
    origins: Mapping[str, str]


def load(flags: Mapping[str, Any], *, config: Path | None = None) -> Loaded:
    """Read every source. ``flags`` with the value None were not given. Raises SettingError."""
    values: dict[str, Any] = {}
    origins = {option.name: "default" for option in fields(Settings)}
    named = config or (Path(os.environ["FILMROOM_CONFIG"]) if "FILMROOM_CONFIG" in os.environ else None)
    from_flags = [(f"--{name}", {name: value}) for name, value in flags.items() if value is not None]
    for origin, source in (*_file(named), *_environment(), *from_flags):
        for name, value in source.items():
            values[name] = _read(name, value, origin)
            origins[name] = origin
    return Loaded(Settings(**values), origins)


def read_data_types(settings: Settings) -> str | None:
    """The text of the file of a site's own data types; None where there is none. Raises SettingError."""
    if not settings.data_types:
        return None
    try:
        return Path(settings.data_types).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{settings.data_types}: {error}") from error


def admin_password() -> str | None:
    """The password for the first administrator; it counts at the first start only."""
    return os.environ.get("FILMROOM_ADMIN_PASSWORD")


def _file(named: Path | None) -> list[tuple[str, dict[str, Any]]]:
    path = named or DEFAULT_CONFIG
    if named is None and not path.exists():
        return []
    try:
        return [(str(path), tomllib.loads(path.read_text(encoding="utf-8")))]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"{path}: {error}") from error


def _environment() -> list[tuple[str, dict[str, Any]]]:
    names = sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in _NOT_OPTIONS)
    return [(name, {name.removeprefix(_PREFIX).lower(): os.environ[name]}) for name in names]


def _read(name: str, value: Any, origin: str) -> Any:
    option = next((option for option in fields(Settings) if option.name == name), None)
    if option is None:
        known = ", ".join(option.name for option in fields(Settings))
        raise SettingError(f"{origin}: there is no setting {name!r}; there are {known}")
    try:
        return option.metadata["read"](value)
    except ValueError as error:
        raise SettingError(f"{origin}: {name} cannot be {value!r}: it must be {error}") from error
