"""``run.json`` of a run folder: the run's data, model and training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from model.config import ModelConfig, TrainConfig, from_dict, to_dict
from model.files import write_whole
from model.training.data import FILES, DataConfig


class Options(NamedTuple):
    """The options of a run.

    A learned vocabulary may turn out smaller than ``vocab_asked``; ``model`` then has its actual size.
    """

    data: DataConfig
    model: ModelConfig
    train: TrainConfig
    vocab_asked: int | None = None

    def continued(self, given: Mapping[str, Any]) -> Options:
        """These options, for a run that is continued with some of them given again, by name.

        More ``steps`` than before lengthen the run. Files may have moved. Everything else must be as it was.

        Raises:
            ValueError: an option differs from this run's; the message names it.
        """
        known = {**asdict(self.data), **to_dict(self.model), **to_dict(self.train)}
        known["vocab_size"] = self.vocab_asked or self.model.vocab_size
        moved = {name: files for name, files in given.items() if name in FILES} if self.data.task is None else {}
        changed = [
            f"--{name.replace('_', '-')} is {_shown(known[name])} and cannot be {_shown(value)}"
            for name, value in given.items()
            if name not in moved and name != "steps" and value != known[name]
        ]
        if changed:
            raise ValueError(
                f"this run cannot be continued with a different option: {', '.join(changed)}; leave it out, or start a "
                "new run in another --out"
            )
        steps = given.get("steps", self.train.steps)
        if steps < self.train.steps:
            raise ValueError(
                f"--steps {steps} is fewer than the {self.train.steps} of the run that you are continuing; give as "
                "many, or more to lengthen it"
            )
        return self._replace(
            data=replace(self.data, **moved).anchored() if moved else self.data, train=replace(self.train, steps=steps)
        )


def _shown(value: Any) -> str:
    """An option as one types it."""
    return (
        " ".join(map(str, value or ["not given"])) if isinstance(value, list | tuple) or value is None else str(value)
    )


def write_options(path: Path, options: Options) -> None:
    """Write ``run.json`` into the folder at ``path``."""
    write_json(
        path / "run.json",
        {
            "data": asdict(options.data),
            "model": to_dict(options.model),
            "train": to_dict(options.train),
            "vocab_asked": options.vocab_asked or options.model.vocab_size,
        },
    )


def read_options(path: Path) -> Options:
    """What ``run.json`` says.

    Raises:
        ValueError: the folder is not a run, or its options are not valid.
    """
    file = path / "run.json"
    try:
        described = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(no_run(path)) from error
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from error
    try:
        return Options(
            DataConfig(**described["data"]),
            from_dict(ModelConfig, described["model"]),
            from_dict(TrainConfig, described["train"]),
            described.get("vocab_asked"),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} does not hold the options of a run: {error}") from error


def no_run(path: Path) -> str:
    """What to say about a folder that holds no run."""
    return f"{path} is not a run folder: it has no run.json; a run folder is what `python -m model train --out` writes"


def write_json(path: Path, value: Mapping[str, Any], *, durable: bool = True) -> None:
    """Write ``value`` whole or not at all, as JSON that any program can read.

    Raises:
        ValueError: a number in it is not finite, which JSON cannot express.
    """
    write_whole(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode(), durable=durable)
