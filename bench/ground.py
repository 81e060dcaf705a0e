"""What every workload stands on."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.load import Generator

MIB: Final = 2**20
SMALL_BYTES: Final = 200_000
IS_FULL: Final = os.environ.get("SCALE") == "full"


@dataclass(frozen=True, slots=True)
class Bench:
    """What every workload needs: an empty folder on a real disk, and the generator."""

    folder: Path
    generator: Generator

    @contextmanager
    def open_folder(self) -> Iterator[Path]:
        """A new folder, gone with all in it when the context ends."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
