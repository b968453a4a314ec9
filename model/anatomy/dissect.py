"""One query of one head taken apart: every number on the way from the token to the output of its layer.

The values are those at the points of the model's own pass (:mod:`model.network.taps`); each comes with the function of
:mod:`model.anatomy.arithmetic` that computes it again.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from model.anatomy import arithmetic as by_hand
from model.anatomy.attention import Attending, attention_steps, whole_attention
from model.anatomy.bench import LAYER_NORM, ROW, WHOLE, AnatomyError, Bench, encoding_step, linear_weights, norm_weights
from model.anatomy.steps import Anatomy
from model.capture import read_ids, watch
from model.checkpoint import Checkpoint
from model.network.attention import NOWHERE, causal_mask
from model.network.capabilities import Capability
from model.network.taps import Seen
from model.network.transformer import FeedForward, Residual
from model.trace import Kind, Trace

ACTIVATIONS = {
    "relu": (r"u=\max(0,\;%s\,W_1+b_1)", by_hand.rectified),
    "gelu": (r"u=\text{GELU}(%s\,W_1+b_1)", by_hand.gelu),
}
"""For each activation of the config, the inner half of a feed-forward layer: its formula, given an input, and its
function."""


def seen_in(checkpoint: Checkpoint, trace: Trace) -> Seen:
    """All values of the pass that gave the trace.

    Raises:
        AnatomyError: the model has no layers of heads, or the trace has no token ids.
    """
    if Capability.HEADS not in checkpoint.model.can:
        raise AnatomyError(f"{checkpoint.name} has no {Capability.HEADS.value}, so nothing can be taken apart")
    try:
        return watch(checkpoint, trace)
    except ValueError as error:
        raise AnatomyError(str(error)) from error


@torch.inference_mode()
def dissect(
    checkpoint: Checkpoint, trace: Trace, kind: Kind, layer: int, head: int, query: int, seen: Seen | None = None
) -> Anatomy:
    """Take one query of one head apart; ``layer``, ``head`` and ``query`` count from 0.

    The last step is always ``output``, what the layer returned. ``seen`` is what :func:`seen_in` gives, if it is there
    already.

    Raises:
        AnatomyError: the model has no layers of heads, or the trace has no token ids.
        IndexError: there is no such layer, head or query.
    """
    seen = seen or seen_in(checkpoint, trace)
    shown = trace.map(kind)
    for name, at, n in zip(("layer", "head", "query"), (layer, head, query), shown.pattern.shape[:3], strict=True):
        if not 0 <= at < n:
            raise IndexError(f"{name} {at} was asked for, but {kind} has {n}, counted from 0")
    bench = Bench(model=checkpoint.model, query=query, head=head)
    source, target = read_ids(checkpoint, trace)
    ids = source if kind == "encoder" else checkpoint.model.rows(source, target)
    _layer(bench, ids, seen, layer, kind)
    return Anatomy(
        kind=kind, layer=layer, head=head, query=query, tokens=shown.query_tokens, keys=shown.key_tokens,
        source=trace.map("encoder").key_tokens if "encoder" in trace.kinds else (),
        predicted=shown.predicted_tokens, steps=tuple(bench.steps),
    )  # fmt: skip


def _layer(bench: Bench, ids: Tensor, seen: Seen, n: int, kind: Kind) -> None:
    """All steps of layer ``n`` of the stack that reads ``ids``; only the attention of this ``kind`` is laid out step by
    step."""
    stack = "encoder" if kind == "encoder" else "decoder"
    layer, causal = bench.model.layers(stack)[n], stack == "decoder"
    on_scores = bench.model.embedding.on_scores(ids, causal=causal)
    name, x = _embedding(bench, ids, seen[stack, "embedding"]), seen[stack, "embedding"]
    if n > 0:
        x = seen[stack, n - 1, "feed_forward", "residual"]
        name = bench.add("input", x[0], WHOLE, rf"X=\text{{output of layer }}{n}")
    own = Attending(
        residual=layer.self_attention_residual, attention=layer.self_attention, x=x,
        points=seen.within(stack, n, "self_attention"), memory=None,
        mask=causal_mask(ids.size(1)) if causal else None, on_scores=on_scores,
    )  # fmt: skip
    name, x = (whole_attention if kind == "cross" else attention_steps)(bench, own, name), own.points["residual"]
    if layer.cross_attention is not None and layer.cross_attention_residual is not None:
        memory = seen["encoder", "final"]
        bench.add("memory", memory[0], ("source", "d_model"), r"M=\text{output of the encoder}")
        cross = Attending(
            residual=layer.cross_attention_residual, attention=layer.cross_attention, x=x,
            points=seen.within(stack, n, "cross_attention"), memory=memory, mask=None, on_scores=NOWHERE,
        )  # fmt: skip
        name, x = (
            (attention_steps if kind == "cross" else whole_attention)(bench, cross, name),
            cross.points["residual"],
        )
    start = "y_t" if layer.cross_attention is None else "z_t"
    points = seen.within(stack, n, "feed_forward")
    _feed_forward(bench, layer.feed_forward, layer.feed_forward_residual, name, start, x, points)


def _embedding(bench: Bench, ids: Tensor, x: Tensor) -> str:
    """Lay out the steps up to ``x``, the input of the first layer, and return the name of the last one."""
    embedding, n = bench.model.embedding, ids.size(1)
    rows = embedding.tokens(ids[0])
    formula = r"e_i=\sqrt{d_\text{model}}\;W_E[\text{token}_i]"
    name = bench.add("token", rows * embedding.scale, WHOLE, formula, by_hand.looked_up, rows=rows, by=embedding.scale)
    if not embedding.positional.adds:
        return name
    encoding_step(bench, "position", "added", embedding.positions[:n], WHOLE)
    return bench.add("sum", x[0], WHOLE, r"x_i=e_i+p_i", by_hand.added, ("token", "position"))


def _feed_forward(
    bench: Bench,
    layer: FeedForward,
    residual: Residual,
    name: str,
    start: str,
    x: Tensor,
    points: Mapping[str, Tensor],
) -> None:
    """The feed-forward sublayer and the values at its ``points``, from the step ``name``, ``[d_model]``.

    ``start`` is the symbol of that step in a formula; ``x``, ``[1, token, d_model]``, is its value for all tokens.
    """
    row, entered, norm, y = bench.query, name, norm_weights(residual.norm), start
    if residual.pre:
        y, formula = rf"\hat {start}", rf"\hat {start}=" + LAYER_NORM % start
        normed = points["input"][0, row]
        entered = bench.add("forward_normed", normed, ROW, formula, by_hand.normalised, (name,), **norm)
    formula, function = ACTIVATIONS[bench.model.config.activation]
    hidden = points["hidden"][0, row]
    bench.add("hidden", hidden, ("d_ff",), formula % y, function, (entered,), **linear_weights(layer.inner))
    forwarded, outer = points["output"], linear_weights(layer.outer)
    bench.add("forwarded", forwarded[0, row], ROW, r"f=u\,W_2+b_2", by_hand.mapped, ("hidden",), **outer)
    output = points["residual"][0, row]
    if residual.pre:
        bench.add("output", output, ROW, rf"x'_t={start}+f", by_hand.added, (name, "forwarded"))
        return
    total = (x + forwarded)[0, row]
    bench.add("forward_sum", total, ROW, rf"\bar x'_t={start}+f", by_hand.added, (name, "forwarded"))
    formula = r"x'_t=" + LAYER_NORM % r"\bar x'_t"
    bench.add("output", output, ROW, formula, by_hand.normalised, ("forward_sum",), **norm)
