"""The training loop: it yields after every step, never prints, never draws and never writes a file."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from model.batching import Batch, Examples
from model.build import Model
from model.config import TrainConfig
from model.loss import linear_cross_entropy
from model.tokenizer import PAD_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Scores on unseen examples, teacher-forced: nats and share of right guesses for each target token."""

    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainStep:
    """What one update gave. ``loss`` is smoothed as configured; ``n_tokens`` counts target tokens."""

    step: int
    loss: float
    learning_rate: float
    n_tokens: int
    seconds: float
    validation: Validation | None = None


@dataclass(slots=True)
class TrainState:
    """Everything that changes while training: saved whole, a run resumes to the same result."""

    model: Model
    average: Model
    optimizer: torch.optim.Optimizer
    step: int = 0
    epoch: int = 0
    batch: int = 0  # of this epoch
    rng: Tensor = field(default_factory=torch.get_rng_state)

    @classmethod
    def start(cls, model: Model, config: TrainConfig) -> TrainState:
        """Begin with ``model``'s present weights."""
        torch.manual_seed(config.seed + 1)  # another stream than that of the initial weights
        average = copy.deepcopy(model).eval().requires_grad_(False)
        return cls(model, average, make_optimizer(model, config))


def make_optimizer(model: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam with the paper's β and ε (section 5.3); decoupled weight decay (Loshchilov and Hutter 2019)."""
    return torch.optim.AdamW(
        model.parameters(), lr=0.0, betas=(0.9, 0.98), eps=1e-9, weight_decay=config.weight_decay, fused=True
    )


def learning_rate(step: int, config: TrainConfig) -> float:
    """The rate of update number ``step``, counted from 1: a linear warm-up to the peak, then the schedule.

    ``inverse_sqrt`` falls with 1/√step (Vaswani et al. 2017, equation 3, by its peak), ``cosine`` to 0
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


def fit(state: TrainState, train: Examples, valid: Examples, config: TrainConfig) -> Iterator[TrainStep]:
    """Train from where ``state`` stands to ``config.steps``, changing ``state`` and yielding each step.

    The order of the batches depends on the seed and the epoch alone, dropout on ``state.rng``: the same
    state and data give the same weights on the same machine.

    Raises:
        FloatingPointError: the loss is no longer a number.
    """
    state.model.train()
    while state.step < config.steps:
        plan = train.plan(config.batch_tokens, shuffle=(config.seed, state.epoch))
        for indices in plan[state.batch :]:
            began = time.perf_counter()
            batch = train.batch(indices)
            rate = learning_rate(state.step + 1, config)
            torch.set_rng_state(state.rng)  # whoever reads the steps may have drawn numbers meanwhile
            loss = _update(state, batch, rate, config)
            state.step, state.batch = state.step + 1, state.batch + 1
            if state.batch == len(plan):
                state.epoch, state.batch = state.epoch + 1, 0
            state.rng = torch.get_rng_state()
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"the loss is {loss} at step {state.step}; a smaller learning_rate than {config.learning_rate} "
                    f"or a longer warmup than {config.warmup} usually helps"
                )
            seconds = time.perf_counter() - began
            due = state.step % config.validate_every == 0 or state.step == config.steps
            yield TrainStep(
                step=state.step,
                loss=loss,
                learning_rate=rate,
                n_tokens=batch.n_tokens,
                seconds=seconds,
                validation=validate(state.average, valid, config) if due else None,
            )
            if state.step == config.steps:
                return


def _update(state: TrainState, batch: Batch, rate: float, config: TrainConfig) -> float:
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.zero_grad(set_to_none=True)
    loss = batch_loss(state.model, batch, config)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), config.clip_norm)
    state.optimizer.step()
    _follow(state.average, state.model, config.average, state.step)
    return loss.item()


def batch_loss(model: Model, batch: Batch, config: TrainConfig) -> Tensor:
    """The smoothed cross-entropy of a batch, a scalar in nats for each target token."""
    with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bfloat16"):
        hidden = model(batch.source, batch.target_in).hidden
        real = batch.target_out != PAD_ID
        return linear_cross_entropy(
            hidden[real], model.embedding.tokens.weight, batch.target_out[real], config.label_smoothing
        )


@torch.no_grad()
def _follow(average: Model, model: Model, decay: float, step: int) -> None:
    """Move the averaged weights towards the model's; early on faster, when the average knows little."""
    decay = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)


@torch.inference_mode()
def validate(model: Model, examples: Examples, config: TrainConfig) -> Validation:
    """Score a model in eval mode, teacher-forced, without label smoothing."""
    total, right, count = 0.0, 0, 0
    for batch in examples.batches(config.batch_tokens):
        hidden = model(batch.source, batch.target_in).hidden
        real = batch.target_out != PAD_ID
        log_probabilities = model.unembed(hidden[real]).log_softmax(-1)
        target = batch.target_out[real]
        total -= log_probabilities.gather(1, target[:, None]).sum().item()
        right += int((log_probabilities.argmax(-1) == target).sum())
        count += len(target)
    return Validation(loss=total / count, accuracy=right / count)
