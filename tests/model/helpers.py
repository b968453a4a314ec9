"""Small models, and PyTorch's own layers with the same weights as oracles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from model.config import ModelConfig
from model.network.attention import MultiHeadAttention
from model.network.positional import Encoding
from model.network.transformer import DecoderLayer, EncoderLayer, TokenEmbedding, TransformerDecoder, TransformerEncoder

_Module = TypeVar("_Module", bound=nn.Module)


def tiny(**options: Any) -> ModelConfig:
    """Sizes that are distinct, and prime where divisibility allows: a swapped axis fails."""
    sizes = {"vocab_size": 263, "n_layers": 2, "n_heads": 3, "d_model": 30, "d_ff": 37, "max_len": 23, "dropout": 0.0}
    return ModelConfig(**{**sizes, **options})


class LogLength(Encoding):
    """An encoding that only multiplies the scores, which none of those that ship does: by the logarithm of the number
    of keys (Chiang and Cholak 2022, section 5.3), and by the number of the head."""

    def factor(self, seen: Callable[[], Tensor]) -> Tensor:
        return seen().log() * torch.arange(1, self.config.n_heads + 1)[:, None, None]


def with_factor(model: _Module) -> _Module:
    """``model``, made without an encoding, with :class:`LogLength`."""
    embedding = model.get_submodule("embedding")
    assert isinstance(embedding, TokenEmbedding)
    embedding.positional = LogLength(embedding.positional.config)
    return model


def close(actual: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(actual, expected, atol=tolerance, rtol=tolerance)


def shaken(module: _Module) -> _Module:
    """``module`` with every parameter moved, so that no bias is 0 and no norm the identity."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    return module


def random_mask(*shape: int) -> Tensor:
    """Boolean; every row allows something, as PyTorch's attention gives NaN where nothing is allowed."""
    mask = torch.rand(shape) < 0.6
    return mask.scatter(-1, torch.randint(shape[-1], (*shape[:-1], 1)), True)


def forbidden(mask: Tensor, n_heads: int) -> Tensor:
    """Our ``[batch, 1, query, key]`` as PyTorch's ``[batch * head, query, key]``, True where not allowed."""
    return ~mask.expand(-1, n_heads, -1, -1).flatten(0, 1)


class OracleAttention(nn.MultiheadAttention):
    """PyTorch's attention, which keeps the pattern that its layers throw away."""

    pattern: Tensor

    def __init__(self, ours: MultiHeadAttention) -> None:
        super().__init__(ours.query.in_features, ours.n_heads, batch_first=True)
        projections = (ours.query, ours.key, ours.value)
        state = {
            "in_proj_weight": torch.cat([linear.weight for linear in projections]),
            "in_proj_bias": torch.cat([linear.bias for linear in projections]),
            "out_proj.weight": ours.output.weight,
            "out_proj.bias": ours.output.bias,
        }
        self.load_state_dict(state)

    def forward(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        kwargs |= {"need_weights": True, "average_attn_weights": False}
        output, pattern = super().forward(*args, **kwargs)
        assert pattern is not None
        self.pattern = pattern
        return output, pattern


def oracle_encoder(ours: TransformerEncoder | TransformerDecoder, config: ModelConfig) -> nn.TransformerEncoder:
    """``nn.TransformerEncoder`` with the weights of our encoder, or of our decoder without cross-attention."""
    layer = nn.TransformerEncoderLayer(**_layer_options(config))
    theirs = nn.TransformerEncoder(layer, config.n_layers, _final_norm(config), enable_nested_tensor=False)
    for mine, its in zip(ours.layers, theirs.layers, strict=True):
        assert isinstance(mine, EncoderLayer | DecoderLayer)
        assert isinstance(its, nn.TransformerEncoderLayer)
        its.self_attn = OracleAttention(mine.self_attention)
        _copy_feed_forward(mine, its)
        its.norm1.load_state_dict(mine.self_attention_residual.norm.state_dict())
        its.norm2.load_state_dict(mine.feed_forward_residual.norm.state_dict())
    if theirs.norm is not None:
        theirs.norm.load_state_dict(ours.norm.state_dict())
    return theirs


def oracle_decoder(ours: TransformerDecoder, config: ModelConfig) -> nn.TransformerDecoder:
    """``nn.TransformerDecoder`` with the weights of our decoder."""
    theirs = nn.TransformerDecoder(
        nn.TransformerDecoderLayer(**_layer_options(config)), config.n_layers, _final_norm(config)
    )
    for mine, its in zip(ours.layers, theirs.layers, strict=True):
        assert isinstance(mine, DecoderLayer)
        assert isinstance(its, nn.TransformerDecoderLayer)
        assert mine.cross_attention is not None
        assert mine.cross_attention_residual is not None
        its.self_attn = OracleAttention(mine.self_attention)
        its.multihead_attn = OracleAttention(mine.cross_attention)
        _copy_feed_forward(mine, its)
        its.norm1.load_state_dict(mine.self_attention_residual.norm.state_dict())
        its.norm2.load_state_dict(mine.cross_attention_residual.norm.state_dict())
        its.norm3.load_state_dict(mine.feed_forward_residual.norm.state_dict())
    if theirs.norm is not None:
        theirs.norm.load_state_dict(ours.norm.state_dict())
    return theirs


def _layer_options(config: ModelConfig) -> dict[str, Any]:
    return {
        "d_model": config.d_model,
        "nhead": config.n_heads,
        "dim_feedforward": config.d_ff,
        "dropout": 0.0,
        "activation": config.activation,
        "norm_first": config.norm == "pre",
        "batch_first": True,
    }


def _final_norm(config: ModelConfig) -> nn.LayerNorm | None:
    return nn.LayerNorm(config.d_model) if config.norm == "pre" else None


def _copy_feed_forward(
    mine: EncoderLayer | DecoderLayer, its: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer
) -> None:
    its.linear1.load_state_dict(mine.feed_forward.inner.state_dict())
    its.linear2.load_state_dict(mine.feed_forward.outer.state_dict())
