"""Power cuts: the power of a server's disk fails in the midst of eight writers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from durability.clusters import make_cluster_ground
from durability.crowds import Round, run_round
from durability.disks import Disk
from durability.ground import Ground, opened
from durability.nursery import ForkedServer, Nursery

_WITH_POSTGRESQL: Final = "512M"


@contextmanager
def opened_ground_on_disk(nursery: Nursery, folder: Path) -> Iterator[tuple[Ground, Disk]]:
    """An archive that lies on a disk of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with Disk(folder) as disk, opened(Ground(ForkedServer(nursery, disk.root / "data"))) as ground:
        yield ground, disk


@contextmanager
def opened_ground_with_postgresql_on_disk(nursery: Nursery, folder: Path) -> Iterator[tuple[Ground, Disk]]:
    """As above, with a PostgreSQL whose data are on that disk too."""
    folder.mkdir(parents=True, exist_ok=True)
    with Disk(folder, size=_WITH_POSTGRESQL) as disk, opened(make_cluster_ground(nursery, disk.root, folder)) as ground:
        yield ground, disk


def cut_power(ground: Ground, disk: Disk, chance: Random) -> Round:
    """What is acknowledged from the moment of the cut on cannot be: then nothing can be made durable any more."""

    def kill(ground: Ground, _chance: Random) -> None:
        ground.ledger.close()
        disk.cut()
        ground.kill()
        disk.come_back()

    return run_round(ground, chance, kill)
