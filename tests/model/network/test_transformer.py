"""model/network/transformer.py: against torch.nn's Transformer layers, and what must hold of any Transformer."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from model.config import POSITIONALS, ModelConfig
from model.network.attention import causal_mask
from model.network.positional import sinusoidal
from model.network.transformer import FeedForward, TokenEmbedding, Transformer, TransformerDecoder, TransformerEncoder
from model.text.tokenizer import PAD_ID
from tests.model.helpers import (
    OracleAttention,
    close,
    forbidden,
    oracle_decoder,
    oracle_encoder,
    random_mask,
    shaken,
    tiny,
)

BATCH, SOURCE, TARGET = 2, 7, 5

configs = st.builds(
    lambda n_heads, d_head, **rest: tiny(n_heads=n_heads, d_model=n_heads * d_head, **rest),
    n_heads=st.sampled_from([1, 3, 5]),
    d_head=st.sampled_from([2, 4, 10]),
    n_layers=st.integers(1, 3),
    d_ff=st.integers(1, 41),
    norm=st.sampled_from(["post", "pre"]),
    activation=st.sampled_from(["relu", "gelu"]),
)
sizes = st.integers(1, 7)
seeds = st.integers(0, 999)
every_norm = pytest.mark.parametrize(
    "config", [tiny(norm="post"), tiny(norm="pre", activation="gelu")], ids=["post", "pre"]
)


def ids(*shape: int) -> Tensor:
    return torch.randint(3, 263, shape)


def assert_patterns(patterns: tuple[Tensor, ...], oracles: list[Any]) -> None:
    assert len(patterns) == len(oracles)
    for pattern, oracle in zip(patterns, oracles, strict=True):
        assert isinstance(oracle, OracleAttention)
        close(pattern, oracle.pattern)


@given(config=configs, batch=sizes, n=sizes, padded=st.booleans(), seed=seeds)
def test_the_encoder_is_torchs(config: ModelConfig, batch: int, n: int, padded: bool, seed: int):
    torch.manual_seed(seed)
    ours = TransformerEncoder(config)
    theirs = oracle_encoder(shaken(ours), config)
    x = torch.randn(batch, n, config.d_model)
    if padded:
        real = torch.arange(n) < torch.randint(1, n + 1, (batch, 1))
        actual = ours(x, real[:, None, None, :])
        expected = theirs(x, src_key_padding_mask=~real)
    else:
        mask = random_mask(batch, 1, n, n)
        actual = ours(x, mask)
        expected = theirs(x, mask=forbidden(mask, config.n_heads))
    close(actual.hidden, expected)
    assert_patterns(actual.patterns, [layer.self_attn for layer in theirs.layers])


@given(config=configs, batch=sizes, source=sizes, target=sizes, seed=seeds)
def test_the_decoder_is_torchs(config: ModelConfig, batch: int, source: int, target: int, seed: int):
    torch.manual_seed(seed)
    ours = TransformerDecoder(config)
    theirs = oracle_decoder(shaken(ours), config)
    x, memory = torch.randn(batch, target, config.d_model), torch.randn(batch, source, config.d_model)
    mask, cross = causal_mask(target), random_mask(batch, 1, target, source)
    actual = ours(x, mask, memory, cross)
    close(actual.hidden, theirs(x, memory, tgt_mask=~mask, memory_mask=forbidden(cross, config.n_heads)))
    assert_patterns(actual.self_patterns, [layer.self_attn for layer in theirs.layers])
    assert_patterns(actual.cross_patterns, [layer.multihead_attn for layer in theirs.layers])


@given(config=configs, batch=sizes, n=sizes, seed=seeds)
def test_a_decoder_only_model_is_torchs_causal_encoder(config: ModelConfig, batch: int, n: int, seed: int):
    torch.manual_seed(seed)
    ours = TransformerDecoder(config, cross_attention=False)
    theirs = oracle_encoder(shaken(ours), config)
    x, mask = torch.randn(batch, n, config.d_model), causal_mask(n)
    actual = ours(x, mask)
    close(actual.hidden, theirs(x, mask=~mask))
    assert_patterns(actual.self_patterns, [layer.self_attn for layer in theirs.layers])
    assert actual.cross_patterns == ()


@every_norm
def test_the_whole_model_is_torchs(config: ModelConfig):
    """Embedding, encoder, decoder and output together, over a padded batch."""
    ours = Transformer(config)
    shaken(ours)
    source, target = ids(BATCH, SOURCE), ids(BATCH, TARGET)
    source[0, 4:] = PAD_ID
    table, padding = ours.embedding.tokens.weight, source == PAD_ID

    def embed(tokens: Tensor) -> Tensor:
        return F.embedding(tokens, table) * math.sqrt(30) + sinusoidal(tokens.size(1), 30)

    memory = oracle_encoder(ours.encoder, config)(embed(source), src_key_padding_mask=padding)
    hidden = oracle_decoder(ours.decoder, config)(
        embed(target), memory, tgt_mask=~causal_mask(TARGET), memory_key_padding_mask=padding
    )
    actual = ours(source, target)
    close(actual.hidden, hidden)
    close(ours.unembed(actual.hidden), hidden @ table.T)


def test_patterns_have_an_axis_each_for_batch_head_query_and_key(model: Transformer):
    output = model(ids(BATCH, SOURCE), ids(BATCH, TARGET))
    assert output.hidden.shape == (BATCH, TARGET, 30)
    for patterns, queries, keys in (
        (output.encoder_patterns, SOURCE, SOURCE),
        (output.decoder_patterns, TARGET, TARGET),
        (output.cross_patterns, TARGET, SOURCE),
    ):
        assert [tuple(pattern.shape) for pattern in patterns] == [(BATCH, 3, queries, keys)] * 2
        for pattern in patterns:
            close(pattern.sum(-1), torch.ones(BATCH, 3, queries))


@every_norm
def test_a_future_token_changes_no_earlier_row(config: ModelConfig, model: Transformer):
    source, target = ids(BATCH, SOURCE), ids(BATCH, TARGET)
    changed = target.clone()
    changed[:, 3:] = 3 + (changed[:, 3:] - 2) % 260
    before, after = model(source, target), model(source, changed)
    assert torch.equal(before.hidden[:, :3], after.hidden[:, :3])
    assert not torch.allclose(before.hidden[:, 3:], after.hidden[:, 3:])
    for pattern in before.decoder_patterns:
        assert (pattern.triu(1) == 0).all()


@every_norm
def test_padding_changes_nothing(config: ModelConfig, model: Transformer):
    source, target = ids(1, SOURCE), ids(1, TARGET)
    alone = model(source, target)
    # Beside a longer sentence, so padded on the right.
    together = model(
        torch.cat((F.pad(source, (0, 4), value=PAD_ID), ids(1, SOURCE + 4))),
        torch.cat((F.pad(target, (0, 6), value=PAD_ID), ids(1, TARGET + 6))),
    )
    close(together.hidden[:1, :TARGET], alone.hidden)
    for patterns, padded, queries, keys in (
        (alone.encoder_patterns, together.encoder_patterns, SOURCE, SOURCE),
        (alone.decoder_patterns, together.decoder_patterns, TARGET, TARGET),
        (alone.cross_patterns, together.cross_patterns, TARGET, SOURCE),
    ):
        for one, other in zip(patterns, padded, strict=True):
            close(other[:1, :, :queries, :keys], one)
            assert (other[0, :, :queries, keys:] == 0).all()


def test_without_positions_the_encoder_does_not_know_the_order(config: ModelConfig):
    encoder, x, order = TransformerEncoder(config), torch.randn(BATCH, SOURCE, 30), torch.randperm(SOURCE)
    close(encoder(x[:, order]).hidden, encoder(x).hidden[:, order])


def test_dropout_acts_in_training_alone():
    model, source, target = Transformer(tiny(dropout=0.5)), ids(BATCH, SOURCE), ids(BATCH, TARGET)
    assert not torch.equal(model(source, target).hidden, model(source, target).hidden)
    model.eval()
    assert torch.equal(model(source, target).hidden, model(source, target).hidden)


def test_one_matrix_embeds_and_unembeds(model: Transformer):
    names = [name for name, parameter in model.named_parameters() if 263 in parameter.shape]
    assert names == ["embedding.tokens.weight"]


@pytest.mark.parametrize("positional", POSITIONALS)
def test_what_is_computed_again_is_not_saved(positional: str):
    """Tables and slopes follow from the configuration; a checkpoint holds what was learned."""
    model = Transformer(tiny(positional=positional))
    assert model.state_dict().keys() == dict(model.named_parameters()).keys()


def test_embedded_tokens_start_with_unit_variance(model: Transformer):
    embedded = model.embedding.tokens.weight * math.sqrt(30)
    assert embedded.std().item() == pytest.approx(1, abs=0.05)


def test_a_text_beyond_max_len_is_refused(config: ModelConfig):
    with pytest.raises(ValueError, match="max_len is 23 tokens, but the text has 24"):
        TokenEmbedding(config)(ids(1, 24))


def test_max_len_itself_fits(model: Transformer):
    assert model(ids(1, 23), ids(1, 23)).hidden.isfinite().all()


def test_cross_attention_without_memory_is_refused(config: ModelConfig):
    with pytest.raises(ValueError, match="memory is None"):
        TransformerDecoder(config)(torch.randn(1, TARGET, 30))


def test_the_activation_is_the_one_named():
    x = torch.randn(BATCH, TARGET, 30)
    for activation, function in (("relu", F.relu), ("gelu", F.gelu)):
        layer = FeedForward(tiny(activation=activation))
        close(layer(x), layer.outer(function(layer.inner(x))))


def test_every_parameter_learns(model: Transformer):
    """Nothing is left out of the forward pass."""
    model(ids(BATCH, SOURCE), ids(BATCH, TARGET)).hidden.pow(3).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any() or name.endswith("key.bias"), name  # softmax ignores what all keys share
