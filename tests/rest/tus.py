"""Requests of the tus protocol, as its clients make them."""

import hashlib
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

from starlette.testclient import TestClient

TUS: Final = {"Tus-Resumable": "1.0.0"}
CONTENT: Final = b"0123456789"
STRETCH: Final = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata(**said: str) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in said.items())


def named(path: str, size_bytes: int, **more: str) -> dict[str, str]:
    return {**TUS, "Upload-Length": str(size_bytes), "Upload-Metadata": metadata(path=path), **more}


def begin(client: TestClient, url: str, path: str, size_bytes: int) -> str:
    """The URL of a new upload."""
    reply = client.post(url, headers=named(path, size_bytes))
    assert reply.status_code == 201, reply.text
    return str(reply.headers["Location"])


def patch(client: TestClient, url: str, offset: int, content: bytes, **more: str) -> Any:
    return client.patch(url, content=content, headers={**STRETCH, "Upload-Offset": str(offset), **more})


def offset(client: TestClient, url: str) -> int:
    return int(client.head(url, headers=TUS).headers["Upload-Offset"])


def files(client: TestClient, demo: str) -> dict[str, str]:
    rows = client.get(f"{demo}/resources/R/files").json()["ResultSet"]["Result"]
    return {row["URI"].split("/files/", 1)[1]: row["digest"] for row in rows}


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def bytes_left(folder: Path) -> list[Path]:
    return [path for path in (folder / "blobs").rglob("*") if path.is_file()]
