"""How far back a model learns to look: accuracy by the distance between a token and the place where it matters.

A sequence begins with one of :data:`SYMBOLS` letters; ``distance`` tokens of another alphabet follow, which mean
nothing, and at the end the letter must be written again (after the latching problem of Bengio et al. 1994 and
Hochreiter and Schmidhuber 1997, section 5). For each distance a model is trained from scratch, always on the same
budget.

A Transformer and an LSTM get the sequence as their own output so far, which the LSTM's decoder can remember only in its
state. The same LSTM gets it once more as its source, which its attention can look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from model.compare.points import ATTENDING, CONTENDERS, LSTM, SYMBOLS, TRANSFORMER, DistanceScore
from model.compare.steps import lstm_like
from model.config import ModelConfig, TrainConfig
from model.network.build import Trainable, build
from model.network.sizes import count_parameters
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, SPECIAL_TOKENS
from model.training.batching import Batch
from model.training.loop import batch_loss, learning_rate, make_optimizer

FIRST_LETTER = len(SPECIAL_TOKENS)
FIRST_NOISE = FIRST_LETTER + SYMBOLS
CHOICE_SEED, TEST_SEED = 2**31 + 1, 2**31  # of texts that no training run sees


@dataclass(frozen=True, slots=True, kw_only=True)
class DistancePlan:
    """Which distances, and the budget of each training run: ``updates`` of ``texts`` sequences each.

    Each contender is trained at each of ``learning_rates``, since what suits one may not suit another, and
    with each of ``seeds``.
    """

    distances: tuple[int, ...] = (4, 8, 16, 32, 64)
    updates: int = 300
    texts: int = 32
    learning_rates: tuple[float, ...] = (3e-3, 1e-2)
    seeds: tuple[int, ...] = (0, 1, 2)
    d_model: int = 32
    n_tested: int = 500

    @property
    def total(self) -> int:
        """How many items :meth:`measure` yields."""
        trainings = len(self.distances) * len(CONTENDERS) * len(self.learning_rates) * len(self.seeds)
        return trainings * (self.updates + 1)

    def configs(self) -> dict[str, ModelConfig]:
        """The model of each contender."""
        transformer = ModelConfig(
            vocab_size=FIRST_NOISE + SYMBOLS, n_layers=1, n_heads=2, d_model=self.d_model, d_ff=2 * self.d_model,
            max_len=max(self.distances) + 3, dropout=0.0,
        )  # fmt: skip
        lstm = lstm_like(transformer)
        return {TRANSFORMER: transformer, LSTM: lstm, ATTENDING: lstm}

    def measure(self) -> Iterator[DistanceScore | None]:
        """The scores, nearest first; None after each update in between, so that the caller can stop there."""
        configs = self.configs()
        for distance in self.distances:
            for seed in self.seeds:
                for rate in self.learning_rates:
                    for name, config in configs.items():
                        yield from self._train(name, config, distance, rate, seed)

    def _train(
        self, name: str, config: ModelConfig, distance: int, rate: float, seed: int
    ) -> Iterator[DistanceScore | None]:
        train = TrainConfig(
            steps=self.updates, learning_rate=rate, warmup=self.updates // 10, schedule="cosine", label_smoothing=0.0
        )
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            model = build(config)
        optimizer = make_optimizer(model, train)
        random_ = np.random.default_rng(seed)
        for step in range(1, self.updates + 1):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, train)
            optimizer.zero_grad(set_to_none=True)
            batch_loss(model, sequences(random_, self.texts, distance, read=name == ATTENDING), train).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), train.clip_norm)
            optimizer.step()
            yield None
        chosen_by, tested = (
            accuracy(
                model.eval(), sequences(np.random.default_rng(fresh), self.n_tested, distance, read=name == ATTENDING)
            )
            for fresh in (CHOICE_SEED, TEST_SEED)
        )
        yield DistanceScore(
            contender=name, parameters=count_parameters(config), distance=distance, learning_rate=rate, seed=seed,
            chosen_by=chosen_by, accuracy=tested,
        )  # fmt: skip


def sequences(random_: np.random.Generator, n: int, distance: int, *, read: bool) -> Batch:
    """``n`` sequences with the letter ``distance`` tokens before the place where it is asked for.

    With ``read`` the model reads the sequence and writes the letter. The letter then comes last: the decoder
    begins with what the encoder knows at the first token, reading backwards, and that too is ``distance`` steps
    away. Without it, the sequence is what the model has written so far, from ``<s>`` on, and only its last row counts.
    """
    letters = torch.from_numpy(random_.integers(FIRST_LETTER, FIRST_NOISE, (n, 1)))
    noise = torch.from_numpy(random_.integers(FIRST_NOISE, FIRST_NOISE + SYMBOLS, (n, distance)))
    begin = torch.full((n, 1), BOS_ID)
    if read:
        return Batch(torch.cat((noise, letters), dim=1), begin, letters)
    written = torch.cat((begin, letters, noise), dim=1)
    asked = torch.full_like(written, PAD_ID)  # padding does not count in the loss
    asked[:, -1:] = letters
    return Batch(torch.full((n, 1), EOS_ID), written, asked)


@torch.inference_mode()
def accuracy(model: Trainable, batch: Batch) -> float:
    """The share of last rows that write the letter asked for."""
    hidden = model(batch.source, batch.target_in).hidden[:, -1]
    return (model.unembed(hidden).argmax(-1) == batch.target_out[:, -1]).float().mean().item()
