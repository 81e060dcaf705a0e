"""Tables of data types: those shipped, a site's own, and the mistakes that people make in them."""

from collections.abc import Iterator

import pytest
from lxml import etree

from filmroom.model.datatypes import find_data_type, get_data_type, shipped_types, use_own_types
from filmroom.model.nodes import Kind
from filmroom.model.typetable import TypeTableError, check_fields, read_types
from filmroom.model.values import ValueKind
from filmroom.rest.xsd import to_xsd

OWN = """
"lab:moodData" = { element = "lab:Mood", extends = "xnat:subjectAssessorData", fields = { score = "integer as mood" } }
"xnat:zzSessionData" = { element = "xnat:ZZSession", extends = "xnat:imageSessionData" }

[namespaces]
lab = { uri = "urn:lab", schema = "lab" }
"""


@pytest.fixture
def own() -> Iterator[None]:
    use_own_types(OWN)
    yield
    use_own_types(None)


@pytest.mark.parametrize("data_type", shipped_types().types, ids=lambda data_type: data_type.xsi_type)
def test_no_shipped_type_has_two_fields_of_one_name(data_type: object) -> None:
    check_fields(data_type)  # type: ignore[arg-type]


@pytest.mark.usefixtures("own")
def test_types_of_a_site_are_added() -> None:
    mood, session = get_data_type("lab:Mood"), get_data_type("xnat:zzSessionData")

    assert (mood.kind, session.kind) == (Kind.EXPERIMENT, Kind.EXPERIMENT)
    assert mood.find_field_path("mood") == "score"
    assert mood.find_field_path("xnat:experimentData/note") == "note"
    assert (value := mood.find_value("score")) is not None
    assert value.kind is ValueKind.INTEGER
    assert find_data_type("xnat:mrSessionData") is shipped_types().find("xnat:mrSessionData")


@pytest.mark.usefixtures("own")
def test_types_of_a_site_are_gone_with_its_file() -> None:
    use_own_types(None)

    assert find_data_type("lab:Mood") is None


def test_the_schema_of_a_site_refers_to_the_others() -> None:
    types = read_types(OWN, known=shipped_types())

    document = etree.fromstring(to_xsd(types, "lab") or b"")

    [imported] = document.iterfind("{http://www.w3.org/2001/XMLSchema}import")
    assert imported.get("schemaLocation") == "../xnat/xnat.xsd"
    assert to_xsd(types, "none") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = [", "Invalid value"),
        ('"xnat:a" = 1', "xnat:a: it must be a table"),
        ('"xnat:a" = { fields = 1 }', "xnat:a: it must be a table, and its fields too"),
        ('"xnat:a" = { parent = "xnat:b" }', "xnat:a: there is no 'parent'; there are abstract, display"),
        ('"xnat:a" = { extends = "xnat:none" }', "xnat:a: there is no type xnat:none"),
        ('"xnat:a" = { extends = "xnat:a" }', "xnat:a: xnat:a cannot be made of itself"),
        ('"lab:a" = {}', "lab:a: 'lab:a' is no name with a prefix that is among the namespaces"),
        ('"a" = {}', "a: 'a' is no name"),
        ('"xnat:a" = { element = 3 }', "xnat:a: 3 is no name"),
        ('"xnat:a" = { kind = "thing" }', "xnat:a: kind must be one of project, subject"),
        ('"xnat:a" = { abstract = "yes" }', "xnat:a: abstract must be true or false"),
        ('"xnat:a" = { fields = { "a b" = "string" } }', "xnat:a: field 'a b' is no path"),
        ('"xnat:a" = { fields = { b = 3 } }', "xnat:a: field 'b' cannot hold 3"),
        ('"xnat:a" = { fields = { b = "text" } }', "xnat:a: field 'b': there is no type text"),
        ('"xnat:a" = { fields = { "b*" = "string", "b@c" = "string" } }', "field 'b@c': b repeats in one line"),
        ('"xnat:a" = { fields = { PI = "xnat:addField", "PI/b" = "string" } }', "field 'PI/b' cannot be there"),
        ('"xnat:a" = { fields = { b = "string", "b/c" = "string" } }', "an element has text or elements, not both"),
        ('"xnat:a" = { fields = { b = "string as x", c = "string as x" } }', "xnat:a: there are two fields named 'x'"),
        ('"xnat:mrSessionData" = {}', "xnat:mrSessionData: there is such a type already"),
        ('"xnat:a" = { element = "xnat:MRSession" }', "there are two types or elements named xnat:mrsession"),
        ("[namespaces]\nlab = 3", "namespace lab: it needs uri and schema"),
    ],
)
def test_a_mistake_is_told_with_the_type_and_the_field(text: str, told: str) -> None:
    with pytest.raises(TypeTableError) as caught:
        use_own_types(text)

    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert find_data_type("xnat:a") is None
