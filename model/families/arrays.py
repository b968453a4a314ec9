"""Attention patterns that someone holds as plain arrays, made into a trace; NumPy only.

An array is whatever NumPy understands, or a tensor of PyTorch, which is recognised by its methods so that PyTorch is
not loaded for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.trace import KINDS, SINK, AttentionMap, Kind, Trace

AXES = "[layer, head, query, key]"
BATCHED = "[layer, batch, head, query, key]"
COARSE = 2e-2
"""How far the sum of a row of bfloat16 may be from 1."""
Patterns = Any
"""An array, or a sequence of them with one for each layer."""


def trace_of(
    patterns: Patterns | Mapping[Kind, Patterns],
    tokens: Sequence[str],
    target_tokens: Sequence[str] | None = None,
    *,
    kind: Kind | None = None,
    mask: Any | None = None,
    target_mask: Any | None = None,
    text: int | None = None,
    predicted_tokens: Sequence[str] | None = None,
    name: str = "arrays",
    n_sinks: int | Mapping[Kind, int] = 0,
) -> Trace:
    """:meth:`model.trace.Trace.of`; the last ``n_sinks`` keys of a pattern are no tokens."""
    source = _Axis("tokens", tokens, mask, text)
    target = _Axis("target_tokens", target_tokens, target_mask, text) if target_tokens is not None else None
    if isinstance(patterns, Mapping):
        by_kind: dict[Kind, Patterns] = dict(patterns)
        if unknown := sorted(set(by_kind) - set(KINDS)):
            raise ValueError(f"there is no attention of kind {unknown[0]!r}; the kinds are {', '.join(KINDS)}")
        if kind is not None:
            raise ValueError("patterns given as a mapping of kinds need no separate kind")
    else:
        array = stacked(patterns, text)
        by_kind = {kind or _kind_of(array, source, target, n_sinks if isinstance(n_sinks, int) else 0): array}
    maps = []
    for one in KINDS:
        if one not in by_kind:
            continue
        queries, keys = _axes(one, source, target, alone=len(by_kind) == 1)
        sinks = n_sinks if isinstance(n_sinks, int) else n_sinks.get(one, 0)
        pattern = _cut(stacked(by_kind[one], text), queries, keys, one, sinks)
        written = _written(predicted_tokens, queries) if one != "encoder" and predicted_tokens is not None else None
        maps.append(
            AttentionMap(
                kind=one,
                pattern=pattern,
                query_tokens=queries.names,
                key_tokens=(*keys.names, *(SINK,) * sinks),
                predicted_tokens=written,
                n_sinks=sinks,
            )
        )
    return Trace(
        model_name=name,
        maps=tuple(maps),
        source=source.text,
        target=target.text if target is not None else "",
        teacher_forced=target is not None,
    )


def stacked(patterns: Patterns, text: int | None = None) -> np.ndarray:
    """Patterns as one float32 array ``[layer, head, query, key]``.

    Args:
        patterns: an array with these axes, or with the batch after the layer; or one array for each layer, ``[head,
            query, key]`` with or without the batch before them.
        text: which of the batch, from 0; not needed where there is one.

    Raises:
        ValueError: they are not of such shapes, or there are several texts and none is chosen.
    """
    if isinstance(patterns, (tuple, list)):
        layers = [_layer(one, n, text) for n, one in enumerate(patterns)]
        if not layers:
            raise ValueError("there are no patterns: the sequence of layers is empty")
        for n, layer in enumerate(layers):
            if layer.shape != layers[0].shape:
                raise ValueError(
                    f"all layers must have one shape, but layer 0 has {layers[0].shape} and layer {n} {layer.shape}"
                )
        return np.stack(layers)
    array = as_numpy(patterns)
    if array.ndim == 5:
        return array[:, _chosen(array.shape[1], text, f"{BATCHED} of shape {array.shape}")]
    if array.ndim == 4:
        return array
    raise ValueError(f"patterns must be {AXES} or {BATCHED}, but their shape is {array.shape}")


def as_numpy(array: Any) -> np.ndarray:
    """Any array as float32 NumPy.

    Raises:
        ValueError: it holds no numbers.
    """
    if hasattr(array, "detach"):  # a tensor: it may hang on a graph, lie on a GPU, or be bfloat16, which NumPy has not
        coarse, array = "bfloat16" in str(array.dtype), array.detach().cpu().float().numpy()
        if coarse:
            return _summed_to_one(array)
    try:
        return np.asarray(array, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a pattern must be an array of numbers, but it is {type(array).__name__}: {error}") from error


def _summed_to_one(pattern: np.ndarray) -> np.ndarray:
    """A pattern of bfloat16, whose weights were each rounded to three digits, with rows that sum to 1 once more."""
    sums = pattern.sum(-1, keepdims=True)
    return np.divide(pattern, sums, out=pattern.copy(), where=np.abs(sums - 1) < COARSE)


class _Axis:
    """The tokens of an axis, and which of its places are tokens and not padding."""

    def __init__(self, called: str, tokens: Sequence[str], mask: Any | None, text: int | None) -> None:
        if isinstance(tokens, str):
            raise ValueError(f"{called} must be a sequence of tokens, but it is one string: {tokens[:40]!r}")
        self.called, names = called, tuple(map(str, tokens))
        self.kept: np.ndarray | None = None
        if mask is not None:
            kept = as_numpy(mask).astype(bool)
            if kept.ndim == 2:
                kept = kept[_chosen(kept.shape[0], text, f"a mask of shape {kept.shape}")]
            if kept.ndim != 1 or len(names) not in (len(kept), kept.sum()):
                raise ValueError(
                    f"the mask of {called} must have an entry for each of {len(names)}, but its shape is {kept.shape}"
                )
            self.kept = kept
            names = (
                tuple(name for name, keep in zip(names, kept, strict=True) if keep)
                if len(names) == len(kept)
                else names
            )
        self.names = names

    @property
    def text(self) -> str:
        """The tokens as one text, with spaces between them unless they bring their own."""
        return ("" if any(name[:1] == " " for name in self.names) else " ").join(self.names).removeprefix(" ")

    @property
    def length(self) -> int:
        """Places there are, padding included."""
        return len(self.names) if self.kept is None else len(self.kept)


def _axes(kind: Kind, source: _Axis, target: _Axis | None, *, alone: bool) -> tuple[_Axis, _Axis]:
    """The axes of queries and keys."""
    if kind == "encoder":
        return source, source
    if target is None:
        if kind == "decoder" and alone:  # a decoder-only model
            return source, source
        raise ValueError(f"{kind} attention needs target_tokens")
    return target, source if kind == "cross" else target


def _kind_of(pattern: np.ndarray, source: _Axis, target: _Axis | None, n_sinks: int) -> Kind:
    """Cross-attention with target tokens; a decoder's where nothing looks ahead; else an encoder's."""
    if target is not None:
        return "cross"
    pattern = _cut(pattern, source, source, "encoder", n_sinks)
    ahead = np.triu(np.ones((n := pattern.shape[2], n), bool), 1)
    return "decoder" if n > 1 and not pattern[..., :n][..., ahead].any() else "encoder"


def _cut(pattern: np.ndarray, queries: _Axis, keys: _Axis, kind: Kind, n_sinks: int) -> np.ndarray:
    """Without padding."""
    expected = (*pattern.shape[:2], queries.length, keys.length + n_sinks)
    if pattern.shape != expected:
        raise ValueError(
            f"the {kind} pattern must have the shape {expected}, {AXES} with {queries.length} {queries.called} and "
            f"{keys.length} {keys.called}, but its shape is {pattern.shape}"
        )
    if queries.kept is not None:
        pattern = pattern[:, :, queries.kept]
    return pattern if keys.kept is None else pattern[..., [*keys.kept, *(True,) * n_sinks]]


def _written(predicted: Sequence[str], queries: _Axis) -> tuple[str, ...]:
    if queries.kept is not None and len(predicted) == len(queries.kept):
        return tuple(str(token) for token, keep in zip(predicted, queries.kept, strict=True) if keep)
    return tuple(map(str, predicted))


def _layer(pattern: Any, n: int, text: int | None) -> np.ndarray:
    if pattern is None:
        raise ValueError(f"layer {n} has no pattern (None); leave it out, or ask the model for its attentions")
    array = as_numpy(pattern)
    if array.ndim == 4:
        return array[_chosen(array.shape[0], text, f"layer {n} of shape {array.shape}")]
    if array.ndim == 3:
        return array
    raise ValueError(
        f"the pattern of layer {n} must be [head, query, key] or [batch, head, query, key], but its shape is "
        f"{array.shape}"
    )


def _chosen(n: int, text: int | None, what: str) -> int:
    if text is None and n == 1:
        return 0
    if text is None:
        raise ValueError(f"{what} has {n} texts in its batch: say which one with text=, from 0")
    if not 0 <= text < n:
        raise ValueError(f"text {text} was asked for, but {what} has {n}, counted from 0")
    return text
