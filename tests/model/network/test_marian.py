"""The whole model and its decoding against `transformers`' MarianMT with copied weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import MarianConfig, MarianMTModel

from model.config import ModelConfig
from model.decoding.search import beam_search, greedy
from model.network.attention import pad
from model.network.transformer import DecoderLayer, EncoderLayer, Transformer
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID

CONFIG = ModelConfig(vocab_size=61, n_layers=2, n_heads=3, d_model=42, d_ff=53, max_len=37)
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def ours() -> Transformer:
    torch.manual_seed(5)
    model = Transformer(CONFIG).eval().requires_grad_(False)
    for parameter in model.parameters():  # biases and norms as well, so that a forgotten one shows
        parameter += 0.05 * torch.randn_like(parameter)
    return model


@pytest.fixture(scope="module")
def marian(ours: Transformer) -> Any:
    config = MarianConfig(
        vocab_size=CONFIG.vocab_size,
        d_model=CONFIG.d_model,
        encoder_layers=CONFIG.n_layers,
        decoder_layers=CONFIG.n_layers,
        encoder_attention_heads=CONFIG.n_heads,
        decoder_attention_heads=CONFIG.n_heads,
        encoder_ffn_dim=CONFIG.d_ff,
        decoder_ffn_dim=CONFIG.d_ff,
        activation_function=CONFIG.activation,
        max_position_embeddings=CONFIG.max_len,
        scale_embedding=True,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
        forced_eos_token_id=None,
        decoder_start_token_id=BOS_ID,
    )
    config._attn_implementation = "eager"  # the one that returns its patterns
    model: Any = MarianMTModel(config)  # its own type hints do not fit
    model.eval().requires_grad_(False)
    base = model.model
    base.shared.weight.copy_(ours.embedding.tokens.weight)
    for stack in (base.encoder, base.decoder):
        stack.embed_positions.weight.copy_(ours.embedding.positions)
    for theirs, layer in zip(base.encoder.layers, ours.encoder.layers, strict=True):
        assert isinstance(layer, EncoderLayer)
        _copy_layer(theirs, layer)
    for theirs, layer in zip(base.decoder.layers, ours.decoder.layers, strict=True):
        assert isinstance(layer, DecoderLayer)
        assert layer.cross_attention is not None
        assert layer.cross_attention_residual is not None
        _copy_layer(theirs, layer)
        _copy_attention(theirs.encoder_attn, layer.cross_attention)
        theirs.encoder_attn_layer_norm.load_state_dict(layer.cross_attention_residual.norm.state_dict())
    return model


def _copy_layer(theirs: nn.Module, ours: EncoderLayer | DecoderLayer) -> None:
    _copy_attention(theirs.get_submodule("self_attn"), ours.self_attention)
    for name, module in (
        ("self_attn_layer_norm", ours.self_attention_residual.norm),
        ("fc1", ours.feed_forward.inner),
        ("fc2", ours.feed_forward.outer),
        ("final_layer_norm", ours.feed_forward_residual.norm),
    ):
        theirs.get_submodule(name).load_state_dict(module.state_dict())


def _copy_attention(theirs: nn.Module, ours: nn.Module) -> None:
    for name, part in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("out_proj", "output")):
        theirs.get_submodule(name).load_state_dict(ours.get_submodule(part).state_dict())


@pytest.fixture(scope="module")
def source() -> torch.Tensor:
    random_ = np.random.default_rng(7)
    return pad([[*random_.integers(3, CONFIG.vocab_size, length), EOS_ID] for length in (11, 5, 1)])


def test_logits_and_patterns(ours: Transformer, marian: Any, source: torch.Tensor) -> None:
    target = torch.tensor([[BOS_ID, *range(7, 13)]] * len(source))
    real = source != PAD_ID
    expected = marian(input_ids=source, attention_mask=real.long(), decoder_input_ids=target, output_attentions=True)
    output = ours(source, target)
    torch.testing.assert_close(ours.unembed(output.hidden), expected.logits, atol=TOLERANCE, rtol=0)
    rows = real[:, None, :, None]  # what padding attends to is nobody's business
    for found, known in zip(output.encoder_patterns, expected.encoder_attentions, strict=True):
        torch.testing.assert_close(found * rows, known * rows, atol=TOLERANCE, rtol=0)
    for found, known in zip(output.decoder_patterns, expected.decoder_attentions, strict=True):
        torch.testing.assert_close(found, known, atol=TOLERANCE, rtol=0)
    for found, known in zip(output.cross_patterns, expected.cross_attentions, strict=True):
        torch.testing.assert_close(found, known, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("beam", [1, 3])
def test_decoding(ours: Transformer, marian: Any, source: torch.Tensor, beam: int) -> None:
    for row in source:
        ids = row[row != PAD_ID][None]
        limit = min(2 * ids.size(1) + 16, CONFIG.max_len)
        generated = marian.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            num_beams=beam,
            do_sample=False,
            max_new_tokens=limit,
            length_penalty=1.0,
            early_stopping=True,
            bad_words_ids=[[PAD_ID], [BOS_ID]],
        )
        expected = [i for i in generated[0].tolist() if i not in (PAD_ID, BOS_ID, EOS_ID)]
        found = greedy(ours, ids)[0] if beam == 1 else beam_search(ours, ids, beam)[0][0].ids
        assert found
        assert list(found) == expected
