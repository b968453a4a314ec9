"""What a training will need."""

from dataclasses import replace

import pytest

from model.config import TrainConfig
from model.jobs.limits import Limits, refuse_too_large
from model.network.sizes import count_parameters
from model.training.estimate import Estimate, estimate, frames
from tests.model.helpers import tiny


@pytest.mark.parametrize("larger", [{"n_layers": 3}, {"d_ff": 41}, {"n_heads": 5}])
def test_a_larger_model_needs_more_memory(larger: dict[str, int]):
    train = TrainConfig()
    assert estimate(tiny(**larger), train, 23).memory > estimate(tiny(), train, 23).memory


def test_shorter_texts_and_smaller_batches_need_less():
    train = TrainConfig()
    needed = estimate(tiny(), train, 23)
    assert estimate(tiny(), train, 11).memory < needed.memory
    assert estimate(tiny(), replace(train, batch_tokens=509), 23).memory < needed.memory


def test_the_disk_holds_every_checkpoint_that_is_kept():
    size = 4 * count_parameters(tiny())
    none, kept = (estimate(tiny(), TrainConfig(steps=97, keep_every=every), 23).disk for every in (0, 10))
    assert kept - none == (9 + 2) * size  # and the first and the last
    half = estimate(tiny(), TrainConfig(steps=97, keep_every=10, weights="float16"), 23).disk
    assert kept - half == (9 + 2 + 2) * size // 2


def test_forty_checkpoints_are_kept_or_fewer_large_ones():
    assert frames(tiny(), TrainConfig(steps=2003)) == 51
    assert frames(tiny(), TrainConfig(steps=7)) == 1
    large = tiny(d_model=3 * 600, d_ff=3001, n_layers=1)  # about 200 MB
    assert frames(large, TrainConfig(steps=100)) == 20


@pytest.mark.parametrize(
    ("needed", "steps", "message"),
    [
        (Estimate(parameters=7, memory=1, disk=1), 12, "12 steps, but this server allows 11"),
        (Estimate(parameters=18, memory=1, disk=1), 11, "18 parameters, but this server allows 17"),
        (Estimate(parameters=7, memory=20_000_000, disk=1), 11, "about 20 MB of memory, but this server allows 19:"),
        (Estimate(parameters=7, memory=1, disk=30_000_000), 11, "about 30 MB of disk, but this server allows 29:"),
    ],
)
def test_what_is_too_large_is_refused_with_what_it_needs(needed: Estimate, steps: int, message: str):
    limits = Limits(steps=11, parameters=17, memory_mb=19, disk_mb=29)
    refuse_too_large(Estimate(parameters=17, memory=19_000_000, disk=29_000_000), TrainConfig(steps=11), limits)
    with pytest.raises(ValueError, match=message):
        refuse_too_large(needed, TrainConfig(steps=steps), limits)
