"""What a run learns from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.config import ModelConfig
from model.tasks import TASKS, Pair, generate, read_parallel
from model.tokenizer import CHARACTERS

VALID_EXAMPLES = 1000
FEWEST = 2
"""Sentences to learn from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """What a run learns from: a task and how many examples of it, or four parallel text files.

    Raises:
        ValueError: it is neither, or both.
    """

    task: str | None = None
    examples: int = 100_000
    source: str | None = None
    target: str | None = None
    valid_source: str | None = None
    valid_target: str | None = None

    def __post_init__(self) -> None:
        files = {name: getattr(self, name) for name in ("source", "target", "valid_source", "valid_target")}
        absent = [name for name, file in files.items() if file is None]
        if self.task is not None:
            if len(absent) < len(files):
                raise ValueError("give either a task or text files, not both")
            if self.task not in TASKS:
                raise ValueError(f"task must be one of {', '.join(TASKS)}, but it is {self.task!r}")
        elif absent:
            raise ValueError(f"without a task, text files are needed; {', '.join(absent)} is not given")
        if not isinstance(self.examples, int) or isinstance(self.examples, bool) or self.examples < 1:
            raise ValueError(f"examples must be a whole number of at least 1, but it is {self.examples!r}")

    def model(self, options: dict[str, Any]) -> ModelConfig:
        """The model that ``options``, its fields, ask for; a task has its own vocabulary, a token for each byte.

        Raises:
            ValueError: an option cannot be used.
        """
        return ModelConfig(**(options if self.task is None else {**options, "vocab_size": CHARACTERS}))

    def check(self) -> None:
        """Read what is read, if anything is.

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
        files = [
            Path(file) for file in (self.source, self.target, self.valid_source, self.valid_target) if file is not None
        ]
        train, valid = read_parallel(*files[:2]), read_parallel(*files[2:])
        if len(train) < FEWEST:
            raise ValueError(
                f"{self.source} has one sentence, which a model would only learn by heart; at least {FEWEST} are needed"
            )
        return train, valid
