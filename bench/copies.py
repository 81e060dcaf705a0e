"""Files put beside ``cp`` and ``sync`` of the same files: what the disk does when nobody asks who sends, or what."""

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.archives import time_shell
from bench.content import iter_content
from bench.ground import MIB, SMALL_BYTES, Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores, settle_disk
from bench.report import Result, Sample, Series
from bench.servers import Filmroom, open_filmroom

_COPY: Final = "cp -r, sync"
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    files: int
    size_bytes: int
    connections: int

    @property
    def mib(self) -> float:
        return self.files * self.size_bytes / MIB

    @property
    def title(self) -> str:
        connections = f"{self.connections} connections" if self.connections > 1 else "1 connection"
        files = f"{self.files:,} files" if self.files > 1 else "1 file"
        return f"PUT of {files}, {self.mib:,.0f} MiB in all, {connections}; {_COPY} of the same"

    def names(self, batch: str) -> list[str]:
        return [f"{batch}-{number}" for number in range(self.files)]


COPIES: Final[dict[str, Copied]] = {
    "copy-small": Copied(files=600, size_bytes=SMALL_BYTES, connections=8),
    "copy-large": Copied(files=1, size_bytes=1024 * MIB, connections=1),
}


def run_copy(copied: Copied, bench: Bench, name: str) -> Result:
    """Copies and uploads in turn. The files are copied from the page cache, and a copy is deleted after its round."""
    ours, theirs = [], []
    with bench.open_folder() as folder, open_filmroom(folder / "filmroom") as filmroom:
        filmroom.make_resource()
        bench.generator.run(filmroom.put(["first"], size_bytes=SMALL_BYTES, connections=1))  # which signs in
        source = _write(copied, folder / "source")
        busy = busy_cores()
        for number in range(_ROUNDS):
            settle_disk(2 * copied.files * copied.size_bytes)
            ours.append(_speed(copied, _time_upload(copied, bench, filmroom, number)))
            settle_disk(2 * copied.files * copied.size_bytes)
            theirs.append(_speed(copied, _time_copy(source, folder / f"copy{number}")))
        if (count := filmroom.count_files()) != _ROUNDS * copied.files + 1:
            raise WrongAnswerError(f"filmroom holds {count} files in place of {_ROUNDS * copied.files + 1}")
    series = [Series("filmroom", "MiB/s", ours), Series(_COPY, "MiB/s", theirs)]
    return Result(name=name, title=copied.title, busy_cores=busy, series=series, peer=_COPY)


def _write(copied: Copied, folder: Path) -> Path:
    folder.mkdir()
    for name in copied.names("source"):
        with (folder / name).open("wb") as file:
            file.writelines(iter_content(name, copied.size_bytes))
    return folder


def _time_upload(copied: Copied, bench: Bench, filmroom: Filmroom, number: int) -> float:
    names = copied.names(f"round{number}")
    load = filmroom.put(names, size_bytes=copied.size_bytes, connections=copied.connections)
    seconds = bench.generator.run(load).wall_seconds
    filmroom.check_content(names[-1], copied.size_bytes)
    return seconds


def _time_copy(source: Path, target: Path) -> float:
    seconds, _ = time_shell(f"cp -r {shlex.quote(str(source))} {shlex.quote(str(target))} && sync")
    if len(list(target.iterdir())) != len(list(source.iterdir())):
        raise WrongAnswerError("cp did not copy all files")
    shutil.rmtree(target)
    return seconds


def _speed(copied: Copied, seconds: float) -> Sample:
    return Sample(number=copied.mib / seconds, wall_seconds=seconds)
