"""What a layer costs: counted as in Vaswani et al. 2017, table 1, and measured on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

from model.config import ModelConfig
from model.network.attention import MultiHeadAttention

KERNEL, NEIGHBOURS = 3, 8
LENGTHS = (32, 64, 128, 256, 512, 1024)
REPEATS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One row of the table for a text of n tokens.

    ``operations`` are multiplications in one layer, to leading order; ``sequential`` those steps that must
    wait for each other; ``path`` how many a signal takes between the two tokens that are farthest apart. The
    formulas are LaTeX.
    """

    name: str
    operations: int
    sequential: int
    path: int
    operations_formula: str
    sequential_formula: str
    path_formula: str


def layer_costs(n: int, d_model: int) -> tuple[Cost, ...]:
    """Self-attention, recurrent, convolutional and restricted self-attention layers (table 1).

    Raises:
        ValueError: ``n`` is below 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, but it is {n}")
    k, r, d = KERNEL, NEIGHBOURS, d_model
    return (
        Cost(
            name="self-attention", operations=n * n * d, sequential=1, path=1,
            operations_formula="n^2 d", sequential_formula="1", path_formula="1",
        ),
        Cost(
            name="recurrent", operations=n * d * d, sequential=n, path=n,
            operations_formula="n d^2", sequential_formula="n", path_formula="n",
        ),
        Cost(
            name=f"convolutional, width {k}", operations=k * n * d * d, sequential=1, path=reach(n, k),
            operations_formula="k n d^2", sequential_formula="1", path_formula=r"\lceil\log_k n\rceil",
        ),
        Cost(
            name=f"self-attention to {r} neighbours", operations=min(r, n) * n * d, sequential=1, path=-(-n // r),
            operations_formula="r n d", sequential_formula="1", path_formula=r"\lceil n/r\rceil",
        ),
    )  # fmt: skip


def reach(n: int, base: int) -> int:
    """How many layers, each ``base`` times as wide as the last, span ``n`` tokens: ⌈log n⌉, at least 1."""
    layers, width = 1, base
    while width < n:
        layers, width = layers + 1, width * base
    return layers


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One length: median seconds of an attention sublayer and of an LSTM of the same width; size of the weights."""

    n: int
    attention: float
    recurrent: float
    pattern_bytes: int


@torch.inference_mode()
def measure(config: ModelConfig, lengths: tuple[int, ...] = LENGTHS, repeats: int = REPEATS) -> Iterator[Timing]:
    """Run both layers, with random weights, at the model's sizes on one text of each length."""
    attention = MultiHeadAttention(config).eval()
    recurrent = nn.LSTM(config.d_model, config.d_model, batch_first=True).eval()
    for n in lengths:
        x = torch.randn(1, n, config.d_model)
        pattern = attention(x, x)[1]
        yield Timing(
            n=n,
            attention=_median_seconds(lambda x=x: attention(x, x), repeats),
            recurrent=_median_seconds(lambda x=x: recurrent(x), repeats),
            pattern_bytes=pattern.nbytes,
        )


def growth(lengths: list[int], values: list[float]) -> float:
    """With which power of the length the values grow: the slope of a line through the last three points, log–log.

    Raises:
        ValueError: there are fewer than two.
    """
    if len(lengths) < 2:
        raise ValueError(f"a slope needs at least two points, but there are {len(lengths)}")
    x = [math.log(length) for length in lengths[-3:]]
    y = [math.log(value) for value in values[-3:]]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    products = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return products / sum((a - mean_x) ** 2 for a in x)


def _median_seconds(function: Callable[[], object], repeats: int) -> float:
    function()  # the first run also fetches memory
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return median(seconds)
