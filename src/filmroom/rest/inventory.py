"""Lists of what is in use: scanners, types of scans, investigators (C-171, C-172)."""

from typing import Final

from filmroom.model.table import Table, counted
from filmroom.rest.call import Call
from filmroom.rest.formats import table_reply
from filmroom.rest.reply import Reply
from filmroom.service.archive import Archive
from filmroom.service.inventory import INVESTIGATOR

_SCAN_TYPE: Final = ("series_descriptions", "type")
_NO_ACCOUNT: Final = ("", "")


def list_scanners(archive: Archive, call: Call) -> Reply:
    """C-172."""
    rows = [(scanner,) for scanner in archive.inventory.list_scanners(call.viewer)]
    return table_reply(call, counted(Table(columns=("scanner",), rows=rows)))


def list_scan_types(archive: Archive, call: Call) -> Reply:
    """C-172."""
    rows = archive.inventory.list_scan_types(call.viewer, call.address)
    return table_reply(call, counted(Table(columns=_SCAN_TYPE, rows=rows)))


def list_investigators(archive: Archive, call: Call) -> Reply:
    """C-171. They have neither a number of their own nor an account here: they are what things say of them."""
    rows = [(*person, *_NO_ACCOUNT) for person in archive.inventory.list_investigators(call.viewer)]
    return table_reply(call, counted(Table(columns=(*INVESTIGATOR, "xnat_investigatordata_id", "login"), rows=rows)))
