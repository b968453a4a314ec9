"""An attention layer with seven faults to find and fix, and the checks that tell whether a layer is correct.

They are the faults found in the code of articles about Transformers: wrong axis, no scale, no projections, nothing
returned, a mask after the softmax, one head for all, a name that was never set. To fix the layer, one chooses among the
lines given here; :func:`build` takes their numbers and nothing else, so no outside code is run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

AGREE = 1e-4
"""The largest difference from PyTorch's layer that rounding alone explains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One place in the layer and the lines to choose from: ``lines[broken]`` is there at first, ``lines[right]`` should
    be. ``asks`` says what the place is for, ``fault`` names what is wrong at first, ``why`` says what the fault
    does."""

    asks: str
    lines: tuple[str, ...]
    broken: int
    right: int
    fault: str
    why: str


FAULTS: MappingProxyType[str, Fault] = MappingProxyType(
    {
        "projections": Fault(
            asks="How are queries, keys and values made?",
            lines=(
                "self.query = self.key = self.value = nn.Identity()",
                "self.query = self.key = self.value = nn.Linear(d_model, d_model)",
                "self.query, self.key, self.value = (nn.Linear(d_model, d_model) for _ in range(3))",
            ),
            broken=0,
            right=2,
            fault="no projections",
            why="Query, key and value were the input itself, so each token matched itself best, and no head could "
            "learn what to ask.",
        ),
        "name": Fault(
            asks="Which layer is applied to the result?",
            lines=(
                "output = nn.Linear(d_model, d_model)",
                "self.output = nn.Linear(d_model, d_model)",
                "self.output = nn.Identity()",
            ),
            broken=0,
            right=1,
            fault="a name that was never set",
            why="Without `self.` it was a local variable that was gone when `__init__` ended, so `forward` could not "
            "find it.",
        ),
        "heads": Fault(
            asks="How are they divided among the heads?",
            lines=(
                "return y.view(batch, self.n_heads, n, -1)",
                "return y.view(batch, n, self.n_heads, -1).transpose(1, 2)",
                "return y.unsqueeze(1)",
            ),
            broken=2,
            right=1,
            fault="one head for all",
            why="All dimensions went into a single head, which gives each row only one average.",
        ),
        "scale": Fault(
            asks="How are the scores made?",
            lines=(
                "scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))",
                "scores = q @ k.transpose(-2, -1)",
                "scores = q @ k.transpose(-2, -1) / q.size(-1)",
            ),
            broken=1,
            right=0,
            fault="no scale",
            why="The softmax came out too sharp; nothing else shows it, since rows still sum to 1.",
        ),
        "mask": Fault(
            asks="When does the mask hide what comes later?",
            lines=(
                "weights = softmax(scores).masked_fill(hidden, 0)",
                "weights = softmax(scores.masked_fill(hidden, 0))",
                "weights = softmax(scores.masked_fill(hidden, -math.inf))",
            ),
            broken=0,
            right=2,
            fault="a mask after the softmax",
            why="The hidden tokens had taken their share before they were removed, so they still changed every row.",
        ),
        "axis": Fault(
            asks="Along which axis is the softmax taken? (`scores` is [batch, head, query, key].)",
            lines=("return scores.softmax(dim=1)", "return scores.softmax(dim=-2)", "return scores.softmax(dim=-1)"),
            broken=1,
            right=2,
            fault="softmax over the wrong axis",
            why="Columns summed to 1 instead of rows, so an output was not an average of the values.",
        ),
        "result": Fault(
            asks="How does the method end?",
            lines=("result = self.output(together)", "return together", "return self.output(together)"),
            broken=0,
            right=2,
            fault="nothing returned",
            why="A Python function that ends without `return` gives `None`.",
        ),
    }
)
TEMPLATE = """\
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.n_heads = n_heads
        {projections}
        {name}

    def forward(self, x, hidden):  # x: [batch, token, d_model]; hidden: True where a token must not be seen
        batch, n, d_model = x.shape

        def split(y):  # -> [batch, head, token, d_head]
            {heads}

        def softmax(scores):
            {axis}

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        {scale}
        {mask}
        self.weights = weights  # to look at
        together = (weights @ v).transpose(1, 2).flatten(2)  # side by side: [batch, token, d_model]
        {result}
"""
BROKEN = MappingProxyType({name: fault.broken for name, fault in FAULTS.items()})
MENDED = MappingProxyType({name: fault.right for name, fault in FAULTS.items()})
ORDER = tuple(sorted(FAULTS, key=lambda name: TEMPLATE.index(f"{{{name}}}")))
"""The places in the order in which they appear in the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The result of one check of a layer, in the words of ``asks`` or, if it failed, of ``fails``.

    ``passed`` is None if an earlier failure kept the check from being run.
    """

    asks: str
    fails: str
    passed: bool | None
    found: str

    @property
    def says(self) -> str:
        return self.fails if self.passed is False else self.asks


def _checking(asks: str, fails: str) -> Callable[..., Check]:
    """A function that makes the results of one check; without arguments, the result that it could not be run."""

    def result(passed: bool | None = None, found: str = "") -> Check:
        return Check(asks=asks, fails=fails, passed=passed, found=found)

    return result


HAS_PARAMETERS = _checking("It has all its parameters", "It does not have the right number of parameters")
RUNS = _checking("It runs", "It does not run")
RETURNS = _checking("It returns a vector for each token", "It does not return a vector for each token")
OWN_WEIGHTS = _checking("Each head has its own weights", "Not every head has its own weights")
SUMS_TO_ONE = _checking("Each row of weights sums to 1", "Not every row of weights sums to 1")
BLIND = _checking("No token sees a later one", "Some token sees a later one")
AGREES = _checking("Its output is that of `nn.MultiheadAttention`", "Its output is not that of `nn.MultiheadAttention`")


def written(chosen: Mapping[str, int]) -> str:
    """The code of the layer with, at each place, the line whose number is ``chosen``."""
    return TEMPLATE.format(**{name: fault.lines[chosen[name]] for name, fault in FAULTS.items()})


def build(chosen: Mapping[str, int]) -> type[nn.Module]:
    """The layer whose code is :func:`written`.

    Raises:
        IndexError, KeyError: there is no such line.
    """
    return _build(tuple(chosen[name] for name in FAULTS))


@lru_cache(maxsize=128)
def _build(numbers: tuple[int, ...]) -> type[nn.Module]:
    namespace: dict[str, Any] = {"nn": nn, "math": math, "__name__": __name__}
    exec(written(dict(zip(FAULTS, numbers, strict=True))), namespace)  # nothing but the lines above
    return namespace["MultiHeadAttention"]


@torch.inference_mode()
def run(chosen: Mapping[str, int], reference: nn.MultiheadAttention, x: Tensor) -> tuple[Any, Tensor | None, str]:
    """What the layer returns for ``x``, ``[1, token, d_model]``, with the parameters of ``reference``.

    Returns:
        What it returned; its weights, ``[1, head, query, key]``, or None if it did not get that far; and Python's error
        message, empty if there was none.
    """
    layer = build(chosen)(reference.embed_dim, reference.num_heads).eval()
    _take_parameters(layer, reference)
    try:
        returned, said = layer(x, causal(x)), ""
    except (AttributeError, RuntimeError) as error:
        returned, said = None, f"{type(error).__name__}: {error}"
    weights = getattr(layer, "weights", None)
    return returned, weights if isinstance(weights, Tensor) else None, said


def causal(x: Tensor) -> Tensor:
    """What a decoder's mask hides among the tokens of ``x``: True above the diagonal."""
    return torch.ones(x.size(1), x.size(1), dtype=torch.bool).triu(1)


def _take_parameters(layer: nn.Module, reference: nn.MultiheadAttention) -> None:
    """Give the layer the parameters of PyTorch's layer, as far as it has them."""
    parts = zip(reference.in_proj_weight.chunk(3), reference.in_proj_bias.chunk(3), strict=True)
    out = (reference.out_proj.weight, reference.out_proj.bias)
    for name, (weight, bias) in zip(("query", "key", "value", "output"), (*parts, out), strict=True):
        mine = getattr(layer, name, None)
        if isinstance(mine, nn.Linear):
            mine.weight.copy_(weight)
            mine.bias.copy_(bias)


@torch.inference_mode()
def check(chosen: Mapping[str, int], reference: nn.MultiheadAttention, x: Tensor) -> tuple[Check, ...]:
    """Run the layer and PyTorch's on ``x``, ``[1, token, d_model]``, with the same parameters and a causal mask."""
    returned, weights, said = run(chosen, reference, x)
    right, right_weights = reference(x, x, x, attn_mask=causal(x), average_attn_weights=False)
    given = returned if isinstance(returned, Tensor) and returned.shape == right.shape else None
    n_mine = sum(parameter.numel() for parameter in build(chosen)(x.size(2), reference.num_heads).parameters())
    n_right = sum(parameter.numel() for parameter in reference.parameters())
    return (
        HAS_PARAMETERS(n_mine == n_right, f"{n_mine:,} of {n_right:,}"),
        RUNS(not said, said or "without an error"),
        _returns(returned, right, said),
        *_of_weights(weights, right_weights),
        _blind(chosen, reference, x, given),
        _agrees(given, right),
    )


def _returns(returned: object, right: Tensor, said: str) -> Check:
    if said:
        return RETURNS()
    shape = list(returned.shape) if isinstance(returned, Tensor) else None
    return RETURNS(shape == list(right.shape), f"{shape or returned}")


def _of_weights(weights: Tensor | None, right: Tensor) -> Sequence[Check]:
    if weights is None:
        return OWN_WEIGHTS(), SUMS_TO_ONE()
    total = weights.sum(-1)
    low, high = float(total.min()), float(total.max())
    return (
        OWN_WEIGHTS(weights.size(1) == right.size(1), f"sets of weights: {weights.size(1)}, heads: {right.size(1)}"),
        SUMS_TO_ONE(max(abs(low - 1), abs(high - 1)) < AGREE, f"from {low:.3f} to {high:.3f}"),
    )


def _blind(chosen: Mapping[str, int], reference: nn.MultiheadAttention, x: Tensor, given: Tensor | None) -> Check:
    """Whether changing the last token leaves the outputs of the tokens before it unchanged."""
    if given is None or x.size(1) < 2:
        return BLIND()
    other = torch.cat([x[:, :-1], -x[:, -1:]], dim=1)
    again = run(chosen, reference, other)[0]
    leak = float((again - given)[:, :-1].abs().max())
    return BLIND(leak < AGREE, f"with a different last token, those before it change by {leak:.3f}")


def _agrees(given: Tensor | None, right: Tensor) -> Check:
    if given is None:
        return AGREES()
    difference = float((given - right).abs().max())
    return AGREES(difference < AGREE, f"largest difference {difference:.3f}")
