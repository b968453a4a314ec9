"""model/decoding/whole_passes.py: what the quick decoders give, for every architecture."""

from typing import Any

import pytest
import torch

from model.config import MEANINGLESS
from model.decoding.begin import begin
from model.decoding.drafted import Drafted, write_together
from model.decoding.search import greedy_steps, limits_of
from model.decoding.whole_passes import WholePasses
from model.network.build import Trainable, build
from model.network.taps import UNTAPPED, Seen, reading
from tests.model.helpers import close, shaken, tiny

SOURCE, TARGET = 7, 5


@pytest.fixture(params=["transformer", "decoder", "lstm"])
def model(request: pytest.FixtureRequest) -> Trainable:
    options: dict[str, Any] = {"architecture": request.param, **MEANINGLESS.get(request.param, {})}
    return shaken(build(tiny(d_ff=38, **options))).eval().requires_grad_(False)


def test_steps_are_those_of_the_quick_decoder(model: Trainable):
    source, ids = torch.randint(3, 263, (1, SOURCE)), torch.randint(3, 263, (TARGET,)).tolist()
    memory = model.encode(source, None).hidden
    quick, whole = begin(model, memory, None, TARGET), WholePasses(model, memory, None, UNTAPPED)
    assert not isinstance(quick, WholePasses)
    expected = [quick.step(torch.tensor([token])) for token in ids]
    found = [whole.step(torch.tensor(ids[:1])), *whole.read(ids[1:4])]
    whole.rewind(3)
    found[3:] = [whole.step(torch.tensor(ids[3:4])), *whole.read(ids[4:])]
    assert whole.length == quick.length == TARGET
    for step, other in zip(found, expected, strict=True):
        close(step.logits, other.logits)
        for pattern, wanted in ((step.self_pattern, other.self_pattern), (step.cross_pattern, other.cross_pattern)):
            if wanted.size:
                close(torch.from_numpy(pattern), torch.from_numpy(wanted))
            else:
                assert not pattern.size


@pytest.mark.parametrize("wrong_from", [0, 2, 4, 99])
def test_a_draft_changes_nothing_watched_or_not(model: Trainable, wrong_from: int):
    source = torch.randint(3, 263, (1, SOURCE))
    memory = model.encode(source, None).hidden
    plain = [(int(chosen), step.logits) for chosen, step in greedy_steps(model, source, memory, None)]
    draft = [token if i < wrong_from else 3 + token % 7 for i, (token, _) in enumerate(plain)]
    for taps in (UNTAPPED, reading(Seen(), ())):
        limit = int(limits_of(model, source))
        drafted = Drafted(begin(model, memory, None, limit, taps), limit, draft=draft)
        write_together([drafted])
        assert drafted.ids == [token for token, _ in plain]
        for step, (_, logits) in zip(drafted.steps, plain, strict=True):
            close(step.logits, logits, 1e-4)


def test_rows_are_reordered(model: Trainable):
    source = torch.randint(3, 263, (1, SOURCE)).expand(2, -1)
    memory, first = model.encode(source, None).hidden, torch.tensor([5, 9])
    one, other = (WholePasses(model, memory, None, UNTAPPED) for _ in range(2))
    one.step(first)
    one.reorder(torch.tensor([1, 1]))
    other.step(first[[1, 1]])
    close(one.step(first).logits, other.step(first).logits)
