"""How well a model of a string task does at each length, including lengths beyond those it was trained on.

``python -m model.compare.lengths`` measures the checkpoints ``positional-*`` and writes what the page Positions draws.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import torch

from model.checkpoint import PRETRAINED, Checkpoint, load, pretrained
from model.decoding.search import translate
from model.interventions.positions import stretched
from model.text.tasks import MAX_STRING, of_length

PREFIX = "positional-"
MEASURED = PRETRAINED / f"{PREFIX}lengths.json"
LENGTHS = tuple(range(2, 2 * MAX_STRING + 1, 2))
STRINGS, SEED = 500, 1


@dataclass(frozen=True, slots=True)
class LengthScore:
    """The scores for strings of one length, decoded greedily, as shares from 0 to 1.

    ``exact`` is the share of strings that are right as a whole, ``characters`` the share of characters right at their
    place.
    """

    length: int
    exact: float
    characters: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Recorded curves, by the name of the encoding, and how and where they were measured."""

    command: str
    machine: str
    date: str
    strings: int
    seed: int
    curves: Mapping[str, Sequence[LengthScore]]


def recorded() -> Measured:
    """What :func:`main` measured last.

    Raises:
        OSError: there is no record.
        ValueError: the file is not a record.
    """
    try:
        fields = json.loads(MEASURED.read_text(encoding="utf-8"))
        curves = {name: [LengthScore(**score) for score in scores] for name, scores in fields["curves"].items()}
        return Measured(**{**fields, "curves": curves})
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{MEASURED.name} is not a record of accuracy by length: {error!r}") from error


def score_lengths(
    checkpoint: Checkpoint, lengths: Sequence[int] = LENGTHS, *, strings: int = STRINGS, seed: int = SEED
) -> Iterator[LengthScore]:
    """The scores of ``strings`` held-out strings of each length, up to the length the model's encoding allows.

    Raises:
        ValueError: its task is not a string task.
    """
    room = 2 * max(lengths) + 17  # the most that decoding may need
    try:
        checkpoint = stretched(checkpoint, max(room, checkpoint.config.max_len))
    except ValueError:  # a learned table has an end: longer texts cannot be read at all
        lengths = [length for length in lengths if length < checkpoint.config.max_len]
    for length in lengths:
        pairs = of_length(checkpoint.task, strings, length, seed=seed)
        found = dict(translate(checkpoint, [source for source, _ in pairs]))
        targets = [target for _, target in pairs]
        exact = sum(found[i] == target for i, target in enumerate(targets))
        right = sum(a == b for i, target in enumerate(targets) for a, b in zip(found[i], target, strict=False))
        yield LengthScore(length, exact / strings, right / (strings * length))


def main(lengths: Sequence[int] = LENGTHS, strings: int = STRINGS) -> None:
    """Measure the shipped checkpoints and write :data:`MEASURED`."""
    torch.set_num_threads(1)
    names = [name for name in pretrained() if name.startswith(PREFIX)]
    curves = {}
    for name in names:
        checkpoint = load(name)
        curves[name.removeprefix(PREFIX)] = [
            asdict(score) for score in score_lengths(checkpoint, lengths, strings=strings)
        ]
        print(name, file=sys.stderr)
    measured = Measured(
        command="python -m model.compare.lengths",
        machine=f"{platform.machine()}, {os.cpu_count()} cores, one thread, torch {torch.__version__}",
        date=datetime.now(UTC).date().isoformat(),
        strings=strings,
        seed=SEED,
        curves=curves,
    )
    MEASURED.write_text(json.dumps(asdict(measured)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
