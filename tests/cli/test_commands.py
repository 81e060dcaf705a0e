"""Commands for operators, through the door only."""

import shutil
import sqlite3
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from filmroom import __version__
from filmroom.cli.filesystem import refuse_network_file_system
from filmroom.cli.main import main
from filmroom.settings import SettingError, Settings, load


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings file and no settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("FILMROOM_DATA", "FILMROOM_ADMIN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    yield  # noqa: PT022 - the folder is left after the test


@pytest.fixture
def data(tmp_path: Path, sqlite_template: Path) -> Path:
    """The data folder of an archive with people in it."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(sqlite_template, folder / "filmroom.db")
    return folder


def _run(*arguments: str, environment: dict[str, str] | None = None, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, arguments, env=environment, input=typed)


def test_the_version_is_told() -> None:
    assert _run("--version").output == f"filmroom, version {__version__}\n"


def test_the_module_is_the_command() -> None:
    assert sys.modules["filmroom.cli.main"].main is main


def test_accounts_are_added_and_listed(data: Path) -> None:
    added = _run("user", "add", "carol", "--password", "long enough", "--admin", "--data", str(data))
    listed = _run("user", "list", "--data", str(data))

    assert (added.exit_code, added.output) == (0, "added carol\n")
    assert [line.split("\t")[0] for line in listed.output.splitlines()] == ["admin", "alice", "bob", "carol"]
    assert listed.output.splitlines()[-1].endswith("admin")


def test_a_password_is_asked_for_twice(data: Path) -> None:
    result = _run("user", "add", "carol", "--data", str(data), typed="long enough\nlong enough\n")

    assert result.exit_code == 0
    assert "long enough" not in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "alice", "--password", "long enough"), "user name 'alice': it is taken"),
        (("add", "a b", "--password", "long enough"), "use 1 to 64 letters"),
        (("add", "guest", "--password", "long enough"), "guest"),
        (("add", "carol", "--password", "short"), "it must be 8 to 1024 characters long"),
        (("password", "nobody", "--password", "long enough"), "Unable to find user 'nobody'"),
        (("disable", "nobody"), "Unable to find user 'nobody'"),
    ],
)
def test_what_cannot_be_is_one_line(data: Path, arguments: tuple[str, ...], told: str) -> None:
    result = _run("user", *arguments, "--data", str(data))

    assert result.exit_code == 1
    assert told in result.output
    assert len(result.output.splitlines()) == 1
    assert "short" not in result.output.replace("shorter", "")


def test_an_account_is_disabled_and_let_in_again(data: Path) -> None:
    disabled = _run("user", "disable", "bob", "--data", str(data))
    listed = _run("user", "list", "--data", str(data)).output
    enabled = _run("user", "disable", "bob", "--undo", "--data", str(data))

    assert (disabled.output, enabled.output) == ("disabled bob\n", "enabled bob\n")
    assert [line for line in listed.splitlines() if "disabled" in line] == ["bob\t2026-01-01\tdisabled"]


def test_a_locked_account_is_shown_and_unlocked(data: Path) -> None:
    with closing(sqlite3.connect(data / "filmroom.db")) as connection:
        now = round(time.time() * 1_000_000)
        connection.execute("INSERT INTO login_failure VALUES ('bob', '127.0.0.1', 20, ?)", [now])
        connection.commit()

    before = _run("user", "list", "--data", str(data)).output
    unlocked = _run("user", "unlock", "bob", "--data", str(data))
    after = _run("user", "list", "--data", str(data)).output

    assert "locked" in before
    assert unlocked.output == "unlocked bob\n"
    assert "locked" not in after


def test_a_password_is_changed(data: Path) -> None:
    result = _run("user", "password", "bob", "--password", "another one", "--data", str(data))

    assert result.output == "changed the password of bob\n"


def test_a_mistyped_folder_is_not_made_into_an_archive(tmp_path: Path) -> None:
    result = _run("user", "list", "--data", str(tmp_path / "none"))

    assert result.exit_code == 1
    assert "there is no archive in" in result.output
    assert not (tmp_path / "none").exists()


def test_a_check_shows_every_setting_with_its_origin_and_no_secret(data: Path, tmp_path: Path) -> None:
    (tmp_path / "filmroom.toml").write_text('port = 1234\nsite_id = "lab"\n')
    environment = {"FILMROOM_PORT": "2345", "FILMROOM_DATABASE": f"sqlite:///{data}/filmroom.db"}

    result = _run("check", "--data", str(data), "--workers", "3", environment=environment)

    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert result.exit_code == 0
    assert lines["port"].split()[1:] == ["2345", "FILMROOM_PORT"]
    assert lines["site_id"].split()[1:] == ["'lab'", "filmroom.toml"]
    assert lines["workers"].split()[1:] == ["3", "--workers"]
    assert lines["threads"].split()[1:] == ["16", "default"]
    assert lines["database"].split()[1:] == ["(hidden)", "FILMROOM_DATABASE"]
    assert "database: works, current" in result.output
    assert "blobs: written, read and deleted" in result.output


def test_a_check_of_nothing_makes_nothing(tmp_path: Path) -> None:
    result = _run("check", "--data", str(tmp_path / "none"))

    assert result.exit_code == 0
    assert "the first start makes it" in result.output
    assert not (tmp_path / "none").exists()


def test_a_check_tells_of_a_database_that_does_not_answer(tmp_path: Path) -> None:
    environment = {"FILMROOM_DATABASE": "postgresql://nobody@127.0.0.1:1/none"}

    result = _run("check", "--data", str(tmp_path / "none"), environment=environment)

    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: the database does not answer")
    assert "onnection refused" in result.output


def test_a_database_of_a_newer_program_is_one_line(data: Path) -> None:
    with closing(sqlite3.connect(data / "filmroom.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    result = _run("user", "list", "--data", str(data))

    assert result.exit_code == 1
    assert "written by a newer filmroom (schema 9999)" in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = true", "port cannot be True: it must be a whole number from 0 to 65535"),
        ("port = 1.5", "port cannot be 1.5"),
        ("data = 3", "data cannot be 3: it must be text"),
        ("colour = 'red'", "there is no setting 'colour'"),
        ("default_accessibility = 'secret'", "one of private, protected, public"),
        ("root_path = 'xnat'", "a path that begins with a slash"),
        ("port", "filmroom.toml: "),
    ],
)
def test_a_wrong_line_of_the_file_names_the_file(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "filmroom.toml").write_text(text)

    with pytest.raises(SettingError, match=r"filmroom\.toml") as caught:
        load({})

    assert told in str(caught.value)


def test_every_source_is_stronger_than_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site.toml").write_text("port = 1\nthreads = 4\nworkers = 2\nundo_days = 0\n")
    monkeypatch.setenv("FILMROOM_CONFIG", str(tmp_path / "site.toml"))
    monkeypatch.setenv("FILMROOM_THREADS", "5")
    monkeypatch.setenv("FILMROOM_WORKERS", "3")

    settings = load({"workers": "4", "host": None}).settings

    assert (settings.port, settings.threads, settings.workers, settings.host) == (1, 5, 4, "127.0.0.1")
    assert settings.undo_period.total_seconds() == 0


@pytest.mark.parametrize(("text", "is_required"), [("true", True), ("False", False)])
def test_a_switch_is_a_word_in_the_environment_too(
    monkeypatch: pytest.MonkeyPatch, text: str, *, is_required: bool
) -> None:
    monkeypatch.setenv("FILMROOM_REQUIRE_LOGIN", text)

    assert load({}).settings.require_login is is_required


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("FILMROOM_CSRF_TOKEN", "no", "true or false"),
        ("FILMROOM_REQUIRE_LOGIN", "0", "true or false"),
        ("FILMROOM_TRUSTED_PROXIES", "10.0.0.1/8", "addresses and networks"),
        ("FILMROOM_TRUSTED_PROXIES", "proxy.example", "addresses and networks"),
        ("FILMROOM_ALIAS_TOKEN_HOURS", "0", "a whole number"),
        ("FILMROOM_SESSIONS_PER_USER", "0", "a whole number"),
    ],
)
def test_a_setting_for_people_that_cannot_be_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingError, match=rf"{name}: .*{told}"):
        load({})


@pytest.mark.parametrize(("kind", "is_refused"), [("ext4", False), ("nfs4", True), ("fuse.sshfs", True)])
@pytest.mark.parametrize("folder", ["", "not/there/yet"])
def test_sqlite_is_refused_on_a_network_file_system(
    tmp_path: Path, kind: str, folder: str, *, is_refused: bool
) -> None:
    mounted = tmp_path / "a b"
    mounted.mkdir()
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\nserver:/x {str(mounted).replace(' ', chr(92) + '040')} {kind} rw 0 0\n"
    )

    assert _is_refused(Settings(data=str(mounted / folder)), mounts) == is_refused
    assert not _is_refused(Settings(data=str(mounted / folder), database="postgresql://x/y"), mounts)
    assert not _is_refused(Settings(data=str(tmp_path)), mounts)


def _is_refused(settings: Settings, mounts: Path) -> bool:
    try:
        refuse_network_file_system(settings, mounts)
    except SettingError as error:
        return "PostgreSQL" in str(error)
    return False


def test_every_setting_is_read_from_the_packages_own_words() -> None:
    """A setting without a sentence would be one that nobody can use."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())

    options = Settings.__dataclass_fields__.values()

    assert project["project"]["name"] == "filmroom"
    assert all(str(option.metadata["doc"]).endswith(".") for option in options)


def test_old_files_of_caches_are_cleared(data: Path) -> None:
    cleared = _run("upkeep", "cache", "--older-than", "30d", "--data", str(data))

    assert (cleared.exit_code, cleared.output) == (0, "removed 0 files of 0 bytes in all\n")


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1y", "1.5d", "999999d"])
def test_a_length_of_time_that_cannot_be_is_told(data: Path, text: str) -> None:
    refused = _run("upkeep", "cache", f"--older-than={text}", "--data", str(data))

    assert refused.exit_code == 2
    assert "such as 30d" in refused.output
