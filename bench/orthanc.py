"""Debian's Orthanc as it is without any setting, but that it asks for a password and has no door but its REST API."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from bench.content import PATIENT_ID, SERIES_UID, STUDY_UID, iter_dicom, sop_instance_uid
from bench.load import WrongAnswerError
from bench.servers import PASSWORD, FileServer, basic, find_program, free_port, stopped, wait_for_port

NO_ORTHANC: Final = "Orthanc is not installed: apt-get install orthanc"
# Seen in its system calls: fdatasync of each file, none of its folder, and of the index (SQLite) every ten seconds.
WHAT_IT_DOES: Final = "Orthanc parses each, syncs it, but not its folder, and syncs its index every 10 s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orthanc(FileServer):
    def count_files(self) -> int:
        return int(json.loads(self.ask("GET", "/statistics"))["CountInstances"])

    def locate(self, name: str) -> str:
        """Its IDs are digests of those of DICOM, in five groups."""
        known = "|".join((PATIENT_ID, STUDY_UID, SERIES_UID, sop_instance_uid(name)))
        digest = hashlib.sha1(known.encode(), usedforsecurity=False).hexdigest()
        return f"/instances/{'-'.join(digest[start : start + 8] for start in range(0, 40, 8))}/file"


def has_orthanc() -> bool:
    return find_program("Orthanc") is not None


@contextmanager
def open_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Raises WrongAnswerError where it is not installed."""
    program = find_program("Orthanc")
    if program is None:
        raise WrongAnswerError(NO_ORTHANC)
    (folder / "storage").mkdir(parents=True)
    port, config, log = free_port(), folder / "orthanc.json", folder / "log"
    template = Template(Path(__file__).with_name("orthanc.json.template").read_text(encoding="utf-8"))
    config.write_text(template.substitute(folder=folder, port=port, password=PASSWORD), encoding="utf-8")
    with log.open("ab") as log_file:
        process = subprocess.Popen([program, config], stdout=log_file, stderr=log_file)
    with stopped(process):
        wait_for_port(port, name="orthanc", log=log)
        yield Orthanc(
            name="orthanc",
            pid=process.pid,
            port=port,
            put_target="/instances",
            get_target="",
            headers=f"Authorization: {basic('admin')}\r\n",
            put_method="POST",
            content_of=iter_dicom,
            stored_answer=b'"Status" : "Success"',
        )
