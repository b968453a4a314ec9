"""Files that others read while we write them: each is whole, or not there."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

SUFFIX = ".safetensors"
"""How the name of a checkpoint ends."""
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.unfinished")


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write ``data`` to ``path``, whole or not at all: under another name, which then takes the place of ``path``.

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
    """Remove from ``folder`` what :func:`write_whole` left there when its process was killed, and nothing else."""
    for path in folder.glob(".*.unfinished"):
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            path.unlink()
