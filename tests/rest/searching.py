"""Documents of searches, as clients send them (C-178)."""

from typing import Final
from xml.sax.saxutils import escape

SEARCH: Final = "/data/search?format=json"
XDAT: Final = 'xmlns:xdat="http://nrg.wustl.edu/security"'


def where(field: str, operator: str, value: str = "") -> str:
    return (
        f"<xdat:criteria><xdat:schema_field>{escape(field)}</xdat:schema_field>"
        f"<xdat:comparison_type>{escape(operator)}</xdat:comparison_type>"
        f"<xdat:value>{escape(value)}</xdat:value></xdat:criteria>"
    )


def document(of_type: str, *fields: str, condition: str = "", method: str = "AND", root: str = "bundle") -> bytes:
    """``fields`` are ids, after ``type>`` where that is another one."""
    named = [field.rpartition(">") for field in fields]
    shown = "".join(
        f"<xdat:search_field><xdat:element_name>{element or of_type}</xdat:element_name>"
        f"<xdat:field_ID>{escape(field)}</xdat:field_ID></xdat:search_field>"
        for element, _, field in named
    )
    conditions = f'<xdat:search_where method="{method}">{condition}</xdat:search_where>' if condition else ""
    return (
        f"<xdat:{root} {XDAT}><xdat:root_element_name>{of_type}</xdat:root_element_name>"
        f"{shown}{conditions}</xdat:{root}>"
    ).encode()
