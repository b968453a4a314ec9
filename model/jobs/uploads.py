"""Parallel text that a visitor uploads: checked, split into training and validation, and kept with its run."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from model.text.reading import Pair, pair_up, split_lines
from model.training.data import FEWEST, VALID_EXAMPLES, DataConfig

HELD_OUT = 10
"""One target in this many is held out if no validation files are given."""


def read_uploads(files: Mapping[str, tuple[str, bytes]]) -> tuple[list[Pair], list[Pair]]:
    """Training and validation pairs.

    Args:
        files: under ``source``, ``target`` and, both or neither, ``valid_source`` and ``valid_target``: the name of the
            visitor's file, and its content.

    Raises:
        ValueError: a file is missing or cannot be used; the message names it as the visitor does.
    """
    if missing := [part for part in ("source", "target") if part not in files]:
        raise ValueError(f"the {' and the '.join(missing)} file is missing; a text file has one sentence per line")
    if ("valid_source" in files) != ("valid_target" in files):
        raise ValueError(
            "validation takes two files, source and target; give both, or give neither and some lines are set aside"
        )
    names = {part: f"the {part.replace('valid_', 'validation ')} file “{file}”" for part, (file, _) in files.items()}
    lines = {part: split_lines(content, names[part]) for part, (_, content) in files.items()}

    def pairs(source: str, target: str) -> list[Pair]:
        return pair_up(lines[source], lines[target], names[source], names[target])

    train = pairs("source", "target")
    if "valid_source" in files:
        return train, pairs("valid_source", "valid_target")
    return set_aside(train)


def set_aside(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Pairs to train on, and about a tenth of them, at most 1000, to validate on; no target is in both.

    Raises:
        ValueError: there are fewer than two different targets, or too few pairs are left to learn from.
    """
    targets = sorted({target for _, target in pairs}, key=lambda target: (zlib.crc32(target.encode()), target))
    if len(targets) < 2:
        raise ValueError(
            "at least two different targets are needed, one to train on and one to validate on, but there is only one "
            f"(in {len(pairs)} pair{'' if len(pairs) == 1 else 's'})"
        )
    held_out = set(targets[: min(VALID_EXAMPLES, max(1, len(targets) // HELD_OUT))])
    train = [pair for pair in pairs if pair[1] not in held_out]
    if len(train) < FEWEST:
        raise ValueError(
            f"of {len(pairs)} pairs only {len(train)} would be left to train on when some are set aside; at least "
            f"{FEWEST} are needed"
        )
    return train, [pair for pair in pairs if pair[1] in held_out][:VALID_EXAMPLES]


def keep_pairs(train: Sequence[Pair], valid: Sequence[Pair], folder: Path, augment: float = 0.0) -> DataConfig:
    """Write both into ``folder``, where a run that resumes finds them; ``augment`` as in :class:`DataConfig`."""
    folder.mkdir(parents=True)
    files = {}
    for prefix, pairs in (("", train), ("valid_", valid)):
        for place, part in enumerate(("source", "target")):
            path = folder / f"{prefix}{part}.txt"
            path.write_text("".join(f"{pair[place]}\n" for pair in pairs), encoding="utf-8", newline="")
            files[prefix + part] = (str(path),)
    return DataConfig(**files, augment=augment)
