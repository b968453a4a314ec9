"""Files that others read while we write them: each is either whole or not there."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

SUFFIX = ".safetensors"
"""The suffix of a checkpoint's file name."""
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.unfinished")


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write ``data`` to ``path``, whole or not at all: first under another name, then renamed to ``path``.

    ``durable`` waits until the disk has it, so that a power cut leaves the old file or the new one.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    with temporary.open("xb") as file:
        try:
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    try:
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove from ``folder`` what :func:`write_whole` left behind when its process was killed, and nothing else."""
    for path in folder.glob(".*.unfinished"):
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            path.unlink()
