"""model/network/positional.py: against the papers' formulas in NumPy, and against `transformers`."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.config import POSITIONALS, ModelConfig
from model.network.attention import attention
from model.network.positional import (
    BUCKETS,
    ENCODINGS,
    FARTHEST,
    Rotation,
    alibi_slopes,
    relative_bucket,
    rotated,
    sinusoidal,
)
from model.network.transformer import TokenEmbedding, Transformer
from model.text.tokenizer import PAD_ID
from tests.model.helpers import close, shaken, tiny, with_factor

places = st.integers(0, 5000)
seeds = st.integers(0, 999)


FACTOR = "a factor"
"""A name for the encoding of the tests that multiplies the scores."""


def random_model(positional: str) -> Transformer:
    if positional == FACTOR:
        return with_factor(random_model("none"))
    return shaken(Transformer(tiny(positional=positional))).eval().requires_grad_(False)


def rotation(positions: torch.Tensor, d_head: int) -> Rotation:
    config = tiny(positional="rotary", n_heads=1, d_model=d_head)
    turned = ENCODINGS["rotary"](config).rotation(positions)
    assert turned is not None
    return turned


def test_every_name_has_its_encoding():
    assert tuple(ENCODINGS) == POSITIONALS


@given(n_positions=st.integers(1, 5000), pairs=st.integers(1, 67))
def test_sinusoidal_is_the_papers_formula(n_positions: int, pairs: int):
    position, i = np.arange(n_positions)[:, None], np.arange(pairs)
    angle = position / np.power(10000.0, 2 * i / (2 * pairs))
    expected = np.empty((n_positions, 2 * pairs))
    expected[:, 0::2], expected[:, 1::2] = np.sin(angle), np.cos(angle)
    actual = sinusoidal(n_positions, 2 * pairs).numpy()
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6)


def test_position_zero_by_hand():
    assert sinusoidal(3, 6)[0].tolist() == [0, 1, 0, 1, 0, 1]


def test_an_odd_width_is_refused():
    with pytest.raises(ValueError, match="even d_model, but d_model is 7"):
        sinusoidal(5, 7)


@given(position=places, pairs=st.integers(1, 37), seed=seeds)
def test_rotary_is_the_papers_matrix(position: int, pairs: int, seed: int):
    """Su et al. 2021, equations 14 and 15: a block of a rotation matrix for each pair."""
    x = np.random.default_rng(seed).normal(size=2 * pairs)
    matrix = np.zeros((2 * pairs, 2 * pairs))
    for i in range(pairs):
        angle = position * 10000.0 ** (-2 * i / (2 * pairs))
        block = slice(2 * i, 2 * i + 2)
        matrix[block, block] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    actual = rotated(torch.tensor(x)[None], rotation(torch.tensor([position]), 2 * pairs))[0]
    np.testing.assert_allclose(actual.numpy(), matrix @ x, rtol=0, atol=1e-5)


def test_rotary_is_that_of_transformers():
    """GPT-J pairs neighbours, as the paper does; Llama pairs the two halves of a head."""
    from transformers import LlamaConfig
    from transformers.models.gptj import modeling_gptj
    from transformers.models.llama import modeling_llama

    n, d_head = 23, 14
    query, key = torch.randn(2, 3, n, d_head), torch.randn(2, 3, n, d_head)
    turned = rotation(torch.arange(n), d_head)
    ours = rotated(query, turned), rotated(key, turned)

    table: Any = modeling_gptj.create_sinusoidal_positions(n, d_head)
    sin, cos = table[None].split(d_head // 2, dim=-1)
    for x, mine in zip((query, key), ours, strict=True):
        theirs = modeling_gptj.apply_rotary_pos_emb(x.transpose(1, 2), sin, cos)
        close(mine, theirs.transpose(1, 2))

    config = LlamaConfig(hidden_size=3 * d_head, num_attention_heads=3, head_dim=d_head)
    cos, sin = modeling_llama.LlamaRotaryEmbedding(config)(query, torch.arange(n)[None])
    halves = [*range(0, d_head, 2), *range(1, d_head, 2)]
    theirs = modeling_llama.apply_rotary_pos_emb(query[..., halves], key[..., halves], cos, sin)
    for mine, its in zip(ours, theirs, strict=True):
        close(mine[..., halves], its)


@given(query=places, distance=st.integers(0, 200), shift=places, pairs=st.integers(1, 17), seed=seeds)
def test_a_rotary_score_knows_only_the_distance(query: int, distance: int, shift: int, pairs: int, seed: int):
    torch.manual_seed(seed)
    q, k = torch.randn(2, 1, 2 * pairs)

    def score(query: int, key: int) -> torch.Tensor:
        turned = (rotated(x, rotation(torch.tensor([place]), 2 * pairs)) for x, place in ((q, query), (k, key)))
        first, second = turned
        return (first * second).sum()

    close(score(query, query + distance), score(query + shift, query + shift + distance), 1e-4)


def test_rotation_keeps_lengths_and_leaves_position_zero_alone():
    x = torch.randn(3, 11, 6)
    turned = rotated(x, rotation(torch.arange(11), 6))
    close(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(turned[:, 0], x[:, 0])


@pytest.mark.parametrize(
    ("n_heads", "slopes"),
    [
        (1, [2**-8]),
        (2, [2**-4, 2**-8]),
        (8, [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256]),  # in the paper's text, section 3
        (16, [2 ** (-i / 2) for i in range(1, 17)]),  # there as well
        (3, [2**-4, 2**-8, 2**-2]),
    ],
)
def test_slopes_as_published(n_heads: int, slopes: list[float]):
    np.testing.assert_allclose(alibi_slopes(n_heads).numpy(), slopes, rtol=1e-6)


@pytest.mark.parametrize("n_heads", range(1, 41))
def test_slopes_and_bias_are_those_of_bloom(n_heads: int):
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    n = 13
    theirs = build_alibi_tensor(torch.ones(1, n), n_heads, torch.float32)[:, 0]  # [head, key], as if from key 0
    close(alibi_slopes(n_heads), theirs[:, 1])
    config = tiny(positional="alibi", n_heads=n_heads, d_model=2 * n_heads)
    bias = ENCODINGS["alibi"](config).bias(torch.tensor([n - 1]), torch.arange(n), causal=True)
    assert bias is not None
    close(bias[:, 0] - bias[:, 0, :1], theirs)  # softmax ignores what all keys of a row share


def test_no_heads_have_no_slopes():
    with pytest.raises(ValueError, match="n_heads of at least 1, but n_heads is 0"):
        alibi_slopes(0)


@pytest.mark.parametrize("causal", [False, True])
def test_buckets_are_those_of_t5(causal: bool):
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = torch.arange(-300, 301)
    theirs = T5Attention._relative_position_bucket(
        distance, bidirectional=not causal, num_buckets=BUCKETS, max_distance=FARTHEST
    )
    assert torch.equal(relative_bucket(distance, causal=causal), theirs)


def test_buckets_by_hand():
    """Half a direction's buckets for one distance each, the rest for ever wider ranges, the last without an end."""
    back = relative_bucket(-torch.tensor([0, 1, 15, 16, 17, 127, 128, 5000]), causal=True)
    assert back.tolist() == [0, 1, 15, 16, 16, 31, 31, 31]
    both = relative_bucket(torch.tensor([-7, -1, 0, 1, 7, 5000]), causal=False)
    assert both.tolist() == [7, 1, 0, 17, 23, 31]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("positional", ["alibi", "relative"])
def test_a_bias_knows_only_the_distance(positional: str, causal: bool):
    encoding = random_model(positional).embedding.positional
    here, there = torch.arange(11), torch.arange(101, 112)
    bias = encoding.bias(here, here, causal=causal)
    moved = encoding.bias(there, there, causal=causal)
    assert bias is not None
    assert moved is not None
    assert torch.equal(bias, moved)
    assert bias.shape == (3, 11, 11)
    for diagonal in range(-10, 11):
        assert len(bias[0].diagonal(diagonal).unique()) == 1


def test_alibi_looks_both_ways_alike_and_relative_does_not():
    alibi, relative = (
        random_model(name).embedding.positional.on_scores(torch.arange(7), causal=False).bias
        for name in ("alibi", "relative")
    )
    assert alibi is not None
    assert relative is not None
    assert torch.equal(alibi, alibi.transpose(1, 2))
    close(alibi[:, 5, 2], -3 * alibi_slopes(3))
    assert not torch.allclose(relative, relative.transpose(1, 2))


def test_relative_reads_its_table_by_the_bucket():
    encoding: Any = random_model("relative").embedding.positional
    for causal, table in ((False, encoding.encoder), (True, encoding.decoder)):
        bias = encoding.bias(torch.tensor([40]), torch.arange(60), causal=causal)
        for key in (0, 30, 40, 41, 59):
            bucket = relative_bucket(torch.tensor(key - 40), causal=causal)
            assert torch.equal(bias[:, 0, key], table[bucket])


def test_a_bias_is_added_to_the_scores():
    query, key, value, bias = torch.randn(5, 8), torch.randn(7, 8), torch.randn(7, 3), torch.randn(5, 7)
    scores = query.double().numpy() @ key.double().numpy().T / math.sqrt(8) + bias.double().numpy()
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    output, pattern = attention(query, key, value, bias=bias)
    np.testing.assert_allclose(pattern.numpy(), weights, atol=1e-6)
    np.testing.assert_allclose(output.numpy(), weights @ value.double().numpy(), atol=1e-5)


@pytest.mark.parametrize("n", [2, 7, 23])
def test_a_factor_multiplies_the_scores_by_what_each_query_may_see(n: int):
    """Scores of 1 for the first key and 0 for the others, so that the odds are those of the factor."""
    encoding = random_model(FACTOR).embedding.positional
    query, key = torch.full((1, 3, n, 1), 1.0), torch.zeros(1, 3, n, 1)
    key[:, :, 0] = 1
    for causal, mask in ((False, None), (True, torch.ones(n, n, dtype=torch.bool).tril())):
        _, pattern = attention(query, key, key, mask, factor=encoding.on_scores(torch.arange(n), causal=causal).factor)
        for head in range(3):
            for row in range(1, n):
                seen = row + 1 if causal else n
                odds = seen ** (head + 1)  # exp((head + 1) log seen)
                assert pattern[0, head, row, 0].item() == pytest.approx(odds / (odds + seen - 1), rel=1e-5)


@pytest.mark.parametrize("positional", POSITIONALS)
def test_what_a_person_reads_of_an_encoding(positional: str):
    kind = ENCODINGS[positional]
    assert kind.formula
    assert kind.words.endswith((".", ")"))
    assert kind.source or positional == "none"


@pytest.mark.parametrize("positional", [*POSITIONALS, FACTOR])
def test_an_encoding_tells_the_order_if_it_says_so(positional: str):
    model = random_model(positional)
    source, order = torch.tensor([[5, 7, 11, 13, 17]]), torch.tensor([3, 0, 4, 1, 2])
    hidden, shuffled = model.encode(source, None).hidden, model.encode(source[:, order], None).hidden
    if not model.embedding.positional.tells_order:
        close(shuffled, hidden[:, order])
    else:
        assert (shuffled - hidden[:, order]).abs().max() > 0.01


@pytest.mark.parametrize("positional", [*POSITIONALS, FACTOR])
def test_padding_changes_nothing(positional: str):
    model = random_model(positional)
    source, target = torch.randint(3, 263, (1, 7)), torch.randint(3, 263, (1, 5))
    padded = torch.cat((source, torch.full((1, 4), PAD_ID)), dim=1)
    close(model(padded, target).hidden, model(source, target).hidden)


@pytest.mark.parametrize("positional", POSITIONALS)
def test_every_parameter_learns(positional: str):
    model = Transformer(tiny(positional=positional, max_len=7))
    model(torch.randint(3, 263, (2, 7)), torch.randint(3, 263, (2, 7))).hidden.pow(3).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any() or name.endswith("key.bias"), name  # softmax ignores what all keys share


def test_the_encoder_of_relative_is_t5s():
    """The self-attention of T5 with our weights: the bias is added to the scores, and shared by the layers."""
    from transformers import T5Config
    from transformers.models.t5.modeling_t5 import T5Attention

    model = random_model("relative")
    layer: Any = model.encoder.layers[0]
    config = T5Config(d_model=30, d_kv=10, num_heads=3, dropout_rate=0.0)
    config._attn_implementation = "eager"
    theirs: Any = T5Attention(config, has_relative_attention_bias=True)
    theirs.relative_attention_bias.weight.data = model.embedding.positional.get_parameter("encoder")
    attended = layer.self_attention
    for name, linear in (("q", attended.query), ("k", attended.key), ("v", attended.value), ("o", attended.output)):
        linear.bias.zero_()  # T5 has none
        scale = math.sqrt(10) if name == "q" else 1.0  # nor does it divide by √d_head
        getattr(theirs, name).weight.data = linear.weight / scale
    x = torch.randn(2, 23, 30)
    on_scores = model.embedding.positional.on_scores(torch.arange(23), causal=False)
    close(attended(x, x, None, on_scores)[0], theirs(x)[0])


@pytest.mark.parametrize("positional", POSITIONALS)
def test_a_text_beyond_max_len_is_refused(positional: str):
    with pytest.raises(ValueError, match="max_len is 23 tokens, but the text has 24"):
        TokenEmbedding(tiny(positional=positional))(torch.full((1, 24), 5))


@pytest.mark.parametrize("positional", [name for name in POSITIONALS if name != "learned"])
def test_stretched_encodings_agree_where_both_reach(positional: str):
    short = random_model(positional).embedding.positional
    long = short.stretched(tiny(positional=positional, max_len=47))
    assert long.added().shape == (47, 30)
    assert torch.equal(long.added()[:23], short.added())
    here = torch.arange(23)
    mine, its = short.on_scores(here, causal=True), long.on_scores(here, causal=True)
    if mine.rotation is not None and its.rotation is not None:
        assert all(map(torch.equal, mine.rotation, its.rotation))
    for part, other in ((mine.bias, its.bias), (mine.factor, its.factor)):
        assert part is other is None or (part is not None and other is not None and torch.equal(part, other))
    assert [part is None for part in mine] == [part is None for part in its]


def test_a_learned_table_ends():
    encoding = random_model("learned").embedding.positional
    with pytest.raises(ValueError, match="max_len, which is 23, but 24 positions"):
        encoding.stretched(tiny(positional="learned", max_len=24))
    assert torch.equal(encoding.stretched(tiny(positional="learned", max_len=11)).added(), encoding.added()[:11])


def test_an_odd_head_cannot_turn():
    with pytest.raises(
        ValueError, match=r"d_head must be even for positional 'rotary' .* 5: d_model 15 over n_heads 3"
    ):
        ModelConfig(vocab_size=263, n_heads=3, d_model=15, positional="rotary")
