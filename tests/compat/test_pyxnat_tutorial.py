"""The examples of pyxnat's documentation, on a server of their own, since many of them look at all that is there."""

from pathlib import Path

import pytest

from compat.environments import check_steps
from server.process import PASSWORD, Server


@pytest.mark.client(
    "pyxnat 1.6.4", "the examples of its tutorials and feature pages, section by section", "GET /data/projects"
)
def test_the_documented_examples_of_pyxnat_run(site: Server, tmp_path: Path) -> None:
    check_steps("pyxnat", "pyxnat_tutorial", site.url, PASSWORD, home=tmp_path)
