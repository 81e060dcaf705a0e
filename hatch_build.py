"""Compiles the one part of filmroom that is not Python (docs/decisions/0020), whenever it is installed or packed.

The compiler is a package too, pinned like all others, so that no machine needs to have one. ``python hatch_build.py``
compiles for this checkout alone.
"""

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCE: Final = "src/filmroom/blobs/md5lanes.c"
_LIBRARY: Final = "filmroom/blobs/libmd5lanes.so"
# memcpy and memset are those of the process that loads it.
_FLAGS: Final = ("-O3", "-s", "-shared", "-fPIC", "-nostdlib", "-Wall", "-Wextra", "-Werror")
_OLDEST_GLIBC: Final = (2, 17)
# What the library is compiled for: platform.machine(). Elsewhere filmroom does without it.
_MACHINES: Final = frozenset({"x86_64", "aarch64"})


class CompileHook(BuildHookInterface[BuilderConfig]):
    """An editable install finds the library in its source, a wheel holds it and says what machines it is for."""

    PLUGIN_NAME = "custom"
    _made: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not can_compile():
            return
        root = Path(self.root)
        if version == "editable":
            compile_library(root, root / "src" / _LIBRARY)
            return
        self._made = tempfile.TemporaryDirectory()
        library = Path(self._made.name, Path(_LIBRARY).name)
        compile_library(root, library)
        major, minor = _OLDEST_GLIBC
        build_data["force_include"][str(library)] = _LIBRARY
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux_{major}_{minor}_{platform.machine()}"

    def finalize(self, *_: object) -> None:
        if self._made is not None:
            self._made.cleanup()


def can_compile() -> bool:
    is_64_bit = sys.maxsize > 2**32  # a Python of 32 bits may run on such a machine
    is_known = platform.machine() in _MACHINES and platform.libc_ver()[0] == "glibc"
    return sys.platform == "linux" and is_64_bit and is_known


def compile_library(root: Path, library: Path) -> None:
    """Raises CalledProcessError."""
    major, minor = _OLDEST_GLIBC
    target = f"{platform.machine()}-linux-gnu.{major}.{minor}"
    with tempfile.TemporaryDirectory() as cache:
        subprocess.run(
            [sys.executable, "-m", "ziglang", "cc", "-target", target, *_FLAGS, "-o", library, _SOURCE],
            cwd=root,
            env=os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache},
            check=True,
        )


if __name__ == "__main__" and can_compile():
    checkout = Path(__file__).absolute().parent
    compile_library(checkout, checkout / "src" / _LIBRARY)
