"""A training and its run folder: what :mod:`model.training.folder` reads is written here."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model import checkpoint
from model.config import ModelConfig, TrainConfig, from_dict, to_dict
from model.network.build import build
from model.text.reading import Pair
from model.text.tasks import TRANSLATION
from model.text.tokenizer import Tokenizer
from model.training.batching import Examples
from model.training.data import DataConfig
from model.training.distributed import ALONE, Team
from model.training.estimate import MEGABYTE, estimate
from model.training.folder import create, discard, read_options, write_options
from model.training.loop import TrainState, TrainStep, Validation, fit, make_optimizer

LOG_EVERY = 20
LOGGED_EARLY = (1, 2, 3, 5, 10)  # so that a curve has points soon


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
    team: Team = ALONE

    @classmethod
    def start(cls, folder: Path, data: DataConfig, model_options: dict[str, Any], config: TrainConfig) -> Run:
        """Begin a run in a folder that has none.

        ``model_options`` are the fields of :class:`ModelConfig`; for a task, the vocabulary is its own.

        Raises:
            ValueError: an option or a file cannot be used, or the folder holds a run.
        """
        create(folder, data, data.model(model_options), config)
        try:
            return cls.begin(folder)
        except BaseException:
            discard(folder)
            raise

    @classmethod
    def begin(cls, folder: Path, team: Team = ALONE) -> Run:
        """Begin the run that the folder's options describe; the vocabulary may turn out smaller than they say.

        Each process of a ``team`` reads the data, and the first one has the folder.

        Raises:
            ValueError: they cannot be read, or the data cannot be used.
        """
        data, model_config, config = team.from_leader(lambda: read_options(folder))
        pairs = data.pairs(config.seed)
        tokenizer = Tokenizer.from_json(team.from_leader(lambda: _learn_tokens(data, pairs[0], model_config).to_json()))
        model_config = replace(model_config, vocab_size=len(tokenizer))
        train, valid = _encode(pairs, tokenizer, model_config, team)
        _require_memory(model_config, config, train, team)
        torch.manual_seed(config.seed)
        state = TrainState.start(build(model_config).to(team.device), config)
        if team.leads:
            write_options(folder, data, model_config, config)
            (folder / "log.jsonl").write_text("")
        return cls(folder, data, config, tokenizer, train, valid, state, team=team)

    @classmethod
    def resume(cls, folder: Path, team: Team = ALONE) -> Run:
        """Carry on a run from its last checkpoint, to the result an uninterrupted one would have had.

        One that was ended before it saved anything begins anew.

        Raises:
            ValueError: the folder holds no run that can go on, or its data has changed.
        """
        path = folder / "state.safetensors"
        saved = team.from_leader(lambda: path.read_bytes() if path.is_file() else None)
        if saved is None:
            return cls.begin(folder, team)
        tensors, described = checkpoint.read(saved, str(path))
        try:
            data = DataConfig(**described["data"])
            config = from_dict(TrainConfig, described["train"])
            model_config = from_dict(ModelConfig, described["config"])
            tokenizer = Tokenizer.from_json(described["tokenizer"])
            state = _restore(tensors, model_config, config, described["progress"], team.device)
            best = Validation(**described["best"]) if described["best"] else None
        except (KeyError, TypeError, RuntimeError) as error:
            raise ValueError(f"{path} does not hold the state of a run: {error!r}") from error
        train, valid = _encode(data.pairs(config.seed), tokenizer, model_config, team)
        if train.fingerprint() != described.get("fingerprint"):
            raise ValueError(f"{folder} cannot go on: its training data is no longer what it was at the start")
        if team.leads:
            _forget_after(folder, state.step)
        return cls(folder, data, config, tokenizer, train, valid, state, best, team)

    def steps(self) -> Generator[TrainStep, None, None]:
        """Train, yielding each step; log, validate and save as configured, and save when closed.

        After an error nothing is saved: the weights may be half changed, and the last checkpoint is a good one.
        """
        saved = self.state.step
        if saved == 0:
            self._keep_if_due()
        try:
            for step in fit(self.state, self.train, self.valid, self.config, self.team):
                self._write(step)
                if self._is_due_to_save():
                    self._save()
                    saved = step.step
                yield step
        except GeneratorExit:  # the reader of the steps stopped: what was learned since stays loadable
            if self.state.step != saved:
                self._save()
            raise

    def _write(self, step: TrainStep) -> None:
        """What there is to write about a step, except the state."""
        if step.validation is not None and self._is_best(step.validation):
            self.best = step.validation
            self._save_checkpoint("best", step.validation)
        self._keep_if_due()
        logged = step.step % LOG_EVERY == 0 or step.step in LOGGED_EARLY or step.validation is not None
        if logged and self.team.leads:
            with (self.folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(asdict(step)) + "\n")

    def _is_due_to_save(self) -> bool:
        return self.state.step % self.config.checkpoint_every == 0 or self.state.step == self.config.steps

    def _keep_if_due(self) -> None:
        """Keep a checkpoint for good, every ``keep_every`` steps, before the first and after the last."""
        step, every = self.state.step, self.config.keep_every
        if every and (step % every == 0 or step == self.config.steps):
            self._save_checkpoint(f"checkpoints/{step:08}", None)

    def _is_best(self, validation: Validation) -> bool:
        return self.best is None or (validation.accuracy, -validation.loss) > (self.best.accuracy, -self.best.loss)

    def _save(self) -> None:
        if not self.team.leads:
            return
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
        if not self.team.leads:
            return
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


def _learn_tokens(data: DataConfig, pairs: Sequence[Pair], model_config: ModelConfig) -> Tokenizer:
    if data.task is not None:
        return Tokenizer.characters()
    return Tokenizer.train((text for pair in pairs for text in pair), model_config.vocab_size)


def _encode(
    pairs: tuple[list[Pair], list[Pair]], tokenizer: Tokenizer, model_config: ModelConfig, team: Team
) -> tuple[Examples, Examples]:
    """Training and validation examples, the same in every process."""
    train, valid = (Examples.encode(part, tokenizer, model_config.max_len) for part in pairs)
    if team.size > 1:
        team.require_same(train.fingerprint() + valid.fingerprint(), "the data")
    return train, valid


def _require_memory(model_config: ModelConfig, config: TrainConfig, train: Examples, team: Team) -> None:
    """
    Raises:
        ValueError: by the estimate, the training does not fit in the memory that is free.
    """
    everything = train.n_tokens(np.arange(len(train)))
    batch = replace(config, batch_tokens=max(1, min(config.batch_tokens, everything) // team.size))
    needed = estimate(model_config, batch, train.longest).memory
    free = team.free_memory()
    if free is not None and needed > free:
        raise ValueError(
            f"this training needs about {needed // MEGABYTE:,} MB of memory, but {free // MEGABYTE:,} MB are free: "
            "choose fewer layers (--n-layers), smaller vectors (--d-model, --d-ff), a smaller vocabulary "
            "(--vocab-size) or fewer tokens in a batch (--batch-tokens)"
        )


def _restore(
    tensors: dict[str, torch.Tensor],
    model_config: ModelConfig,
    config: TrainConfig,
    progress: dict[str, int],
    device: torch.device,
) -> TrainState:
    state = TrainState.start(build(model_config).to(device), config)

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


def _forget_after(folder: Path, step: int) -> None:
    """Drop what a run that was killed wrote after ``step``, which will be made again, or left half written."""
    for path in folder.glob(".*-*"):  # a temporary file that was never renamed
        path.unlink()
    for path in (folder / "checkpoints").glob("*"):
        if not path.stem.isdigit() or int(path.stem) > step:
            path.unlink()
    path = folder / "log.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    kept = "".join(line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step)
    whole = folder / ".log-kept"
    whole.write_text(kept)
    whole.replace(path)
