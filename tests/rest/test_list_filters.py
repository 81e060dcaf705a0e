"""What the filters of lists let through, how lists are sorted and cut, and what is data in them (C-126 to C-130)."""

import pytest
from starlette.testclient import TestClient

from rest.session import results

# Label of a session: type, and what is said of it.
SESSIONS = {
    "MR1": ("xnat:mrSessionData", "date=2024-05-06&age=9&note=100%25&scanner=A_1"),
    "MR2": ("xnat:mrSessionData", "date=2024-06-30&age=10.5&note=100x&scanner=AB1&UID=1.2.3"),
    "PET": ("xnat:petSessionData", "date=2025-01-01&age=-3&note=it's&patientID=p"),
    "GEN": ("xnat:genericData", 'note="q" AND \\;--'),
}
EXPERIMENTS = "/data/projects/DEMO/experiments"


@pytest.fixture
def sessions(alice: TestClient, demo: str) -> str:
    for label, (xsi_type, said) in SESSIONS.items():
        made = alice.put(f"{demo}/subjects/S_{label[0]}/experiments/{label}?xsiType={xsi_type}&{said}")
        assert made.status_code == 201, made.text
    alice.put(f"{demo}/subjects/S_M/experiments/MR1?xnat:mrSessionData/fields/field[name=Cohort]/field=first")
    return demo


def _labels(alice: TestClient, query: str) -> str:
    return " ".join(row["label"] for row in results(alice, f"{EXPERIMENTS}?columns=label&{query}"))


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        # Text: exactly, one of several, wildcards in any case.
        ("label=MR1", "MR1"),
        ("label=mr1", ""),
        ("label=MR1,PET", "MR1 PET"),
        ("label=mr*", "MR1 MR2"),
        ("label=%25R1", "MR1"),
        ("label=MR_", ""),
        ("ID=XNAT_E00002", "MR2"),
        ("subject_label=S_M", "MR1 MR2"),
        ("subject_ID=XNAT_S00002", "PET"),
        ("project=DEMO&label=GEN", "GEN"),
        ("project=OTHER", ""),
        ("insert_user=alice&label=GEN", "GEN"),
        ("insert_user=bob", ""),
        ("UID=1.2.3", "MR2"),
        ("studyInstanceUID=1.2.3", "MR2"),
        # What means something in SQL is data.
        ("note=it's", "PET"),
        ("note=' OR '1'='1", ""),
        ('note="q" AND \\;--', "GEN"),
        ("scanner=A_1", "MR1"),
        ("scanner=A_*", "MR1"),
        ("note=100%25x", "MR2"),
        # Dates, in ISO form too, and ranges of them.
        ("date=2024-05-06", "MR1"),
        ("date=05/06/2024", "MR1"),
        ("date=20240506", "MR1"),
        ("date=2024-05-06,2025-01-01", "MR1 PET"),
        ("date=2024-05-01-2024-06-30", "MR1 MR2"),
        ("date=05/07/2024-01/01/2025", "MR2 PET"),
        ("date=2024-*", "MR1 MR2"),
        ("insert_date=2026-11-21", "MR1 MR2 PET GEN"),
        ("insert_date=11/21/2026", "MR1 MR2 PET GEN"),
        ("insert_date=2026-11-21 12:00:00", "MR1 MR2 PET GEN"),
        ("insert_date=2026-11-22", ""),
        ("insert_date=2026-11-01-2026-11-30", "MR1 MR2 PET GEN"),
        # Numbers as numbers, negative ones too.
        ("xnat:subjectAssessorData/age=9", "MR1"),
        ("xnat:subjectAssessorData/age=9.0,10.5", "MR1 MR2"),
        ("xnat:subjectAssessorData/age=9-11", "MR1 MR2"),
        ("xnat:subjectAssessorData/age=-5--1", "PET"),
        # Types, with what extends them; in any case.
        ("xsiType=xnat:mrSessionData", "MR1 MR2"),
        ("xsiType=xnat:mrsessiondata,xnat:petSessionData", "MR1 MR2 PET"),
        ("xsiType=xnat:imageSessionData", "MR1 MR2 PET"),
        ("xsiType=xnat:MRSession", "MR1 MR2"),
        # Paths, which may narrow the type (C-124); custom variables.
        ("xnat:petSessionData/patientID=p", "PET"),
        ("xnat:mrSessionData/fields/field[name=Cohort]/field=first", "MR1"),
        ("xnat:mrSessionData/fields/field%5Bname%3DCohort%5D/field=second", ""),
        ("xnat:subjectAssessorData/subject_ID=XNAT_S00001", "MR1 MR2"),
        ("label=MR*&date=2024-06-30", "MR2"),
        ("nonsense=1", "MR1 MR2 PET GEN"),
        ("xnat:mrSessionData/nonsense=1", "MR1 MR2"),
    ],
)
@pytest.mark.usefixtures("sessions")
def test_a_filter_lets_through(alice: TestClient, query: str, labels: str) -> None:
    """C-124, C-126, C-127."""
    assert _labels(alice, query) == labels


@pytest.mark.parametrize(
    "query", ["date=yesterday", "xnat:subjectAssessorData/age=old", "insert_date=1", "xsiType=no:such", "limit=x"]
)
@pytest.mark.usefixtures("sessions")
def test_a_filter_that_cannot_be_read_is_refused(alice: TestClient, query: str) -> None:
    reply = alice.get(f"{EXPERIMENTS}?{query}")

    assert reply.status_code == 400
    assert query.partition("=")[2] in reply.text


@pytest.mark.usefixtures("sessions")
def test_what_is_no_filter_is_named(alice: TestClient) -> None:
    """C-126: unknown names are ignored, and told."""
    reply = alice.get(f"{EXPERIMENTS}?nonsense=1&label=MR1")

    assert reply.headers["Filmroom-Ignored"] == "nonsense"


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("sortBy=label", "GEN MR1 MR2 PET"),
        ("sortBy=label&sortOrder=DESC", "PET MR2 MR1 GEN"),
        ("sortBy=LABEL", "GEN MR1 MR2 PET"),
        ("sortBy=xnat:subjectassessordata/age&columns=label,xnat:subjectAssessorData/age", "PET MR1 MR2 GEN"),
        ("limit=2", "MR1 MR2"),
        ("limit=2&offset=1", "MR2 PET"),
        ("offset=3", "GEN"),
        ("limit=*", "MR1 MR2 PET GEN"),
        ("sortBy=label&limit=2", "GEN MR1"),
        ("sortBy=label&sortOrder=desc&limit=2&offset=1", "MR2 MR1"),
        ("label=MR*&limit=1&offset=1", "MR2"),
        ("limit=0", ""),
    ],
)
@pytest.mark.usefixtures("sessions")
def test_a_list_is_sorted_and_cut(alice: TestClient, query: str, labels: str) -> None:
    """C-128, C-129: sorted as a whole, then cut."""
    rows = results(alice, f"{EXPERIMENTS}?{query}{'' if 'columns' in query else '&columns=label'}")

    assert " ".join(row["label"] for row in rows) == labels


@pytest.mark.usefixtures("sessions")
def test_a_part_of_a_list_has_no_total(alice: TestClient) -> None:
    """C-129."""
    assert "totalRecords" not in alice.get(f"{EXPERIMENTS}?limit=2").json()["ResultSet"]
    assert alice.get(EXPERIMENTS).json()["ResultSet"]["totalRecords"] == "4"


@pytest.mark.usefixtures("sessions")
def test_the_latest_experiments_come_first(alice: TestClient, demo: str) -> None:
    """C-104: ``recent``."""
    alice.put(f"{demo}/subjects/S_M/experiments/MR1?note=changed")

    rows = results(alice, "/data/experiments?recent=2&columns=label")

    assert len(rows) == 2
    assert rows[0]["label"] == "MR1"


@pytest.mark.usefixtures("sessions")
def test_the_short_names_of_a_list_are_told(alice: TestClient) -> None:
    """C-130."""
    rows = results(alice, f"{EXPERIMENTS}?fields=")

    assert {"key": "date", "xpath": "xnat:subjectAssessorData/date"} in rows
    assert {"last_modified", "subject_label", "coil"} <= {row["key"] for row in rows}


@pytest.mark.parametrize("url", ["subjects?label=S_M", "subjects?gender=male", "experiments/MR1/scans?type=T1"])
@pytest.mark.usefixtures("sessions")
def test_other_lists_have_filters_too(alice: TestClient, demo: str, url: str) -> None:
    alice.put(f"{demo}/subjects/S_M?gender=male")
    alice.put(f"{demo}/experiments/MR1/scans/1?xsiType=xnat:mrScanData&type=T1")
    alice.put(f"{demo}/experiments/MR1/scans/2?xsiType=xnat:mrScanData&type=T2")

    assert len(results(alice, f"{demo}/{url}")) == 1


def test_projects_have_filters_and_a_row_for_each_alias(alice: TestClient, demo: str) -> None:
    """C-126; pyxnat asks for aliases so."""
    alice.put(f"{demo}?alias=one,two&description=what")
    alice.put("/data/projects/OTHER")

    aliases = alice.get("/data/projects?columns=alias&format=csv").text

    assert [row["ID"] for row in results(alice, "/data/projects?description=wh*")] == ["DEMO"]
    assert (
        aliases
        == "ID,alias,URI\nDEMO,one,/data/projects/DEMO\nDEMO,two,/data/projects/DEMO\nOTHER,,/data/projects/OTHER\n"
    )


@pytest.mark.usefixtures("sessions")
def test_thousands_of_values_are_looked_for_at_once(alice: TestClient) -> None:
    """C-126."""
    others = ",".join(f"NONE{number}" for number in range(4000))

    assert _labels(alice, f"label=MR1,{others},PET") == "MR1 PET"
    assert _labels(alice, f"label={others},P*") == "PET"


@pytest.mark.parametrize(
    "query",
    [
        "&".join(["label=a*"] * 300),
        "note=" + ",".join(["a*"] * 300),
        "date=" + ",".join(["2024-05-06"] * 300),
        "ID=" + ",".join(["a"] * 20_000),
    ],
    ids=["parameters", "patterns", "dates", "values"],
)
def test_more_conditions_than_a_database_takes_are_refused(alice: TestClient, demo: str, query: str) -> None:
    reply = alice.get(f"{demo}/experiments?{query}")

    assert reply.status_code == 400
    assert "filters" in reply.text
