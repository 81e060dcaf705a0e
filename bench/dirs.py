"""Directories up and down by xnatpy, beside what the client costs on a server that stores nothing.

Where each file waits for the disk by itself, also beside what it costs on one that only keeps (``keeper.py``).
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
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
_KEEPER: Final = "keeper"
_EACH: Final = "per_file"


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

    @property
    def has_keeper(self) -> bool:
        return self.method == _EACH


_DICOM: Final = Dirs(files=20, size_bytes=SMALL_BYTES, content_of=iter_dicom, rounds=7, is_upload=True)
_THOUSAND: Final = Dirs(files=1_000, size_bytes=4_000, content_of=iter_content, rounds=5, is_upload=True)
DIRS: Final[dict[str, Dirs]] = {
    "xnatpy-upload-dicom": _DICOM,
    "xnatpy-upload-1000": _THOUSAND,
    "xnatpy-each-dicom": replace(_DICOM, method=_EACH),
    "xnatpy-each-1000": replace(_THOUSAND, method=_EACH, rounds=3),
    "xnatpy-download-dicom": replace(_DICOM, is_upload=False),
    "xnatpy-download-1000": replace(_THOUSAND, is_upload=False),
}


def run_dirs(dirs: Dirs, bench: Bench, name: str) -> Result:
    """Filmroom and the client alone in turn, and the keeper; the clients are connected before, and stay so."""
    taken: dict[str, list[float]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(bench.open_folder())
        filmroom = stack.enter_context(open_filmroom(folder / "filmroom"))
        filmroom.make_resource()
        for number in range(dirs.rounds):
            filmroom.ask("PUT", f"{PROJECT}/resources/round{number}")
        mover = _Mover(dirs, folder)
        bare = {_CLIENT: _open_bare(stack, dirs, mover, filmroom, label="R")}
        if dirs.has_keeper:
            filmroom.ask("PUT", f"{PROJECT}/resources/{_KEEPER}")
            bare[_KEEPER] = _open_bare(stack, dirs, mover, filmroom, label=_KEEPER)
        busy = busy_cores()
        session = stack.enter_context(_connect(filmroom.port))
        for number in range(dirs.rounds):
            label = f"round{number}" if dirs.is_upload else "R"
            taken.setdefault(filmroom.name, []).append(mover.move(session, label))
            for who, move_again in bare.items():
                taken.setdefault(who, []).append(move_again())
        _check_count(filmroom, dirs, recorded=len(bare))
    series = [
        *(Series(who, "dirs/s", [_speed(each) for each in seconds]) for who, seconds in taken.items()),
        *(Series(f"{who} takes", "s", [Sample(number=each) for each in seconds]) for who, seconds in taken.items()),
    ]
    return Result(name=name, title=dirs.title, busy_cores=busy, series=series, peer=_CLIENT)


class _Mover:
    """Sends and fetches the files of a directory by a client, and checks what it fetched."""

    def __init__(self, dirs: Dirs, folder: Path) -> None:
        self._dirs = dirs
        self.folder = folder
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


def _open_bare(stack: ExitStack, dirs: Dirs, mover: _Mover, filmroom: Filmroom, *, label: str) -> Callable[[], float]:
    """What moves the files once more, by a server that answers as filmroom did; only the keeper keeps them."""
    folder = mover.folder / label if label == _KEEPER else None
    bare = stack.enter_context(open_replay(filmroom.port, folder))
    _record(dirs, mover, bare, label)
    session = stack.enter_context(_connect(bare.port))
    return partial(mover.move, session, label)


def _record(dirs: Dirs, mover: _Mover, bare: Replay, label: str) -> None:
    """Have all that the client asks answered once by filmroom, through the server that will answer alone."""
    with _connect(bare.port) as session:
        mover.send(session, label)
        if not dirs.is_upload:
            mover.move(session, label)
    bare.stop_recording()


def _connect(port: int) -> "xnat.XNATSession":
    return xnat.connect(f"http://127.0.0.1:{port}", user="admin", password=PASSWORD, loglevel="ERROR")


def _find_resource(session: "xnat.XNATSession", label: str) -> "xnat.mixin.AbstractResource":
    return session.projects[PROJECT.rpartition("/")[2]].resources[label]


def _show_nothing(_done: int, _total: int, _is_finished: bool) -> None:  # noqa: FBT001 - so it is called
    """In place of a progress bar."""


def _speed(seconds: float) -> Sample:
    return Sample(number=1 / seconds, wall_seconds=seconds)


def _check_count(filmroom: Filmroom, dirs: Dirs, *, recorded: int) -> None:
    wanted = dirs.files * (recorded + dirs.rounds if dirs.is_upload else 1)
    if (count := filmroom.count_files()) != wanted:
        raise WrongAnswerError(f"{count} files are there in place of {wanted}")
