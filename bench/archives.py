"""Archives of many files: made for a download beside ``zip -0``, taken apart after an upload beside tar and unzip."""

import io
import os
import random
import shlex
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.content import iter_content
from bench.ground import MIB, SMALL_BYTES, Bench
from bench.load import WrongAnswerError
from bench.machine import busy_cores, peak_rss_bytes, reset_peak, settle_disk
from bench.report import Result, Sample, Series
from bench.servers import PROJECT, RESOURCE, Filmroom, open_filmroom

_FILES: Final = 1000
_NAMES: Final = [f"{number:04}.dcm" for number in range(_FILES)]
_PAYLOAD_MIB: Final = _FILES * SMALL_BYTES / MIB
_DOWNLOAD_ROUNDS: Final = 5
_EXTRACT_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadKind:
    """A kind of archive by its ``format``, how files come out of it, and what makes one of a folder on a pipe."""

    format: str
    read: Callable[[bytes], dict[str, bytes]]
    command: str
    of_folder: str


def run_download(kind: DownloadKind, bench: Bench, name: str) -> Result:
    with bench.open_folder() as folder:
        with open_filmroom(folder / "filmroom") as filmroom:
            filmroom.make_resource()
            bench.generator.run(filmroom.put(_NAMES, size_bytes=SMALL_BYTES, connections=8))
        return _run_download(kind, bench, name, folder)


def _run_download(kind: DownloadKind, bench: Bench, name: str, folder: Path) -> Result:
    ours, theirs, more = [], [], []
    target = f"{RESOURCE}/files?format={kind.format}"
    plain = _write_files(folder / "plain", _random_content)
    with open_filmroom(folder / "filmroom") as filmroom:
        rest_bytes = filmroom.rest_bytes()
        reset_peak(filmroom.pid)
        length = _check_archive(kind, filmroom.ask("GET", target))
        _time_packing(kind, plain)
        busy = busy_cores()
        for _ in range(_DOWNLOAD_ROUNDS):
            ours.append(_speed(bench.generator.run(filmroom.get_one(target, size_bytes=length)).wall_seconds))
            more.append(Sample(number=(peak_rss_bytes(filmroom.pid) - rest_bytes) / MIB))
            theirs.append(_speed(_time_packing(kind, plain)))
    series = [Series("filmroom", "MiB/s", ours), Series(kind.command, "MiB/s", theirs)]
    series.append(Series("more memory", "MiB", more))
    size = f"{_FILES} files of {SMALL_BYTES // 1000} kB"
    title = f"download of {size} as a {kind.format}; memory is peak RSS over idle"
    return Result(name=name, title=title, busy_cores=busy, series=series, peer=kind.command)


def _read_zip(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _read_tar(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = ((member.name, archive.extractfile(member)) for member in archive)
        return {name: file.read() for name, file in members if file is not None}


ZIP_DOWNLOAD: Final = DownloadKind(format="zip", read=_read_zip, command="zip -0 -r", of_folder="- {}")
TAR_DOWNLOAD: Final = DownloadKind(format="tar", read=_read_tar, command="tar c", of_folder="-C {} .")


def _write_files(folder: Path, content_of: Callable[[str], bytes]) -> Path:
    folder.mkdir()
    for name in _NAMES:
        (folder / name).write_bytes(content_of(name))
    os.sync()
    return folder


def _random_content(name: str) -> bytes:
    return b"".join(iter_content(name, SMALL_BYTES))


def _pixels(name: str) -> bytes:
    """An image of 16-bit numbers with 8 bits of noise, behind the head of a DICOM file; it packs to half its size."""
    content = bytearray(SMALL_BYTES)
    content[128:132] = b"DICM"
    content[132::2] = random.Random(name).randbytes((SMALL_BYTES - 132) // 2)
    return bytes(content)


def _check_archive(kind: DownloadKind, content: bytes) -> int:
    """Its length. Raises WrongAnswerError unless all files come out of it as they went into the server."""
    files = kind.read(content)
    is_same = all(file == _random_content(name.rsplit("/", 1)[-1]) for name, file in files.items())
    if len(files) != _FILES or not is_same:
        raise WrongAnswerError(f"the {kind.format} does not hold the files that were sent")
    return len(content)


def _time_packing(kind: DownloadKind, folder: Path) -> float:
    seconds, length = time_shell(f"{kind.command} {kind.of_folder.format(shlex.quote(str(folder)))} | wc -c")
    if int(length) < _FILES * SMALL_BYTES:
        raise WrongAnswerError(f"{kind.command} made {length} bytes")
    return seconds


def _speed(wall_seconds: float) -> Sample:
    return Sample(number=_PAYLOAD_MIB / wall_seconds, wall_seconds=wall_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveKind:
    """A kind of archive by its extension, how it is made and how it is taken apart beside the server."""

    extension: str
    make: str
    unpack: str
    peer: str


TAR: Final = ArchiveKind(
    extension=".tar.gz",
    make="cd {folder} && tar czf {archive} .",
    unpack="tar xzf {archive} -C {folder} && sync",
    peer="tar xzf, sync",
)
ZIP: Final = ArchiveKind(
    extension=".zip",
    make="cd {folder} && zip -q -r {archive} .",
    unpack="unzip -q {archive} -d {folder} && sync",
    peer="unzip, sync",
)


def run_extract(kind: ArchiveKind, bench: Bench, name: str) -> Result:
    """Nothing is deleted until the end: see what the report says of ext4 without a journal."""
    ours, theirs = [], []
    with bench.open_folder() as folder, open_filmroom(folder / "filmroom") as filmroom:
        filmroom.make_resource()
        archive = folder / f"images{kind.extension}"
        plain = _write_files(folder / "plain", _pixels)
        time_shell(kind.make.format(folder=shlex.quote(str(plain)), archive=shlex.quote(str(archive))))
        _time_upload(filmroom, archive, label="warm-up")
        _check_files(filmroom, label="warm-up")
        busy = busy_cores()
        for number in range(_EXTRACT_ROUNDS):
            settle_disk(3 * _FILES * SMALL_BYTES)
            ours.append(_speed(_time_upload(filmroom, archive, label=f"round{number}")))
            settle_disk(3 * _FILES * SMALL_BYTES)
            theirs.append(_speed(_time_unpacking(kind, archive, folder / f"round{number}")))
        if filmroom.count_files() != _FILES * (_EXTRACT_ROUNDS + 1):
            raise WrongAnswerError("filmroom did not keep all files")
    series = [Series("filmroom", "MiB/s", ours), Series(kind.peer, "MiB/s", theirs)]
    files = f"{_FILES} files of {SMALL_BYTES // 1000} kB, half of it noise"
    title = f"upload of a {kind.extension} of {files}, with extract=true"
    return Result(name=name, title=title, busy_cores=busy, series=series, peer=kind.peer)


def _time_upload(filmroom: Filmroom, archive: Path, *, label: str) -> float:
    return filmroom.put_file(
        f"{PROJECT}/resources/{label}/files/{archive.name}?inbody=true&extract=true",
        archive,
    )


def _check_files(filmroom: Filmroom, *, label: str) -> None:
    """Raises WrongAnswerError unless every file came out of the archive as it went in."""
    for name in _NAMES:
        if filmroom.ask("GET", f"{PROJECT}/resources/{label}/files/{name}") != _pixels(name):
            raise WrongAnswerError(f"{name} did not come out of the archive as it went in")


def _time_unpacking(kind: ArchiveKind, archive: Path, folder: Path) -> float:
    folder.mkdir()
    seconds, _ = time_shell(kind.unpack.format(folder=shlex.quote(str(folder)), archive=shlex.quote(str(archive))))
    if len(list(folder.iterdir())) != _FILES:
        raise WrongAnswerError(f"{kind.peer} did not unpack all files")
    return seconds


def time_shell(command: str) -> tuple[float, str]:
    """The seconds that a shell needs for it, and what it says."""
    started = time.monotonic()
    done = subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return time.monotonic() - started, done.stdout
