"""Where the owner of a server allows models to be opened from, besides what ships and what was trained there.

Two environment variables say so, read when they are asked for: ``HEADLIGHT_FOLDERS``, folders with a ``:`` between them
(``;`` on Windows), in which folders of Hugging Face and saved traces are offered; and ``HEADLIGHT_HUB=1``, which also
offers the models that Hugging Face's own programs have left in their cache on this machine. Nothing is ever downloaded.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

FOLDERS, HUB = "HEADLIGHT_FOLDERS", "HEADLIGHT_HUB"
DEEPEST, MOST = 3, 200
"""Levels below an allowed folder that are searched, and models that are offered of all."""
MODEL_ID = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
DESCRIBED, LONGEST_DESCRIPTION = b'"torch.nn.Transformer"', 10_000
"""What such a description says, and the most bytes it may have."""
CONFIG, TRACES = "config.json", "*.trace.safetensors"


class NotAllowedError(ValueError):
    """A name leads out of the folders that may be read; the message says so."""


def allowed_folders() -> tuple[Path, ...]:
    """The folders that the owner allows."""
    return tuple(Path(one) for one in os.environ.get(FOLDERS, "").split(os.pathsep) if one)


def hub_allowed() -> bool:
    """Whether models of the cache may be opened by their id."""
    return os.environ.get(HUB) == "1"


def offered() -> dict[str, str]:
    """What is offered, by a name that tells visitors nothing of this machine but what the owner called the folder: what
    :func:`model.checkpoint.load` opens."""
    found: dict[str, str] = {}
    for folder in allowed_folders():
        for path in _models(folder):
            if len(found) < MOST:
                found.setdefault("/".join((folder.name, *path.relative_to(folder).parts)), str(path))
    return found | ({one: one for one in _cached()} if hub_allowed() else {})


def require_allowed(name: str) -> None:
    """Look at the path ``name``, which may be in an allowed folder.

    Raises:
        NotAllowedError: it leads out of its allowed folder, by ``..`` or by a symbolic link.
    """
    path = Path(name)
    for folder in allowed_folders():
        if folder in (path, *path.parents):
            real = folder.resolve()
            # What a description names stands beside it, so all that does is looked at.
            inside = [path, *(path.rglob("*") if path.is_dir() else path.parent.iterdir() if _describes(path) else ())]
            for one in inside:
                if real not in (target := one.resolve(), *target.parents):
                    raise NotAllowedError(
                        f"{one.name} points outside {folder.name}, the folder that this server may read, so it is not "
                        "opened"
                    )


def in_hub_cache(name: str) -> Path | None:
    """The folder of a model id in the cache of Hugging Face, where the owner allows it and it is there."""
    if not hub_allowed() or not MODEL_ID.fullmatch(name) or ".." in name:
        return None
    snapshots = hub_cache() / f"models--{name.replace('/', '--')}" / "snapshots"
    found = [one for one in snapshots.glob("*") if (one / CONFIG).is_file()] if snapshots.is_dir() else []
    return max(found, key=lambda one: one.stat().st_mtime, default=None)


def why_no_hub(name: str) -> str:
    """What to add where a name that may be a model id was not found."""
    if "/" not in name or not MODEL_ID.fullmatch(name):
        return ""
    if not hub_allowed():
        return f", and Hugging Face model ids may not be opened here (whoever runs this server can set {HUB}=1)"
    return ", nor the id of a model in this machine's Hugging Face cache (models are not downloaded)"


def hub_cache() -> Path:
    """Where Hugging Face's programs keep what they have downloaded."""
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")


def _cached() -> list[str]:
    ids = (path.name.removeprefix("models--").replace("--", "/") for path in sorted(hub_cache().glob("models--*")))
    return [one for one in ids if in_hub_cache(one) is not None][:MOST]


def _describes(path: Path) -> bool:
    """Whether a small JSON file describes a model of PyTorch (:mod:`model.families.described`)."""
    try:
        return path.stat().st_size < LONGEST_DESCRIPTION and DESCRIBED in path.read_bytes()
    except OSError:
        return False


def _models(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Folders with a config and saved traces, no deeper than :data:`DEEPEST`; symbolic links are not followed further
    down, but offered, so that it can be said why they are not opened."""
    if (folder / CONFIG).is_file():
        yield folder
        return
    if depth == DEEPEST or not folder.is_dir():
        return
    yield from sorted(folder.glob(TRACES))
    yield from (path for path in sorted(folder.glob("*.json")) if _describes(path))
    for one in sorted(folder.iterdir()):
        if one.is_dir() and not one.name.startswith("."):
            if one.is_symlink() and (one / CONFIG).is_file():
                yield one
            elif not one.is_symlink():
                yield from _models(one, depth + 1)
