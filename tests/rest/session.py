"""A session with one of everything inside, as tests of things and of contexts need it again and again."""

from typing import Final

from starlette.testclient import TestClient

from filmroom.model.address import CONTEXTS, Context
from filmroom.model.nodes import Kind

SUBJECT_ID: Final = "XNAT_S00001"
SESSION_ID: Final = "XNAT_E00001"
ASSESSOR_ID: Final = "XNAT_E00002"
SESSION: Final = f"/data/experiments/{SESSION_ID}"
SUBJECT: Final = "/data/projects/DEMO/subjects/S1"
# What is made, in this order, so that the IDs are those above.
THINGS: Final = {
    "subjects/S1": "",
    "subjects/S1/experiments/MR1": "xsiType=xnat:mrSessionData&date=2024-05-06",
    "subjects/S1/experiments/MR1/scans/4": "xsiType=xnat:mrScanData&type=T1%20w/o&quality=usable&note=n",
    "subjects/S1/experiments/MR1/scans/5": "xsiType=xnat:mrScanData&type=T2",
    "subjects/S1/experiments/MR1/scans/6": "xsiType=xnat:mrScanData",
    "subjects/S1/experiments/MR1/reconstructions/R1": "type=mean&baseScanType=T1",
    "subjects/S1/experiments/MR1/assessors/QC": "xsiType=xnat:qcManualAssessorData",
}
LABELS: Final = {
    "project": "DEMO",
    "subject": "S1",
    "experiment": "MR1",
    "scan": "4",
    "reconstruction": "R1",
    "assessor": "QC",
}
IDS: Final = {**LABELS, "subject": SUBJECT_ID, "experiment": SESSION_ID, "assessor": ASSESSOR_ID}

# One URL of each thing that holds resources; the two sides of one thing are two.
OWNERS: Final = {
    "project": "/data/projects/DEMO",
    "subject": SUBJECT,
    "experiment": f"{SUBJECT}/experiments/MR1",
    "scan": f"{SUBJECT}/experiments/MR1/scans/4",
    "in of a reconstruction": f"{SUBJECT}/experiments/MR1/reconstructions/R1/in",
    "out of a reconstruction": f"{SUBJECT}/experiments/MR1/reconstructions/R1/out",
    "in of an assessor": f"{SUBJECT}/experiments/MR1/assessors/QC/in",
    "out of an assessor": f"{SUBJECT}/experiments/MR1/assessors/QC/out",
}
# F-109: where each of them is, by ID.
BASES: Final = {
    "project": "/data/projects/DEMO",
    "subject": f"/data/projects/DEMO/subjects/{SUBJECT_ID}",
    "experiment": SESSION,
    "scan": f"{SESSION}/scans/4",
    "in of a reconstruction": f"{SESSION}/reconstructions/R1/in",
    "out of a reconstruction": f"{SESSION}/reconstructions/R1/out",
    "in of an assessor": f"{SESSION}/assessors/{ASSESSOR_ID}/in",
    "out of an assessor": f"{SESSION}/assessors/{ASSESSOR_ID}/out",
}
# F-66: category, cat_id and cat_desc.
CATEGORIES: Final = {
    "project": ("resources", "", " "),
    "subject": ("resources", "", " "),
    "experiment": ("resources", SESSION_ID, " "),
    "scan": ("scans", "4", "T1 w/o"),
    "in of a reconstruction": ("reconstructions", "R1", "mean"),
    "out of a reconstruction": ("reconstructions", "R1", "mean"),
    "in of an assessor": ("assessors", ASSESSOR_ID, "xnat:qcManualAssessorData"),
    "out of an assessor": ("assessors", ASSESSOR_ID, "xnat:qcManualAssessorData"),
}


def make_session(alice: TestClient, demo: str) -> None:
    for path, query in THINGS.items():
        assert alice.put(f"{demo}/{path}?{query}").status_code in {200, 201}


def put_file(alice: TestClient, url: str, content: bytes = b"voxels", query: str = "") -> None:
    reply = alice.put(f"{url}?inbody=true&{query}", content=content)
    assert (reply.status_code, reply.content) == (200, b"")


def results(alice: TestClient, url: str) -> list[dict[str, str]]:
    reply = alice.get(url)
    assert reply.status_code == 200
    return list(reply.json()["ResultSet"]["Result"])


def owner_name(kind: Kind, url: str) -> str:
    """Which of OWNERS a URL of this kind leads to; a side that is not said is out (F-32)."""
    article = {Kind.RECONSTRUCTION: "of a", Kind.ASSESSOR: "of an"}.get(kind)
    side = "in" if url.endswith("/in") else "out"
    return f"{side} {article} {kind}" if article else str(kind)


def _urls(context: Context) -> list[str]:
    names = [LABELS if "{project}" in shape else IDS for shape in context.shapes]
    bases = [f"/data/{shape.format_map(known)}" for shape, known in zip(context.shapes, names, strict=True)]
    return [f"{base}{side}" for base in bases for side in (("", "/in", "/out") if context.sides else ("",))]


# Every URL shape that leads to something with resources, and its kind.
CONTEXT_URLS: Final[dict[str, Kind]] = {
    url: context.kind for context in CONTEXTS if context.kind not in {Kind.SITE, Kind.USER} for url in _urls(context)
}
