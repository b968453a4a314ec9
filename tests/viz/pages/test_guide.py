"""The Guide, run as Streamlit runs it but without a browser."""

import inspect
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.anatomy.mistakes import head_scores
from model.capture import capture
from model.compare.cost import CostPlan
from model.compare.points import SELF, fit_growth
from model.config import POSITIONALS
from model.interventions.ablation import uniform_head
from model.text.tasks import TASKS
from tests.helpers import SENTENCE, save_letters, save_words
from tests.viz.helpers import app_on, followed, parts, weights
from tests.viz.pages.test_explore import UNUSUAL
from viz.look.choice import AUTO
from viz.pages.guide.chapters import CHAPTERS, ch10_parallel, ch13_explanation, measuring
from viz.pages.guide.chapters.ch14_code import FILES, text
from viz.pages.guide.chapters.chapter import Question
from viz.pages.guide.chapters.openings import parted_head
from viz.pages.guide.listing import listing, without_words
from viz.pages.shared.styles import FOLDED
from viz.state.clicked import row_of_part_pinned

APP = Path(__file__).parents[3] / "app.py"
PRETRAINED = checkpoint.PRETRAINED
SHIPPED = checkpoint.pretrained()
NUMBERS = range(1, len(CHAPTERS) + 1)
LETTERS, WORDS = "runs/letters", "runs/words"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guide")
    save_letters(folder / LETTERS / "best.safetensors")
    save_words(folder / WORDS / "best.safetensors")
    return folder


@pytest.fixture(autouse=True)
def _runs(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two checkpoints made by hand, and nothing shipped."""
    threads = torch.get_num_threads()
    shutil.copytree(saved / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoint, "PRETRAINED", tmp_path / "pretrained")
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


@pytest.fixture
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "PRETRAINED", PRETRAINED)


def opened(chapter: int | str, **query: str) -> AppTest:
    return ran(app_on("guide", chapter=str(chapter), **query))


def ran(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    assert [element.value for element in app.error] == []
    return app


def typed(app: AppTest, text: str) -> AppTest:
    app.text_input(key="source").set_value(text)
    return ran(app)


def title(app: AppTest) -> str:
    (header,) = app.header
    return header.value


def texts(app: AppTest) -> str:
    return "\n".join(element.value for group in (app.markdown, app.caption) for element in group)


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def said(app: AppTest, option: str) -> str:
    """What the page says to an answer."""
    app.radio[0].set_value(option)
    ran(app)
    (verdict,) = [element.value for element in app.markdown if "-badge[" in element.value]
    return verdict


def right_answer(app: AppTest) -> str:
    """The one option that the page takes; it says why, and refuses the others."""
    verdicts = {option: said(app, option) for option in app.radio[0].options}
    right = [
        option for option, verdict in verdicts.items() if verdict.startswith(":green-badge[:material/check: Right] ")
    ]
    assert len(right) == 1
    missed = ":red-badge[:material/close: Not quite] "
    wrong = [verdict for option, verdict in verdicts.items() if option not in right]
    assert all(verdict.startswith(missed) and len(verdict) > len(missed) + 40 for verdict in wrong)  # a hint follows
    assert len(verdicts[right[0]]) > len(":green-badge[:material/check: Right] ") + 10
    return right[0].split(" · ", 1)[1]


@pytest.mark.parametrize("name", [LETTERS, WORDS])
@pytest.mark.parametrize("number", NUMBERS)
def test_every_chapter_opens_and_its_question_has_one_right_answer(number: int, name: str):
    app = opened(number, checkpoint=name)
    assert title(app) == f"{number} · {CHAPTERS[number - 1].title}"
    assert CHAPTERS[number - 1].idea.strip() in texts(app)
    assert [element.value for element in app.latex] == [f"$$\n{CHAPTERS[number - 1].equation}\n$$"]
    assert len(app.get("page_link")) == 1
    assert right_answer(app)


@pytest.mark.usefixtures("_shipped")
@pytest.mark.parametrize("number", NUMBERS)
def test_every_chapter_opens_with_a_checkpoint_that_ships(number: int):
    app = opened(number, checkpoint=SHIPPED[0])
    assert title(app).startswith(f"{number} · ")
    assert right_answer(app)


@pytest.mark.usefixtures("_shipped")
@pytest.mark.parametrize("positional", [one for one in POSITIONALS if f"positional-{one}" in SHIPPED])
@pytest.mark.parametrize("number", [2, 3, 4, 6, 13, 14])
def test_every_encoding_can_be_read_about(number: int, positional: str):
    app = opened(number, checkpoint=f"positional-{positional}")
    assert app.selectbox(key="checkpoint").value == f"positional-{positional}"
    if number == 4:
        app.segmented_control(key="variant").set_value("no scale")
        said = parts(ran(app))["variant_compared"]
        assert "With the mistake, rows still sum to 1" in said or "no weight" in said


@pytest.mark.parametrize("number", NUMBERS)
def test_its_code_is_the_code_that_runs(number: int):
    shown = [element.value for element in opened(number).code]
    for source in CHAPTERS[number - 1].sources:
        (code,) = [code for code in shown if code == listing(source).code]
        whole = inspect.getsource(inspect.unwrap(source))
        lines = [line.strip() for line in code.split("\n") if not line.strip().startswith("def ")]
        assert all(line in whole for line in lines)
        assert '"""' not in code


def test_code_opens_on_the_lines_that_compute():
    signature = '@twice\ndef f(\n    a: int,\n    *,\n    b: str = "x:",  # c\n) -> int:\n'
    whole = signature + '    """Words.\n\n    More.\n    """\n    return a\n'
    assert without_words(whole) == "@twice\ndef f(a, *, b):\n    return a"
    whole = 'class A:\n    """Words."""\n\n    def f(self):\n        """Words."""\n\n        return self  # why\n'
    assert without_words(whole) == "class A:\n    def f(self):\n        return self  # why"
    assert without_words('def f():\n    """Nothing but words."""\n') == 'def f():\n    """Nothing but words."""'


@pytest.mark.parametrize("number", NUMBERS)
def test_any_text(number: int):
    app = opened(number)
    for source in ["", "x", *UNUSUAL]:
        typed(app, source)
        assert title(app).startswith(f"{number} · ")


def test_markup_is_shown_letter_for_letter():
    for number in NUMBERS:
        app = opened(number, source="<b>[a](b)**c**")
        raw = texts(app) + "".join(str(radio.options) + radio.label for radio in app.radio)
        assert "[a](b)" not in raw
        assert "**c**" not in raw
        assert "<b>" not in "".join(element.proto.body for element in app.html)


def test_the_figure_and_the_answer_follow_the_sentence():
    app = opened(2, checkpoint=WORDS)
    config = checkpoint.load(WORDS).config
    for source in (SENTENCE, "Two dogs run over the beach"):
        typed(app, source)
        n = len(checkpoint.load(WORDS).tokenizer.encode(source)) + 1
        assert right_answer(app) == f"{n * config.d_model:,}"


def test_an_answer_is_the_models_own():
    """The encoder made by hand passes nothing on; a trained one does (below)."""
    assert right_answer(opened(7, checkpoint=LETTERS)) == "only that one"
    head = {"kind": "Cross", "layer_number": "1"}
    assert right_answer(opened(13, checkpoint=LETTERS, head_number="1", **head)) == "It changes"
    assert right_answer(opened(13, checkpoint=LETTERS, head_number="2", **head)) == "It stays the same"


@pytest.mark.usefixtures("_shipped")
def test_a_trained_encoder_is_no_recurrent_network():
    assert right_answer(opened(7, checkpoint="reverse", source="transform")) == "also those before it"


def test_the_decoder_row_is_read_as_the_token_predicted_there():
    app = opened(8, checkpoint=LETTERS, source="transform", token="3 r ▸ a")
    assert "Row 3 is fed “r”" in app.radio[0].label
    assert right_answer(app) == "3 “a”"


MISTAKES = {
    "wrong axis": lambda own: softmax(own.scores, own.allowed, axis=0),
    "no scale": lambda own: softmax(own.scores * np.sqrt(own.d_head), own.allowed, axis=1),
    "mask after softmax": lambda own: np.where(own.allowed, softmax(own.scores, own.allowed | True, axis=1), 0),
}


def softmax(scores: np.ndarray, allowed: np.ndarray, axis: int) -> np.ndarray:
    powers = np.exp(scores) * allowed
    return powers / powers.sum(axis, keepdims=True)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_stands_beside_what_is_right(mistake: str):
    app = opened(4, checkpoint=WORDS, source="Two dogs run", variant=mistake, layer_number="2", head_number="3")
    words = checkpoint.load(WORDS)
    own = head_scores(words, capture(words, "Two dogs run"), "decoder", 1, 2)
    right, wrong = softmax(own.scores, own.allowed, axis=1), MISTAKES[mistake](own)
    shown = parts(app)
    said = shown["variant_compared"]
    assert f"Mistake: {'softmax over the ' if mistake == 'wrong axis' else ''}" in said
    changed = np.abs(right - wrong) >= 0.05
    if changed.any():
        n = changed.sum()
        most = np.unravel_index(np.abs(right - wrong).argmax(), right.shape)
        assert f"<b>{n} weight" in said
        assert f"one is {wrong[most]:.2f} instead of {right[most]:.2f}.</b>" in said
        sums = wrong.sum(1)
        summed = f"rows sum to between {sums.min():.3f} and {sums.max():.3f}"
        assert f"With the mistake, {'rows still sum to 1' if np.allclose(sums, 1, atol=5e-4) else summed}" in said
    else:
        assert "changes no weight by 0.05 or more" in said
    for place, pattern, marked in (("variant_right", right, changed & False), ("variant_wrong", wrong, changed)):
        told = shown[place]
        np.testing.assert_allclose(weights(told).reshape(pattern.shape), pattern, atol=1e-4)
        assert told["marked"] == np.argwhere(marked).tolist()
        hollow = [[*range(*run)] for run in told["masked"]]
        assert hollow == [np.flatnonzero(~allowed).tolist() for allowed in own.allowed]
    cells = re.findall(r"<span[^>]*>([^<]*)</span>", shown["row_steps"])
    row = shown["variant_right"]["pinned"]
    expected = right[row]
    assert cells[2::3] == [f"{weight:.2f}" for weight in expected]


def test_chapter_4_follows_what_is_typed():
    app = opened(4, checkpoint=WORDS, source="Two dogs run", variant="no scale")
    ahead = followed(app, "Two men")
    typed(app, "Two men")
    assert parts(app) == ahead
    rows = app.selectbox(key="token")
    rows.set_value(rows.options[1])
    assert parts(ran(app))["variant_wrong"]["pinned"] == 0


@pytest.mark.parametrize(("row", "chosen"), [(1, "2 b"), (None, AUTO), (2, AUTO)])
def test_a_click_chooses_a_row(row: int | None, chosen: str, monkeypatch: pytest.MonkeyPatch):
    state: dict[str, Any] = {"place": {"pinned": {"row": row, "together": []}}, "token": "1 a"}
    monkeypatch.setattr(st, "session_state", state)
    row_of_part_pinned("place", ["1 a", "2 b"])
    assert state["token"] == chosen


def test_what_the_page_says_of_its_own_sums_is_small():
    (difference,) = re.findall(r"in this row, to within (\S+)\.$", texts(opened(5, checkpoint=WORDS)), re.M)
    assert number(difference) < 1e-4
    (difference,) = re.findall(r"differ by at most (\S+)\.$", texts(opened(8, checkpoint=WORDS)), re.M)
    assert number(difference) < 1e-4
    found = re.findall(r"differ by at most (\S+) in the attention weights and (\S+) in", texts(opened(14)))
    assert all(number(text) < 1e-4 for text in found[0])


def number(text: str) -> float:
    """Of a number such as ``2.4·10⁻⁷``."""
    return float(text.replace("·10", "e").translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")))


@pytest.mark.parametrize("chapter", NUMBERS)
def test_numbers_are_written_as_people_write_them(chapter: int):
    app = opened(chapter, checkpoint=WORDS)
    said = texts(app) + "".join(map(str, app.radio[0].options))
    assert not re.search(r"\d[.\d]*e[-+]\d|(?<![\w}-])-\d", re.sub(r"`[^`]*`", "", said))


@pytest.mark.parametrize("number", [10, 12])
def test_measured_here(number: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(measuring, "LENGTHS", (3, 5, 7))
    monkeypatch.setattr(measuring, "REPEATS", 1)
    app = opened(number, checkpoint=WORDS)
    before = charts(app)
    assert before == 1  # what is recorded
    app.button(key="measure_times").click()
    ran(app)
    after = charts(app)
    assert after == before + {10: 1, 12: 2}[number]
    typed(app, "another")
    assert charts(app) == after  # it stays
    found = re.findall(r"From 5 to 7 tokens memory grows as the length to the power (\S+), time", texts(app))
    config = checkpoint.load(WORDS).config
    plan = CostPlan(lengths=(5, 7), repeats=1, d_model=config.d_model, n_heads=config.n_heads)
    held = [cost.peak_bytes for cost in plan.measure() if cost is not None and cost.layer == SELF]
    assert found == ([f"{fit_growth((5, 7), held).exponent:.2f}"] if number == 12 else [])


def test_how_far_a_change_reaches_is_measured():
    app = opened(11, checkpoint=LETTERS)
    before = charts(app)
    app.button(key="measure_reach").click()
    ran(app)
    assert charts(app) == before + 1
    assert charts(typed(app, "another")) == before  # that was another sentence


def test_all_heads_are_measured():
    app = opened(13, checkpoint=LETTERS, source="dog")
    app.button(key="measure_heads").click()
    ran(app)
    assert "Of 18 heads, 17 can be made uniform" in texts(app)
    assert "The output depends most on cross-attention, layer 1, head 1:" in texts(app)
    assert "by this measure it is number 1 of 6." in texts(app)
    assert "5 of 6 in cross-attention" in texts(app)
    assert "17 can be made" not in texts(typed(app, "cat"))


def test_a_uniform_head_on_show():
    app = opened(13, checkpoint=LETTERS, source="dog", kind="Cross", layer_number="1", head_number="1")
    before = charts(app)
    app.toggle(key="uniform").set_value(True)
    ran(app)
    assert charts(app) == before + 2  # the head beside itself, and the probabilities
    assert "As trained: **dog**" in texts(app)


def test_what_a_uniform_head_changes_is_told_in_numbers():
    app = opened(
        13, checkpoint=WORDS, source="Two dogs run", kind="Cross", layer_number="1", head_number="2", uniform="true"
    )
    words = checkpoint.load(WORDS)
    own = capture(words, "Two dogs run")
    after = capture(words, own.source, own.target, taps=uniform_head(own, "cross", 0, 1)).probabilities
    assert own.probabilities is not None
    assert after is not None
    changes = float(np.log(after).sum() - np.log(own.probabilities).sum())
    least = int((after - own.probabilities).argmin())
    shown = f"{changes:+z.2f}".replace("-", "−")
    assert f"(its log-probability changes by {shown} nats)" in texts(app)
    assert f"{own.probabilities[least]:.2f} → {after[least]:.2f}." in texts(app)


def test_a_chapter_opens_on_its_own_head_and_a_link_on_what_it_says():
    app = opened(4, checkpoint=LETTERS, source="transform", layer_number="2", head_number="1", token="3 r ▸ a")
    assert (app.selectbox(key="layer_number").value, app.selectbox(key="head_number").value) == (2, 1)
    assert app.selectbox(key="token").value == "3 r ▸ a"
    app.button(key="to_arrow_forward").click()
    ran(app)
    shown = capture(checkpoint.load(LETTERS), TASKS["copy"].example).map("encoder")
    layer, head = parted_head(shown)
    assert (app.selectbox(key="layer_number").value, app.selectbox(key="head_number").value) == (layer + 1, head + 1)
    assert app.selectbox(key="token").value == AUTO
    app.selectbox(key="head_number").set_value(2)
    assert ran(app).selectbox(key="head_number").value == 2  # and stays while the chapter is open


def test_the_row_is_framed_in_the_picture():
    app = opened(1, checkpoint=WORDS, source="Two dogs run", token="2 dogs")
    (figure,) = app.get("plotly_chart")
    assert re.search(r'"y0":\s*0\.5', figure.proto.spec)


def test_the_table_of_costs_is_that_of_the_sentence():
    app = opened(10, checkpoint=LETTERS, source="transform")  # 10 tokens, d_model 96
    for count in (10 * 10 * 96, 10 * 96 * 96, 3 * 10 * 96 * 96, 8 * 10 * 96):
        assert f"= {count:,} |" in texts(app)


def test_how_long_the_paths_of_a_sentence_are():
    said = texts(opened(11, checkpoint=LETTERS, source="transform"))  # 10 tokens
    for length, layer in ((1, "self-attention"), (10, "recurrent"), (3, "convolutional, width 3")):
        assert f"**{length}** ({layer})" in said


@pytest.mark.parametrize("asked", ["2 dogs", "2 Two ▸ dogs", "2 some ▸ dogs"])
def test_a_link_with_an_older_name_of_a_row_opens_it(asked: str):
    app = opened(1, checkpoint=WORDS, source="Two dogs run", token=asked)
    assert app.selectbox(key="token").value == "2 dogs"
    assert app.query_params["token"] in ("2 dogs", ["2 dogs"])


def test_each_link_keeps_checkpoint_and_sentence():
    for number in NUMBERS:
        app = opened(number, checkpoint=WORDS, source="Two dogs run")
        (link,) = app.get("page_link")
        query = parse_qs(link.proto.query_string)
        assert query["checkpoint"] == [WORDS]
        assert query["source"] == ["Two dogs run"]
        assert link.proto.page in ("", "anatomy", "positions", "architectures", "train")


@pytest.mark.parametrize("chapter", ["0", "99", "x", ""])
def test_a_link_to_no_chapter_opens_the_first(chapter: str):
    assert title(opened(chapter)).startswith("1 · ")


def test_the_reader_turns_pages():
    app = opened(3)
    app.button(key="to_arrow_forward").click()
    assert title(ran(app)).startswith("4 · ")
    assert app.query_params["chapter"] == "4"
    app.button(key="to_arrow_back").click()
    assert title(ran(app)).startswith("3 · ")
    app.button(key=f"contents_{len(CHAPTERS)}").click()
    assert title(ran(app)).startswith(f"{len(CHAPTERS)} · ")
    assert "to_arrow_forward" not in [button.key for button in app.button]


def test_a_teacher_hides_controls_and_enlarges():
    def style(app: AppTest) -> str:
        blocks = app._tree.children.values()  # a style of its own is not in the main block
        return "".join(element.proto.body for block in blocks for element in block.get("html"))

    def height(app: AppTest) -> float:
        (figure,) = app.get("plotly_chart")
        (found,) = re.findall(r'"height":\s*([\d.]+)', figure.proto.spec)
        return float(found)

    plain, large = opened(1), opened(1, presentation="on", controls="off")
    assert FOLDED not in style(plain)
    assert FOLDED in style(large)
    assert "1.25vw" in style(large)
    assert height(large) > height(plain)
    assert large.text_input(key="source").value == TASKS["copy"].example
    large.button(key="switch_controls").click()
    assert FOLDED not in style(ran(large))


def test_only_the_open_chapter_is_computed(monkeypatch: pytest.MonkeyPatch):
    def never(*arguments: Any) -> None:
        raise AssertionError("this chapter is not open")

    monkeypatch.setattr(ch13_explanation, "ablate", never)
    monkeypatch.setattr(ch10_parallel, "layer_costs", never)
    for number in (1, 4, 9, 12):
        assert title(opened(number)).startswith(f"{number} · ")


def test_a_question_must_have_different_answers():
    with pytest.raises(ValueError, match="must differ"):
        Question(text="?", options=("1", "1"), answer=0, why="", hint="")
    with pytest.raises(ValueError, match="be right"):
        Question(text="?", options=("1", "2"), answer=2, why="", hint="")


def test_the_snippets_are_shown_as_they_stand():
    shown = [element.value for element in opened(14).code]
    assert set(map(text, FILES.values())) <= {f"{code}\n" for code in shown} | set(shown)


def test_the_row_asked_about_is_the_largest_weight():
    app = opened(1, checkpoint=WORDS, source="Two dogs run", layer_number="1", head_number="1", token="2 dogs")
    shown = capture(checkpoint.load(WORDS), "Two dogs run").map("cross")
    best = int(shown.pattern[0, 0, 1].argmax())
    assert right_answer(app) == f"{best + 1} “{shown.key_tokens[best].strip()}”"
