"""xnat-access 0.6 reads and writes; the steps are in ``scripts/xnat_access_client.py``."""

from pathlib import Path

import pytest

from compat.environments import check_steps
from server.process import PASSWORD, Server


@pytest.mark.client(
    "xnat-access 0.6",
    "sessions that open by themselves, lists, subjects and experiments, uploads into what is below",
    "GET /data/JSESSION",
    "DELETE /data/JSESSION",
    "PUT /data/{subject}",
    "PUT /data/{experiment}",
    "PUT /data/{thing}/resources/{resource}/files/{path}",
    "GET /data/{thing}/resources/{resource}/files",
    "GET /data/{thing}/resources/{resource}/files/{path}",
    "DELETE /data/{thing}/resources/{resource}/files/{path}",
)
def test_xnat_access_reads_and_writes(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "xnat_access_client", site.url, PASSWORD, home=tmp_path)
