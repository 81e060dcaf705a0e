"""What is measured, by name."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from bench.archives import TAR, TAR_DOWNLOAD, ZIP, ZIP_DOWNLOAD, run_download, run_extract
from bench.catalog import POSTGRESQL, SQLITE, run_catalog
from bench.content import iter_dicom
from bench.copies import COPIES, run_copy
from bench.crowd import run_crowd, run_restart
from bench.dirs import DIRS, run_dirs
from bench.ground import IS_FULL, MIB, SMALL_BYTES, Bench
from bench.growth import run_growth
from bench.lab import run_lab
from bench.lists import run_list, run_session_resources
from bench.load import FOLDERS, Generator
from bench.machine import busy_cores, memory, peak_rss_bytes, reset_peak
from bench.orthanc import NO_ORTHANC, WHAT_IT_DOES, has_orthanc, open_orthanc
from bench.races import (
    Race,
    open_filmroom_for_forms,
    open_filmroom_of_many,
    open_nginx_of_many,
    open_plain_filmroom,
    run_race,
)
from bench.report import Result, Sample, Series
from bench.servers import Filmroom, open_filmroom, open_filmroom_behind_nginx
from bench.signin import run_sign_in
from bench.soak import run_soak
from bench.suite import run_suite

_LARGE_BYTES: Final = 1024 * MIB

_START_ROUNDS: Final = 5
_IDLE_AFTER_SECONDS: Final = 2.0

_STREAM_ROUNDS: Final = 3
_STREAMS: Final = 8
_STREAM_BYTES: Final = 256 * MIB
_STREAM_BYTES_PER_SECOND: Final = 32 * MIB
_SETTLE_SECONDS: Final = 1.0


def run_start(bench: Bench, name: str) -> Result:
    """The second start finds what the first one made; memory is that of the second, two seconds after ready."""
    first, second, rss, pss = [], [], [], []
    busy = busy_cores()
    for _ in range(_START_ROUNDS):
        with bench.open_folder() as folder:
            with open_filmroom(folder) as filmroom:
                first.append(Sample(number=filmroom.start_seconds))
            with open_filmroom(folder) as filmroom:
                second.append(Sample(number=filmroom.start_seconds))
                time.sleep(_IDLE_AFTER_SECONDS)
                idle = memory(filmroom.pid)
            rss.append(Sample(number=idle.rss_bytes / MIB))
            pss.append(Sample(number=idle.pss_bytes / MIB))
    series = [
        Series("first start", "s", first),
        Series("second start", "s", second),
        Series("idle RSS", "MiB", rss),
        Series("idle PSS", "MiB", pss),
    ]
    title = f"filmroom serve until its ready line, and its memory {_IDLE_AFTER_SECONDS:.0f} s later"
    return Result(name=name, title=title, busy_cores=busy, series=series)


def run_memory_per_stream(bench: Bench, name: str) -> Result:
    """By how much concurrent uploads raise the peak, each; the server is new in every round, and warm."""
    idle, more = [], []
    busy = busy_cores()
    for _ in range(_STREAM_ROUNDS):
        with bench.open_folder() as folder, open_filmroom(folder) as filmroom:
            filmroom.make_resource()
            before_bytes, peak_bytes = _stream(bench.generator, filmroom)
        idle.append(Sample(number=before_bytes / MIB))
        more.append(Sample(number=(peak_bytes - before_bytes) / _STREAMS / MIB))
    series = [Series("idle RSS, warm", "MiB", idle), Series("more per stream", "MiB", more)]
    speed = f"{_STREAM_BYTES_PER_SECOND // MIB} MiB/s"
    title = f"peak RSS over idle of {_STREAMS} uploads of {_STREAM_BYTES // MIB} MiB, {speed} each"
    return Result(name=name, title=title, busy_cores=busy, series=series)


def _stream(generator: Generator, filmroom: Filmroom) -> tuple[int, int]:
    """The RSS of the warm server at rest, and its peak while the streams came in."""
    generator.run(filmroom.put(["warm-up"], size_bytes=_STREAM_BYTES, connections=1))
    time.sleep(_SETTLE_SECONDS)
    before_bytes = memory(filmroom.pid).rss_bytes
    reset_peak(filmroom.pid)
    streams = filmroom.put(
        [f"stream-{number}" for number in range(_STREAMS)],
        size_bytes=_STREAM_BYTES,
        connections=_STREAMS,
        pace_bytes_per_second=_STREAM_BYTES_PER_SECOND,
    )
    generator.run(streams)
    return before_bytes, peak_rss_bytes(filmroom.pid)


_PUT_SMALL: Final = Race(method="PUT", size_bytes=SMALL_BYTES, connections=8, requests=600, rounds=7, has_keeper=True)
# What somebody uploads who has a session's DICOM files.
_PUT_THOUSAND: Final = replace(_PUT_SMALL, requests=1000)
_PUT_SMALL_MANY: Final = replace(
    _PUT_SMALL,
    open_peer=open_nginx_of_many,
    open_ours=open_filmroom_of_many,
    note=f"each into one of {FOLDERS} resources, or folders",
    rounds=5,
    has_keeper=False,
)
_PUT_DICOM: Final = replace(
    _PUT_SMALL,
    content_of=iter_dicom,
    open_peer=open_orthanc,
    note=f"all DICOM; {WHAT_IT_DOES}",
    has_keeper=False,
)
_PUT_MULTIPART: Final = replace(
    _PUT_SMALL,
    open_peer=open_plain_filmroom,
    open_ours=open_filmroom_for_forms,
    note="in a multipart form and plain, both to filmroom",
    rounds=5,
    has_keeper=False,
)
_GET_SMALL: Final = Race(method="GET", size_bytes=SMALL_BYTES, connections=8, requests=1200, files=300, rounds=5)
# Deleted files stay on filmroom's disk for its undo period, so three rounds take 4 GiB of disk in all.
_PUT_LARGE: Final = Race(method="PUT", size_bytes=_LARGE_BYTES, connections=1, requests=1, rounds=3, is_cleared=True)
_PUT_LARGE_4: Final = replace(_PUT_LARGE, size_bytes=_LARGE_BYTES // 4, connections=4, requests=4, note="1 GiB in all")
_GET_LARGE: Final = Race(method="GET", size_bytes=_LARGE_BYTES, connections=1, requests=1, files=1, rounds=5)
_GET_LARGE_4: Final = replace(
    _GET_LARGE, size_bytes=_LARGE_BYTES // 4, connections=4, requests=4, files=4, note="1 GiB in all"
)
_BEHIND: Final = "filmroom behind an nginx that sends its files"
_GET_SMALL_BEHIND: Final = replace(_GET_SMALL, open_ours=open_filmroom_behind_nginx, note=_BEHIND)
_GET_LARGE_BEHIND: Final = replace(_GET_LARGE, open_ours=open_filmroom_behind_nginx, note=_BEHIND)

WORKLOADS: Final[dict[str, Callable[[Bench, str], Result]]] = {
    "put-small": partial(run_race, _PUT_THOUSAND),
    "put-small-32": partial(run_race, replace(_PUT_THOUSAND, connections=32)),
    "put-dicom": partial(run_race, _PUT_DICOM),
    "put-dicom-32": partial(run_race, replace(_PUT_DICOM, connections=32)),
    "put-small-many": partial(run_race, _PUT_SMALL_MANY),
    "put-small-1": partial(run_race, replace(_PUT_SMALL, connections=1, requests=200)),
    "put-multipart": partial(run_race, _PUT_MULTIPART),
    "get-small": partial(run_race, _GET_SMALL),
    "get-small-behind": partial(run_race, _GET_SMALL_BEHIND),
    "put-large": partial(run_race, _PUT_LARGE),
    "put-large-4": partial(run_race, _PUT_LARGE_4),
    "get-large": partial(run_race, _GET_LARGE),
    "get-large-4": partial(run_race, _GET_LARGE_4),
    "get-large-behind": partial(run_race, _GET_LARGE_BEHIND),
    **{name: partial(run_copy, copied) for name, copied in COPIES.items()},
    "start": run_start,
    "restart": run_restart,
    "crowd": run_crowd,
    "memory-per-stream": run_memory_per_stream,
    "zip": partial(run_download, ZIP_DOWNLOAD),
    "tar": partial(run_download, TAR_DOWNLOAD),
    "list-10": partial(run_list, 10),
    "list-1000": partial(run_list, 1_000),
    "list": partial(run_list, 100_000),
    "list-1000000": partial(run_list, 1_000_000),
    "growth": run_growth,
    "session-resources": run_session_resources,
    "lab": run_lab,
    "sign-in": run_sign_in,
    "xnat-suite": run_suite,
    "catalog": partial(run_catalog, SQLITE),
    "catalog-postgresql": partial(run_catalog, POSTGRESQL),
    **{name: partial(run_dirs, dirs) for name, dirs in DIRS.items()},
    "extract": partial(run_extract, TAR),
    "extract-zip": partial(run_extract, ZIP),
    "soak": run_soak,
}
# What runs only when it is named; and a part of that also at full scale.
LONG: Final = frozenset({"soak"} if IS_FULL else {"soak", "list-1000000"})
_OF_ORTHANC: Final = frozenset({"put-dicom", "put-dicom-32"})


def list_default_names() -> list[str]:
    """What runs when nothing is named. What needs a program that is not installed is left out, and a line says so."""
    names = [name for name in WORKLOADS if name not in LONG]
    if has_orthanc():
        return names
    print(f"bench: {' and '.join(sorted(_OF_ORTHANC))} are left out: {NO_ORTHANC}")
    return [name for name in names if name not in _OF_ORTHANC]
