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

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCE: Final = "src/filmroom/blobs/md5lanes.c"
_LIBRARY: Final = "src/filmroom/blobs/libmd5lanes.so"
_FLAGS: Final = ("-O3", "-s", "-shared", "-fPIC", "-nostdlib", "-Wall", "-Wextra", "-Werror")
_OLDEST_GLIBC: Final = (2, 17)
# What the library is compiled for: platform.machine(). Elsewhere filmroom does without it.
_MACHINES: Final = frozenset({"x86_64", "aarch64"})


class CompileHook(BuildHookInterface):  # type: ignore[type-arg]
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - the hook's signature
        if can_compile():
            compile_library(Path(self.root))
            major, minor = _OLDEST_GLIBC
            build_data["artifacts"].append(f"/{_LIBRARY}")
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-manylinux_{major}_{minor}_{platform.machine()}"


def can_compile() -> bool:
    return sys.platform == "linux" and platform.machine() in _MACHINES


def compile_library(root: Path) -> None:
    """Raises CalledProcessError."""
    major, minor = _OLDEST_GLIBC
    target = f"{platform.machine()}-linux-gnu.{major}.{minor}"
    with tempfile.TemporaryDirectory() as cache:
        subprocess.run(
            [sys.executable, "-m", "ziglang", "cc", "-target", target, *_FLAGS, "-o", _LIBRARY, _SOURCE],
            cwd=root,
            env=os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache},
            check=True,
        )


if __name__ == "__main__" and can_compile():
    compile_library(Path(__file__).parent)
