"""What a training run will need, before it starts: parameters by count, memory and disk by estimate."""

from __future__ import annotations

from dataclasses import dataclass

from model.config import ModelConfig, TrainConfig
from model.network.sizes import count_parameters

NUMBER = 4  # bytes of a float32
FORMATS = {"float32": 4, "float16": 2}  # bytes of a number in a checkpoint
MEGABYTE = 10**6
PROGRAM = 420 * MEGABYTE
"""What Python, PyTorch and 100 000 short examples take (measured)."""
COPIES = 12
"""Arrays of the parameters' size: weights, gradients, Adam's two moments, the average, and what saving them takes."""
PER_WIDTH, PER_INNER = 22, 4
"""Numbers kept for the backward pass per token and pair of layers, in units of d_model and d_ff (measured)."""
PATTERNS = 14
"""The same, per head and key: three patterns of a pair of layers, with their scores and gradients (measured)."""

MOST_KEPT, FEWEST_KEPT, KEPT_BYTES = 40, 5, 200 * MEGABYTE
"""How many checkpoints of a run are kept, for replaying it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """``parameters`` are counted; ``memory`` and ``disk``, in bytes, are estimated."""

    parameters: int
    memory: int
    disk: int


def estimate(model: ModelConfig, train: TrainConfig, longest: int) -> Estimate:
    """What a training run needs whose texts have up to ``longest`` tokens."""
    size = count_parameters(model)
    longest = min(longest, model.max_len)
    layer = PER_WIDTH * model.d_model + PER_INNER * model.d_ff + PATTERNS * model.n_heads * longest
    kept = train.batch_tokens * (model.n_layers * layer + 3 * model.vocab_size)  # the last term for validation
    checkpoint = size * FORMATS[train.weights]
    n_kept = train.steps // train.keep_every + 2 if train.keep_every else 0
    return Estimate(
        parameters=size,
        memory=PROGRAM + NUMBER * (COPIES * size + kept),
        disk=checkpoint * (n_kept + 2) + 4 * NUMBER * size,
    )


def frames(model: ModelConfig, train: TrainConfig) -> int:
    """The number of steps between kept checkpoints: 40 of them in all, or fewer if they are large."""
    size = count_parameters(model) * FORMATS[train.weights]
    n_kept = max(FEWEST_KEPT, min(MOST_KEPT, KEPT_BYTES // size))
    return max(1, -(-train.steps // n_kept))
