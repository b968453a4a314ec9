"""What a run learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.config import ModelConfig
from model.text.augment import with_casual, with_names
from model.text.reading import Pair, read_parallel
from model.text.tasks import TASKS, generate
from model.text.tokenizer import CHARACTERS

VALID_EXAMPLES = 1000
FEWEST = 2
"""The fewest sentences to learn from."""
FILES = ("source", "target", "valid_source", "valid_target")
"""The fields that name text files."""
SHARES = ("augment", "names")
"""The fields that say how much of a text is learned again in a changed form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What a run learns from: a task and how many examples of it, or parallel text files.

    Of the files, line ``i`` of the first ``target`` translates line ``i`` of the first ``source``, and so on; a file
    named twice counts twice. ``augment`` is the share of the training pairs that are learned again with their source as
    people type it, ``names`` the share of those with a name in them that are learned again with another name
    (:mod:`model.text.augment`). ``start_from`` is a checkpoint, as :func:`model.checkpoint.find` takes it, whose
    weights and vocabulary the run begins with.

    Raises:
        ValueError: neither is given, or both are, or a number is out of range.
    """

    task: str | None = None
    examples: int = 100_000
    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    valid_source: tuple[str, ...] = ()
    valid_target: tuple[str, ...] = ()
    augment: float = 0.0
    names: float = 0.0
    start_from: str | None = None

    def __post_init__(self) -> None:
        for name in FILES:  # JSON has lists; runs of earlier versions have one file, or None
            files = getattr(self, name)
            object.__setattr__(self, name, (files,) if isinstance(files, str) else tuple(files or ()))
        absent = [name for name in FILES if not getattr(self, name)]
        if self.task is not None:
            if len(absent) < len(FILES):
                raise ValueError("give either a task or text files, not both")
            for name in SHARES:
                if getattr(self, name):
                    raise ValueError(f"{name} is for text files; it does not apply to the examples of a task")
            if self.task not in TASKS:
                raise ValueError(f"task must be one of {', '.join(TASKS)}, but it is {self.task!r}")
        elif absent:
            raise ValueError(f"without a task, text files are needed; {', '.join(absent)} is not given")
        for sources, targets in self._parts:
            if len(sources) != len(targets):
                raise ValueError(
                    f"each source file needs its target file, but there are {len(sources)} ({', '.join(sources)}) "
                    f"and {len(targets)} ({', '.join(targets)})"
                )
        for name in SHARES:
            if not isinstance(share := getattr(self, name), int | float) or not 0 <= share <= 1:
                raise ValueError(f"{name} must be at least 0 and at most 1, but it is {share!r}")
        if not isinstance(self.examples, int) or isinstance(self.examples, bool) or self.examples < 1:
            raise ValueError(f"examples must be a whole number, at least 1, but it is {self.examples!r}")

    @property
    def _parts(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """The training files and the validation files."""
        return (self.source, self.target), (self.valid_source, self.valid_target)

    def model(self, options: dict[str, Any]) -> ModelConfig:
        """The model with ``options`` as its fields; a task has its own vocabulary, a token for each byte.

        Raises:
            ValueError: an option cannot be used.
        """
        return ModelConfig(**(options if self.task is None else {**options, "vocab_size": CHARACTERS}))

    def anchored(self) -> DataConfig:
        """The same, with file names that work from any working folder."""
        start = self.start_from
        return replace(
            self,
            **{name: tuple(str(Path(file).absolute()) for file in getattr(self, name)) for name in FILES},
            start_from=str(Path(start).absolute()) if start is not None and Path(start).exists() else start,
        )

    def require_files(self) -> None:
        """
        Raises:
            ValueError: a file is no longer where it was; the message says what to do.
        """
        for name in FILES:
            for file in map(Path, getattr(self, name)):
                if not file.exists():
                    raise ValueError(
                        f"{file} no longer exists; put it back, or say where it is now with "
                        f"--{name.replace('_', '-')}, naming all the files of that option"
                    )

    def check(self) -> None:
        """Read the files once, if there are any.

        Raises:
            ValueError: a file cannot be used.
        """
        if self.task is None:
            self.pairs(seed=0)

    def pairs(self, seed: int) -> tuple[list[Pair], list[Pair]]:
        """Training and validation pairs, disjoint for a task.

        Raises:
            ValueError: a file cannot be used.
        """
        if self.task is not None:
            return (
                generate(self.task, self.examples, seed=seed),
                generate(self.task, VALID_EXAMPLES, seed=seed, held_out=True),
            )
        train, valid = (
            [pair for files in zip(sources, targets, strict=True) for pair in read_parallel(*map(_to_read, files))]
            for sources, targets in self._parts
        )
        if len(train) < FEWEST:
            raise ValueError(
                f"{_to_read(self.source[0])} has one sentence, which a model would only memorise; at least {FEWEST} "
                "are needed"
            )
        return with_casual(with_names(train, self.names, seed), self.augment, seed), valid


def _to_read(file: str) -> Path:
    """The path of the file with this name, as a person would type it here.

    Raises:
        ValueError: it can be read only once, like a pipe.
    """
    path = Path(file)
    if path.exists() and not path.is_file() and not path.is_dir():
        raise ValueError(
            f"{file} is a pipe or a device, but a run reads its texts again when it is continued: write the text to a "
            "file and give that"
        )
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
