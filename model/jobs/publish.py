"""Give a checkpoint of a run a name of its own, under which everyone can find it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from model.files import SUFFIX
from model.jobs.launch import PUBLISHED, check_name

FILE = f"best{SUFFIX}"


def publish(checkpoint: Path, root: Path, name: str) -> Path:
    """Copy a checkpoint to ``root/published/name/best.safetensors``; the run may go on.

    Returns:
        The folder, which :func:`model.checkpoint.load` opens.

    Raises:
        ValueError: the name is taken or not allowed, or the checkpoint is gone.
    """
    shelf = root / PUBLISHED
    folder = shelf / check_name(name)
    shelf.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=shelf, prefix=".") as temporary:
        copy = Path(temporary, "copy")
        copy.mkdir()
        try:
            shutil.copyfile(checkpoint, copy / FILE)
        except FileNotFoundError as error:
            raise ValueError(f"there is no checkpoint {checkpoint} to publish") from error
        try:
            os.rename(copy, folder)  # noqa: PTH104 - Path.rename() would replace a file
        except OSError as error:
            raise ValueError(f"the name {name!r} is taken; choose another") from error
    return folder
