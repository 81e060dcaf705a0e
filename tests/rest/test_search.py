"""Searches: what is found, what is shown of it, what is no search, and what nobody is told (C-178, C-179)."""

from collections.abc import Callable
from typing import Final

import pytest
from starlette.testclient import TestClient

from conftest import Clock
from rest.searching import SEARCH, document, where

Clients = Callable[[str], TestClient]
MR: Final = "xnat:mrSessionData"
SUBJECT: Final = "xnat:subjectData"
IQ: Final = "fields/field[name=iq]/field"
# Made in this order, with a day between a subject and its session and the next.
THINGS: Final = {
    "subjects/S1": f"gender=female&group=a'b&{SUBJECT}/{IQ}=120",
    "subjects/S1/experiments/MR1": f"xsiType={MR}&date=2024-05-06&age=30&scanner=Big_One&note=50\\x",
    "subjects/S2": f"gender=male&{SUBJECT}/{IQ}=99",
    "subjects/S2/experiments/MR2": f"xsiType={MR}&date=2024-06-01&age=9&scanner=bigXone",
    "subjects/S2/experiments/MR3": f"xsiType={MR}",
    "subjects/S2/experiments/CT1": "xsiType=xnat:ctSessionData&date=2024-05-06",
}


@pytest.fixture
def searched(alice: TestClient, demo: str, clock: Clock) -> TestClient:
    """Alice, in whose project there is something to find."""
    for path, query in THINGS.items():
        reply = alice.put(f"{demo}/{path}?{query}")
        assert reply.status_code == 201, reply.text
        clock.move(days=1 if "experiments" in path else 0)
    return alice


def rows(
    client: TestClient, of_type: str, *fields: str, condition: str = "", method: str = "AND"
) -> list[dict[str, str]]:
    reply = client.post(SEARCH, content=document(of_type, *fields, condition=condition, method=method))
    assert reply.status_code == 200, reply.text
    return list(reply.json()["ResultSet"]["Result"])


def labels(client: TestClient, condition: str, *, of_type: str = MR, method: str = "AND") -> list[str]:
    return [row["label"] for row in rows(client, of_type, "LABEL", condition=condition, method=method)]


CRITERIA: Final = [
    ("text", (f"{MR}/LABEL", "=", "MR1"), "MR1"),
    ("text", (f"{MR}/label", "!=", "MR1"), "MR2 MR3"),
    ("text", (f"{MR}/label", "<>", "MR1"), "MR2 MR3"),
    ("text", (f"{MR}/label", "<", "MR2"), "MR1"),
    ("text", (f"{MR}/label", "<=", "MR2"), "MR1 MR2"),
    ("text", (f"{MR}/label", ">", "MR2"), "MR3"),
    ("text", (f"{MR}/label", ">=", "MR2"), "MR2 MR3"),
    ("text", (f"{MR}/label", "LIKE", "mr%"), "MR1 MR2 MR3"),
    ("text", (f"{MR}/label", "like", "*2"), "MR2"),
    ("text", (f"{MR}/label", "LIKE", "R"), ""),
    ("text", (f"{MR}/label", "NOT LIKE", "%1"), "MR2 MR3"),
    ("text", (f"{MR}/label", "IN", "(MR1, MR3)"), "MR1 MR3"),
    ("text", (f"{MR}/label", "IN", "MR2,none"), "MR2"),
    ("text", (f"{MR}/scanner", "IS", "NULL"), "MR3"),
    ("text", (f"{MR}/scanner", "IS NOT", "NULL"), "MR1 MR2"),
    ("text", (f"{MR}/scanner", "IS NULL", ""), "MR3"),
    ("text", (f"{MR}/scanner", "!=", "Big_One"), "MR2 MR3"),
    ("number", (f"{MR}/age", "=", "30"), "MR1"),
    ("number", (f"{MR}/AGE", "=", "30.0"), "MR1"),
    ("number", (f"{MR}/age", "!=", "30"), "MR2 MR3"),
    ("number", (f"{MR}/age", "<", "30"), "MR2"),
    ("number", (f"{MR}/age", "<=", "30"), "MR1 MR2"),
    ("number", (f"{MR}/age", ">", "9"), "MR1"),
    ("number", (f"{MR}/age", ">=", "9"), "MR1 MR2"),
    ("number", (f"{MR}/age", "IN", "9,31"), "MR2"),
    ("number", (f"{MR}/age", "IS", "NULL"), "MR3"),
    ("number", (f"{MR}/age", "IS NOT", "NULL"), "MR1 MR2"),
    ("date", (f"{MR}/date", "=", "2024-05-06"), "MR1"),
    ("date", (f"{MR}/DATE", "=", "05/06/2024"), "MR1"),
    ("date", (f"{MR}/date", "!=", "2024-05-06"), "MR2 MR3"),
    ("date", (f"{MR}/date", "<", "2024-06-01"), "MR1"),
    ("date", (f"{MR}/date", "<=", "2024-06-01"), "MR1 MR2"),
    ("date", (f"{MR}/date", ">", "2024-05-06"), "MR2"),
    ("date", (f"{MR}/date", ">=", "2024-05-06"), "MR1 MR2"),
    ("date", (f"{MR}/date", "LIKE", "2024-05%"), "MR1"),
    ("date", (f"{MR}/date", "IN", "2024-05-06,2024-05-07"), "MR1"),
    ("date", (f"{MR}/date", "IS", "NULL"), "MR3"),
    ("moment", (f"{MR}/insert_date", "=", "2026-11-21"), "MR1"),
    ("moment", (f"{MR}/INSERT_DATE", "!=", "2026-11-21"), "MR2 MR3"),
    ("moment", (f"{MR}/insert_date", "<", "2026-11-22"), "MR1"),
    ("moment", (f"{MR}/insert_date", "<=", "2026-11-22"), "MR1 MR2"),
    ("moment", (f"{MR}/insert_date", ">", "2026-11-22"), "MR3"),
    ("moment", (f"{MR}/insert_date", ">=", "2026-11-22"), "MR2 MR3"),
    ("moment", (f"{MR}/insert_date", ">=", "2026-11-22 12:00:00"), "MR2 MR3"),
    ("moment", (f"{MR}/insert_date", "IN", "2026-11-21,2026-11-23"), "MR1 MR3"),
    ("moment", (f"{MR}/insert_date", "=", "9999-12-31"), ""),
    ("moment", (f"{MR}/insert_date", "LIKE", "2026-11-22%"), "MR2"),
    ("moment", (f"{MR}/insert_date", "IS NOT", "NULL"), "MR1 MR2 MR3"),
    ("place", (f"{MR}/PROJECT", "=", "DEMO"), "MR1 MR2 MR3"),
    ("place", (f"{MR}/project", "=", "OTHER"), ""),
    ("place", (f"{MR}/ID", "=", "XNAT_E00001"), "MR1"),
    ("place", (f"{MR}/SUBJECT_LABEL", "=", "S2"), "MR2 MR3"),
    ("subject", (f"{SUBJECT}/gender", "=", "female"), "MR1"),
    ("subject", (f"{SUBJECT}/GENDER_TEXT", "=", "male"), "MR2 MR3"),
    ("subject", (f"{SUBJECT}/{IQ}", "=", "120"), "MR1"),
    ("subject", (f"{SUBJECT}/XNAT_SUBJECTDATA_FIELD_MAP=iq", "=", "99"), "MR2 MR3"),
]


def test_a_value_is_compared_as_what_it_is(searched: TestClient) -> None:
    """All of them on one archive of each database."""
    found = {one[1]: " ".join(labels(searched, where(*one[1]))) for one in CRITERIA}

    wrong = {one: what for one, what in found.items() if what != dict(one[1:] for one in CRITERIA)[one]}
    assert wrong == {}


def test_criteria_nest(searched: TestClient) -> None:
    def either(*inner: str) -> str:
        return f'<xdat:child_set method="OR">{"".join(inner)}</xdat:child_set>'

    def both(*inner: str) -> str:
        return f'<xdat:child_set method="AND">{"".join(inner)}</xdat:child_set>'

    one, two, three = (where(f"{MR}/label", "=", name) for name in ("MR1", "MR2", "MR3"))
    old = where(f"{MR}/age", ">", "10")

    assert labels(searched, one + two) == []
    assert labels(searched, one + two, method="OR") == ["MR1", "MR2"]
    assert labels(searched, old + either(one, two)) == ["MR1"]
    assert labels(searched, three + both(old, two), method="or") == ["MR3"]
    assert labels(searched, either(one, both(two, either(three, old)))) == ["MR1"]


def test_sessions_show_columns_of_their_subjects(searched: TestClient) -> None:
    field_map = "XNAT_SUBJECTDATA_FIELD_MAP=iq"

    found = rows(searched, MR, "LABEL", f"{SUBJECT}>GENDER_TEXT", f"{SUBJECT}>{field_map}", f"{SUBJECT}>SUBJECT_LABEL")

    assert [tuple(row.values())[:4] for row in found] == [
        ("MR1", "female", "120", "S1"),
        ("MR2", "male", "99", "S2"),
        ("MR3", "male", "99", "S2"),
    ]
    assert set(found[0]) >= {"xnat_subjectdata_gender_text", "xnat_subjectdata_subject_label"}


def test_subjects_show_a_row_for_each_of_their_sessions_of_the_type(searched: TestClient) -> None:
    found = rows(searched, SUBJECT, "SUBJECT_LABEL", f"{MR}>LABEL", f"{MR}>AGE")

    assert [tuple(row.values())[:3] for row in found] == [
        ("S1", "MR1", "30.0"),
        ("S2", "MR2", "9.0"),
        ("S2", "MR3", ""),
    ]


def test_subjects_are_found_by_their_sessions_once(searched: TestClient) -> None:
    found = labels(searched, where(f"{MR}/label", "LIKE", "MR%"), of_type=SUBJECT)

    assert found == ["S1", "S2"]
    assert labels(searched, where("xnat:ctSessionData/date", "=", "2024-05-06"), of_type=SUBJECT) == ["S2"]


@pytest.mark.parametrize(
    ("of_type", "always"),
    [
        ("xnat:projectData", {"id": "DEMO"}),
        (SUBJECT, {"project": "DEMO", "subjectid": "XNAT_S00001"}),
        (MR, {"project": "DEMO", "subject_id": "XNAT_S00001", "session_id": "XNAT_E00001"}),
    ],
)
def test_what_addresses_are_made_of_is_always_there(searched: TestClient, of_type: str, always: dict[str, str]) -> None:
    first, *_ = rows(searched, of_type)

    assert first == always


def test_fields_are_asked_for_by_their_display_ids(searched: TestClient) -> None:
    ids = ("SESSION_ID", "EXPT_ID", "SUBJECT_ID", "SUBJECT_LABEL", "PROJECT", "LABEL", "DATE", "AGE", "INSERT_USER")

    first, *_ = rows(searched, MR, *ids, "INSERT_DATE", "NO_SUCH_FIELD")

    assert first == {
        "session_id": "XNAT_E00001",
        "expt_id": "XNAT_E00001",
        "subject_id": "XNAT_S00001",
        "subject_label": "S1",
        "project": "DEMO",
        "label": "MR1",
        "date": "2024-05-06",
        "age": "30.0",
        "insert_user": "alice",
        "insert_date": "2026-11-21 12:00:00.123",
    }


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("scanner", "Big_One", ["MR1"]),
        ("scanner", "big%one", ["MR1", "MR2"]),
        ("note", "50\\x", ["MR1"]),
        ("note", "50\\%", ["MR1"]),
        ("note", "50!%", []),
        ("label", "' OR '1'='1", []),
        ("label", '"; --', []),
        ("label", "MR1'; DROP TABLE node;--", []),
        ("label", "\\", []),
        ("label", "%", ["MR1", "MR2", "MR3"]),
    ],
)
def test_marks_of_sql_are_data(searched: TestClient, field: str, value: str, found: list[str]) -> None:
    assert labels(searched, where(f"{MR}/{field}", "LIKE", value)) == found
    assert labels(searched, where(f"{MR}/{field}", "=", value)) == ([] if "%" in value else found)


@pytest.mark.parametrize("name", ["it's", "a'b", "x;--", "x'||'y", "%", "_", "?", ":a", "$1"])
def test_marks_of_sql_in_names_of_fields_are_data(searched: TestClient, name: str) -> None:
    assert labels(searched, where(f"{SUBJECT}/X_FIELD_MAP={name}", "=", "120")) == []
    assert rows(searched, SUBJECT, f"X_FIELD_MAP={name}")[0]["project"] == "DEMO"


def test_a_group_with_a_quote_is_found(searched: TestClient) -> None:
    assert labels(searched, where(f"{SUBJECT}/SUB_GROUP", "=", "a'b"), of_type=SUBJECT) == ["S1"]


LABEL: Final = where(f"{MR}/label", "=", "MR1")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (document(MR, condition=where("none", "=", "1")), 400),
        (document(MR, condition=where("", "=", "1")), 400),
        (document(MR, condition=where("no:type/label", "=", "1")), 400),
        (document("xnat:noneData"), 400),
        (document(MR, condition=where(f"{MR}/label", "~", "1")), 400),
        (document(MR, condition=where(f"{MR}/label", "", "1")), 400),
        (document(MR, condition=where(f"{MR}/label", "IS", "1")), 400),
        (document(MR, condition=where(f"{MR}/age", ">", "old")), 400),
        (document(MR, condition=where(f"{MR}/age", "<", "nan")), 400),
        (document(MR, condition=where(f"{MR}/age", "=", "")), 400),
        (document(MR, condition=where(f"{MR}/date", "=", "2024-13-01")), 400),
        (document(MR, condition=where(f"{MR}/insert_date", ">", "yesterday")), 400),
        (document(""), 422),
        (document(MR)[:-3], 422),
        (b"", 422),
        (b"no xml", 422),
        (b"<x/>", 422),
        (document(MR).replace(b"xdat:bundle", b"xdat:user"), 422),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + document(MR), 422),
    ],
)
def test_what_is_no_search_is_refused(shared: TestClient, content: bytes, status: int) -> None:
    reply = shared.post(SEARCH, content=content)

    assert reply.status_code == status, reply.text
    assert reply.text


@pytest.mark.parametrize("field", [f"{MR}/none", f'{SUBJECT}/X_FIELD_MAP="'])
def test_a_field_that_a_type_does_not_have_is_one_that_nothing_has(shared: TestClient, field: str) -> None:
    """The tests inside pyxnat ask for a field of another site."""
    reply = shared.post(f"{SEARCH}", content=document(MR, "LABEL", condition=where(field, "LIKE", "%")))

    assert reply.status_code == 200
    assert len(reply.text.splitlines()) == 1 or '"totalRecords": "0"' in reply.text


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded", "text/xml"])
@pytest.mark.parametrize("root", ["bundle", "stored_search", "search"])
def test_a_search_is_xml_whatever_it_says_that_it_is(shared: TestClient, media_type: str | None, root: str) -> None:
    headers = {"Content-Type": media_type} if media_type else {}

    reply = shared.post("/REST/search?format=csv", content=document(MR, "LABEL", root=root), headers=headers)

    assert (reply.status_code, reply.text.splitlines()[0]) == (200, "label,project,subject_id,session_id")


@pytest.fixture
def bob(searched: TestClient, client: Clients, demo: str) -> TestClient:
    """Who has a project of his own into which a session of Alice's private one is shared."""
    assert searched.put(f"{demo}/accessibility/private").status_code == 200
    bob = client("bob")
    assert bob.put("/data/projects/BOBS").status_code == 200
    admin = client("admin")
    assert admin.put("/data/experiments/XNAT_E00001/projects/BOBS").status_code == 201
    return bob


def test_nobody_finds_what_they_may_not_read(searched: TestClient, bob: TestClient, client: Clients) -> None:
    everything = where(f"{MR}/label", "IS NOT", "NULL")

    assert labels(searched, everything) == labels(client("admin"), everything) == ["MR1", "MR2", "MR3"]
    assert labels(bob, everything) == ["MR1"]
    assert rows(bob, SUBJECT) == []
    assert [row["id"] for row in rows(bob, "xnat:projectData")] == ["BOBS"]
    assert client("").post(SEARCH, content=document(MR)).status_code == 401


def test_nothing_is_told_of_what_is_above_and_may_not_be_read(bob: TestClient) -> None:
    (row,) = rows(bob, MR, "LABEL", f"{SUBJECT}>GENDER_TEXT", f"{SUBJECT}>INSERT_USER")

    assert (row["label"], row["xnat_subjectdata_gender_text"]) == ("MR1", "")
    assert row["xnat_subjectdata_insert_user"] == ""
    assert labels(bob, where(f"{SUBJECT}/gender", "=", "female")) == []
    assert labels(bob, where(f"{SUBJECT}/X_FIELD_MAP=iq", "=", "120")) == []


def test_nothing_is_told_of_what_is_below_and_may_not_be_read(searched: TestClient, bob: TestClient, demo: str) -> None:
    """A subject is shared, its session is not; nor may it be found by that."""
    assert searched.put(f"{demo}/users/Owners/bob").status_code == 200
    assert bob.put(f"{demo}/subjects/S2/projects/BOBS").status_code == 200
    assert searched.delete(f"{demo}/users/Owners/bob").status_code == 200

    found = rows(bob, SUBJECT, "SUBJECT_LABEL", f"{MR}>LABEL")

    assert [(row["subject_label"], row["xnat_mrsessiondata_label"]) for row in found] == [("S2", "")]
    assert labels(bob, where(f"{MR}/label", "=", "MR2"), of_type=SUBJECT) == []


def test_a_project_says_who_owns_it_and_how_much_of_it_the_viewer_may_read(
    searched: TestClient, client: Clients, demo: str
) -> None:
    assert client("admin").put(f"{demo}/users/Owners/bob").status_code == 200
    assert searched.delete("/data/experiments/XNAT_E00003").status_code == 200
    fields = ("PROJ_MR_COUNT", "PROJ_CT_COUNT", "PROJ_PET_COUNT", "PROJ_UT_COUNT", "PROJECT_OWNERS", "PROJECT_ACCESS")

    (row,) = rows(searched, "xnat:projectData", *fields, "INSERT_USER", condition=where("PROJ_MR_COUNT", ">", "1"))

    assert [str(value) for value in row.values()] == [
        "2",
        "1",
        "",
        "",
        "alice <br/> bob",
        "protected",
        "alice",
        "DEMO",
    ]
    assert searched.delete(f"{demo}/users/Owners/bob").status_code == 200
    (row,) = rows(client("bob"), "xnat:projectData", *fields)
    assert [str(value) for value in row.values()] == ["", "", "", "", "alice", "protected", "DEMO"]
    known = searched.get("/data/search/elements/xnat:projectData?format=csv").text
    assert all(f"\n{field}," in known for field in (*fields, "INSERT_DATE", "INSERT_USER"))


def test_a_saved_search_finds_what_its_reader_may_read(searched: TestClient, bob: TestClient) -> None:
    allowed = b"<xdat:allowed_user><xdat:login>bob</xdat:login></xdat:allowed_user></xdat:bundle>"
    saved = document(MR, "LABEL", condition=where(f"{MR}/age", ">", "1")).replace(b"</xdat:bundle>", allowed)
    assert searched.put("/data/search/saved/aged", content=saved).status_code == 201
    url = "/data/search/saved/aged/results?format=json"

    assert [row["label"] for row in searched.get(url).json()["ResultSet"]["Result"]] == ["MR1", "MR2"]
    assert [row["label"] for row in bob.get(url).json()["ResultSet"]["Result"]] == ["MR1"]
    assert searched.get("/data/search/saved/none/results").status_code == 404


def test_the_default_search_of_a_type_finds_all_of_it(searched: TestClient) -> None:
    result = searched.get(f"/data/search/saved/@{MR}/results?format=json").json()["ResultSet"]

    assert [row["label"] for row in result["Result"]] == ["MR1", "MR2", "MR3"]
    assert (result["totalRecords"], result["rootElementName"]) == ("3", MR)


@pytest.mark.parametrize(
    "condition",
    [
        "".join(where(f"{SUBJECT}/SUBJECT_LABEL", "LIKE", f"{number}%") for number in range(5000)),
        where(f"{SUBJECT}/ID", "IN", f"({','.join(map(str, range(40_000)))})"),
    ],
    ids=["criteria", "values"],
)
def test_a_search_with_more_conditions_than_a_database_takes_is_refused(alice: TestClient, condition: str) -> None:
    reply = alice.post(SEARCH, content=document(SUBJECT, "ID", condition=condition, method="OR"))

    assert reply.status_code == 400
    assert "filters" in reply.text
