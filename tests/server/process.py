"""A real server process of a test's own."""

import json
import os
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

PASSWORD = "correct horse"
AUTHORIZATION = f"Authorization: Basic {b64encode(f'admin:{PASSWORD}'.encode()).decode()}\r\n"


class Server:
    """``filmroom serve`` on a free port. ``stop`` is SIGTERM, ``kill`` is SIGKILL, ``start`` begins again.

    It is one process, so that what is looked for in it is there; unless ``flags`` say otherwise.
    """

    def __init__(self, folder: Path, *flags: str, log: str = "", environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.log = Path(log) if log else folder.parent / "server.log"
        self.flags = flags
        self.environment = environment or {}
        self.port = 0
        self.first_line = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "filmroom", *self.arguments]
        environment = {**os.environ, "FILMROOM_ADMIN_PASSWORD": PASSWORD, **self.environment}
        log = self.log.open("a")
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        log.close()
        assert self._process.stdout is not None
        self.first_line = self._process.stdout.readline()
        assert "answers at" in self.first_line, self.log.read_text()
        self.port = int(self.first_line.rsplit(":", 1)[1])

    @property
    def arguments(self) -> list[str]:
        return ["serve", "--data", str(self.folder), "--port", "0", "--workers", "1", *self.flags]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """The exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.send_signal(number)
        code = self._process.wait(timeout=30)
        self._process.stdout.close()
        return code

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        return self._ask(method, path, body, "application/octet-stream")

    def request_json(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        return self._ask(method, path, json.dumps(body).encode(), "application/json")

    def _ask(self, method: str, path: str, body: bytes | None, content_type: str) -> tuple[int, bytes]:
        request = Request(f"http://127.0.0.1:{self.port}{path}", data=body, method=method)
        request.add_header("Authorization", AUTHORIZATION.split(": ", 1)[1].strip())
        request.add_header("Content-Type", content_type)
        with urlopen(request, timeout=60) as reply:
            return reply.status, reply.read()

    def list_helpers(self) -> list[int]:
        """The processes beside the first one that serve already."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
        serving = {told["pid"] for told in self._told("another process serves")}
        return [int(pid) for pid in children if int(pid) in serving]

    def list_requests(self) -> set[tuple[str, str]]:
        """The method and path of each request in the log, which has it just after its answer has gone out."""
        return {(told["method"], told["path"]) for told in self._told("request")}

    def _told(self, event: str) -> list[dict[str, Any]]:
        lines = self.log.read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [line for line in told if line.get("event") == event]

    def rows(self, path: str) -> list[dict[str, str]]:
        result: dict[str, Any] = json.loads(self.request("GET", path)[1])
        return list(result["ResultSet"]["Result"])
