"""Directories up and down by xnatpy, beside what the client costs on a server that stores nothing."""

import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import xnat

from bench.content import Content, iter_content, iter_dicom
from bench.ground import SMALL_BYTES, Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores
from bench.replay import Replay, open_replay
from bench.report import Result, Sample, Series
from bench.servers import PASSWORD, PROJECT, Filmroom, open_filmroom

_CLIENT: Final = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirs:
    """A directory of files, and which way it goes. ``method`` is xnatpy's word for how it is sent."""

    files: int
    size_bytes: int
    content_of: Content
    rounds: int
    is_upload: bool
    method: str = "tgz_file"

    @property
    def title(self) -> str:
        what = f"xnatpy's {f'upload_dir, {self.method},' if self.is_upload else 'download_dir'} of {self.files:,} files"
        return f"{what} of {self.size_bytes // 1000} kB, and what the client alone takes for it"


_DICOM: Final = Dirs(files=20, size_bytes=SMALL_BYTES, content_of=iter_dicom, rounds=7, is_upload=True)
_THOUSAND: Final = Dirs(files=1_000, size_bytes=4_000, content_of=iter_content, rounds=5, is_upload=True)
DIRS: Final[dict[str, Dirs]] = {
    "xnatpy-upload-dicom": _DICOM,
    "xnatpy-upload-1000": _THOUSAND,
    "xnatpy-each-dicom": replace(_DICOM, method="per_file"),
    "xnatpy-each-1000": replace(_THOUSAND, method="per_file", rounds=3),
    "xnatpy-download-dicom": replace(_DICOM, is_upload=False),
    "xnatpy-download-1000": replace(_THOUSAND, is_upload=False),
}


def run_dirs(dirs: Dirs, bench: Bench, name: str) -> Result:
    """Filmroom and the client alone in turn; both clients are connected before, and stay so."""
    ours, alone = [], []
    with bench.open_folder() as folder, open_filmroom(folder / "filmroom") as filmroom:
        filmroom.make_resource()
        for number in range(dirs.rounds):
            filmroom.ask("PUT", f"{PROJECT}/resources/round{number}")
        mover = _Mover(dirs, folder)
        with open_replay(filmroom.port) as bare:
            _record(dirs, mover, bare)
            busy = busy_cores()
            with _connect(filmroom.port) as session, _connect(bare.port) as bare_session:
                for number in range(dirs.rounds):
                    ours.append(mover.move(session, f"round{number}" if dirs.is_upload else "R"))
                    alone.append(mover.move(bare_session, "R"))
        _check_count(filmroom, dirs)
    series = [
        Series("filmroom", "dirs/s", [_speed(seconds) for seconds in ours]),
        Series(_CLIENT, "dirs/s", [_speed(seconds) for seconds in alone]),
        Series("filmroom takes", "s", [Sample(number=seconds) for seconds in ours]),
        Series("client takes", "s", [Sample(number=seconds) for seconds in alone]),
    ]
    return Result(name=name, title=dirs.title, busy_cores=busy, series=series, peer=_CLIENT)


class _Mover:
    """Sends and fetches the files of a directory by a client, and checks what it fetched."""

    def __init__(self, dirs: Dirs, folder: Path) -> None:
        self._dirs = dirs
        self._sent, self._fetched = folder / "sent", folder / "fetched"
        self._sent.mkdir()
        for number in range(dirs.files):
            name = f"{number:04}.dcm"
            (self._sent / name).write_bytes(b"".join(dirs.content_of(name, dirs.size_bytes)))

    def move(self, session: "xnat.XNATSession", label: str) -> float:
        """The seconds that it took. Raises WrongAnswerError."""
        os.sync()
        return self.send(session, label) if self._dirs.is_upload else self._fetch(session, label)

    def send(self, session: "xnat.XNATSession", label: str) -> float:
        resource = _find_resource(session, label)
        started = time.perf_counter()
        resource.upload_dir(self._sent, method=self._dirs.method, update_func=_show_nothing)
        return time.perf_counter() - started

    def _fetch(self, session: "xnat.XNATSession", label: str) -> float:
        resource = _find_resource(session, label)
        self._fetched.mkdir()
        started = time.perf_counter()
        resource.download_dir(self._fetched, verbose=False)
        seconds = time.perf_counter() - started
        fetched = {path.name: path.read_bytes() for path in self._fetched.rglob("*.dcm")}
        shutil.rmtree(self._fetched)
        if fetched != {path.name: path.read_bytes() for path in self._sent.iterdir()}:
            raise WrongAnswerError("the files did not come back as they were sent")
        return seconds


def _record(dirs: Dirs, mover: _Mover, bare: Replay) -> None:
    """Have all that the client asks answered once by filmroom, through the server that stores nothing."""
    with _connect(bare.port) as session:
        mover.send(session, "R")
        if not dirs.is_upload:
            mover.move(session, "R")
    bare.stop_recording()


def _connect(port: int) -> "xnat.XNATSession":
    return xnat.connect(f"http://127.0.0.1:{port}", user="admin", password=PASSWORD, loglevel="ERROR")


def _find_resource(session: "xnat.XNATSession", label: str) -> "xnat.mixin.AbstractResource":
    return session.projects[PROJECT.rpartition("/")[2]].resources[label]


def _show_nothing(_done: int, _total: int, _is_finished: bool) -> None:  # noqa: FBT001 - so it is called
    """In place of a progress bar."""


def _speed(seconds: float) -> Sample:
    return Sample(number=1 / seconds, wall_seconds=seconds)


def _check_count(filmroom: Filmroom, dirs: Dirs) -> None:
    wanted = dirs.files * (1 + dirs.rounds if dirs.is_upload else 1)
    if (count := filmroom.count_files()) != wanted:
        raise WrongAnswerError(f"{count} files are there in place of {wanted}")
