"""Scripts with nothing but curl, as people write them: Basic, a cookie, a form, or nobody at all."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from server.process import PASSWORD, Server

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")

CURL = "curl"


def _run(script: str, server: Server, folder: Path, *, code: int = 0) -> str:
    """What a script prints; its ``curl`` fails where the server refuses, and the script with it."""
    head = 'set -eu\nalias curl="curl --fail --silent --show-error --noproxy \\*"\nshopt -s expand_aliases\n'
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "URL": server.url, "WHO": f"admin:{PASSWORD}"}
    done = subprocess.run(
        ["bash", "-c", head + script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.client(
    CURL,
    "Basic: a project from nothing to a scan with files, lists in each format, download, delete",
    "PUT /data/{project}",
    "PUT /data/{scan}",
    "PUT /data/{scan}/resources/{resource}/files/{path}",
    "GET /data/{scan}/resources/{resource}/files/{path}",
    "GET /data/{scan}/resources/{resource}/files",
    "DELETE /data/{scan}/resources/{resource}/files/{path}",
    "DELETE /data/{project}",
)
def test_a_script_with_basic_credentials_goes_from_nothing_to_files_and_back(site: Server, tmp_path: Path) -> None:
    (tmp_path / "1.dcm").write_bytes(bytes(range(256)) * 300)

    told = _run(
        """
        SESSION=$URL/data/projects/BASIC/subjects/S1/experiments/MR1
        curl -u "$WHO" -X PUT "$URL/data/projects/BASIC"
        curl -u "$WHO" -X PUT "$URL/data/projects/BASIC/subjects/S1?gender=female" > subject
        curl -u "$WHO" -X PUT "$SESSION?xsiType=xnat:mrSessionData&date=2026-11-21" > session
        curl -u "$WHO" -X PUT "$SESSION/scans/1?xsiType=xnat:mrScanData&type=T1"
        FILES=$SESSION/scans/1/resources/DICOM/files
        curl -u "$WHO" -T 1.dcm "$FILES/1.dcm?inbody=true"
        curl -u "$WHO" -X PUT --data-binary @1.dcm "$FILES/2.dcm?inbody=true"
        curl -u "$WHO" -X PUT -F "file=@1.dcm" "$FILES/3.dcm"
        curl -u "$WHO" -X POST -F "file=@1.dcm" "$FILES/4.dcm?format=DICOM&content=RAW"
        for number in 1 2 3 4; do curl -u "$WHO" -o got "$FILES/$number.dcm"; cmp got 1.dcm; done
        curl -u "$WHO" -r 100-199 "$FILES/1.dcm" | cmp - <(head -c 200 1.dcm | tail -c 100)
        curl -u "$WHO" "$FILES?format=csv" | cut -d, -f1,2
        for format in json xml html; do curl -u "$WHO" "$FILES?format=$format" > "list.$format"; done
        curl -u "$WHO" -X DELETE "$FILES/4.dcm"
        curl -u "$WHO" "$FILES?format=csv" | wc -l
        curl -u "$WHO" -X DELETE "$URL/data/projects/BASIC?removeFiles=true"
        """,
        site,
        tmp_path,
    )

    assert told.split() == ["Name,Size", "1.dcm,76800", "2.dcm,76800", "3.dcm,76800", "4.dcm,76800", "4"]
    assert (tmp_path / "subject").read_text().startswith("XNAT_S")
    assert (tmp_path / "session").read_text().startswith("XNAT_E")


@pytest.mark.client(
    CURL,
    "a cookie: a session for many requests, and its end",
    "GET /data/JSESSION",
    "DELETE /data/JSESSION",
    "PUT /data/services/auth",
)
def test_a_script_with_a_cookie_signs_in_once(site: Server, tmp_path: Path) -> None:
    told = _run(
        """
        SESSION=$(curl -u "$WHO" "$URL/data/JSESSION")
        curl -b "JSESSIONID=$SESSION" -X PUT "$URL/data/projects/COOKIE"
        curl -u "$WHO" -c jar -o /dev/null "$URL/data/JSESSION"
        echo "in a jar" | curl -b jar -T - "$URL/data/projects/COOKIE/resources/R/files/a.txt?inbody=true"
        curl -b jar "$URL/data/projects/COOKIE/resources/R/files/a.txt"
        PASSWORD=${WHO#*:}
        FORM=$(curl -X PUT -d username=admin --data-urlencode "password=$PASSWORD" "$URL/data/services/auth")
        curl -b "JSESSIONID=$FORM" "$URL/data/auth"; echo
        curl -b jar -X DELETE "$URL/data/JSESSION"
        curl -b jar "$URL/data/projects" && echo "still there" || echo "gone: $?"
        """,
        site,
        tmp_path,
    )

    assert told.splitlines() == ["in a jar", "User 'admin' is logged in", "gone: 22"]


@pytest.mark.client(
    CURL,
    "forms and whole folders: fields of a thing in a form, a zip that is unpacked, a zip of everything",
    "POST /data/{project}/subjects",
    "PUT /data/{subject}/resources/{resource}/files",
    "GET /data/{subject}/resources/{resource}/files",
)
def test_a_script_sends_forms_and_takes_zips(site: Server, tmp_path: Path) -> None:
    for path, content in {"tree/a.txt": b"one", "tree/deep/b.txt": b"two"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    shutil.make_archive(str(tmp_path / "tree"), "zip", tmp_path / "tree")

    told = _run(
        """
        curl -u "$WHO" -X PUT "$URL/data/projects/FORMS"
        curl -u "$WHO" -d "label=S1&gender=female" "$URL/data/projects/FORMS/subjects?req_format=form" > made
        FILES=$URL/data/projects/FORMS/subjects/S1/resources/TREE/files
        curl -u "$WHO" -X PUT -F "file=@tree.zip" "$FILES?extract=true"
        curl -u "$WHO" -o got.zip "$FILES?format=zip"
        unzip -qo got.zip -d got
        find got -name a.txt -exec cat {} +; echo
        find got -name b.txt -exec cat {} +; echo
        SUBJECTS=$URL/data/projects/FORMS/subjects
        curl -u "$WHO" "$SUBJECTS?columns=label,gender&format=csv" | tail -n 1 | grep -o "S1,female"
        """,
        site,
        tmp_path,
    )

    assert told.split() == ["one", "two", "S1,female"]
    assert "/data/projects/FORMS/subjects/" in (tmp_path / "made").read_text()


@pytest.mark.client(
    CURL, "a guest at an open site", "GET /data/projects", "GET /data/{project}/resources/{resource}/files/{path}"
)
def test_a_script_of_a_guest_reads_what_is_public(open_site: Server, tmp_path: Path) -> None:
    told = _run(
        """
        for value in public private; do
            curl -u "$WHO" -X PUT "$URL/data/projects/FOR_$value?accessibility=$value"
            FILE=$URL/data/projects/FOR_$value/resources/R/files/a.txt
            echo "$value bytes" | curl -u "$WHO" -T - "$FILE?inbody=true"
        done
        curl "$URL/data/projects?format=csv&columns=ID" | grep -o "FOR_[a-z]*" | sort -u
        curl "$URL/data/projects/FOR_public/resources/R/files/a.txt"
        curl -o got "$URL/data/projects/FOR_private/resources/R/files/a.txt" 2> told || echo "private: $?"
        curl -X PUT "$URL/data/projects/OF_NOBODY" 2>> told || echo "write: $?"
        """,
        open_site,
        tmp_path,
    )

    assert told.splitlines() == ["FOR_public", "public bytes", "private: 22", "write: 22"]
    assert "private bytes" not in "".join(path.read_text() for path in tmp_path.glob("got"))


@pytest.mark.client(CURL, "mistakes end a script: `curl --fail` says 22", "GET /data/{project}", "PUT /data/{project}")
def test_mistakes_end_a_script(site: Server, tmp_path: Path) -> None:
    told = _run(
        """
        for ask in "-u nobody:wrong $URL/data/projects" "-u admin:x $URL/data/JSESSION" "$URL/data/projects/NOWHERE"; do
            curl -o /dev/null $ask 2> told || cat told
        done
        curl -u "$WHO" "$URL/data/projects/NOWHERE" 2> told || cat told
        curl -u "$WHO" -X PUT "$URL/data/projects/not.an.id" 2> told || cat told
        """,
        site,
        tmp_path,
    )

    assert [line.rsplit(" ", 1)[1] for line in told.splitlines()] == ["401", "401", "401", "404", "417"]
