"""What a client says of its body beforehand is verified before anything of it can be seen."""

import hashlib
import io
import tarfile
import zipfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from starlette.testclient import TestClient

BODY: Final = b"hello"


def _base64(algorithm: str, content: bytes = BODY) -> str:
    return b64encode(hashlib.new(algorithm, content).digest()).decode()


def _hex(algorithm: str, content: bytes = BODY) -> str:
    return hashlib.new(algorithm, content).hexdigest()


RIGHT: Final = {
    "MD5 in base64": ("Content-MD5", _base64("md5")),
    "MD5 in hexadecimal": ("Content-MD5", _hex("md5").upper()),
    "Digest of one algorithm": ("Digest", f"SHA-256={_base64('sha256')}"),
    "Digest of several, one unknown": ("Digest", f"unixsum=30637, md5={_base64('md5')},sha={_base64('sha1')}"),
    "Repr-Digest": ("Repr-Digest", f"sha-256=:{_base64('sha256')}:"),
    "Repr-Digest of several": ("Repr-Digest", f"sha-512=:{_base64('sha512')}:;q=1, other=:YQ==:, flag, n=1"),
    "Content-Digest without padding": ("Content-Digest", f"md5=:{_base64('md5').rstrip('=')}:"),
    "Content-Digest in hexadecimal": ("Content-Digest", f"sha-512=:{_hex('sha512')}:"),
}


def _paths(client: TestClient, url: str) -> list[str]:
    rows = client.get(url, params={"format": "json"}).json()["ResultSet"]["Result"]
    return [row["URI"].split("/files/", 1)[1] for row in rows]


def _blobs(folder: Path) -> list[Path]:
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]


@pytest.mark.parametrize(("header", "value"), RIGHT.values(), ids=RIGHT)
def test_a_body_is_stored_only_if_it_is_what_was_said_of_it(
    alice: TestClient, demo: str, tmp_path: Path, header: str, value: str
) -> None:
    url = f"{demo}/resources/R/files"

    wrong = alice.put(f"{url}/wrong?inbody=true", content=b"hellx", headers={header: value})
    left = _blobs(tmp_path)
    right = alice.put(f"{url}/right?inbody=true", content=BODY, headers={header: value})

    assert (wrong.status_code, right.status_code) == (422, 200)
    assert (_paths(alice, url), left) == (["right"], [])
    assert "Filmroom-Ignored" not in right.headers


def test_a_mismatch_names_what_was_declared_and_what_arrived(alice: TestClient, demo: str) -> None:
    url = f"{demo}/resources/R/files/a?inbody=true"

    reply = alice.put(url, content=b"hellx", headers={"Content-MD5": _base64("md5")})

    assert reply.status_code == 422
    assert _hex("md5") in reply.text
    assert _hex("md5", b"hellx") in reply.text


UNREADABLE: Final = {
    "no base64": ("Content-MD5", "!"),
    "empty": ("Content-MD5", ""),
    "too short": ("Content-MD5", "YWJj"),
    "hexadecimal of another length": ("Content-MD5", _hex("sha1")),
    "no letters of hexadecimal": ("Content-MD5", "z" * 32),
    "two of one": ("Content-MD5", f"{_base64('md5')}, {_base64('md5')}"),
    "a Digest without a value": ("Digest", "md5"),
    "a Digest that is no list": ("Digest", "md5 is unknown"),
    "a Digest whose value is another's": ("Digest", f"md5={_base64('sha256')}"),
    "a field without its colons": ("Repr-Digest", f"sha-256={_base64('sha256')}"),
    "a field without its last colon": ("Content-Digest", f"sha-256=:{_base64('sha256')}"),
    "a field of a number": ("Content-Digest", "sha-256=1"),
    "a field of two things": ("Content-Digest", f"sha-256=:{_base64('sha256')}: x"),
    "two that no body has both": ("Digest", f"md5={_base64('md5')}, md5={_base64('md5', b'x')}"),
}


@pytest.mark.parametrize(("header", "value"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_digest_that_cannot_be_read_is_400(
    alice: TestClient, demo: str, tmp_path: Path, header: str, value: str
) -> None:
    reply = alice.put(f"{demo}/resources/R/files/a?inbody=true", content=BODY, headers={header: value})

    assert (reply.status_code, _blobs(tmp_path)) == (400, [])


def test_headers_that_contradict_each_other_are_400(alice: TestClient, demo: str) -> None:
    headers = {"Content-MD5": _base64("md5"), "Digest": f"md5={_base64('md5', b'other')}"}

    reply = alice.put(f"{demo}/resources/R/files/a?inbody=true", content=BODY, headers=headers)

    assert reply.status_code == 400


@pytest.mark.parametrize(("header", "value"), [("Digest", "crc32c=0a72a4df"), ("Repr-Digest", "blake3=:YQ==:")])
def test_algorithms_that_are_not_known_are_ignored_and_the_answer_says_so(
    alice: TestClient, demo: str, header: str, value: str
) -> None:
    reply = alice.put(f"{demo}/resources/R/files/a?inbody=true", content=BODY, headers={header: value})

    assert (reply.status_code, reply.headers["Filmroom-Ignored"]) == (200, header)


def _form(*parts: tuple[str, bytes, str]) -> tuple[bytes, dict[str, str]]:
    """The files of a form by name, each with a header of its part."""
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n{header}\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content, header in parts
    )
    return body + b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def test_each_part_of_a_form_must_have_the_digest_of_its_own_head(alice: TestClient, demo: str, tmp_path: Path) -> None:
    url = f"{demo}/resources/R/files"
    right = ("right", BODY, f"Content-MD5: {_base64('md5')}")
    plain = ("plain", b"x", "X-Other: 1")
    wrong = ("wrong", b"hellx", f"content-digest: sha-256=:{_base64('sha256')}:")

    both, headers = _form(right, wrong)
    refused = alice.post(url, content=both, headers=headers)
    left = _blobs(tmp_path)
    good, headers = _form(right, plain)
    stored = alice.post(url, content=good, headers=headers)

    assert (refused.status_code, stored.status_code) == (422, 200)
    assert (left, _paths(alice, url)) == ([], ["plain", "right"])


def test_a_form_must_have_the_digest_of_the_whole_body_that_its_request_declares(
    alice: TestClient, demo: str, tmp_path: Path
) -> None:
    url = f"{demo}/resources/R/files"
    body, headers = _form(("a", BODY, "X-Other: 1"))

    of_file = alice.post(url, content=body, headers={**headers, "Content-MD5": _base64("md5")})
    left = _blobs(tmp_path)
    of_body = alice.post(url, content=body, headers={**headers, "Content-MD5": _base64("md5", body)})

    assert (of_file.status_code, of_body.status_code) == (422, 200)
    assert (left, _paths(alice, url)) == ([], ["a"])


def _zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.txt", BODY)
    return target.getvalue()


def _tar() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = len(BODY)
        archive.addfile(member, io.BytesIO(BODY))
    return target.getvalue()


@pytest.mark.parametrize(("name", "make"), [("a.zip", _zip), ("a.tar", _tar)])
def test_an_archive_that_is_not_what_was_said_of_it_is_not_extracted(
    alice: TestClient, demo: str, tmp_path: Path, name: str, make: Callable[[], bytes]
) -> None:
    url, content = f"{demo}/resources/R/files", make()

    wrong = alice.put(f"{url}/{name}?extract=true&inbody=true", content=content, headers={"Digest": _md5(b"")})
    left = (_blobs(tmp_path), alice.get(f"{demo}/resources").json()["ResultSet"]["Result"])
    right = alice.put(f"{url}/{name}?extract=true&inbody=true", content=content, headers={"Digest": _md5(content)})

    assert (wrong.status_code, left, right.status_code) == (422, ([], []), 200)
    assert _paths(alice, url) == ["a.txt"]


def _md5(content: bytes) -> str:
    return f"md5={_base64('md5', content)}"


def test_what_comes_into_a_cache_is_verified_too(alice: TestClient) -> None:
    url = "/data/user/cache/resources/R/files"

    wrong = alice.put(f"{url}/wrong?inbody=true", content=b"x", headers={"Digest": _md5(BODY)})
    right = alice.put(f"{url}/right?inbody=true", content=BODY, headers={"Digest": _md5(BODY)})

    assert (wrong.status_code, right.status_code) == (422, 200)
    assert [row["Name"] for row in alice.get(f"{url}?format=json").json()["ResultSet"]["Result"]] == ["right"]


def test_a_body_that_will_not_be_kept_must_be_what_was_said_of_it_all_the_same(alice: TestClient, demo: str) -> None:
    url = f"{demo}/resources/R/files/a?inbody=true"
    alice.put(url, content=BODY)

    reply = alice.put(url, content=b"hellx", headers={"Digest": _md5(BODY)})

    assert reply.status_code == 422


def test_the_same_bytes_again_are_told_whether_they_are_refused_or_replace_the_others(
    alice: TestClient, demo: str
) -> None:
    url = f"{demo}/resources/R/files"
    alice.put(f"{url}/a?inbody=true", content=BODY)
    form, headers = _form(("a", BODY, "X-Other: 1"))

    told = [
        alice.put(f"{url}/a?inbody=true", content=BODY),
        alice.put(f"{url}/a?inbody=true&overwrite=true", content=BODY),
        alice.post(url, content=form, headers=headers),
        alice.post(f"{url}?overwrite=true", content=form, headers=headers),
    ]
    other = alice.put(f"{url}/a?inbody=true&overwrite=true", content=b"other")

    assert [(reply.status_code, reply.headers["Filmroom-Stored"]) for reply in told] == [(200, "same")] * 4
    assert (other.status_code, other.headers.get("Filmroom-Stored")) == (200, None)


def test_a_cache_tells_of_the_same_bytes_too(alice: TestClient) -> None:
    url = "/data/user/cache/resources/R/files/a?inbody=true"

    replies = [alice.put(url, content=content) for content in (BODY, BODY, b"other")]

    assert [reply.headers.get("Filmroom-Stored") for reply in replies] == [None, "same", None]


def test_the_same_bytes_heal_a_file_that_was_damaged(alice: TestClient, demo: str, tmp_path: Path) -> None:
    url = f"{demo}/resources/R/files/a"
    alice.put(f"{url}?inbody=true", content=BODY)
    (blob,) = _blobs(tmp_path)
    blob.write_bytes(b"hellx")

    reply = alice.put(f"{url}?inbody=true&overwrite=true", content=BODY)

    assert (reply.headers["Filmroom-Stored"], alice.get(url).content) == ("same", BODY)
