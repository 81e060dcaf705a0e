"""A PostgreSQL whose data lie where they are told to, as durable as it is by default, and whose power can fail.

Its programs are those of all other tests (``conftest.py``), whose own PostgreSQL need not survive anything.
"""

import shutil
import signal
import subprocess
import time
from pathlib import Path
from random import Random
from typing import Final

import psycopg

from durability.ground import Ground
from durability.nursery import ForkedServer, Nursery
from postgresql import get_cluster

_PATIENCE_SECONDS: Final = 60.0


class Cluster:
    """In ``folder``; its socket and its log are in ``beside``, which does not lose its power."""

    def __init__(self, folder: Path, beside: Path) -> None:
        self._made = get_cluster(folder, beside, start=False)
        self._made.ensure_pgdata_inited()
        sockets = beside / "sockets"
        sockets.mkdir()
        if self._made.system_user:  # root cannot run it
            shutil.chown(sockets, self._made.system_user)
        self.url = f"postgresql://postgres@/postgres?host={sockets}"
        flags = ("-c", f"unix_socket_directories={sockets}", "-c", "listen_addresses=")
        self._command = [str(self._made.bin_path / "postgres"), "-D", str(folder), *flags]
        self._log = beside / "postgresql.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it can be asked; after its power failed that is when it has read its log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", user=self._made.system_user
            )
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while not self._answers():
            is_hopeless = self._process.poll() is not None or time.monotonic() > give_up_at
            assert not is_hopeless, self._log.read_text(encoding="utf-8")[-4000:]
            time.sleep(0.02)

    def kill(self) -> None:
        """With all its processes, and without writing anything more."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_PATIENCE_SECONDS)
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True


class ClusterGround(Ground):
    """A server and a PostgreSQL of its own, which start and are killed together."""

    def __init__(self, server: ForkedServer, cluster: Cluster) -> None:
        super().__init__(server)
        self.cluster = cluster

    def start(self) -> None:
        self.cluster.start()
        super().start()

    def kill(self) -> None:
        super().kill()
        self.cluster.kill()


def make_cluster_ground(nursery: Nursery, folder: Path, beside: Path) -> ClusterGround:
    """All that must last is in ``folder``."""
    cluster = Cluster(folder / "cluster", beside)
    return ClusterGround(ForkedServer(nursery, folder / "data", "--database", cluster.url), cluster)


def kill_postgresql(ground: Ground, chance: Random) -> None:
    """Which comes back, while the server goes on; both are killed a while later."""
    assert isinstance(ground, ClusterGround)
    ground.cluster.kill()
    time.sleep(chance.random() * 0.1)
    ground.cluster.start()
    time.sleep(0.1 + chance.random() * 0.2)
    ground.kill()
