"""The steps of an attention sublayer, for one query of one head."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.anatomy import arithmetic as by_hand
from model.anatomy.bench import LAYER_NORM, ROW, SCORES, WHOLE, Bench, encoding_step, linear_weights, norm_weights
from model.network.attention import MultiHeadAttention
from model.network.positional import OnScores, Place, Rotation
from model.network.transformer import Residual


@dataclass(frozen=True, slots=True, kw_only=True)
class Attending:
    """One attention sublayer, its input, and the values at its points (:mod:`model.network.taps`).

    ``x`` is the residual stream before it, ``[1, token, d_model]``; ``memory`` is None in self-attention.
    """

    residual: Residual
    attention: MultiHeadAttention
    x: Tensor
    points: Mapping[str, Tensor]
    memory: Tensor | None
    mask: Tensor | None  # [query, key]
    on_scores: OnScores

    @property
    def symbols(self) -> tuple[str, str]:
        """The symbols for its input and its output in a formula."""
        return ("x", "y") if self.memory is None else ("y", "z")

    @property
    def n_keys(self) -> int:
        return self.points["key"].size(2)

    def allowed(self, query: int) -> np.ndarray:
        """Which keys ``query`` may attend to, boolean ``[key]``."""
        return np.ones(self.n_keys, dtype=bool) if self.mask is None else self.mask[query].numpy()

    def options(self, query: int) -> dict[str, Any]:
        """What :func:`model.anatomy.arithmetic.attended` needs for all heads of one query."""
        parts = {"query": self.attention.query, "key": self.attention.key, "value": self.attention.value}
        weights = {f"w_{name}": part.weight.T for name, part in parts.items()}
        biases = {f"b_{name}": part.bias for name, part in parts.items()}
        rotation, n_heads = self.on_scores.rotation, self.attention.n_heads
        turned = {} if rotation is None else {"cos": rotation.cos, "sin": rotation.sin}
        factor, bias = self.of_scores("factor", query), self.of_scores("bias", query)
        shifted = {name: part for name, part in (("factor", factor), ("bias", bias)) if part is not None}
        allowed = self.allowed(query)
        return {"n_heads": n_heads, "allowed": allowed, **weights, **biases, **turned, **shifted}

    def of_scores(self, place: Place, query: int) -> Tensor | None:
        """The factor or the bias on the scores of one query, ``[head, key]``; None if there is none."""
        part = self.on_scores.factor if place == "factor" else self.on_scores.bias
        return None if part is None else part.expand(1, self.attention.n_heads, self.n_keys, self.n_keys)[0, :, query]


def attention_steps(bench: Bench, sublayer: Attending, name: str) -> str:
    """Lay out an attention sublayer step by step, from the step ``name``, whose value is the residual stream before it.

    Returns:
        The name of its last step, whose value is ``[d_model]``.
    """
    row, own, residual = bench.query, sublayer.memory is None, sublayer.residual
    points, entered = sublayer.points, name
    start, end = sublayer.symbols
    if residual.pre:
        value, axes = (points["input"][0], WHOLE) if own else (points["input"][0, row], ROW)
        formula = rf"\hat {start}=" + LAYER_NORM % start
        norm = norm_weights(residual.norm)
        entered = bench.add("normed", value, axes, formula, by_hand.normalised, (name,), **norm)
    _projections(bench, sublayer, entered)
    _mixture(bench, sublayer)
    _all_heads(bench, sublayer, entered)
    formula = r"o=[\text{head}_1\;\dots\;\text{head}_n]\,W_O+b_O"
    weights = linear_weights(sublayer.attention.output)
    bench.add("projected", points["output"][0, row], ROW, formula, by_hand.joined, ("heads",), **weights)
    function, which = (by_hand.added_to_row, {"row": row}) if own else (by_hand.added, {})
    total = end if residual.pre else rf"\bar {end}"
    added = (sublayer.x + points["output"])[0, row]
    last = bench.add("attention_sum", added, ROW, rf"{total}_t={start}_t+o", function, (name, "projected"), **which)
    if residual.pre:
        return last
    formula, norm = rf"{end}_t=" + LAYER_NORM % rf"\bar {end}_t", norm_weights(residual.norm)
    return bench.add("attention_normed", points["residual"][0, row], ROW, formula, by_hand.normalised, (last,), **norm)


def whole_attention(bench: Bench, sublayer: Attending, name: str) -> str:
    """Lay out the layer's other attention sublayer as a single step, and return its name."""
    own, row, pre = sublayer.memory is None, bench.query, sublayer.residual.pre
    start, end = sublayer.symbols
    inside = start.upper() if own else rf"{start}_t"
    inside = rf"\text{{LayerNorm}}({inside})" if pre else inside
    total = rf"{start}_t+\text{{MultiHead}}({inside}{'' if own else ',M'})"
    formula = rf"{end}_t=" + (total if pre else rf"\text{{LayerNorm}}({total})")
    output = sublayer.attention.output
    return bench.add(
        "self_attention" if own else "cross_attention", sublayer.points["residual"][0, row], ROW, formula,
        by_hand.attention_sublayer, (name,) if own else (name, "memory"), pre=pre, row=row if own else 0,
        w_output=output.weight.T, b_output=output.bias, **norm_weights(sublayer.residual.norm),
        **sublayer.options(row),
    )  # fmt: skip


def _projections(bench: Bench, sublayer: Attending, entered: str) -> None:
    """The query, and all keys and values, for the head on the bench."""
    row, own, module = bench.query, sublayer.memory is None, sublayer.attention
    x = sublayer.symbols[0]
    x = rf"\hat {x}" if sublayer.residual.pre else x
    columns, head = _columns(bench, module), bench.head
    points = sublayer.points
    function, which = (by_hand.mapped_row, {"row": row}) if own else (by_hand.mapped, {})
    weights, formula = linear_weights(module.query, columns), rf"q={x}_t\,W_Q+b_Q"
    bench.add("query", points["query"][0, head, row], ("d_head",), formula, function, (entered,), **weights, **which)
    for name, linear, letter in (("key", module.key, "k"), ("value", module.value, "v")):
        formula = rf"{letter}_j={f'{x}_j' if own else 'm_j'}\,W_{letter.upper()}+b_{letter.upper()}"
        source, weights = entered if own else "memory", linear_weights(linear, columns)
        bench.add(name, points[name][0, head], ("key", "d_head"), formula, by_hand.mapped, (source,), **weights)


def _mixture(bench: Bench, sublayer: Attending) -> None:
    """From the dot products to the output of the head."""
    row, head, points = bench.query, bench.head, sublayer.points
    names = ("query", "key")
    if (rotation := sublayer.on_scores.rotation) is not None:
        names = ("turned_query", "turned_key")
        _turned(bench, points["turned_query"][0, head, row], points["turned_key"][0, head], rotation)
    _scores(bench, sublayer, names)
    weights = points["pattern"][0, head, row]
    formula = r"\alpha_j=\frac{e^{s_j}}{\sum_{j'}e^{s_{j'}}}"
    bench.add("weights", weights, SCORES, formula, by_hand.softmax, ("masked",))
    parts = weights[:, None] * points["value"][0, head]
    bench.add("weighted", parts, ("key", "d_head"), r"\alpha_j\,v_j", by_hand.weighted, ("weights", "value"))
    formula = rf"\text{{head}}_{{{head + 1}}}=\sum_j\alpha_j\,v_j"
    output = points["head_output"][0, head, row]
    bench.add("head", output, ("d_head",), formula, by_hand.summed, ("weighted",))


def _all_heads(bench: Bench, sublayer: Attending, entered: str) -> None:
    row, own, output = bench.query, sublayer.memory is None, sublayer.points["head_output"]
    formula = rf"[\text{{head}}_1\;\dots\;\text{{head}}_{{{output.size(1)}}}]"
    inputs = ("head", entered, entered if own else "memory")
    bench.add(
        "heads", output[0, :, row], ("head", "d_head"), formula, by_hand.beside, inputs,
        head=bench.head, row=row if own else 0, **sublayer.options(row),
    )  # fmt: skip


def _columns(bench: Bench, module: MultiHeadAttention) -> slice:
    """The columns of W_Q, W_K and W_V that belong to the head on the bench."""
    d_head = module.query.out_features // module.n_heads
    return slice(bench.head * d_head, (bench.head + 1) * d_head)


def _turned(bench: Bench, query: Tensor, key: Tensor, rotation: Rotation) -> None:
    """A rotary encoding turns the query and the keys."""
    cos, sin = rotation
    turn = r"(a\cos\theta-b\sin\theta,\;a\sin\theta+b\cos\theta)"
    bench.add(
        "turned_query", query, ("d_head",), r"(q_{2c},q_{2c+1})\to" + turn, by_hand.rotated, ("query",),
        cos=cos[bench.query], sin=sin[bench.query],
    )  # fmt: skip
    bench.add(
        "turned_key", key, ("key", "d_head"), r"(k_{2c},k_{2c+1})\to" + turn, by_hand.rotated, ("key",),
        cos=cos, sin=sin,
    )  # fmt: skip


def _scores(bench: Bench, sublayer: Attending, names: tuple[str, str]) -> None:
    """From the dot products of query and keys, which are the values of the steps ``names``, to the masked scores."""
    row, head = bench.query, bench.head
    query, key = (sublayer.points[name][0, head] for name in names)
    products = (query[row : row + 1] @ key.T)[0]
    root = math.sqrt(query.size(1))
    bench.add("products", products, SCORES, r"q\cdot k_j=\sum_c q_c\,k_{j,c}", by_hand.products, names)
    last, scores = "scaled", products / root
    formula = r"s_j=\frac{q\cdot k_j}{\sqrt{d_\text{head}}}"
    bench.add("scaled", scores, SCORES, formula, by_hand.divided, ("products",), by=root)
    if (factor := sublayer.of_scores("factor", row)) is not None:
        by = encoding_step(bench, "factor", "factor", factor[head], SCORES)
        scores = scores * factor[head]
        last = bench.add("multiplied", scores, SCORES, r"s_j\leftarrow f\,s_j", by_hand.times, (last, by))
    if (bias := sublayer.of_scores("bias", row)) is not None:
        by = encoding_step(bench, "distance_bias", "bias", bias[head], SCORES)
        scores = sublayer.points["scores"][0, head, row]
        last = bench.add("biased", scores, SCORES, r"s_j\leftarrow s_j+b_j", by_hand.added, (last, by))
    allowed = sublayer.allowed(row)
    formula = r"s_j\leftarrow\begin{cases}s_j&\text{allowed}\\-\infty&\text{masked}\end{cases}"
    hidden = sublayer.points["scores"][0, head, row].masked_fill(~torch.from_numpy(allowed), -math.inf)
    bench.add("masked", hidden, SCORES, formula, by_hand.masked, (last,), allowed=allowed)
