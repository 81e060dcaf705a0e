"""What tests of removal make, and the rows that they count."""

from typing import Final

from sqlalchemy import Table, func, select

from db.rows import read
from filmroom.db import schema
from filmroom.db.engine import Database
from filmroom.model.address import Address, parse_address
from filmroom.model.changes import Change
from filmroom.model.datatypes import get_data_type
from filmroom.model.nodes import Kind
from filmroom.service.upkeep import Report
from service.desk import Desk

SESSION: Final = "/projects/DEMO/subjects/S1/experiments/E1"
_DATA: Final = (schema.node, schema.name, schema.project_name, schema.resource, schema.file, schema.file_history)
_TYPES: Final = {
    Kind.SUBJECT: "xnat:subjectData",
    Kind.EXPERIMENT: "xnat:mrSessionData",
    Kind.SCAN: "xnat:mrScanData",
}


def make(desk: Desk, address: str) -> Address:
    where = parse_address(address)
    desk.archive.entities.put(desk.viewer, where, Change(data_type=get_data_type(_TYPES[where.kind]), fields={}))
    return where


def make_session(desk: Desk, session: str = SESSION, *, scans: int = 2) -> Address:
    """With a file in each scan and one of its own."""
    made = make(desk, session)
    for number in range(scans):
        make(desk, f"{session}/scans/{number}")
        desk.upload("a.dcm", where=parse_address(f"{session}/scans/{number}/resources/DICOM"))
    desk.upload("b.txt", where=parse_address(f"{session}/resources/NOTES"))
    return made


def count(database: Database, table: Table) -> int:
    query = select(func.count()).select_from(table)
    return read(database, lambda connection: int(connection.execute(query).scalar_one()))


def counts(database: Database) -> dict[str, int]:
    return {table.name: count(database, table) for table in _DATA}


def run(desk: Desk) -> Report:
    report = desk.archive.upkeep.run()
    assert report is not None
    return report
