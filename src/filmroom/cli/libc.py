"""What a server process asks of the C library."""

import ctypes
from typing import Final

# From malloc.h of glibc: M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD.
_KEEPING: Final = ((-8, 1), (-3, 4 * 1024 * 1024), (-1, 8 * 1024 * 1024))


def keep_freed_memory() -> None:
    """Have up to 8 MiB that were freed kept for what comes next, whichever thread freed them; before there are threads.

    Bodies are moved in pieces of 1 MiB. As glibc has it by itself, each would be new memory from the kernel, page by
    page, which costs more than to fill it; and each thread would keep its own. The interpreter's lock lets one thread
    allocate at a time anyway. Other C libraries have no such thing, and are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in _KEEPING:
            mallopt(option, value)
