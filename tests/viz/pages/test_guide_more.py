"""The chapters of the Guide after the fourteenth: what each says is computed again."""

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from model import checkpoint
from model.anatomy.faults import FAULTS, MENDED, ORDER
from model.capture import capture
from model.decoding.candidates import candidates
from model.decoding.sampling import sample
from model.trace import AttentionMap
from tests.viz.pages.test_guide import (
    LETTERS,
    WORDS,
    _runs,
    _shipped,
    charts,
    number,
    opened,
    ran,
    right_answer,
    saved,
    texts,
    typed,
)
from viz.look.theme import for_markdown
from viz.pages.guide.chapters import ch20_cache
from viz.pages.guide.chapters.ch15_learning import losses
from viz.pages.guide.chapters.ch16_kinds import first_letters
from viz.pages.guide.chapters.ch17_resting import by_chance

SOURCE = "Two dogs run"
__all__ = ["_runs", "_shipped", "saved"]  # fixtures


@settings(deadline=None)
@given(st.lists(st.floats(-7, 7, width=32), min_size=5, max_size=5), st.integers(0, 4))
def test_loss_and_pull_are_those_of_cross_entropy(scores: list[float], right: int):
    logits = torch.tensor([scores], dtype=torch.float64, requires_grad=True)
    loss = F.cross_entropy(logits, torch.tensor([right]))
    loss.backward()
    p = logits.detach().softmax(-1)[0, right].numpy()
    assert losses(p) == pytest.approx(loss.item())
    assert logits.grad is not None
    assert -logits.grad[0, right].item() == pytest.approx(1 - p)


def test_a_probability_of_zero_has_a_loss_too():
    assert np.isfinite(losses(np.zeros(3, np.float32))).all()


@pytest.mark.parametrize("reference", ["", "dogs Two"])
def test_the_loss_of_a_text_is_that_of_the_target_on_show(reference: str):
    app = opened(15, checkpoint=WORDS, source=SOURCE, reference=reference)
    words = checkpoint.load(WORDS)
    shown = capture(words, SOURCE, reference or None)
    ids = torch.tensor([[1, *shown.predicted_ids[:-1]]])
    with torch.inference_mode():
        output = words.model(torch.tensor([shown.source_ids]), ids)
        expected = F.cross_entropy(words.model.unembed(output.hidden[0]), torch.tensor(shown.predicted_ids)).item()
    (found,) = re.findall(r"is the mean, (\S+) nats", texts(app))
    assert float(found) == pytest.approx(expected, abs=6e-4)
    vocab = words.config.vocab_size
    assert f"ln {vocab:,} = {math.log(vocab):.2f}." in texts(app)


def test_what_the_model_writes_after_a_mistake_is_its_own():
    app = opened(15, checkpoint=LETTERS, source="dog")
    letters = checkpoint.load(LETTERS)
    own = capture(letters, "dog")
    first = candidates(letters, own.source_ids, own.predicted_ids, 2)[0]
    astray = capture(letters, "dog", prefix=[first.best[1].token_id])
    assert astray.target != own.target
    assert f"writes “dog”. Made to begin with “{first.best[1].label}”" in texts(app)
    assert f"it goes on to write “{astray.target}”." in texts(app)
    assert float(right_answer(app)) > 0


def test_the_way_on_offers_the_task_to_train():
    (link,) = opened(15, checkpoint=LETTERS).get("page_link")
    assert link.proto.page == "train"
    assert "task=copy" in link.proto.query_string


SHIPPED = pytest.mark.usefixtures("_shipped")


@SHIPPED
def test_only_an_encoder_looks_ahead():
    app = opened(16, checkpoint="translate-en-fr", source="Two dogs run.")
    found = re.findall(r"row’s own:\*\* (\S+) in this model’s encoder, (\S+) in this .*, (\S+) in `repeat`", texts(app))
    pattern = capture(checkpoint.load("translate-en-fr"), "Two dogs run.").map("encoder").pattern
    layers, heads, n, _ = pattern.shape
    later = sum(pattern[..., i, j].sum() for i in range(n) for j in range(i + 1, n)) / (layers * heads * n)
    assert found == [(f"{later:.2f}", "0.00", "0.00")]
    assert "It read “Two dogs”, then wrote “Two dogs”." in texts(app)
    (link,) = app.get("page_link")
    assert "checkpoint=repeat" in link.proto.query_string


def test_the_mask_leaves_the_lower_triangle():
    app = opened(16, checkpoint=WORDS, source=SOURCE)
    n = len(checkpoint.load(WORDS).tokenizer.encode(SOURCE)) + 1
    assert right_answer(app) == f"{sum(range(1, n + 1)):,}"


@pytest.mark.parametrize("text", ["", "<b>é日本x y", "a long text of letters"])
def test_the_small_picture_has_letters_that_the_model_knows(text: str):
    letters = first_letters(text)
    assert len(letters) <= 8
    assert letters.isascii()
    assert set(letters) <= set(text)


@SHIPPED
def test_how_many_heads_rest_is_counted():
    app = opened(17, checkpoint="translate-en-fr", source="Two dogs run.", layer_number="1", head_number="2")
    shown = capture(checkpoint.load("translate-en-fr"), "Two dogs run.").map("decoder")
    share = shown.pattern[:, :, 1:, 0].mean(-1)  # <s> is the first; row 1 may see it alone
    (found,) = re.findall(r"\*\*(\d+) of (\d+) heads of the .* them (\S+); the one shown gives (\S+)\. ", texts(app))
    n = len(shown.query_tokens)
    alike = np.mean([1 / i for i in range(2, n + 1)])
    assert found == (str((share > 0.5).sum()), str(share.size), f"{alike:.2f}", f"{share[0, 1]:.2f}")
    assert right_answer(app) == "they stay as they are"


def test_a_row_without_a_choice_rests_nowhere():
    one = AttentionMap(kind="decoder", pattern=np.ones((1, 1, 1, 1)), query_tokens=("<s>",), key_tokens=("<s>",))
    assert np.isnan(by_chance(one))


@SHIPPED
def test_a_word_is_put_together_as_the_tokenizer_does():
    app = opened(18, checkpoint="translate-en-fr", source="A windsurfer rests.")
    tokenizer = checkpoint.load("translate-en-fr").tokenizer
    assert app.selectbox(key="word").value == " windsurfer"
    (grid,) = [element.value for element in app.markdown if element.value.startswith("| merge no. |")]
    last = grid.split("\n")[-1].split(" | ")[-1].removesuffix(" |")
    labels = tokenizer.labels(tokenizer.encode("windsurfer"))
    assert last == " ".join(f"“{label.strip()}”" for label in labels)
    assert f"11 bytes become {len(labels)} token" in texts(app)
    assert right_answer(app) == str(len(tokenizer.encode("windsurfer" * 2)))
    app.selectbox(key="word").set_value(" rests")
    ran(app)
    assert "Write “rests” twice" in app.radio[0].label
    typed(app, "Another text")  # the word is gone
    assert app.selectbox(key="word").value in (" Another", " text")


def test_without_merges_the_page_says_so():
    assert "no merges: each byte is a token" in texts(opened(18, checkpoint=LETTERS, source="dog"))


def test_the_words_drawn_are_those_of_the_settings():
    words = checkpoint.load(WORDS)
    own = capture(words, SOURCE)
    app = opened(19, checkpoint=WORDS, source=SOURCE, temperature="3.0", sample_seed="7")
    for seed in (7, 8, 9):
        drawn = words.tokenizer.decode(sample(words, own.source_ids, 3.0, 0, 1.0, seed))
        assert f"- seed {seed}: {for_markdown(drawn.strip()) or '(nothing)'}" in texts(app)
    app.slider(key="top_k").set_value(1)
    ran(app)
    assert f"**1 of {words.config.vocab_size:,} tokens can be drawn here.**" in texts(app)
    assert f"seed 9: {own.target}" in texts(app)  # the likeliest alone: greedy


@SHIPPED
def test_top_p_leaves_the_fewest_tokens_that_are_enough():
    app = opened(19, checkpoint="translate-en-fr", source="Two dogs run.")
    own = capture(opened_model := checkpoint.load("translate-en-fr"), "Two dogs run.")
    step = int(own.probabilities.argmin()) if own.probabilities is not None else 0
    best = candidates(opened_model, own.source_ids, own.predicted_ids, 997)[step].best
    together = np.cumsum([one.probability for one in best])
    (top_p,) = re.findall(r"would top-p = (\S+) keep", app.radio[0].label)
    assert best[0].probability < float(top_p)
    assert right_answer(app) == str(1 + np.count_nonzero(together < float(top_p)))


def test_what_the_cache_saves_is_counted_and_measured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ch20_cache, "REPEATS", 1)
    app = opened(20, checkpoint=WORDS, source=SOURCE)
    words = checkpoint.load(WORDS)
    n, config = len(capture(words, SOURCE).predicted_ids), words.config
    kib = 2 * config.n_layers * config.d_model * n * 4 / 1024
    assert f"each head computes {n} keys and values for it; without, {sum(range(n + 1))}" in texts(app)
    assert f"The cache holds {kib:,.1f} KiB" in texts(app)
    assert right_answer(app) == f"{sum(range(2 * n + 1)):,}"
    app.button(key="measure_kept").click()
    (difference,) = re.findall(r"logits differ by at most (\S+)\.$", texts(ran(app)), re.M)
    assert number(difference) < 1e-2
    assert "times as long" not in texts(typed(app, "Another"))  # that was another text


@SHIPPED
@pytest.mark.parametrize("number", range(15, 21))
def test_a_decoder_only_model_can_be_asked_too(number: int):
    app = opened(number, checkpoint="repeat", source="Abcab")
    if number == 16:  # needs an encoder
        assert not app.radio
    else:
        assert right_answer(app)


def test_the_layer_is_mended_line_by_line():
    app = opened(21, checkpoint=WORDS, source=SOURCE)
    assert "**1 of 7 checks passed.**" in texts(app)
    assert for_markdown("AttributeError: 'MultiHeadAttention' object has no attribute 'output'") in texts(app)
    assert "0 of 37,248" in texts(app)  # 4 · 96² + 4 · 96 parameters
    for name in ORDER:
        assert "the layer is fixed" not in texts(app)
        app.radio(key=f"fault_{name}").set_value(MENDED[name])
        ran(app)
        assert FAULTS[name].lines[MENDED[name]] in app.code[0].value
    assert "**All 7 checks passed: the layer is fixed.**" in texts(app)
    assert "37,248 of 37,248" in texts(app)
    assert "none differs by 0.05 or more" in texts(app)
    assert charts(app) == 2
    assert all(FAULTS[name].fault in texts(app) for name in ORDER)
    app.button(key="to_arrow_back").click()
    ran(app)
    app.button(key="to_arrow_forward").click()
    assert "the layer is fixed" in texts(ran(app))  # it waited


def test_the_fault_that_the_sums_do_not_show():
    app = opened(21, checkpoint=WORDS, source=SOURCE)
    app.radio(key=f"answer_{21}").set_value("B · no scale")
    assert any("Only the comparison with a correct layer" in element.value for element in ran(app).markdown)
