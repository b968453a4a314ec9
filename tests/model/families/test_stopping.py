"""model/families/stopping.py: what nobody waits for is not computed to its end."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from model.capture import capture
from model.checkpoint import load
from model.families.stopping import GivenUpError, given_up_when, may_be_given_up
from tests.model.families.folders import TEXT, make


def test_a_pass_is_given_up_before_the_next_module():
    ran: list[int] = []
    net = nn.Sequential(*(nn.Sequential(nn.Linear(3, 3), nn.ReLU()) for _ in range(5)))
    for number, part in enumerate(net):
        part.register_forward_hook(lambda *_, number=number: ran.append(number))
    may_be_given_up(net)
    with pytest.raises(GivenUpError), given_up_when(lambda: len(ran) == 2):
        net(torch.ones(1, 3))
    assert ran == [0, 1]
    net(torch.ones(1, 3))  # and the next one is nobody's but its own
    assert ran == [0, 1, 0, 1, 2, 3, 4]


@pytest.mark.parametrize("family", ["gpt2", "bert", "t5"])
def test_a_model_of_hugging_face(tmp_path: Path, family: str):
    make(tmp_path / family, family)
    opened = load(tmp_path / family)
    before = capture(opened, TEXT)
    asked: list[bool] = []

    def unwanted() -> bool:
        asked.append(len(asked) == 4)
        return asked[-1]

    with pytest.raises(GivenUpError), given_up_when(unwanted):
        capture(opened, TEXT)
    assert len(asked) == 5
    after = capture(opened, TEXT)
    for one, other in zip(before.maps, after.maps, strict=True):
        np.testing.assert_array_equal(one.pattern, other.pattern)
