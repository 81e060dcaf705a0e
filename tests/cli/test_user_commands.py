"""Commands for accounts, through the door only."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from cli.commands import run

pytestmark = pytest.mark.usefixtures("own_folder")


def test_accounts_are_added_and_listed(data: Path) -> None:
    added = run("user", "add", "carol", "--password", "long enough", "--admin", "--data", str(data))
    listed = run("user", "list", "--data", str(data))

    assert (added.exit_code, added.output) == (0, "added carol\n")
    assert [line.split("\t")[0] for line in listed.output.splitlines()] == ["admin", "alice", "bob", "carol"]
    assert listed.output.splitlines()[-1].endswith("admin")


def test_a_password_is_asked_for_twice(data: Path) -> None:
    result = run("user", "add", "carol", "--data", str(data), typed="long enough\nlong enough\n")

    assert result.exit_code == 0
    assert "long enough" not in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "alice", "--password", "long enough"), "user name 'alice' is taken"),
        (("add", "a b", "--password", "long enough"), "use 1 to 64 letters"),
        (("add", "guest", "--password", "long enough"), "guest"),
        (("add", "carol", "--password", "short"), "it must be 8 to 1024 characters long"),
        (("password", "nobody", "--password", "long enough"), "Unable to find user 'nobody'"),
        (("disable", "nobody"), "Unable to find user 'nobody'"),
        (("show", "nobody"), "Unable to find user 'nobody'"),
        (("admin", "nobody"), "Unable to find user 'nobody'"),
        (("add", "carol", "--password", "long enough", "--email", "carol"), "e-mail address 'carol'"),
    ],
)
def test_what_cannot_be_is_one_line(data: Path, arguments: tuple[str, ...], told: str) -> None:
    result = run("user", *arguments, "--data", str(data))

    assert result.exit_code == 1
    assert told in result.output
    assert len(result.output.splitlines()) == 1
    assert "short" not in result.output.replace("shorter", "")


def test_an_account_is_disabled_and_let_in_again(data: Path) -> None:
    disabled = run("user", "disable", "bob", "--data", str(data))
    listed = run("user", "list", "--data", str(data)).output
    enabled = run("user", "enable", "bob", "--data", str(data))

    assert (disabled.output, enabled.output) == ("disabled bob\n", "enabled bob\n")
    assert [line for line in listed.splitlines() if "disabled" in line] == ["bob\t2026-01-01\tdisabled"]


def test_a_locked_account_is_shown_and_unlocked(data: Path) -> None:
    with closing(sqlite3.connect(data / "filmroom.db")) as connection:
        now = round(time.time() * 1_000_000)
        connection.execute("INSERT INTO login_failure VALUES ('bob', '127.0.0.1', 20, ?)", [now])
        connection.commit()

    before = run("user", "list", "--data", str(data)).output
    unlocked = run("user", "unlock", "bob", "--data", str(data))
    after = run("user", "list", "--data", str(data)).output

    assert "locked" in before
    assert unlocked.output == "unlocked bob\n"
    assert "locked" not in after


def test_a_password_is_changed(data: Path) -> None:
    result = run("user", "password", "bob", "--password", "another one", "--data", str(data))

    assert result.output == "changed the password of bob\n"


def test_an_account_is_verified_later(data: Path) -> None:
    added = run("user", "add", "carol", "--password", "long enough", "--unverified", "--data", str(data))
    before = run("user", "list", "--data", str(data)).output

    verified = run("user", "verify", "carol", "--data", str(data))
    after = run("user", "list", "--data", str(data)).output
    unverified = run("user", "unverify", "carol", "--data", str(data))

    assert (added.output, verified.output, unverified.output) == (
        "added carol\n",
        "verified carol\n",
        "unverified carol\n",
    )
    assert ("unverified" in before, "unverified" in after) == (True, False)


def test_an_account_is_shown(data: Path) -> None:
    said = ("--email", "c@example.org", "--first-name", "Carol", "--last-name", "Danvers")
    run("user", "add", "carol", "--password", "long enough", *said, "--data", str(data))

    shown = run("user", "show", "carol", "--data", str(data))

    lines = dict(line.split(maxsplit=1) for line in shown.output.replace("last sign-in", "last").splitlines()[2:4])
    assert shown.exit_code == 0
    assert lines == {"name": "Carol Danvers", "e-mail": "c@example.org"}
    assert "never" in shown.output
    assert "argon2" not in shown.output


def test_administrators_come_and_go(data: Path) -> None:
    made = run("user", "admin", "bob", "--data", str(data))
    dismissed = run("user", "admin", "admin", "--off", "--data", str(data))

    listed = run("user", "list", "--data", str(data)).output

    assert (made.output, dismissed.output) == ("bob is an administrator now\n", "admin is an administrator no more\n")
    assert [line.split("\t")[0] for line in listed.splitlines() if line.endswith("\tadmin")] == ["bob"]


@pytest.mark.parametrize("command", [("disable",), ("unverify",), ("admin", "--off")], ids=str)
def test_the_last_administrator_stays(data: Path, command: tuple[str, ...]) -> None:
    result = run("user", *command, "admin", "--data", str(data))

    assert result.exit_code == 1
    assert result.output == "Error: 'admin' is the last administrator who can sign in; make another one first\n"


@pytest.mark.parametrize(("role", "shown"), [("access", "ALL_DATA_ACCESS"), ("admin", "ALL_DATA_ADMIN"), ("none", "")])
def test_a_role_for_all_data_is_given(data: Path, role: str, shown: str) -> None:
    run("user", "role", "bob", "access", "--data", str(data))

    result = run("user", "role", "bob", role, "--data", str(data))
    listed = run("user", "list", "--data", str(data)).output

    assert result.output == f"bob has the role {role} for all data\n"
    assert listed.splitlines()[-1] == f"bob\t2026-01-01\t{shown}".rstrip()


def test_a_role_that_there_is_not_is_told(data: Path) -> None:
    result = run("user", "role", "bob", "king", "--data", str(data))

    assert result.exit_code == 2
    assert "'none', 'access', 'admin'" in result.output
