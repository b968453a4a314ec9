"""The parts of a decoder's layers as NumPy computes them, for few rows at a time: see
:mod:`model.decoding.incremental`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from model.network.transformer import DecoderLayer

LOWEST = np.finfo(np.float32).min
FEW_ROWS = 2  # up to which NumPy's matrix product is the faster one


class Affine(NamedTuple):
    """A linear map, ``x @ weight.T + bias``, as torch and NumPy see it in the same memory."""

    weight: Tensor  # [out, in]
    bias: Tensor | None  # [out]
    turned: np.ndarray  # [in, out]
    shift: np.ndarray | None


class Norm(NamedTuple):
    """A LayerNorm over the last axis."""

    weight: np.ndarray  # [d_model]
    bias: np.ndarray
    mean: np.ndarray  # [d_model], 1 / d_model: a product with it is the mean, in one call
    epsilon: float


class Cross(NamedTuple):
    """The attention to the encoder's output, whose keys and values never change."""

    query: Affine
    output: Affine
    norm: Norm
    keys: np.ndarray  # [batch, head, source, d_head]
    values: np.ndarray


class Layer(NamedTuple):
    query: Affine
    key: Affine
    value: Affine
    self_output: Affine
    self_norm: Norm
    cross: Cross | None
    inner: Affine
    outer: Affine
    feed_forward_norm: Norm


def attention_of_one(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    *,
    factor: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """:func:`model.network.attention.attention` for one query per row, already divided by √d_head.

    Args:
        query: ``[batch, head, d_head]``.
        key: ``[batch, head, key, d_head]``.
        value: as ``key``.
        factor: ``[batch, head, 1]`` or ``[head, 1]``.
        bias: ``[head, key]``.
        hidden: ``[batch, 1, key]``, True where attention is not allowed.

    Returns:
        ``[batch, head * d_head]`` and the weights ``[batch, head, key]``.
    """
    pattern = np.matvec(key, query)
    if factor is not None:
        pattern *= factor
    if bias is not None:
        pattern += bias
    if hidden is not None:
        np.copyto(pattern, LOWEST, where=hidden)
    return np.vecmat(softmax(pattern), value).reshape(len(query), -1), pattern


def softmax(scores: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, in place."""
    scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= np.add.reduce(scores, axis=-1, keepdims=True)
    return scores


def layer_parts(layer: DecoderLayer, memory: Tensor | None) -> Layer:
    own, forward = layer.self_attention, layer.feed_forward
    return Layer(
        query=_affine(own.query),
        key=_affine(own.key),
        value=_affine(own.value),
        self_output=_affine(own.output),
        self_norm=norm_parts(layer.self_attention_residual.norm),
        cross=_cross(layer, memory),
        inner=_affine(forward.inner),
        outer=_affine(forward.outer),
        feed_forward_norm=norm_parts(layer.feed_forward_residual.norm),
    )


def _cross(layer: DecoderLayer, memory: Tensor | None) -> Cross | None:
    attention, residual = layer.cross_attention, layer.cross_attention_residual
    if attention is None or residual is None or memory is None:
        if attention is residual is memory:
            return None
        raise ValueError("cross-attention needs the encoder's output, and that needs cross-attention; one is missing")
    keys, values = attention.keys_values(memory)
    return Cross(
        query=_affine(attention.query),
        output=_affine(attention.output),
        norm=norm_parts(residual.norm),
        keys=array(keys.contiguous()),
        values=array(values.contiguous()),
    )


def _affine(linear: nn.Linear) -> Affine:
    return linear_map(linear.weight, linear.bias)


def linear_map(weight: Tensor, bias: Tensor | None) -> Affine:
    weight, bias = weight.detach(), None if bias is None else bias.detach()
    return Affine(weight, bias, weight.numpy().T, None if bias is None else bias.numpy())


def norm_parts(norm: nn.LayerNorm) -> Norm:
    n = norm.weight.numel()
    return Norm(array(norm.weight), array(norm.bias), np.full(n, 1 / n, np.float32), norm.eps)


def array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def apply(x: np.ndarray, affine: Affine) -> np.ndarray:
    """The map of rows ``[row, in]``."""
    if len(x) > FEW_ROWS:
        return linear(torch.from_numpy(x), affine.weight, affine.bias).numpy()
    x = x @ affine.turned
    if affine.shift is not None:
        x += affine.shift
    return x


def normalised(x: np.ndarray, norm: Norm) -> np.ndarray:
    x = x - np.vecdot(x, norm.mean)[..., None]
    x /= np.sqrt(np.vecdot(x, x) * norm.mean[0] + norm.epsilon)[..., None]
    x *= norm.weight
    x += norm.bias
    return x


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0, out=x)


def gelu(x: np.ndarray) -> np.ndarray:
    return torch.nn.functional.gelu(torch.from_numpy(x)).numpy()
