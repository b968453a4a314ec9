"""The panel Decoder of the page Explore, run as Streamlit runs it but without a browser."""

import math
import re
import unicodedata
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

from model import checkpoint
from model.capture import capture
from model.checkpoint import Checkpoint
from model.decoding.candidates import candidates
from model.decoding.search import beam_search
from model.text.tokenizer import EOS_ID
from tests.helpers import MAX_LEN, SENTENCE, save_letters, save_words
from tests.viz.helpers import pictures
from tests.viz.pages.test_explore import LETTERS, UNUSUAL, WORDS, body, messages, opened, ran, target, typed
from viz.look.forcing import BEAM, BEGINNING, MODES, OWN, TARGET

SOURCE = "dog"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Checkpoint]]:
    """A folder with two checkpoints that copy what they read: letters come first."""
    folder = tmp_path_factory.mktemp("decoder")
    saved = {LETTERS: save_letters(folder / LETTERS / "best.safetensors")}
    return folder, saved | {WORDS: save_words(folder / WORDS / "best.safetensors")}


@pytest.fixture(autouse=True)
def _folder(models: tuple[Path, dict[str, Checkpoint]], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    threads = torch.get_num_threads()
    monkeypatch.chdir(models[0])
    monkeypatch.setattr(checkpoint, "PRETRAINED", models[0] / "pretrained")
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


@pytest.fixture
def letters(models: tuple[Path, dict[str, Checkpoint]]) -> Checkpoint:
    return models[1][LETTERS]


def panel(mode: str | None = None, source: str = SOURCE, **query: str) -> AppTest:
    chosen = {} if mode is None else {"decoder_mode": mode}
    return opened(panel="Decoder", source=source, **chosen, **query)


def written(app: AppTest) -> list[str]:
    """The tokens in the panel, as they are shown."""
    (found,) = [body(element) for element in app.html if '<div class="written">' in body(element)]
    return [unescape(token) for token in re.findall(r"<bdi style=.*?>(.*?)</bdi>", found)]


def in_words(app: AppTest) -> str:
    """What is said of the step, as plain text."""
    (found,) = [element.value for element in app.markdown if element.value.startswith("**Step")]
    return unescape(found)


def pressed(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return ran(app)


def notice(app: AppTest) -> str | None:
    found = [element.value for element in app.markdown if re.match(r"\*\*(The first|This target)", element.value)]
    return found[0] if found else None


def test_the_own_translation_step_by_step():
    app = panel()
    assert app.segmented_control(key="decoder_mode").value == OWN
    assert written(app) == ["d", "o", "g", "</s>"]
    assert notice(app) is None
    for number, (before, token) in enumerate([("", "d"), ("d", "o"), ("do", "g"), ("dog", "</s>")], start=1):
        assert app.slider(key="step").value == number
        start = f"After “{before}”" if before else "At the beginning"
        assert in_words(app).startswith(f"**Step {number}.** {start} the model wrote “{token}”, the likeliest: ")
        assert app.button(key="candidate_0").disabled
        assert unescape(app.button(key="candidate_0").label).startswith(f"{token} ")
        assert app.button(key="step_next").disabled is (number == 4)
        if number < 4:
            pressed(app, "step_next")
    assert in_words(pressed(app, "step_previous")).startswith("**Step 3.**")


def test_the_step_is_the_row_of_the_heatmap_and_the_row_the_step():
    app = panel()
    assert app.session_state["token"] == "most telling"
    app.slider(key="step").set_value(2)
    assert ran(app).session_state["token"] == "2 o"
    app.session_state["token"] = "3 g"
    assert ran(app).slider(key="step").value == 3
    assert in_words(app).startswith("**Step 3.**")
    assert pressed(app, "step_previous").session_state["token"] == "2 o"


def test_the_first_step_on_show_is_the_framed_row():
    framed = []
    for head in "123":
        app = panel(source=SENTENCE, checkpoint=WORDS, head_number=head)
        framed.append(pictures(app)["head"]["pinned"])
        assert app.slider(key="step").value == framed[-1] + 1
    assert max(framed) > 0


def test_rows_of_the_encoder_are_no_steps():
    app = panel(kind="Encoder self", token="1 d")
    app.slider(key="step").set_value(3)
    assert ran(app).session_state["token"] == "1 d"
    assert in_words(app).startswith("**Step 3.**")


def test_another_candidate_is_taken(letters: Checkpoint):
    app = panel(step="2")
    best = candidates(letters, capture(letters, SOURCE).source_ids, capture(letters, SOURCE).predicted_ids, 8)[1].best
    taken = (letters.tokenizer.encode("d")[0], best[1].token_id)
    pressed(app, "candidate_1")
    expected = capture(letters, SOURCE, prefix=taken)
    assert target(app) == expected.target != SOURCE
    assert app.segmented_control(key="decoder_mode").value == BEGINNING
    assert app.slider(key="step").value == 2
    assert "you wrote" in in_words(app)
    assert "the second likeliest" in in_words(app)
    assert notice(app) == "**The first 2 tokens are yours.**"
    assert len(pictures(app)["head"]["rows"]) == len(expected.predicted_ids)
    followed = opened(**{key: str(value) for key, value in app.query_params.items()})
    assert target(followed) == expected.target
    assert written(followed) == written(app)
    assert target(pressed(app, "own_again")) == SOURCE
    assert notice(app) is None


@pytest.mark.parametrize("step", [1, 3])
def test_the_end_can_be_taken(letters: Checkpoint, step: int):
    ids = capture(letters, SOURCE).predicted_ids[: step - 1]
    text = SOURCE[: step - 1]
    app = panel(BEGINNING, prefix=text, tokens=".".join(map(str, (*ids, EOS_ID))), step=str(step))
    assert messages(app) == []
    assert target(app) == text
    assert written(app) == [*text, "</s>"]


def test_what_is_taken_is_what_is_shown(models: tuple[Path, dict[str, Checkpoint]]):
    """A word from its letters, which the tokenizer would write at once."""
    tokenizer = models[1][WORDS].tokenizer
    ids = [tokenizer.encode(f"a{letter}")[-1] for letter in " dress"]
    app = panel(BEGINNING, SENTENCE, checkpoint=WORDS, prefix="dress", tokens=".".join(map(str, ids)))
    assert written(app)[:6] == ["␣", *"dress"]
    typed_on = app.text_input(key="prefix").set_value("dress i")
    assert written(ran(app))[0] == "dress"  # another text is cut as the tokenizer does
    assert typed_on.value == "dress i"
    assert app.text_input(key="tokens").value == ""
    assert messages(app) == []


def test_numbers_of_tokens_can_be_typed(letters: Checkpoint):
    app = panel(BEGINNING, prefix="x")
    app.text_input(key="tokens").set_value(".".join(map(str, letters.tokenizer.encode("ab"))))
    assert target(ran(app)) == "abg"
    assert app.text_input(key="prefix").value == "ab"
    app.text_input(key="tokens").set_value("no")
    (message,) = messages(ran(app))
    assert "whole numbers separated by dots" in unescape(message)
    assert target(app) == "abg"


def test_a_beginning_is_typed():
    app = panel(BEGINNING)
    assert target(app) == SOURCE
    assert notice(app) is None
    for text, expected in (("c", "cog"), ("ca", "cag"), ("cat", "cat"), ("", "dog")):
        app.text_input(key="prefix").set_value(text)
        assert target(ran(app)) == expected
        assert messages(app) == []


def test_a_beginning_that_is_too_long():
    text = "abcdefghij" * 4
    app = panel(BEGINNING, prefix=text)
    (message,) = messages(app)
    assert f"at most {MAX_LEN} tokens, so the last {40 - MAX_LEN} of yours" in message
    assert target(app) == text[:MAX_LEN]
    assert len(written(app)) == MAX_LEN


@pytest.mark.parametrize("mode", [BEGINNING, TARGET])
@pytest.mark.parametrize("text", UNUSUAL)
def test_any_text(mode: str, text: str):
    app = panel(mode)
    key = "prefix" if mode == BEGINNING else "target"
    app.text_input(key=key).set_value(text)
    ran(app)
    expected = unicodedata.normalize("NFC", text)
    if len(expected.encode()) < MAX_LEN:
        assert target(app).startswith(expected.replace("\u00a0", ""))
        assert messages(app) == []
    raw = "".join(map(body, app.html))
    assert "<script>" not in raw
    for number in range(1, min(4, len(written(app)))):
        app.slider(key="step").set_value(number)
        ran(app)


def test_a_target_that_is_given(letters: Checkpoint):
    app = panel(TARGET, target="cat")
    assert target(app) == "cat"
    assert written(app) == ["c", "a", "t", "</s>"]
    assert notice(app) == "**This target is yours.**"
    probabilities = capture(letters, SOURCE, "cat").probabilities
    assert probabilities is not None
    total = sum(math.log(p) for p in probabilities.tolist())
    (said,) = [element.value for element in app.caption if "log-probability" in element.value]
    found = re.search(r"log-probability −([\d.]+), perplexity ([\d.]+) ", said)
    assert found is not None
    assert float(found[1]) == pytest.approx(-total, abs=0.02)
    assert float(found[2]) == pytest.approx(math.exp(-total / 4), rel=1e-2)


def test_a_target_starts_with_the_translation_and_may_be_empty():
    app = panel()
    app.segmented_control(key="decoder_mode").set_value(TARGET)
    assert ran(app).text_input(key="target").value == SOURCE
    app.text_input(key="target").set_value("")
    assert target(ran(app)) == ""
    assert written(app) == ["</s>"]
    assert not app.slider  # one step: nothing to choose
    assert messages(app) == []


def test_beam_search(letters: Checkpoint):
    app = panel(BEAM, beam="3", length_penalty="0.5")
    assert target(app) == SOURCE
    source = torch.tensor([[*letters.tokenizer.encode(SOURCE), EOS_ID]])
    expected = beam_search(letters.model, source, 3, 0.5)[0]
    ranked = [unescape(body(element)) for element in app.html if "<small>score" in body(element)]
    assert len(ranked) == len(expected) == 3
    for text, hypothesis in zip(ranked, expected, strict=True):
        assert f"<bdi>{letters.tokenizer.decode(hypothesis.ids) or '(nothing)'}</bdi>" in text
        assert f"score {hypothesis.score:.3f}".replace("-", "−") in text
    pressed(app, "hypothesis_2")
    assert target(app) == letters.tokenizer.decode(expected[1].ids)
    assert app.segmented_control(key="decoder_mode").value == BEGINNING
    assert messages(app) == []


def test_beam_search_with_what_was_discarded():
    app = panel(BEAM)

    def nodes() -> int:
        (tree,) = [body(element) for element in app.html if '<div class="beam">' in body(element)]
        return tree.count("<bdi>")

    few = nodes()
    app.toggle(key="discarded").set_value(True)
    ran(app)
    assert nodes() > few
    app.select_slider(key="beam").set_value(1)
    ran(app)
    assert nodes() < few + len(SOURCE) + 2


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_source(mode: str):
    app = panel(mode, source="")
    assert messages(app) == []
    assert target(typed(app, "ab")) == ("" if mode == TARGET else "ab")


@pytest.mark.parametrize(("step", "said", "shown"), [("99", "step 99", 4), ("-3", "step -3", 1), ("0", "step 0", 1)])
def test_a_step_that_is_not_there(step: str, said: str, shown: int):
    app = panel(step=step)
    (message,) = messages(app)
    assert f"There is no {said} here: this is step {shown} of 4." in message
    assert in_words(app).startswith(f"**Step {shown}.**")
    assert messages(typed(app, "dogs")) == []


def test_a_step_that_typing_takes_away():
    app = panel(step="4")
    (message,) = messages(typed(app, "do"))
    assert "There is no step 4 here: this is step 3 of 3." in message
    assert messages(typed(app, "dog")) == []


@pytest.mark.parametrize(
    "query", [{"step": "x"}, {"decoder_mode": "sideways"}, {"beam": "99"}, {"length_penalty": "x"}]
)
def test_a_link_to_what_is_not_there(query: dict[str, str]):
    app = opened(panel="Decoder", source=SOURCE, **query)
    assert target(app) == SOURCE
    assert written(app) == ["d", "o", "g", "</s>"]
    assert messages(app) == []


@pytest.mark.parametrize(("mode", "text", "shown"), [(BEGINNING, "prefix", "cag"), (TARGET, "target", "ca")])
def test_what_is_forced_outlasts_the_panel(mode: str, text: str, shown: str):
    app = panel(mode, **{text: "ca"})
    app.segmented_control(key="panel").set_value(None)
    assert target(ran(app)) == shown
    assert notice(app) is not None
    assert app.text_input(key=text).value == "ca"
    assert app.query_params["decoder_mode"] in (mode, [mode])
    followed = opened(source=SOURCE, decoder_mode=mode, **{text: "ca"})
    assert target(followed) == shown
    assert target(pressed(followed, "own_again")) == SOURCE


def test_another_checkpoint_translates_by_itself():
    app = panel(BEGINNING, prefix="cat")
    app.selectbox(key="checkpoint").set_value(WORDS)
    ran(app)
    assert target(app) == SOURCE
    assert app.segmented_control(key="decoder_mode").value == OWN
