"""Trace.of: patterns that someone holds, of NumPy, PyTorch or `transformers`, become a trace."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model, T5Config, T5Model

from model.trace import Trace

ROOT = Path(__file__).parents[3]
TOKENS = ("a", "blue", "dress", "has", "</s>")
TARGET = ("<s>", "une", "robe")


def weights(*shape: int) -> np.ndarray:
    drawn = np.random.default_rng(11).random(shape, dtype=np.float32) + 0.1
    return drawn / drawn.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (weights(2, 7, 5, 5), weights(2, 7, 5, 5)),
        (weights(2, 1, 7, 5, 5), weights(2, 1, 7, 5, 5)[:, 0]),
        (tuple(weights(2, 7, 5, 5)), weights(2, 7, 5, 5)),
        (list(weights(2, 1, 7, 5, 5)), weights(2, 1, 7, 5, 5)[:, 0]),
        (weights(2, 7, 5, 5).tolist(), weights(2, 7, 5, 5)),
        (torch.tensor(weights(2, 7, 5, 5), requires_grad=True), weights(2, 7, 5, 5)),
    ],
    ids=["array", "array with a batch", "layers", "layers with a batch", "lists", "tensor with a graph"],
)
def test_an_array_or_one_for_each_layer(given: Any, expected: np.ndarray):
    trace = Trace.of(given, TOKENS)
    assert trace.kinds == ("encoder",)
    np.testing.assert_allclose(trace.map("encoder").pattern, expected, atol=1e-7)
    assert trace.map("encoder").key_tokens == TOKENS


def test_bfloat16_which_numpy_has_not():
    given = torch.tensor(weights(2, 7, 5, 5)).bfloat16()
    assert (given.float().sum(-1) - 1).abs().max() > 1e-3  # so few digits that rows no longer sum to 1
    found = Trace.of(given, TOKENS).map("encoder").pattern
    np.testing.assert_allclose(found, weights(2, 7, 5, 5), atol=2e-3)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-6)
    with pytest.raises(ValueError, match="must hold weights"):
        Trace.of(2 * given, TOKENS)


def test_one_text_of_a_batch():
    batch = weights(2, 3, 7, 5, 5)
    np.testing.assert_array_equal(Trace.of(batch, TOKENS, text=1).map("encoder").pattern, batch[:, 1])
    with pytest.raises(ValueError, match="has 3 texts in its batch: say which one with text="):
        Trace.of(batch, TOKENS)
    with pytest.raises(ValueError, match=r"text 3 was asked for, but .* has 3, counted from 0"):
        Trace.of(batch, TOKENS, text=3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            weights(7, 5, 5),
            "[layer, head, query, key] or [layer, batch, head, query, key], but their shape is (7, 5, 5)",
        ),
        (weights(2, 7, 5, 3), "the shape (2, 7, 5, 5), [layer, head, query, key] with 5 tokens"),
        (weights(2, 7, 5, 3), "but its shape is (2, 7, 5, 3)"),
        ([weights(7, 5, 5), weights(3, 5, 5)], "layer 0 has (7, 5, 5) and layer 1 (3, 5, 5)"),
        ([weights(5, 5)], "layer 0 must be [head, query, key] or [batch, head, query, key], but its shape is (5, 5)"),
        ([weights(7, 5, 5), None], "layer 1 has no pattern (None)"),
        ([], "the sequence of layers is empty"),
        ("attention", "an array of numbers, but it is str"),
        (2 * weights(2, 7, 5, 5), "each row of the encoder pattern must hold weights that sum to 1"),
    ],
)
def test_what_does_not_fit_is_named(given: Any, message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        Trace.of(given, TOKENS)


def test_a_string_is_not_a_sequence_of_tokens():
    with pytest.raises(ValueError, match="tokens must be a sequence of tokens, but it is one string: 'hello'"):
        Trace.of(weights(2, 7, 5, 5), "hello")


@pytest.mark.parametrize("padded_tokens", [True, False])
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_cut(side: str, padded_tokens: bool):
    pattern = np.zeros((2, 7, 8, 8), np.float32)
    real = slice(3, 8) if side == "left" else slice(0, 5)
    pattern[:, :, real, real] = weights(2, 7, 5, 5)
    pattern[:, :, [i for i in range(8) if not real.start <= i < real.stop]] = 1 / 8  # what padding looks at
    mask = np.zeros(8, np.int64)
    mask[real] = 1
    tokens = np.full(8, "<pad>", dtype=object)
    tokens[real] = TOKENS
    trace = Trace.of(pattern, list(tokens) if padded_tokens else TOKENS, mask=mask)
    np.testing.assert_array_equal(trace.map("encoder").pattern, weights(2, 7, 5, 5))
    assert trace.map("encoder").query_tokens == TOKENS


def test_a_mask_that_does_not_fit():
    with pytest.raises(
        ValueError, match=re.escape("the mask of tokens must have an entry for each of 5, but its shape is (4,)")
    ):
        Trace.of(weights(2, 7, 5, 5), TOKENS, mask=[1, 1, 1, 0])


def test_three_kinds():
    causal = np.tril(weights(2, 7, 3, 3))
    causal /= causal.sum(-1, keepdims=True)
    given = {"cross": weights(2, 7, 3, 5), "encoder": weights(2, 7, 5, 5), "decoder": causal}
    trace = Trace.of(given, TOKENS, TARGET, predicted_tokens=("une", "robe", "</s>"), name="mine")
    assert trace.kinds == ("encoder", "decoder", "cross")
    assert trace.map("cross").key_tokens == TOKENS
    assert trace.map("cross").row_tokens == trace.map("decoder").row_tokens == ("une", "robe", "</s>")
    assert (trace.source, trace.target, trace.model_name) == ("a blue dress has </s>", "<s> une robe", "mine")
    np.testing.assert_array_equal(trace.map("decoder").pattern, causal)


def test_kinds_that_need_a_second_text_or_are_none():
    with pytest.raises(ValueError, match="cross attention needs target_tokens"):
        Trace.of({"cross": weights(2, 7, 3, 5)}, TOKENS)
    with pytest.raises(ValueError, match="there is no attention of kind 'self'"):
        Trace.of({"self": weights(2, 7, 5, 5)}, TOKENS)
    with pytest.raises(ValueError, match="need no separate kind"):
        Trace.of({"encoder": weights(2, 7, 5, 5)}, TOKENS, kind="encoder")


def test_the_tuple_that_bert_and_gpt2_give():
    torch.manual_seed(3)
    sizes: dict[str, Any] = {"vocab_size": 31, "attn_implementation": "eager"}
    ids = torch.tensor([[5, 7, 11, 13, 0, 0], [3, 5, 7, 11, 13, 17]])
    mask = (ids != 0).long()
    bert = BertModel(
        BertConfig(hidden_size=21, num_hidden_layers=2, num_attention_heads=3, intermediate_size=29, **sizes)
    )
    found = bert.eval()(ids, attention_mask=mask, output_attentions=True).attentions
    trace = Trace.of(found, ["a", "b", "c", "d"], mask=mask, text=0)
    assert trace.kinds == ("encoder",)
    for layer, pattern in zip(found, trace.map("encoder").pattern, strict=True):
        np.testing.assert_array_equal(pattern, layer[0, :, :4, :4].detach().numpy())
    gpt2 = GPT2Model(GPT2Config(n_embd=21, n_layer=2, n_head=3, n_positions=23, **sizes))
    found = gpt2.eval()(ids[1:], output_attentions=True).attentions
    assert Trace.of(found, list("abcdef")).kinds == ("decoder",)


def test_the_three_tuples_that_t5_gives():
    torch.manual_seed(3)
    t5: Any = T5Model(T5Config(vocab_size=31, d_model=21, d_kv=7, d_ff=29, num_layers=2, num_heads=3))
    t5.set_attn_implementation("eager")
    out = t5.eval()(input_ids=torch.arange(1, 6)[None], decoder_input_ids=torch.arange(3)[None], output_attentions=True)
    given = {"encoder": out.encoder_attentions, "decoder": out.decoder_attentions, "cross": out.cross_attentions}
    trace = Trace.of(given, TOKENS, TARGET)
    for kind, pattern in given.items():
        np.testing.assert_array_equal(trace.map(kind).pattern, torch.cat(pattern).detach().numpy())  # type: ignore[arg-type]


def test_what_a_multihead_attention_gives():
    torch.manual_seed(3)
    attention, x = nn.MultiheadAttention(21, 7, batch_first=True), torch.randn(1, 5, 21)
    pattern = attention(x, x, x, average_attn_weights=False)[1]
    np.testing.assert_array_equal(Trace.of([pattern], TOKENS).map("encoder").pattern[0], pattern[0].detach().numpy())


def test_no_torch_is_loaded():
    code = (
        "import sys, numpy; from model.trace import Trace\n"
        "trace = Trace.of(numpy.full((2, 3, 5, 5), .2), list('abcde'))\n"
        "print('torch' in sys.modules, trace.kinds)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False ('encoder',)"
