"""model/capture.py: a trace holds what the model itself computed, under the right names."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import nn

from model.capture import Text, capture, capture_together
from model.checkpoint import Checkpoint
from model.decoding import drafted
from model.decoding.search import greedy, translate
from model.network.transformer import Transformer
from model.text.tokenizer import BOS_ID, EOS_ID, PAD_ID, Tokenizer
from model.trace import KINDS
from tests.model.helpers import shaken, tiny

MAX_LEN, SOURCE = 23, "be"
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)
ONE_CHECKPOINT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)


def ending(seed: int, tokenizer: Tokenizer, **options: object) -> Checkpoint:
    """A random model that writes only ``</s>`` and a few other tokens, so that many targets come to their end."""
    torch.manual_seed(seed)
    model = shaken(Transformer(tiny(**{"vocab_size": len(tokenizer), "max_len": MAX_LEN, **options}))).eval()
    with torch.no_grad():
        others = [i for i in range(len(tokenizer)) if i not in (EOS_ID, *tokenizer.encode("abcde"))]
        model.embedding.tokens.weight[others] *= 0.1
    return Checkpoint(name="random", model=model, tokenizer=tokenizer, task="copy", training={}, digest=str(seed))


@pytest.fixture(scope="module")
def checkpoint(characters: Tokenizer) -> Checkpoint:
    """Its own translation of ``SOURCE`` is neither empty nor cut at the limit."""
    return ending(4, characters)


def test_the_own_translation_is_traced(checkpoint: Checkpoint):
    ((_, target),) = translate(checkpoint, [SOURCE], beam=1)
    assert 2 <= len(target) < 15  # else choose another seed: the tests below would show less
    trace = capture(checkpoint, SOURCE)
    assert trace.target == target
    assert trace.source == SOURCE
    assert trace.model_name == "random"
    assert not trace.teacher_forced
    assert (trace.source_dropped, trace.target_dropped) == (0, 0)
    assert trace.kinds == KINDS


def test_a_beginning_that_is_given_is_followed_by_the_model_s_own(checkpoint: Checkpoint):
    given = checkpoint.tokenizer.encode("bc")
    trace = capture(checkpoint, SOURCE, prefix=given)
    assert trace.target.startswith("bc")
    assert len(trace.predicted_ids) > 4  # else choose another beginning: little follows
    assert trace.predicted_ids[-1] == EOS_ID
    assert not trace.target_cut
    assert (trace.n_forced, trace.teacher_forced, trace.target_dropped) == (2, False, 0)
    assert trace.map("cross").predicted_tokens == checkpoint.tokenizer.labels(trace.predicted_ids)
    for n in range(2, len(trace.predicted_ids)):
        written, expected = list(trace.predicted_ids[:n]), trace.predicted_ids[n]
        fed = torch.tensor([[BOS_ID, *written]])
        with torch.inference_mode():
            source = torch.tensor([[*checkpoint.tokenizer.encode(SOURCE), EOS_ID]])
            logits = checkpoint.model.unembed(checkpoint.model(source, fed).hidden[0, -1])
        assert int(logits[EOS_ID:].argmax()) + EOS_ID == expected
    forced = capture(checkpoint, SOURCE, trace.target)
    assert forced.n_forced == len(forced.predicted_ids)
    for kind in KINDS:
        np.testing.assert_allclose(trace.map(kind).pattern, forced.map(kind).pattern, atol=1e-5)
    assert trace.probabilities is not None
    assert forced.probabilities is not None
    np.testing.assert_allclose(trace.probabilities, forced.probabilities, atol=1e-5)


def test_the_own_beginning_given_changes_nothing(checkpoint: Checkpoint):
    own = capture(checkpoint, SOURCE)
    assert own.n_forced == 0
    for n in range(len(own.predicted_ids) + 1):  # of all, so with </s> too
        trace = capture(checkpoint, SOURCE, prefix=own.predicted_ids[:n])
        assert trace.n_forced == n
        assert (trace.target, trace.predicted_ids) == (own.target, own.predicted_ids)
        for kind in KINDS:
            np.testing.assert_array_equal(trace.map(kind).pattern, own.map(kind).pattern)
        np.testing.assert_array_equal(trace.probabilities, own.probabilities)


@pytest.mark.parametrize("change", ["left out", "put in", "other"])
def test_a_draft_that_is_right_again_serves_again(checkpoint: Checkpoint, change: str, monkeypatch: pytest.MonkeyPatch):
    own = capture(checkpoint, "a red ball")
    ids = own.predicted_ids
    draft = {"left out": ids[:2] + ids[3:], "put in": (*ids[:2], 200, *ids[2:]), "other": (*ids[:2], 200, *ids[3:])}
    passes: list[int] = []
    read = drafted.read_together
    monkeypatch.setattr(drafted, "read_together", lambda some, rows: passes.append(len(rows[0])) or read(some, rows))
    found = capture(checkpoint, "a red ball", draft=draft[change])
    assert found.predicted_ids == ids
    assert len(passes) <= 3 < len(ids)
    for kind in own.kinds:
        np.testing.assert_allclose(found.map(kind).pattern, own.map(kind).pattern, atol=1e-5)


def test_texts_traced_together_are_as_if_alone(checkpoint: Checkpoint):
    own = capture(checkpoint, "a red ball")
    texts = [
        Text("a red ball", draft=own.predicted_ids),
        Text(""),
        Text(SOURCE, draft=own.predicted_ids),
        Text("ball", prefix=checkpoint.tokenizer.encode("dog")),
        Text("a blue dog " * MAX_LEN),
    ]
    for text, found in zip(texts, capture_together(checkpoint, texts), strict=True):
        alone = capture(checkpoint, text.source, prefix=text.prefix)
        for name in ("source", "target", "predicted_ids", "source_dropped", "n_forced", "target_cut"):
            assert getattr(found, name) == getattr(alone, name)
        assert found.probabilities is not None
        assert alone.probabilities is not None
        np.testing.assert_allclose(found.probabilities, alone.probabilities, atol=1e-5)
        for kind in alone.kinds:
            np.testing.assert_allclose(found.map(kind).pattern, alone.map(kind).pattern, atol=1e-5)


@pytest.mark.parametrize("wrong_from", [0, 1, 3, None])
def test_a_draft_changes_no_trace(checkpoint: Checkpoint, wrong_from: int | None):
    """Right as far as it goes, wrong from somewhere on, or too long."""
    own = capture(checkpoint, "a red ball")
    assert len(own.predicted_ids) > 4
    draft = list(own.predicted_ids[:5])
    if wrong_from is not None:
        draft[wrong_from:] = [draft[wrong_from] + 1] * 99
    found = capture(checkpoint, "a red ball", draft=draft)
    assert found.predicted_ids == own.predicted_ids
    assert found.probabilities is not None
    assert own.probabilities is not None
    np.testing.assert_allclose(found.probabilities, own.probabilities, atol=1e-5)
    for kind in own.kinds:
        np.testing.assert_allclose(found.map(kind).pattern, own.map(kind).pattern, atol=1e-5)


def test_an_end_that_is_given_ends_it(checkpoint: Checkpoint):
    trace = capture(checkpoint, SOURCE, prefix=[*checkpoint.tokenizer.encode("c"), EOS_ID])
    assert trace.map("cross").predicted_tokens == ("c", "</s>")
    assert trace.n_forced == 2


@pytest.mark.parametrize(("n", "dropped"), [(MAX_LEN - 1, 0), (MAX_LEN, 0), (MAX_LEN + 30, 30)])
def test_a_beginning_may_be_as_long_as_the_model_writes(checkpoint: Checkpoint, n: int, dropped: int):
    text = ("abcd" * n)[:n]
    trace = capture(checkpoint, "", prefix=checkpoint.tokenizer.encode(text))
    assert trace.target.startswith(text[:MAX_LEN])
    assert (trace.n_forced, trace.target_dropped) == (n - dropped, dropped)
    assert len(trace.predicted_ids) <= MAX_LEN


@pytest.mark.parametrize("prefix", [[9999], [PAD_ID], [EOS_ID, 5]])
def test_a_beginning_that_cannot_be_written(checkpoint: Checkpoint, prefix: list[int]):
    with pytest.raises(ValueError, match=r"token \d+"):
        capture(checkpoint, SOURCE, prefix=prefix)


def test_axes_bear_the_tokens(checkpoint: Checkpoint):
    trace = capture(checkpoint, "dab", "ce")
    assert trace.map("encoder").query_tokens == ("d", "a", "b", "</s>")
    assert trace.map("encoder").predicted_tokens is None
    for kind in ("decoder", "cross"):
        assert trace.map(kind).query_tokens == ("<s>", "c", "e")
        assert trace.map(kind).predicted_tokens == ("c", "e", "</s>")
    assert trace.map("decoder").key_tokens == ("<s>", "c", "e")
    assert trace.map("cross").key_tokens == ("d", "a", "b", "</s>")
    assert trace.map("cross").pattern.shape == (2, 3, 3, 4)


def test_the_same_target_given_gives_the_same_numbers(checkpoint: Checkpoint):
    own = capture(checkpoint, SOURCE)
    forced = capture(checkpoint, SOURCE, own.target)
    assert forced.teacher_forced
    for kind in KINDS:
        assert own.map(kind).predicted_tokens == forced.map(kind).predicted_tokens
        # Step by step and at once: other sums, the same numbers.
        np.testing.assert_allclose(own.map(kind).pattern, forced.map(kind).pattern, atol=1e-5)
        assert ((own.map(kind).pattern == 0) == (forced.map(kind).pattern == 0)).all()
    assert own.probabilities is not None
    assert forced.probabilities is not None
    np.testing.assert_allclose(own.probabilities, forced.probabilities, atol=1e-5)


def test_another_target_gives_other_numbers(checkpoint: Checkpoint):
    first, second = capture(checkpoint, "dab", "ca"), capture(checkpoint, "dab", "ea")
    np.testing.assert_array_equal(first.map("encoder").pattern, second.map("encoder").pattern)
    assert not np.allclose(first.map("cross").pattern, second.map("cross").pattern)
    np.testing.assert_array_equal(first.map("cross").pattern[:, :, 0], second.map("cross").pattern[:, :, 0])


@torch.inference_mode()
def test_patterns_and_probabilities_are_the_model_s_own(checkpoint: Checkpoint):
    trace = capture(checkpoint, "dab", "ce")
    source = torch.tensor([[*checkpoint.tokenizer.encode("dab"), EOS_ID]])
    written = [*checkpoint.tokenizer.encode("ce"), EOS_ID]
    output = checkpoint.model(source, torch.tensor([[BOS_ID, *written[:-1]]]))
    for kind, patterns in zip(
        KINDS, (output.encoder_patterns, output.decoder_patterns, output.cross_patterns), strict=True
    ):
        for layer, pattern in enumerate(patterns):
            np.testing.assert_array_equal(trace.map(kind).pattern[layer], pattern[0].numpy())
    likely = checkpoint.model.unembed(output.hidden[0]).softmax(-1).numpy()
    assert trace.probabilities is not None
    np.testing.assert_allclose(trace.probabilities, [likely[i, token] for i, token in enumerate(written)], rtol=1e-6)


@torch.inference_mode()
def test_each_token_of_the_own_translation_is_the_likeliest(checkpoint: Checkpoint):
    trace = capture(checkpoint, SOURCE)
    source = torch.tensor([[*checkpoint.tokenizer.encode(SOURCE), EOS_ID]])
    fed = torch.tensor([[BOS_ID, *checkpoint.tokenizer.encode(trace.target)]])
    largest = checkpoint.model.unembed(checkpoint.model(source, fed).hidden[0]).softmax(-1).amax(-1)
    assert trace.probabilities is not None
    np.testing.assert_allclose(trace.probabilities, largest.numpy(), rtol=1e-5)
    predicted = trace.map("decoder").predicted_tokens
    assert predicted is not None
    assert predicted[-1] == "</s>"


@given(source=ANY_TEXT, target=st.none() | ANY_TEXT)
@example("", None)
@example("", "")
@example("\ud800", "\udfff")
@example("</s><pad>", None)
@ONE_CHECKPOINT
def test_any_text_gives_patterns(checkpoint: Checkpoint, source: str, target: str | None):
    trace = capture(checkpoint, source, target)
    for kind in KINDS:
        pattern = trace.map(kind).pattern
        np.testing.assert_allclose(pattern.sum(-1), 1, atol=1e-5)
        assert max(pattern.shape[2:]) <= MAX_LEN
    decoder = trace.map("decoder").pattern
    above = ~np.tri(decoder.shape[-1], dtype=bool)
    assert (decoder[:, :, above] == 0).all()
    assert (decoder[:, :, ~above] > 0).all()  # no head is as sure as that here
    assert trace.probabilities is not None
    assert len(trace.probabilities) == decoder.shape[2]
    assert ((trace.probabilities >= 0) & (trace.probabilities <= 1)).all()


def test_an_empty_text_is_its_end(checkpoint: Checkpoint):
    trace = capture(checkpoint, "", "")
    assert trace.map("encoder").query_tokens == ("</s>",)
    assert trace.map("decoder").query_tokens == ("<s>",)
    assert trace.map("cross").predicted_tokens == ("</s>",)
    assert trace.map("cross").pattern.shape == (2, 3, 1, 1)


def test_markers_that_are_typed_are_text(checkpoint: Checkpoint):
    assert capture(checkpoint, "</s>", "").map("encoder").query_tokens == ("<", "/", "s", ">", "</s>")


def test_half_a_character_is_replaced(checkpoint: Checkpoint):
    assert capture(checkpoint, "a\ud83d", "").source == "a?"


@pytest.mark.parametrize(("n", "dropped"), [(MAX_LEN - 1, 0), (MAX_LEN, 1), (MAX_LEN + 30, 31)])
def test_what_is_too_long_is_counted(checkpoint: Checkpoint, n: int, dropped: int):
    text = ("abcd" * n)[:n]
    trace = capture(checkpoint, text, text[::-1])
    assert (trace.source_dropped, trace.target_dropped) == (dropped, dropped)
    assert trace.source == text[: MAX_LEN - 1]
    assert trace.target == text[::-1][: MAX_LEN - 1]
    assert trace.map("encoder").key_tokens == (*text[: MAX_LEN - 1], "</s>")
    assert trace.map("decoder").pattern.shape[2] == MAX_LEN


def always(letter: str | None, tokenizer: Tokenizer, max_len: int) -> Checkpoint:
    """Writes one letter for ever; for None, would write padding for ever."""
    model = Transformer(tiny(vocab_size=len(tokenizer), max_len=max_len, norm="pre")).eval()
    assert isinstance(model.decoder.norm, nn.LayerNorm)
    likeliest = PAD_ID if letter is None else tokenizer.encode(letter)[0]
    with torch.no_grad():
        model.decoder.norm.weight.zero_()
        model.decoder.norm.bias.fill_(1)
        model.embedding.tokens.weight.fill_(-1)
        model.embedding.tokens.weight[EOS_ID] = 0
        model.embedding.tokens.weight[likeliest] = 1
    return Checkpoint(name="stubborn", model=model, tokenizer=tokenizer, task="copy", training={}, digest=letter or "")


@pytest.mark.parametrize(("max_len", "n"), [(61, 22), (13, 13), (2, 2), (1, 1)])
def test_a_translation_cut_at_its_limit_is_traced_as_far_as_it_goes(characters: Tokenizer, max_len: int, n: int):
    stubborn = always("b", characters, max_len)
    assert greedy(stubborn.model, torch.tensor([[5, 6, EOS_ID][-max_len:]])) == [(characters.encode("b")[0],) * n]
    trace = capture(stubborn, "xy")
    rows = trace.map("cross").predicted_tokens
    assert rows is not None
    assert trace.target == "b" * n
    assert (trace.target_dropped, trace.target_cut) == (0, True)
    assert not capture(stubborn, "xy", "b").target_cut  # the target is ours, and ends
    assert set(rows) == {"b"}  # no </s> that the model did not write
    assert len(rows) == n


def test_padding_is_never_the_name_of_a_row(characters: Tokenizer):
    assert capture(always(None, characters, 13), "xy").map("cross").predicted_tokens == ("</s>",)


def test_a_model_that_reads_one_token(characters: Tokenizer):
    trace = capture(ending(0, characters, max_len=1), "abc", "de")
    assert (trace.source_dropped, trace.target_dropped) == (3, 2)
    assert trace.map("cross").pattern.shape == (2, 3, 1, 1)
