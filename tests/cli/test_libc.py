"""What a server process asks of the C library is given."""

import subprocess
import sys
from typing import Final

import pytest

_FAULTS: Final = """
import resource
from filmroom.cli.libc import keep_freed_memory

def pieces():
    for number in range(200):
        piece = b"".join([bytes(200_000)] * 5)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

{asked}
print(-pieces() + pieces())
"""


def _new_pages(asked: str) -> int:
    """How many pages of memory the kernel gives for 200 pieces of a megabyte, one after the other."""
    done = subprocess.run([sys.executable, "-c", _FAULTS.format(asked=asked)], capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_pieces_of_bodies_go_through_the_same_memory() -> None:
    assert _new_pages("keep_freed_memory()") < 50
    assert _new_pages("") > 100
