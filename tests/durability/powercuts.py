"""Power cuts: the power of a server's disk fails in the midst of eight writers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from durability.crowds import Round, run_round
from durability.disks import Disk
from durability.ground import Ground
from durability.nursery import ForkedServer, Nursery


@contextmanager
def opened_ground_on_disk(nursery: Nursery, folder: Path) -> Iterator[tuple[Ground, Disk]]:
    """An archive that lies on a disk of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with Disk(folder) as disk:
        ground = Ground(ForkedServer(nursery, disk.root / "data"))
        try:
            ground.open()
            yield ground, disk
        finally:
            ground.kill()


def cut_power(ground: Ground, disk: Disk, chance: Random) -> Round:
    """What is acknowledged from the moment of the cut on cannot be: then nothing can be made durable any more."""

    def kill(ground: Ground, _chance: Random) -> None:
        ground.ledger.close()
        disk.cut()
        ground.kill()
        disk.come_back()

    return run_round(ground, chance, kill)
