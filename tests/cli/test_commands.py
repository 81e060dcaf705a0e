"""Commands for operators, through the door only."""

import gc
import sqlite3
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

from cli.commands import run
from filmroom import __version__
from filmroom.cli.filesystem import refuse_network_file_system
from filmroom.cli.main import main
from filmroom.composition import open_archive
from filmroom.settings import SettingError, Settings, load

pytestmark = pytest.mark.usefixtures("own_folder")


def test_the_version_is_told() -> None:
    assert run("--version").output == f"filmroom, version {__version__}\n"


def test_the_module_is_the_command() -> None:
    assert sys.modules["filmroom.cli.main"].main is main


def test_a_mistyped_folder_is_not_made_into_an_archive(tmp_path: Path) -> None:
    result = run("user", "list", "--data", str(tmp_path / "none"))

    assert result.exit_code == 1
    assert "there is no archive in" in result.output
    assert not (tmp_path / "none").exists()


def test_a_server_that_cannot_start_leaves_python_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = run("serve", "--data", str(tmp_path / "file"), "--port", "0")

    assert result.exit_code == 1
    assert gc.isenabled()


def test_a_check_shows_every_setting_with_its_origin_and_no_secret(data: Path, tmp_path: Path) -> None:
    (tmp_path / "filmroom.toml").write_text('port = 1234\nsite_id = "lab"\n')
    environment = {"FILMROOM_PORT": "2345", "FILMROOM_DATABASE": f"sqlite:///{data}/filmroom.db"}

    result = run("check", "--data", str(data), "--workers", "3", environment=environment)

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
    result = run("check", "--data", str(tmp_path / "none"))

    assert result.exit_code == 0
    assert "the first start makes it" in result.output
    assert not (tmp_path / "none").exists()


def test_a_check_tells_of_a_database_that_does_not_answer(tmp_path: Path) -> None:
    environment = {"FILMROOM_DATABASE": "postgresql://nobody@127.0.0.1:1/none"}

    result = run("check", "--data", str(tmp_path / "none"), environment=environment)

    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith("Error: the database does not answer")
    assert "onnection refused" in result.output


def test_a_database_of_a_newer_program_is_one_line(data: Path) -> None:
    with closing(sqlite3.connect(data / "filmroom.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    result = run("user", "list", "--data", str(data))

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
        ("restrict_user_list = 1", "restrict_user_list cannot be 1: it must be true or false"),
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
    (tmp_path / "site.toml").write_text("port = 1\nthreads = 4\nworkers = 2\nundo_days = 0\nupload_expires_hours = 5\n")
    monkeypatch.setenv("FILMROOM_CONFIG", str(tmp_path / "site.toml"))
    monkeypatch.setenv("FILMROOM_THREADS", "5")
    monkeypatch.setenv("FILMROOM_WORKERS", "3")

    monkeypatch.setenv("FILMROOM_RESTRICT_USER_LIST", "True")

    settings = load({"workers": "4", "host": None}).settings

    assert (settings.port, settings.threads, settings.workers, settings.host) == (1, 5, 4, "127.0.0.1")
    assert settings.undo_period.total_seconds() == 0
    assert settings.upload_lifetime.total_seconds() == 5 * 3600
    assert settings.restrict_user_list is True


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
    cleared = run("upkeep", "cache", "--older-than", "30d", "--data", str(data))

    assert (cleared.exit_code, cleared.output) == (0, "removed 0 files of 0 bytes in all\n")


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1y", "1.5d", "999999d"])
def test_a_length_of_time_that_cannot_be_is_told(data: Path, text: str) -> None:
    refused = run("upkeep", "cache", f"--older-than={text}", "--data", str(data))

    assert refused.exit_code == 2
    assert "such as 30d" in refused.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"xnat:a" = { fields = { b = "text" } }', "types.toml: xnat:a: field 'b': there is no type text"),
        ("x = [", "types.toml: Invalid value"),
    ],
)
def test_a_mistake_in_the_data_types_is_told_at_start(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "types.toml").write_text(text)
    settings = Settings(data=str(tmp_path / "data"), data_types=str(tmp_path / "types.toml"))

    with pytest.raises(SettingError) as caught:
        open_archive(settings)

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_data_types_that_are_not_there_are_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="/nonexistent/types: "):
        open_archive(Settings(data=str(tmp_path / "data"), data_types="/nonexistent/types"))
