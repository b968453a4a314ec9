"""What layers cost as texts grow longer: time and peak memory of one forward pass, measured.

The operations that Vaswani et al. 2017 count in table 1 are in :func:`model.compare.costs.layer_costs`.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from model.compare.costs import KERNEL
from model.compare.points import CONVOLUTION, FUSED, RECURRENT, SELF, LayerCost
from model.config import ModelConfig
from model.network.attention import MultiHeadAttention

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler reports on standard error that it starts and stops
_PROFILING = threading.Lock()  # there is one profiler per process


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPlan:
    """Which lengths to measure, with which sizes and how often."""

    lengths: tuple[int, ...] = (32, 64, 128, 256, 512, 1024, 2048)
    repeats: int = 20
    d_model: int = 128
    n_heads: int = 4
    seed: int = 0

    @property
    def total(self) -> int:
        """How many items :meth:`measure` yields."""
        return len(self.lengths) * (self.repeats * len(_layers(self)) + len(_layers(self)))

    def measure(self) -> Iterator[LayerCost | None]:
        """The costs, shortest text first; None after each run in between, so that the caller can stop there.

        The layers take turns, and the fastest of a layer's runs counts: other work on the machine then affects all of
        them alike, and the least disturbed run says most about the layer.
        """
        layers = _layers(self)
        for n in self.lengths:
            x = _random_text(self, n)
            peaks = {name: peak_bytes(lambda run=run, x=x: run(x)) for name, run in layers.items()}
            fastest = dict.fromkeys(layers, math.inf)
            for _ in range(self.repeats):
                for name, run in layers.items():
                    fastest[name] = min(fastest[name], _seconds(lambda run=run, x=x: run(x)))
                    yield None
            for name in layers:
                yield LayerCost(layer=name, n=n, seconds=fastest[name], peak_bytes=peaks[name])


def peak_bytes(function: Callable[[], object]) -> int:
    """The most memory that PyTorch holds at once while ``function`` runs, in bytes, beyond what it held before.

    Every allocation and release is counted as PyTorch's profiler reports it, so the number is the same each time.
    """
    with _PROFILING, profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        function()
    assert profiled.profiler is not None
    assert profiled.profiler.kineto_results is not None
    events: list[Any] = [event for event in profiled.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def _layers(plan: CostPlan) -> dict[str, Callable[[Tensor], object]]:
    """Each layer as a function of a text ``[1, n, d_model]``, with random weights."""
    config = ModelConfig(vocab_size=1, n_heads=plan.n_heads, d_model=plan.d_model)
    with torch.random.fork_rng([]):
        torch.manual_seed(plan.seed)
        attention = MultiHeadAttention(config).eval()
        recurrent = nn.LSTM(plan.d_model, plan.d_model, batch_first=True).eval()
        convolution = nn.Conv1d(plan.d_model, plan.d_model, KERNEL, padding=KERNEL // 2).eval()
    runs: dict[str, Callable[[Tensor], object]] = {
        SELF: lambda x: attention(x, x),
        FUSED: lambda x: fused_attention(attention, x),
        RECURRENT: recurrent,
        CONVOLUTION: lambda x: convolution(x.mT),
    }
    return {name: torch.inference_mode()(run) for name, run in runs.items()}


def fused_attention(layer: MultiHeadAttention, x: Tensor) -> Tensor:
    """The output of ``layer`` for self-attention over ``[batch, n, d_model]``, by PyTorch's fused kernel."""
    query, key, value = (
        project(x).unflatten(-1, (layer.n_heads, -1)).transpose(1, 2)
        for project in (layer.query, layer.key, layer.value)
    )
    return layer.output(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))


def _random_text(plan: CostPlan, n: int) -> Tensor:
    return torch.randn(1, n, plan.d_model, generator=torch.Generator().manual_seed(plan.seed))


def _seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began
