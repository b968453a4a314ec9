"""The pattern of an attention call, computed from the arguments of the call as PyTorch documents them."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def scaled_dot_product_pattern(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """What ``torch.nn.functional.scaled_dot_product_attention`` multiplies the values by, before dropout.

    Args:
        query: ``[batch, head, query, d_head]``; without the batch, or with no axis of heads either.
        key: ``[batch, head, key, d_head]``, likewise; ``value`` does not matter, nor does ``dropout_p``.
        attn_mask: boolean, True where attention is allowed, or numbers that are added to the scores.
        is_causal: query i sees the keys up to i.
        scale: of the scores; 1 / √d_head if None.
        enable_gqa: each key serves several query heads.

    Returns:
        ``[batch, head, query, key]``; a row that may look at nothing is NaN.
    """
    query, key = (x.float() for x in (query, key))
    if enable_gqa:
        key = key.repeat_interleave(query.size(-3) // key.size(-3), dim=-3)
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.size(-1)) if scale is None else scale)
    if is_causal:
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~allowed, -torch.inf)
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
    pattern = scores.softmax(-1)
    return pattern.view(*(1,) * (4 - pattern.dim()), *pattern.shape) if pattern.dim() < 4 else pattern


def multi_head_pattern(
    part: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
) -> Tensor:
    """What ``part`` multiplies its values by, before dropout; the arguments are those of its forward pass.

    Returns:
        ``[batch, head, query, key]``. Keys of its own (``bias_k``, ``add_zero_attn``) come last.
    """
    batched = query.dim() == 3
    if part.batch_first and batched:
        query, key = query.transpose(0, 1), key.transpose(0, 1)
    projections: dict[str, Any] = {}
    if not part._qkv_same_embed_dim:
        projections = {
            "use_separate_proj_weight": True,
            "q_proj_weight": part.q_proj_weight,
            "k_proj_weight": part.k_proj_weight,
            "v_proj_weight": part.v_proj_weight,
        }
    # The weights do not depend on the values; these have their shape whatever their width is.
    value = key.new_zeros(*key.shape[:-1], part.vdim)
    _, pattern = F.multi_head_attention_forward(
        query, key, value, part.embed_dim, part.num_heads, part.in_proj_weight, part.in_proj_bias, part.bias_k,
        part.bias_v, part.add_zero_attn, 0.0, part.out_proj.weight, part.out_proj.bias, training=False,
        key_padding_mask=key_padding_mask, need_weights=True, attn_mask=attn_mask, average_attn_weights=False,
        **projections,
    )  # fmt: skip
    weights: Tensor = pattern  # type: ignore[assignment]  # asked for with need_weights
    return weights if batched else weights[None]
