"""How the time of a training step depends on the length of the texts: a Transformer and an LSTM of equal size.

Each step reads the same number of tokens, in a few long texts or in many short ones, so what changes with the length is
how much of the work can be done at once.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from model.compare.points import ARCHITECTURES, StepTime
from model.config import MEANINGLESS, ModelConfig, TrainConfig
from model.network.build import Trainable, build
from model.network.sizes import count_parameters
from model.text.tokenizer import CHARACTERS, SPECIAL_TOKENS
from model.training.batching import Batch
from model.training.loop import batch_loss, make_optimizer

FIRST_ID = len(SPECIAL_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """The lengths, the tokens per step, the repetitions and the size of the Transformer."""

    lengths: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512)
    tokens: int = 1024
    repeats: int = 12
    n_layers: int = 2
    d_model: int = 128
    d_ff: int = 256
    seed: int = 0

    @property
    def total(self) -> int:
        """How many items :meth:`measure` yields."""
        return len(self.lengths) * len(ARCHITECTURES) * (self.repeats + 2)

    def configs(self) -> dict[str, ModelConfig]:
        """The two models by their architecture."""
        transformer = ModelConfig(
            vocab_size=CHARACTERS, n_layers=self.n_layers, d_model=self.d_model, d_ff=self.d_ff,
            max_len=max(self.lengths), dropout=0.0,
        )  # fmt: skip
        return dict(zip(ARCHITECTURES, (transformer, lstm_like(transformer)), strict=True))

    def measure(self) -> Iterator[StepTime | None]:
        """The times, shortest texts first; None after each step in between, so that the caller can stop there.

        The two take turns, and the fastest of a model's steps counts, as in :mod:`model.compare.cost`.
        """
        configs = self.configs()
        with torch.random.fork_rng([]):
            torch.manual_seed(self.seed)
            models = {name: build(config) for name, config in configs.items()}
        train = TrainConfig()
        optimizers = {name: make_optimizer(model, train) for name, model in models.items()}
        random_ = torch.Generator().manual_seed(self.seed)
        for n in self.lengths:
            ids = torch.randint(FIRST_ID, CHARACTERS, (max(1, self.tokens // n), n), generator=random_)
            batch = Batch(ids, ids, ids)
            fastest = dict.fromkeys(models, math.inf)
            for repeat in range(self.repeats + 1):
                for name, model in models.items():
                    seconds = step_seconds(model, optimizers[name], batch, train)
                    if repeat:  # the first also allocates memory
                        fastest[name] = min(fastest[name], seconds)
                    yield None
            for name, config in configs.items():
                yield StepTime(
                    architecture=name, parameters=count_parameters(config), n=n, texts=len(ids),
                    seconds=fastest[name], in_sequence=steps_in_sequence(config, n),
                )  # fmt: skip


def lstm_like(config: ModelConfig) -> ModelConfig:
    """The LSTM whose number of parameters is closest to that of ``config``, thanks to the size of its states.

    It keeps vocabulary, layers, ``d_model`` and ``max_len``.
    """
    wanted = count_parameters(config)
    lstm = replace(config, architecture="lstm", d_ff=2, **MEANINGLESS["lstm"])
    low, high = 2, 2
    while count_parameters(replace(lstm, d_ff=high)) < wanted:
        low, high = high, 2 * high
    sizes = (replace(lstm, d_ff=d_ff) for d_ff in range(low, high + 1, 2))
    return min(sizes, key=lambda size: abs(count_parameters(size) - wanted))


def steps_in_sequence(config: ModelConfig, n: int) -> int:
    """How many steps of a forward pass over ``n`` source and ``n`` target tokens must wait for each other.

    A step is a sublayer of a Transformer, for all tokens at once (Vaswani et al. 2017, section 3.1), or one token in a
    layer of an LSTM; both directions of the encoder run side by side. Embedding and output are left out.
    """
    if config.architecture == "transformer":
        return config.n_layers * 2 + config.n_layers * 3
    if config.architecture == "lstm":
        return config.n_layers * n + config.n_layers * n + 1  # the attention
    raise ValueError(f"the steps of architecture {config.architecture!r} are not counted")


def step_seconds(model: Trainable, optimizer: torch.optim.Optimizer, batch: Batch, config: TrainConfig) -> float:
    """How many seconds one update takes."""
    began = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    batch_loss(model, batch, config).backward()
    optimizer.step()
    return time.perf_counter() - began
