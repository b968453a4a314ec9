"""record(): what PyTorch's own attention modules attend to, fast paths included, and nothing about them is changed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.families.recording import Recording, record
from model.trace import Trace

TOLERANCE = 1e-5
D, HEADS, BATCH, SOURCE, TARGET = 28, 4, 3, 11, 7  # HEADS is even, or PyTorch would not take its fast path
SOURCE_TOKENS, TARGET_TOKENS = [f"s{i}" for i in range(SOURCE)], [f"t{i}" for i in range(TARGET)]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(17)


def encoder(**options: Any) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(D, HEADS, 37, **{"batch_first": True, **options})
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=not options.get("norm_first", False)).eval()


@torch.no_grad()
def known(layers: Any, x: Tensor, padding: Tensor | None = None, mask: Tensor | None = None) -> list[np.ndarray]:
    """The patterns of an encoder's layers, by PyTorch's attention asked for its weights, layer by layer."""
    found = []
    for layer in layers:
        inner = layer.norm1(x) if layer.norm_first else x
        found.append(
            layer.self_attn(inner, inner, inner, key_padding_mask=padding, attn_mask=mask, average_attn_weights=False)[
                1
            ].numpy()
        )
        x = layer(x, src_mask=mask, src_key_padding_mask=padding)
    return found


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[list[int]]:
    """How often PyTorch goes its fast path of this name."""
    calls, real = [], getattr(torch, name)
    with monkeypatch.context() as patch:
        patch.setattr(torch, name, lambda *args, **kwargs: (calls.append(1), real(*args, **kwargs))[1])
        yield calls


@pytest.mark.parametrize("norm_first", [False, True])
def test_an_encoder_in_eval_mode_keeps_its_fast_path(monkeypatch: pytest.MonkeyPatch, norm_first: bool):
    model, x = encoder(norm_first=norm_first), torch.randn(BATCH, SOURCE, D)
    with torch.no_grad(), counting(monkeypatch, "_transformer_encoder_layer_fwd") as fast:
        before = model(x)
        assert len(fast) == 2
        with record(model) as recording:
            after = model(x)
        assert len(fast) == 4
    assert torch.equal(before, after)
    for text in range(BATCH):
        trace = recording.trace(SOURCE_TOKENS, text=text)
        assert trace.kinds == ("encoder",)
        for pattern, expected in zip(trace.map("encoder").pattern, known(model.layers, x), strict=True):
            np.testing.assert_allclose(pattern, expected[text], atol=TOLERANCE)


def test_an_encoder_with_padding_which_it_makes_nested(monkeypatch: pytest.MonkeyPatch):
    model, x = encoder(), torch.randn(BATCH, SOURCE, D)
    padding = torch.arange(SOURCE) >= torch.tensor([SOURCE, 5, 8])[:, None]
    with torch.no_grad(), counting(monkeypatch, "_transformer_encoder_layer_fwd") as fast:
        before = model(x, src_key_padding_mask=padding)
        with record(model) as recording:
            after = model(x, src_key_padding_mask=padding)
        assert len(fast) == 4
    assert torch.equal(before, after)
    for text, length in enumerate((SOURCE, 5, 8)):
        trace = recording.trace(SOURCE_TOKENS, mask=~padding, text=text)
        assert trace.map("encoder").n_heads == HEADS
        for pattern, expected in zip(trace.map("encoder").pattern, known(model.layers, x, padding), strict=True):
            np.testing.assert_allclose(pattern, expected[text, :, :length, :length], atol=TOLERANCE)


def test_gradients_and_random_numbers_in_training():
    model, x = encoder(dropout=0.3).train(), torch.randn(BATCH, SOURCE, D)
    found, recordings = [], []
    for recorded in (False, True):
        torch.manual_seed(5)
        model.zero_grad()
        given = x.clone().requires_grad_()
        with record(model) if recorded else nullcontext(Recording()) as recording:
            output = model(given)
        output.square().sum().backward()
        after = torch.rand(3)
        recordings.append(recording)
        found.append([output, given.grad, after, *(parameter.grad for parameter in model.parameters())])
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
    # Before dropout: the rows sum to 1, which they do not after it.
    shown = recordings[1].trace(SOURCE_TOKENS, text=1).map("encoder")
    np.testing.assert_allclose(shown.pattern.sum(-1), 1, atol=TOLERANCE)


def test_the_module_is_as_it_was():
    model, x = encoder(), torch.randn(1, SOURCE, D)
    before = [dict(vars(part)) for part in model.modules()]
    with pytest.raises(ValueError, match="max"), record(model):  # the block ends with an error
        max(model(x)[:0].tolist())
    for part, attributes in zip(model.modules(), before, strict=True):
        assert vars(part) == attributes
    assert not any("forward" in vars(part) for part in model.modules())


def test_a_whole_transformer():
    model = nn.Transformer(D, HEADS, 2, 3, 37, batch_first=True).eval()
    source, target = torch.randn(BATCH, SOURCE, D), torch.randn(BATCH, TARGET, D)
    causal = nn.Transformer.generate_square_subsequent_mask(TARGET)
    for grad in (torch.no_grad(), torch.enable_grad()):
        with grad:
            before = model(source, target, tgt_mask=causal, tgt_is_causal=True)
            with record(model) as recording:
                after = model(source, target, tgt_mask=causal, tgt_is_causal=True)
        assert torch.equal(before, after)
        trace = recording.trace(SOURCE_TOKENS, TARGET_TOKENS, text=2)
        assert [(one.kind, one.pattern.shape) for one in trace.maps] == [
            ("encoder", (2, HEADS, SOURCE, SOURCE)),
            ("decoder", (3, HEADS, TARGET, TARGET)),
            ("cross", (3, HEADS, TARGET, SOURCE)),
        ]
        for pattern, expected in zip(trace.map("encoder").pattern, known(model.encoder.layers, source), strict=True):
            np.testing.assert_allclose(pattern, expected[2], atol=TOLERANCE)
        first: Any = model.decoder.layers[0]
        with torch.no_grad():
            asked = {"average_attn_weights": False}
            own, pattern = first.self_attn(target, target, target, attn_mask=causal, **asked)
            x = first.norm1(target + own)
            memory = model.encoder(source)
            cross = first.multihead_attn(x, memory, memory, **asked)[1]
        np.testing.assert_allclose(trace.map("decoder").pattern[0], pattern[2].numpy(), atol=TOLERANCE)
        np.testing.assert_allclose(trace.map("cross").pattern[0], cross[2].numpy(), atol=TOLERANCE)
        assert not trace.map("decoder").pattern[..., ~np.tri(TARGET, dtype=bool)].any()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"add_bias_kv": True},
        {"add_zero_attn": True},
        {"add_bias_kv": True, "add_zero_attn": True},
        {"kdim": 13, "vdim": 19},
    ],
    ids=str,
)
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
def test_a_multihead_attention(options: dict[str, Any], batch_first: bool, need_weights: bool):
    part = nn.MultiheadAttention(D, HEADS, batch_first=batch_first, **options).eval()
    query = torch.randn(BATCH, TARGET, D)
    key, value = torch.randn(BATCH, SOURCE, options.get("kdim", D)), torch.randn(BATCH, SOURCE, options.get("vdim", D))
    given = [query, key, value] if batch_first else [x.transpose(0, 1) for x in (query, key, value)]
    before = part(*given, need_weights=need_weights)[0]
    with record(part) as recording:
        after = part(*given, need_weights=need_weights)[0]
    assert torch.equal(before, after)
    expected = part(*given, average_attn_weights=False)[1].detach().numpy()
    shown = recording.trace(SOURCE_TOKENS, TARGET_TOKENS, text=1).map("cross")
    np.testing.assert_allclose(shown.pattern[0], expected[1], atol=TOLERANCE)
    assert shown.n_sinks == sum(name != "kdim" and name != "vdim" for name in options)
    assert shown.looked_at == tuple(SOURCE_TOKENS)
    assert set(shown.key_tokens[SOURCE:]) <= {"sink"}


def test_a_text_without_a_batch():
    part, x = nn.MultiheadAttention(D, HEADS).eval(), torch.randn(SOURCE, D)
    with record(part) as recording:
        part(x, x, x)
    expected = part(x, x, x, average_attn_weights=False)[1].detach().numpy()
    np.testing.assert_allclose(recording.trace(SOURCE_TOKENS).map("encoder").pattern[0], expected, atol=TOLERANCE)


class Own(nn.Module):
    """A decoder-only model that somebody wrote: two query heads share a key head, or a mask is added."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options
        self.inner = nn.ModuleDict({"qkv": nn.Linear(D, 3 * D), "out": nn.Linear(D, D)})

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(2):
            q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.inner["qkv"](x).chunk(3, -1))
            if self.options.get("enable_gqa"):
                k, v = k[:, ::2], v[:, ::2]
            x = x + F.scaled_dot_product_attention(q, k, v, **self.options).transpose(1, 2).flatten(2)
        return self.inner["out"](x)


ADDED = torch.randn(HEADS, SOURCE, SOURCE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "options",
    [
        {"is_causal": True},
        {"is_causal": True, "scale": 0.7},
        {"is_causal": True, "enable_gqa": True},
        {"attn_mask": ADDED},
        {"attn_mask": ADDED > -1},
    ],
    ids=["causal", "scaled", "shared keys", "added", "allowed"],
)
def test_a_call_of_scaled_dot_product_attention(options: dict[str, Any]):
    model, x = Own(**options).eval(), torch.randn(BATCH, SOURCE, D)
    before = model(x)
    with record(model) as recording:
        after = model(x)
        F.scaled_dot_product_attention(x, x, x)  # outside the module
    assert torch.equal(before, after)
    assert len(recording.calls) == 2
    shown = recording.trace(SOURCE_TOKENS, text=0).maps[0]
    assert shown.kind == ("decoder" if "is_causal" in options else "encoder")
    # The weights are what the output for values that are the unit matrix is made of.
    q, k, _ = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in model.inner["qkv"](x).chunk(3, -1))
    k = k[:, ::2] if options.get("enable_gqa") else k
    unit = torch.eye(SOURCE).expand(*k.shape[:2], SOURCE, SOURCE)
    expected = F.scaled_dot_product_attention(q, k, unit, **options)
    np.testing.assert_allclose(shown.pattern[0], expected[0].detach().numpy(), atol=TOLERANCE)


def test_the_last_of_several_passes():
    model = Own(is_causal=True).eval()
    with record(model) as recording:
        model(torch.randn(1, SOURCE, D))
        model(torch.randn(1, TARGET, D))
    assert recording.trace(TARGET_TOKENS).map("decoder").pattern.shape == (2, HEADS, TARGET, TARGET)


def test_a_row_that_may_look_at_nothing_is_all_zeros():
    allowed = torch.ones(SOURCE, SOURCE, dtype=torch.bool)
    allowed[4] = False
    model = Own(attn_mask=allowed).eval()
    with record(model) as recording:
        model(torch.randn(1, SOURCE, D))
    assert not recording.trace(SOURCE_TOKENS).map("encoder").pattern[0, :, 4].any()


def test_saved_and_opened(tmp_path: Path):
    model = Own(is_causal=True).eval()
    with record(model) as recording:
        model(torch.randn(1, SOURCE, D))
    trace = recording.trace(SOURCE_TOKENS, name="mine")
    trace.save(tmp_path / "mine.trace.safetensors")
    read = Trace.load(tmp_path / "mine.trace.safetensors")
    assert read.model_name == "mine"
    np.testing.assert_array_equal(read.map("decoder").pattern, trace.map("decoder").pattern)


def test_where_nothing_was_recorded():
    with record(nn.Linear(3, 3)) as recording:
        pass
    with pytest.raises(ValueError, match="nothing was recorded"):
        recording.trace(["a"])


def test_tokens_that_do_not_fit():
    model = encoder()
    with record(model) as recording, torch.no_grad():
        model(torch.randn(1, SOURCE, D))
    with pytest.raises(ValueError, match=re.escape(f"(2, {HEADS}, {SOURCE - 1}, {SOURCE - 1})")):
        recording.trace(SOURCE_TOKENS[1:])
