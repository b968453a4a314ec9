"""One query of one head taken apart: every number on the way from the token to the output of its layer.

The values are those of the model's own modules, run one after the other; beside each stands how
:mod:`model.anatomy.arithmetic` computes it again.
"""

from __future__ import annotations

import torch
from torch import Tensor

from model.anatomy import arithmetic as by_hand
from model.anatomy.attention import Attending, attention_steps, whole_attention
from model.anatomy.bench import LAYER_NORM, ROW, WHOLE, AnatomyError, Bench, encoding_step, linear_weights, norm_weights
from model.anatomy.steps import Anatomy
from model.checkpoint import Checkpoint
from model.network.attention import NOWHERE, causal_mask
from model.network.transformer import DecoderLayer, EncoderLayer, FeedForward, Residual, Transformer
from model.text.tokenizer import BOS_ID
from model.trace import Kind, Trace


@torch.inference_mode()
def dissect(checkpoint: Checkpoint, trace: Trace, kind: Kind, layer: int, head: int, query: int) -> Anatomy:
    """Take one query of one head apart; ``layer``, ``head`` and ``query`` count from 0.

    The last step is always ``output``, what the layer returned.

    Raises:
        AnatomyError: the model is not one of ours, or the trace does not tell its ids.
        IndexError: there is no such layer, head or query.
    """
    model = _require_transformer(checkpoint)
    if not trace.source_ids or not trace.predicted_ids:
        raise AnatomyError(f"the trace of {trace.model_name} does not say which tokens it was made from")
    shown = trace.map(kind)
    for name, at, n in zip(("layer", "head", "query"), (layer, head, query), shown.pattern.shape[:3], strict=True):
        if not 0 <= at < n:
            raise IndexError(f"{name} {at} is asked for, but {kind} has {n}, counted from 0")
    bench = Bench(model=model, query=query, head=head)
    source = torch.tensor([trace.source_ids])
    if kind == "encoder":
        _encoder_layer(bench, source, layer)
    else:
        fed = torch.tensor([[BOS_ID, *trace.predicted_ids[:-1]]])
        _decoder_layer(bench, fed, model.encode(source, None).hidden, layer, kind)
    return Anatomy(
        kind=kind, layer=layer, head=head, query=query,
        tokens=shown.query_tokens, keys=shown.key_tokens, source=trace.map("encoder").key_tokens,
        predicted=shown.predicted_tokens, steps=tuple(bench.steps),
    )  # fmt: skip


def _require_transformer(checkpoint: Checkpoint) -> Transformer:
    model = checkpoint.model
    if not isinstance(model, Transformer):
        raise AnatomyError(
            f"Only Headlight's own Transformers can be taken apart, but {checkpoint.name} is a "
            f"{type(model).__name__}. Choose another checkpoint."
        )
    return model


def _encoder_layer(bench: Bench, source: Tensor, n: int) -> None:
    on_scores = bench.model.embedding.on_scores(source, causal=False)
    name, x = _embedding(bench, source)
    layers = [layer for layer in bench.model.encoder.layers if isinstance(layer, EncoderLayer)]
    for earlier in layers[:n]:
        x, _ = earlier(x, None, on_scores)
    name = _layer_input(bench, name, x, n)
    layer = layers[n]
    own = Attending(
        residual=layer.self_attention_residual, attention=layer.self_attention, memory=None, mask=None,
        on_scores=on_scores,
    )  # fmt: skip
    name = attention_steps(bench, own, name, x)
    output, _ = layer(x, None, on_scores)
    _feed_forward(bench, layer.feed_forward, layer.feed_forward_residual, name, own.run(x), output)


def _decoder_layer(bench: Bench, fed: Tensor, memory: Tensor, n: int, kind: Kind) -> None:
    mask, on_scores = causal_mask(fed.size(1)), bench.model.embedding.on_scores(fed, causal=True)
    name, x = _embedding(bench, fed)
    layers = [layer for layer in bench.model.decoder.layers if isinstance(layer, DecoderLayer)]
    for earlier in layers[:n]:
        x, _, _ = earlier(x, mask, memory, None, on_scores)
    name = _layer_input(bench, name, x, n)
    layer = layers[n]
    if layer.cross_attention is None or layer.cross_attention_residual is None:
        raise AnatomyError("this decoder has no cross-attention; only an encoder-decoder can be taken apart")
    own = Attending(
        residual=layer.self_attention_residual, attention=layer.self_attention, memory=None, mask=mask,
        on_scores=on_scores,
    )  # fmt: skip
    cross = Attending(
        residual=layer.cross_attention_residual, attention=layer.cross_attention, memory=memory, mask=None,
        on_scores=NOWHERE,
    )  # fmt: skip
    if kind == "decoder":
        name = attention_steps(bench, own, name, x)
        _memory(bench, memory)
        name = whole_attention(bench, cross, name, own.run(x))
    else:
        name = whole_attention(bench, own, name, x)
        _memory(bench, memory)
        name = attention_steps(bench, cross, name, own.run(x))
    output, _, _ = layer(x, mask, memory, None, on_scores)
    _feed_forward(bench, layer.feed_forward, layer.feed_forward_residual, name, cross.run(own.run(x)), output)


def _embedding(bench: Bench, ids: Tensor) -> tuple[str, Tensor]:
    """The steps up to the input of the first layer; the name of the last of them and its value."""
    embedding, n = bench.model.embedding, ids.size(1)
    x = embedding(ids)
    rows = embedding.tokens(ids[0])
    formula = r"e_i=\sqrt{d_\text{model}}\;W_E[\text{token}_i]"
    name = bench.add("token", rows * embedding.scale, WHOLE, formula, by_hand.looked_up, rows=rows, by=embedding.scale)
    if not embedding.positional.adds:
        return name, x
    encoding_step(bench, "position", "added", embedding.positions[:n], WHOLE)
    return bench.add("sum", x[0], WHOLE, r"x_i=e_i+p_i", by_hand.added, ("token", "position")), x


def _layer_input(bench: Bench, name: str, x: Tensor, n: int) -> str:
    if n == 0:
        return name
    return bench.add("input", x[0], WHOLE, rf"X=\text{{output of layer }}{n}")


def _memory(bench: Bench, memory: Tensor) -> None:
    bench.add("memory", memory[0], ("source", "d_model"), r"M=\text{output of the encoder}")


def _feed_forward(bench: Bench, layer: FeedForward, residual: Residual, name: str, x: Tensor, output: Tensor) -> None:
    """The feed-forward sublayer, from the step ``name`` ``[d_model]`` to ``output`` ``[1, token, d_model]``."""
    row, entered, inner, norm = bench.query, name, residual.enter(x), norm_weights(residual.norm)
    y = start = "z_t" if any(step.name == "memory" for step in bench.steps) else "y_t"
    if residual.pre:
        y, formula = rf"\hat {start}", rf"\hat {start}=" + LAYER_NORM % start
        entered = bench.add("forward_normed", inner[0, row], ROW, formula, by_hand.normalised, (name,), **norm)
    relu = bench.model.config.activation == "relu"
    formula = rf"u=\max(0,\;{y}\,W_1+b_1)" if relu else rf"u=\text{{GELU}}({y}\,W_1+b_1)"
    hidden, function = layer.activation(layer.inner(inner)), by_hand.rectified if relu else by_hand.gelu
    bench.add("hidden", hidden[0, row], ("d_ff",), formula, function, (entered,), **linear_weights(layer.inner))
    forwarded, outer = layer(inner), linear_weights(layer.outer)
    bench.add("forwarded", forwarded[0, row], ROW, r"f=u\,W_2+b_2", by_hand.mapped, ("hidden",), **outer)
    if residual.pre:
        bench.add("output", output[0, row], ROW, rf"x'_t={start}+f", by_hand.added, (name, "forwarded"))
        return
    total = (x + forwarded)[0, row]
    bench.add("forward_sum", total, ROW, rf"\bar x'_t={start}+f", by_hand.added, (name, "forwarded"))
    formula = r"x'_t=" + LAYER_NORM % r"\bar x'_t"
    bench.add("output", output[0, row], ROW, formula, by_hand.normalised, ("forward_sum",), **norm)
