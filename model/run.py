"""A run folder: what a training writes, and what whoever watches it reads.

``run.json``: the options; ``log.jsonl``: a line a logged step; ``best.safetensors`` and
``last.safetensors``: checkpoints; ``state.safetensors``: what resuming needs.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from model import checkpoint
from model.batching import Examples
from model.config import ModelConfig, TrainConfig, from_dict, to_dict
from model.tasks import TASKS, TRANSLATION, Pair, generate, read_parallel
from model.tokenizer import Tokenizer
from model.training import TrainState, TrainStep, Validation, fit, make_optimizer
from model.transformer import Transformer

LOG_EVERY = 20
VALID_EXAMPLES = 1000


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
        return read_parallel(*files[:2]), read_parallel(*files[2:])


@dataclass(slots=True)
class Run:
    """One training, in memory; :meth:`steps` carries it on and keeps its folder up to date."""

    folder: Path
    data: DataConfig
    config: TrainConfig
    tokenizer: Tokenizer
    train: Examples
    valid: Examples
    state: TrainState
    best: Validation | None = None

    @classmethod
    def start(cls, folder: Path, data: DataConfig, model_options: dict[str, Any], config: TrainConfig) -> Run:
        """Begin a run in a folder that has none.

        ``model_options`` are the fields of :class:`ModelConfig`; for a task, the vocabulary is its own.

        Raises:
            ValueError: an option or a file cannot be used, or the folder holds a run.
        """
        if (folder / "run.json").exists():
            raise ValueError(f"{folder} already holds a run: continue it with --resume, or choose another --out")
        train_pairs, valid_pairs = data.pairs(config.seed)
        if data.task is None:
            tokenizer = Tokenizer.train((text for pair in train_pairs for text in pair), model_options["vocab_size"])
        else:
            tokenizer = Tokenizer.characters()
        model_config = ModelConfig(**{**model_options, "vocab_size": len(tokenizer)})
        torch.manual_seed(config.seed)
        model = Transformer(model_config)
        run = cls(
            folder,
            data,
            config,
            tokenizer,
            Examples.encode(train_pairs, tokenizer, model_config.max_len),
            Examples.encode(valid_pairs, tokenizer, model_config.max_len),
            TrainState.start(model, config),
        )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "log.jsonl").write_text("")
        described = {"data": asdict(data), "model": to_dict(model_config), "train": to_dict(config)}
        (folder / "run.json").write_text(json.dumps(described, indent=2) + "\n")
        return run

    @classmethod
    def resume(cls, folder: Path) -> Run:
        """Carry on a run from its last checkpoint, to the result an uninterrupted one would have had.

        Raises:
            ValueError: the folder holds no run that can go on, or its data has changed.
        """
        path = folder / "state.safetensors"
        if not path.is_file():
            raise ValueError(f"{folder} holds no run that can go on: there is no {path.name}")
        tensors, described = checkpoint.read(path.read_bytes(), str(path))
        try:
            data = DataConfig(**described["data"])
            config = from_dict(TrainConfig, described["train"])
            model_config = from_dict(ModelConfig, described["config"])
            tokenizer = Tokenizer.from_json(described["tokenizer"])
            state = _restore(tensors, model_config, config, described["progress"])
            best = Validation(**described["best"]) if described["best"] else None
        except (KeyError, TypeError, RuntimeError) as error:
            raise ValueError(f"{path} does not hold the state of a run: {error!r}") from error
        train, valid = (Examples.encode(pairs, tokenizer, model_config.max_len) for pairs in data.pairs(config.seed))
        if train.fingerprint() != described.get("fingerprint"):
            raise ValueError(f"{folder} cannot go on: its training data is no longer what it was at the start")
        _cut_log(folder / "log.jsonl", state.step)
        return cls(folder, data, config, tokenizer, train, valid, state, best)

    def steps(self) -> Generator[TrainStep, None, None]:
        """Train, yielding each step; log, validate and save as configured, and save when stopped."""
        saved = self.state.step
        try:
            for step in fit(self.state, self.train, self.valid, self.config):
                if step.validation is not None and self._is_best(step.validation):
                    self.best = step.validation
                    self._save_checkpoint("best", step.validation)
                if step.step % LOG_EVERY == 0 or step.validation is not None:
                    with (self.folder / "log.jsonl").open("a") as log:
                        log.write(json.dumps(asdict(step)) + "\n")
                if step.step % self.config.checkpoint_every == 0 or step.step == self.config.steps:
                    self._save()
                    saved = step.step
                yield step
        except FloatingPointError:
            saved = self.state.step  # nothing worth keeping: the last good checkpoint stays
            raise
        finally:
            # Ctrl-C, or the reader of the steps stopped: what was learned since stays loadable.
            if self.state.step != saved:
                self._save()

    def _is_best(self, validation: Validation) -> bool:
        return self.best is None or (validation.accuracy, -validation.loss) > (self.best.accuracy, -self.best.loss)

    def _save(self) -> None:
        self._save_checkpoint("last", None)
        if self.best is None:  # stopped before the first validation: the run folder still opens
            self._save_checkpoint("best", None)
        state = self.state
        tensors = {
            **{f"model.{name}": tensor for name, tensor in state.model.state_dict().items()},
            **{f"average.{name}": tensor for name, tensor in state.average.state_dict().items()},
            **{
                f"optimizer.{index}.{name}": tensor
                for index, moments in state.optimizer.state_dict()["state"].items()
                for name, tensor in moments.items()
            },
            "rng": state.rng,
        }
        described = {
            "data": asdict(self.data),
            "train": to_dict(self.config),
            "config": to_dict(state.model.config),
            "tokenizer": self.tokenizer.to_json(),
            "fingerprint": self.train.fingerprint(),
            "progress": {"step": state.step, "epoch": state.epoch, "batch": state.batch},
            "best": asdict(self.best) if self.best else None,
        }
        checkpoint.write(self.folder / "state.safetensors", tensors, described)

    def _save_checkpoint(self, name: str, validation: Validation | None) -> None:
        training = {
            **to_dict(self.config),
            "step": self.state.step,
            "examples": len(self.train),
            "validation": asdict(validation) if validation else None,
        }
        checkpoint.save(
            self.folder / f"{name}{checkpoint.SUFFIX}",
            self.state.average,
            self.tokenizer,
            task=self.data.task or TRANSLATION,
            training=training,
            dtype=getattr(torch, self.config.weights),
        )


def _restore(
    tensors: dict[str, torch.Tensor], model_config: ModelConfig, config: TrainConfig, progress: dict[str, int]
) -> TrainState:
    state = TrainState.start(Transformer(model_config), config)

    def under(prefix: str) -> dict[str, torch.Tensor]:
        return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

    state.model.load_state_dict(under("model."))
    state.average.load_state_dict(under("average."))
    optimizer = make_optimizer(state.model, config)
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in under("optimizer.").items():
        index, _, key = name.partition(".")
        moments.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return TrainState(state.model, state.average, optimizer, **progress, rng=tensors["rng"])


def _cut_log(path: Path, step: int) -> None:
    """Drop the lines after ``step``: a run that was killed logged steps that will be made again."""
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    path.write_text("".join(line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step))
