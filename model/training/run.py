"""A training run and its folder: what :mod:`model.training.folder` reads is written here."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from model import checkpoint
from model.config import ModelConfig, TrainConfig, from_dict, to_dict
from model.files import SUFFIX, remove_unfinished, write_whole
from model.network.build import build
from model.text.reading import Pair
from model.text.tasks import TRANSLATION
from model.text.tokenizer import Tokenizer
from model.training.batching import Examples
from model.training.data import DataConfig
from model.training.distributed import ALONE, Team
from model.training.estimate import MEGABYTE, estimate
from model.training.folder import checkpoint_file, create, discard, kept_checkpoints, read_log
from model.training.loop import TrainState, TrainStep, Validation, diverged, fit, make_optimizer
from model.training.options import Options, read_options, write_options

STATE = f"state{SUFFIX}"
LOG_EVERY = 20
LOGGED_EARLY = (1, 2, 3, 5, 10)  # so that a curve soon has points


@dataclass(slots=True)
class Run:
    """One training run, in memory; :meth:`steps` continues it and keeps its folder up to date."""

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
        """Start a run in a folder that has none.

        ``model_options`` are the fields of :class:`ModelConfig`; a task brings its own vocabulary.

        Raises:
            ValueError: an option or a file cannot be used, or the folder holds a run.
        """
        create(folder, Options(data, data.model(model_options), config))
        try:
            return cls.begin(folder)
        except BaseException:
            discard(folder)
            raise

    @classmethod
    def begin(cls, folder: Path, team: Team = ALONE) -> Run:
        """Start the run that the folder's options describe; the vocabulary may turn out smaller than they say.

        Each process of a ``team`` reads the data, and the first one writes the folder.

        Raises:
            ValueError: they cannot be read, or the data cannot be used.
        """
        options = team.from_leader(lambda: read_options(folder))
        data, model_config, config, _ = options
        pairs = data.pairs(config.seed)
        first = team.from_leader(lambda: None if data.start_from is None else _first(data.start_from, model_config))
        tokens = team.from_leader(
            lambda: _learn_tokens(data, pairs[0], model_config).to_json() if first is None else ""
        )
        tokenizer = Tokenizer.from_json(tokens if first is None else first[1])
        asked = options.vocab_asked or model_config.vocab_size
        model_config = replace(model_config, vocab_size=len(tokenizer))
        train, valid = _encode(pairs, tokenizer, model_config, team)
        _require_memory(model_config, config, train, team)
        torch.manual_seed(config.seed)
        begun = build(model_config)
        if first is not None:
            begun.load_state_dict(first[0])
        state = TrainState.start(begun.to(team.device), config)
        if team.leads:
            write_options(folder, Options(data, model_config, config, asked))
            (folder / "log.jsonl").write_text("")
        return cls(folder, data, config, tokenizer, train, valid, state, team=team)

    @classmethod
    def resume(cls, folder: Path, team: Team = ALONE, given: Mapping[str, Any] = MappingProxyType({})) -> Run:
        """Continue a run from its last checkpoint, to the same result as if it had not been interrupted.

        A run that ended before it saved anything starts over. ``given`` are options that a person gives again, for
        :meth:`Options.continued`.

        Raises:
            ValueError: the folder holds no run that can continue this way, or its data has changed.
        """
        path = folder / STATE
        options = team.from_leader(lambda: read_options(folder).continued(given))
        options.data.require_files()
        saved = team.from_leader(lambda: path.read_bytes() if path.is_file() else None)
        if saved is None:
            if team.leads:
                _forget_after(folder, 0)
                write_options(folder, options)
            return cls.begin(folder, team)
        tensors, described = checkpoint.read(saved, str(path))
        try:
            config = replace(from_dict(TrainConfig, described["train"]), steps=options.train.steps)
            model_config = from_dict(ModelConfig, described["config"])
            tokenizer = Tokenizer.from_json(described["tokenizer"])
            state = _restore(tensors, model_config, config, described["progress"], team.device)
            best = Validation(**described["best"]) if described["best"] else None
        except (KeyError, TypeError, RuntimeError) as error:
            raise ValueError(f"{path} does not hold the state of a run: {error!r}") from error
        data = options.data.anchored()
        train, valid = _encode(data.pairs(config.seed), tokenizer, model_config, team)
        for part, examples, known in (("training", train, "fingerprint"), ("validation", valid, "valid_fingerprint")):
            # A run of an earlier version has a fingerprint of its training data only.
            if described.get(known) not in (None, examples.fingerprint()):
                raise ValueError(f"{folder} cannot be continued: its {part} data has changed since the start")
        if team.leads:
            _forget_after(folder, state.step)
            write_options(folder, Options(data, model_config, config, options.vocab_asked))
        return cls(folder, data, config, tokenizer, train, valid, state, best, team)

    def steps(self) -> Generator[TrainStep, None, None]:
        """Train, yielding each step; log, validate and save as configured, and save when closed.

        After an error nothing is saved: the weights may be half changed, while the last checkpoint is a good one.
        """
        saved = self.state.step
        try:
            if saved == 0:
                self._keep_if_due()
            for step in fit(self.state, self.train, self.valid, self.config, self.team):
                self._write(step)
                if self._is_due_to_save():
                    self._save()
                    saved = step.step
                yield step
        except GeneratorExit:  # the reader of the steps stopped: save what was learned since
            if self.state.step != saved:
                self._save()
            raise
        except FloatingPointError as error:
            kept = (
                f"what was saved at step {saved} is kept"
                if saved
                else "nothing had been saved that it could continue from"
            )
            raise FloatingPointError(f"{error}; {kept}") from error

    def _write(self, step: TrainStep) -> None:
        """Write what there is to write about a step, except the state."""
        if step.validation is not None and self._is_best(step.validation):
            self.best = step.validation
            self._save_checkpoint(self.folder / f"best{SUFFIX}", step.validation)
        self._keep_if_due()
        logged = step.step % LOG_EVERY == 0 or step.step in LOGGED_EARLY or step.validation is not None
        if logged and self.team.leads:
            with (self.folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(asdict(step), allow_nan=False) + "\n")

    def _is_due_to_save(self) -> bool:
        return self.state.step % self.config.checkpoint_every == 0 or self.state.step == self.config.steps

    def _keep_if_due(self) -> None:
        """Keep a checkpoint for good, every ``keep_every`` steps, before the first and after the last."""
        step, every = self.state.step, self.config.keep_every
        if every and (step % every == 0 or step == self.config.steps):
            self._save_checkpoint(checkpoint_file(self.folder, step), None)

    def _is_best(self, validation: Validation) -> bool:
        return self.best is None or (validation.accuracy, -validation.loss) > (self.best.accuracy, -self.best.loss)

    def _save(self) -> None:
        if not self.team.leads:
            return
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
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise diverged("a weight, or a moment of Adam's, is no longer finite", state.step, self.config)
        self._save_checkpoint(self.folder / f"last{SUFFIX}", None)
        if self.best is None:  # stopped before the first validation: the run folder can still be opened
            self._save_checkpoint(self.folder / f"best{SUFFIX}", None)
        described = {
            "train": to_dict(self.config),
            "config": to_dict(state.model.config),
            "tokenizer": self.tokenizer.to_json(),
            "fingerprint": self.train.fingerprint(),
            "valid_fingerprint": None if self.data.task else self.valid.fingerprint(),  # a task's data is generated
            "progress": {"step": state.step, "epoch": state.epoch, "batch": state.batch},
            "best": asdict(self.best) if self.best else None,
        }
        checkpoint.write(self.folder / STATE, tensors, described)

    def _save_checkpoint(self, file: Path, validation: Validation | None) -> None:
        if not self.team.leads:
            return
        training = {
            **to_dict(self.config),
            "step": self.state.step,
            "examples": len(self.train),
            "validation": asdict(validation) if validation else None,
        }
        task, dtype = self.data.task or TRANSLATION, getattr(torch, self.config.weights)
        try:
            checkpoint.save(file, self.state.average, self.tokenizer, task=task, training=training, dtype=dtype)
        except FloatingPointError as error:
            raise diverged(str(error), self.state.step, self.config) from error


def _first(start_from: str, model_config: ModelConfig) -> tuple[dict[str, torch.Tensor], str]:
    """The weights that a run begins with, and their tokenizer as JSON.

    Raises:
        ValueError: the checkpoint cannot be opened, or differs in size from the run's model.
    """
    found = checkpoint.load_own(start_from)
    if replace(found.config, dropout=0, attention_dropout=0) != replace(model_config, dropout=0, attention_dropout=0):
        raise ValueError(f"{start_from} is no longer the checkpoint that this run was set up with; start the run again")
    return dict(found.model.state_dict()), found.tokenizer.to_json()


def _learn_tokens(data: DataConfig, pairs: Sequence[Pair], model_config: ModelConfig) -> Tokenizer:
    if data.task is not None:
        return Tokenizer.characters()
    return Tokenizer.train((text for pair in pairs for text in pair), model_config.vocab_size)


def _encode(
    pairs: tuple[list[Pair], list[Pair]], tokenizer: Tokenizer, model_config: ModelConfig, team: Team
) -> tuple[Examples, Examples]:
    """Training and validation examples, the same in every process."""
    train, valid = (
        Examples.encode(part, tokenizer, model_config.max_len, f"{name} pairs")
        for part, name in zip(pairs, ("training", "validation"), strict=True)
    )
    if team.size > 1:
        team.require_same(train.fingerprint() + valid.fingerprint(), "the data")
    return train, valid


def _require_memory(model_config: ModelConfig, config: TrainConfig, train: Examples, team: Team) -> None:
    """
    Raises:
        ValueError: by the estimate, the training run does not fit in free memory.
    """
    everything = train.n_tokens(np.arange(len(train)))
    batch = replace(config, batch_tokens=max(1, min(config.batch_tokens, everything) // team.size))
    needed = estimate(model_config, batch, train.longest).memory
    free = team.free_memory()
    if free is not None and needed > free:
        raise ValueError(
            f"this training run needs about {needed // MEGABYTE:,} MB of memory, but {free // MEGABYTE:,} MB are free: "
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
    """Remove what a killed run wrote after ``step``, which will be written again, or left half written.

    Nothing else: a person may keep files of their own there.
    """
    for place in (folder, folder / "checkpoints"):
        remove_unfinished(place)
    for kept, file in kept_checkpoints(folder):
        if kept > step:
            file.unlink()
    log = folder / "log.jsonl"
    if log.exists():
        write_whole(log, b"".join(line for line, point in read_log(folder) if point.step <= step))
