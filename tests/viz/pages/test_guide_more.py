"""The chapters of the Guide after the fourteenth: what each says is computed again."""

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from model import checkpoint
from model.capture import capture
from model.decoding.candidates import candidates
from tests.viz.pages.test_guide import LETTERS, WORDS, _runs, opened, right_answer, saved, texts
from viz.pages.guide.chapters.ch15_learning import losses

SOURCE = "Two dogs run"
__all__ = ["_runs", "saved"]  # fixtures


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
    assert f"it goes on by itself: “{astray.target}”." in texts(app)
    assert float(right_answer(app)) > 0


def test_the_way_on_offers_the_task_to_train():
    (link,) = opened(15, checkpoint=LETTERS).get("page_link")
    assert link.proto.page == "train"
    assert "task=copy" in link.proto.query_string
