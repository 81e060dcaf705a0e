"""The schemas of the data types that are shipped, side by side as they are served, so that one finds another."""

from pathlib import Path
from tempfile import TemporaryDirectory

from lxml import etree

from filmroom.model.datatypes import shipped_types
from filmroom.rest.xsd import schema_file, to_xsd


def read_schema(name: str = "xnat") -> etree.XMLSchema:
    with TemporaryDirectory() as folder:
        for known in shipped_types().namespaces.values():
            path = Path(folder, schema_file(known.schema))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(to_xsd(shipped_types(), known.schema) or b"")
        return etree.XMLSchema(etree.parse(Path(folder, schema_file(name))))
