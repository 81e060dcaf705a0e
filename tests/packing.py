"""Archives as people send them."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Literal


def pack_tar(files: Mapping[str, bytes], mode: Literal["w", "w:gz"] = "w") -> bytes:
    """Of the files, and of a folder that is no file of any resource."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        folder = tarfile.TarInfo("/")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def pack_tar_gz(files: Mapping[str, bytes]) -> bytes:
    return pack_tar(files, "w:gz")


def pack_stored_zip(files: Mapping[str, bytes]) -> bytes:
    """Nothing in it is compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()
