"""Every number that the Guide says of a sentence, computed again in another way."""

import re
from html import unescape

import numpy as np
import pytest
import torch

from model import checkpoint
from model.capture import capture
from model.config import ModelConfig
from model.network.transformer import EncoderLayer
from model.trace import Trace
from tests.viz.pages.test_guide import WORDS, _runs, _shipped, charts, opened, ran, saved, texts
from viz.pages.guide.chapters import CHAPTERS
from viz.pages.guide.plan import HOMEWORK, LESSON, MINUTES, table

SOURCE = "Two dogs run."
SHIPPED = "translate-en-fr"
__all__ = ["_runs", "_shipped", "saved"]  # fixtures
pytestmark = pytest.mark.usefixtures("_shipped")


def shown(**query: str) -> tuple[str, checkpoint.Checkpoint, Trace]:
    """What a chapter says of the sentence, the model and its trace."""
    model = checkpoint.load(SHIPPED)
    return texts(opened(**{"checkpoint": SHIPPED, "source": SOURCE, **query})), model, capture(model, SOURCE)


def probabilities(trace: Trace) -> np.ndarray:
    assert trace.probabilities is not None
    return trace.probabilities.astype(float)


def test_the_product_of_the_formula():
    said, _, trace = shown(chapter="1")
    p = probabilities(trace)
    factors, whole = re.findall(r"token written: (.*) = (\S+)\.$", said, re.M)[0]
    assert factors.split(" · ") == [f"{one:.2f}" for one in p]
    assert float(whole) == pytest.approx(p.prod(), rel=0.05)


def test_where_the_heads_of_a_layer_look():
    said, _, trace = shown(chapter="5", layer_number="2", token="2 dogs")
    best = trace.map("encoder").pattern[1, :, 1].argmax(-1)
    assert f"the 4 heads look most at {len(set(best.tolist()))} different token" in said


def test_the_lengths_of_word_and_position():
    said, model, trace = shown(chapter="6")
    ids = torch.tensor(trace.source_ids)
    with torch.no_grad():
        words = model.model.embedding.tokens(ids) * model.config.d_model**0.5
        places = model.model.embedding.positions[: len(ids)]
    word, place = (float(part.norm(dim=-1).mean()) for part in (words, places))
    assert f"an embedding has length {word:.1f} and an encoding {place:.1f}:" in said
    assert f"{max(word, place) / min(word, place):.1f} times as much" in said


def test_what_a_changed_word_changes():
    said, model, trace = shown(chapter="7")
    (old, new) = re.findall(r"\*\*Change one word: what else changes\?\*\* “(.*?)” becomes “(.*?)”", said)[0]
    assert old == "run"
    swapped = capture(model, SOURCE.replace(old, new))
    with torch.no_grad():
        before, after = (model.model.read(torch.tensor([one.source_ids]))[0] for one in (trace, swapped))
    change = ((after - before).norm(dim=-1) / before.norm(dim=-1)).numpy()
    others = np.delete(np.arange(len(change)), 2)
    most = others[change[others].argmax()]
    assert f"**{len(others)} of the {len(others)} other vectors change, 2 of them before the framed one;**" in said
    assert (
        f"“{trace.map('encoder').key_tokens[most].strip()}” changes most, by {change[most]:.0%} of its length"
        in unescape(said)
    )


def test_a_feed_forward_network_has_two_thirds_of_a_layer():
    layer = EncoderLayer(ModelConfig(vocab_size=9, d_model=64, n_heads=4, d_ff=256))
    matrices = [(name, p.numel()) for name, p in layer.named_parameters() if p.dim() == 2]
    share = sum(n for name, n in matrices if name.startswith("feed_forward")) / sum(n for _, n in matrices)
    assert share == pytest.approx(2 / 3)
    assert "two thirds of a layer’s parameters" in CHAPTERS[6].idea.replace("\n", " ")


def test_the_mask_hides_a_triangle():
    said, _, trace = shown(chapter="8")
    n = len(trace.predicted_ids)
    assert f"The mask hides {sum(range(n))} of the {n} × {n} cells." in said


def test_how_far_a_model_looks():
    said, _, trace = shown(chapter="11")
    pattern = trace.map("encoder").pattern
    n = pattern.shape[-1]
    far = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    own, even = (pattern * far).sum(-1).mean(), far.mean()
    assert f"On average it looks {own:.1f} tokens away; even attention would look {even:.1f} away" in said


def test_how_far_a_change_reaches():
    app = opened(11, checkpoint=SHIPPED, source=SOURCE)
    app.button(key="measure_reach").click()
    assert "**A change can still be seen at a distance of 4 tokens, across the whole sentence.**" in texts(ran(app))


def test_what_attention_costs():
    said, model, trace = shown(chapter="12")
    config, n, m = model.config, len(trace.source_ids), len(trace.predicted_ids)
    heads = config.n_layers * config.n_heads
    assert f"The encoder computed {heads * n * n:,} attention weights" in said
    every = heads * (n * n + m * m + m * n)
    assert f"all kinds together come to {every:,}, which take {every * 4 / 1024:,.1f} KiB" in said
    assert f"would compute {heads * 100_000**2 * 4 / 2**30:,.0f} GiB" in said


def test_what_heads_elsewhere_give_to_special_tokens():
    said, _, trace = shown(chapter="17")
    found = re.findall(r"(\S+) on average in (encoder|cross)\S* ?\S* \((\S+) if spread evenly\)", said)
    expected = []
    for one in map(trace.map, ("encoder", "cross")):
        keys = [i for i, token in enumerate(one.key_tokens) if token in ("<s>", "</s>")]
        share, even = one.pattern[..., keys].sum(-1).mean(), len(keys) / len(one.key_tokens)
        expected.append((f"{share:.2f}", one.kind, f"{even:.2f}"))
    assert found == expected


@pytest.mark.parametrize("done", ["7_99_x", "7-99", "7,99"])
def test_a_chapter_is_marked_when_its_question_is_answered(done: str):
    app = opened(2, checkpoint=WORDS, source="Two dogs run", done=done)
    assert f"1 of {len(CHAPTERS)} chapters done" in texts(app)
    for option in app.radio[0].options:
        app.radio[0].set_value(option)
        ran(app)
        if any("[:material/check: Right]" in element.value for element in app.markdown):
            break
    assert f"2 of {len(CHAPTERS)} chapters done" in texts(app)
    assert app.query_params["done"] in ("2_7_99", ["2_7_99"])
    marked = [button.label for button in app.button if "material/check" in button.label]
    assert [label.split(" · ")[0] for label in marked] == ["2", "7"]


def test_the_lesson_takes_its_minutes_and_links_to_chapters():
    assert sum(part.minutes for part in LESSON) == MINUTES == 90
    numbers = [number for part in LESSON for number in part.chapters] + [n for some in HOMEWORK.values() for n in some]
    assert sorted(numbers) == list(range(1, len(CHAPTERS) + 1))
    assert table().count("\n| ") == len(LESSON) + 1
    app = opened(4, checkpoint=WORDS, plan="true")
    assert [header.value for header in app.header] == ["A 90-minute lesson"]
    assert f"[4 · {CHAPTERS[3].title}](?chapter=4)" in texts(app)
    assert charts(app) == 0
    app.button(key="contents_5").click()
    assert ran(app).header[0].value == f"5 · {CHAPTERS[4].title}"
