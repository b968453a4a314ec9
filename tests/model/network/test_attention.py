"""model/network/attention.py: against nn.MultiheadAttention, and what holds for every mask."""

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.network.attention import MultiHeadAttention, attention, causal_mask, padding_mask
from tests.model.helpers import OracleAttention, close, forbidden, random_mask, shaken, tiny

sizes = st.integers(1, 7)
seeds = st.integers(0, 2**32 - 1)


def test_a_pattern_by_hand():
    query = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    key = torch.tensor([[2 * math.log(3.0), 9.0, 0.0, 0.0], [0.0, 0.0, 5.0, 0.0]])  # scores ln 3 and 0, as √d_head is 2
    output, pattern = attention(query, key, torch.tensor([[4.0], [8.0]]))
    close(pattern, torch.tensor([[0.75, 0.25]]))
    close(output, torch.tensor([[5.0]]))


@given(batch=sizes, n_heads=sizes, d_head=sizes, queries=sizes, keys=sizes, seed=seeds)
def test_multi_head_attention_is_torchs(batch: int, n_heads: int, d_head: int, queries: int, keys: int, seed: int):
    torch.manual_seed(seed)
    # Twice the width: the encoding of positions, which plays no part here, asks for an even d_model.
    ours = MultiHeadAttention(tiny(n_heads=n_heads, d_model=2 * d_head * n_heads))
    shaken(ours)
    x, memory = torch.randn(batch, queries, ours.query.in_features), torch.randn(batch, keys, ours.query.in_features)
    mask = random_mask(batch, 1, queries, keys)
    for allowed, disallowed in ((None, None), (mask, forbidden(mask, n_heads))):
        expected = OracleAttention(ours)(x, memory, memory, attn_mask=disallowed)
        for actual, wanted in zip(ours(x, memory, allowed), expected, strict=True):
            close(actual, wanted)


@given(batch=sizes, queries=sizes, keys=sizes, d_head=sizes, seed=seeds)
def test_rows_sum_to_one_and_masked_cells_are_zero(batch: int, queries: int, keys: int, d_head: int, seed: int):
    torch.manual_seed(seed)
    query, key, value = (torch.randn(batch, n, d_head) * 30 for n in (queries, keys, keys))
    mask = torch.rand(batch, queries, keys) < 0.5  # some rows allow nothing
    output, pattern = attention(query, key, value, mask)
    anything = mask.any(-1)
    close(pattern.sum(-1), anything.float())
    assert (pattern[~mask] == 0).all()
    assert (output[~anything] == 0).all()


def test_a_row_with_nothing_allowed_is_zero_also_in_its_gradients():
    query, key, value = (torch.randn(5, 7).requires_grad_() for _ in range(3))
    output, pattern = attention(query, key, value, torch.zeros(5, 5, dtype=torch.bool))
    (output.sum() + pattern.sum()).backward()
    for tensor in (output, pattern, query.grad, key.grad, value.grad):
        assert tensor is not None
        assert (tensor == 0).all()


def test_the_pattern_is_from_before_dropout_and_the_output_from_after():
    ours = MultiHeadAttention(tiny(attention_dropout=0.5))
    x, memory = torch.randn(2, 5, 30), torch.randn(2, 7, 30)
    trained, pattern = ours(x, memory)
    calm, same_pattern = ours.eval()(x, memory)
    assert torch.equal(pattern, same_pattern)
    assert not torch.allclose(trained, calm)


def test_heads_share_nothing():
    """Another head's part of the projections leaves a head's pattern alone."""
    ours = MultiHeadAttention(tiny())
    x = torch.randn(2, 5, 30)
    _, before = ours(x, x)
    with torch.no_grad():
        ours.query.weight[10:20] += 1  # the rows of head 1 of 3
    _, after = ours(x, x)
    assert [torch.equal(before[:, head], after[:, head]) for head in range(3)] == [True, False, True]


def test_padding_mask():
    mask = padding_mask(torch.tensor([[5, 6, 9], [7, 9, 9]]), 9)
    assert mask.shape == (2, 1, 1, 3)
    assert mask[:, 0, 0].tolist() == [[True, True, False], [True, False, False]]


@given(n=sizes)
def test_causal_mask_is_numpys_triangle(n: int):
    assert np.array_equal(causal_mask(n).numpy(), np.tri(n, dtype=bool))
