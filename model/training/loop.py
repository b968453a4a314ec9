"""The training loop: it yields after every step, never prints, never draws and never writes a file."""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from model.config import TrainConfig
from model.network.build import Trainable
from model.text.tokenizer import PAD_ID
from model.training.batching import Batch, Examples
from model.training.distributed import ALONE, Team
from model.training.loss import linear_cross_entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Scores on unseen examples, teacher-forced: nats per target token, and the share of target tokens guessed
    right."""

    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainStep:
    """The result of one update. ``loss`` is smoothed as configured; ``n_tokens`` counts target tokens."""

    step: int
    loss: float
    learning_rate: float
    n_tokens: int
    seconds: float
    validation: Validation | None = None


@dataclass(slots=True)
class TrainState:
    """Everything that changes during training; saved as a whole, it lets a run resume to the same result."""

    model: Trainable
    average: Trainable
    optimizer: torch.optim.Optimizer
    step: int = 0
    epoch: int = 0
    batch: int = 0  # of this epoch
    rng: Tensor = field(default_factory=torch.get_rng_state)

    @classmethod
    def start(cls, model: Trainable, config: TrainConfig) -> TrainState:
        """Begin with ``model``'s current weights."""
        torch.manual_seed(config.seed + 1)  # a different stream from that of the initial weights
        average = copy.deepcopy(model).eval().requires_grad_(False)
        return cls(model, average, make_optimizer(model, config))


def make_optimizer(model: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam with the paper's β and ε (section 5.3); decoupled weight decay (Loshchilov and Hutter 2019)."""
    return torch.optim.AdamW(
        model.parameters(), lr=0.0, betas=(0.9, 0.98), eps=1e-9, weight_decay=config.weight_decay, fused=True
    )


def learning_rate(step: int, config: TrainConfig) -> float:
    """The rate of update number ``step``, counted from 1: a linear warm-up to the peak, then the schedule.

    ``inverse_sqrt`` falls with 1/√step (Vaswani et al. 2017, equation 3, given by its peak), ``cosine`` to 0
    at the last step (Loshchilov and Hutter 2017, equation 5), ``constant`` stays.
    """
    warmup = max(1, config.warmup)
    if step <= warmup:
        return config.learning_rate * step / warmup
    if config.schedule == "inverse_sqrt":
        return config.learning_rate * math.sqrt(warmup / step)
    if config.schedule == "cosine":
        progress = min(1.0, (step - warmup) / max(1, config.steps - warmup))
        return config.learning_rate * (1 + math.cos(math.pi * progress)) / 2
    return config.learning_rate


def fit(
    state: TrainState, train: Examples, valid: Examples, config: TrainConfig, team: Team = ALONE
) -> Iterator[TrainStep]:
    """Train from ``state`` up to ``config.steps``, changing ``state`` and yielding each step.

    The order of the batches depends only on the seed and the epoch; dropout depends on ``state.rng`` or, with several
    processes or on a GPU, on the seed and the step. So the same state and data give the same weights on the same
    machine. Each process of a ``team`` takes its share of every batch; all of them yield the same steps.

    Raises:
        FloatingPointError: training diverged: a loss is no longer a number.
    """
    state.model.train()
    loss_of = team.wrapped(_Loss(state.model, config))
    while state.step < config.steps:
        plan = train.plan(config.batch_tokens, shuffle=(config.seed, state.epoch))
        for indices in plan[state.batch :]:
            began = time.perf_counter()
            n_tokens = train.n_tokens(indices)
            rate = learning_rate(state.step + 1, config)
            _seed(state, config, team)  # whoever reads the steps may have drawn random numbers meanwhile
            loss = _update(state, loss_of, _share(train, indices, n_tokens, team), rate, config)
            loss = team.sums(loss)[0] / team.size
            state.step, state.batch = state.step + 1, state.batch + 1
            if state.batch == len(plan):
                state.epoch, state.batch = state.epoch + 1, 0
            state.rng = torch.get_rng_state()
            if not math.isfinite(loss):
                raise diverged(f"the loss is {loss}", state.step, config)
            seconds = time.perf_counter() - began
            due = state.step % config.validate_every == 0 or state.step == config.steps
            validation = validate(state.average, valid, config, team) if due else None
            if validation is not None and not math.isfinite(validation.loss):
                raise diverged(f"the validation loss is {validation.loss}", state.step, config)
            yield TrainStep(
                step=state.step,
                loss=loss,
                learning_rate=rate,
                n_tokens=n_tokens,
                seconds=seconds,
                validation=validation,
            )
            if state.step == config.steps:
                return


def diverged(what: str, step: int, config: TrainConfig) -> FloatingPointError:
    """The error that says what diverged, when, and what to try."""
    return FloatingPointError(
        f"the training diverged at step {step}: {what}; a smaller learning_rate than {config.learning_rate} "
        f"or a longer warmup than {config.warmup} usually helps"
    )


class _Share(NamedTuple):
    """A process's part of a batch; its mean loss has this ``weight`` in the mean over the processes."""

    batch: Batch
    weight: float


def _share(train: Examples, indices: np.ndarray, n_tokens: int, team: Team) -> _Share:
    """The loss is a mean over the target tokens of the whole batch, so each share is weighted by how many it has."""
    if team.size == 1:
        return _Share(train.batch(indices).to(team.device), 1.0)
    mine = team.part(indices)
    weight = team.size * train.n_tokens(mine) / n_tokens
    # A process without an example must take part all the same: with any example, at weight 0.
    return _Share(train.batch(mine if len(mine) else indices[:1]).to(team.device), weight)


def _seed(state: TrainState, config: TrainConfig, team: Team) -> None:
    if team.size == 1 and team.device.type == "cpu":
        torch.set_rng_state(state.rng)
    else:
        team.seed(config.seed, state.step)


def _update(state: TrainState, loss_of: nn.Module, share: _Share, rate: float, config: TrainConfig) -> float:
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.zero_grad(set_to_none=True)
    loss = share.weight * loss_of(share.batch.source, share.batch.target_in, share.batch.target_out)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.clip_norm)
    state.optimizer.step()
    _follow(state.average, state.model, config.average, state.step)
    return loss.item()


class _Loss(nn.Module):
    """:func:`batch_loss` as a module, because only modules can be distributed."""

    def __init__(self, model: Trainable, config: TrainConfig) -> None:
        super().__init__()
        self.model, self.config = model, config

    def forward(self, source: Tensor, target_in: Tensor, target_out: Tensor) -> Tensor:
        return batch_loss(self.model, Batch(source, target_in, target_out), self.config)


def batch_loss(model: Trainable, batch: Batch, config: TrainConfig) -> Tensor:
    """The smoothed cross-entropy of a batch, a scalar in nats per target token."""
    with torch.autocast(batch.source.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        hidden = model(batch.source, batch.target_in).hidden
        real = batch.target_out != PAD_ID
        return linear_cross_entropy(
            hidden[real], model.embedding.tokens.weight, batch.target_out[real], config.label_smoothing
        )


@torch.no_grad()
def _follow(average: Trainable, model: Trainable, decay: float, step: int) -> None:
    """Move the averaged weights towards the model's; faster early on, when the average has seen little."""
    decay = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)


@torch.inference_mode()
def validate(model: Trainable, examples: Examples, config: TrainConfig, team: Team = ALONE) -> Validation:
    """Score a model in eval mode, teacher-forced, without label smoothing; each process takes some of the batches."""
    total, right, count = 0.0, 0, 0
    for batch in itertools.islice(examples.batches(config.batch_tokens), team.rank, None, team.size):
        batch = batch.to(team.device)
        hidden = model(batch.source, batch.target_in).hidden
        real = batch.target_out != PAD_ID
        log_probabilities = model.unembed(hidden[real]).log_softmax(-1)
        target = batch.target_out[real]
        total -= log_probabilities.gather(1, target[:, None]).sum().item()
        right += int((log_probabilities.argmax(-1) == target).sum())
        count += len(target)
    total, right, count = team.sums(total, right, count)
    return Validation(loss=total / count, accuracy=right / count)
