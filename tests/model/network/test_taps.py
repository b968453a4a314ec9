"""model/network/taps.py: every point can be read and replaced, and watching changes nothing."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.config import MEANINGLESS
from model.network.build import Trainable, build
from model.network.taps import POINTS, Point, Seen, Tapped, reading, replacing
from tests.model.helpers import close, shaken, tiny

BATCH, SOURCE, TARGET = 2, 7, 5
ARCHITECTURES = {
    "transformer": {"positional": "rotary"},
    "decoder": {"positional": "rotary", "norm": "pre"},
    "lstm": {"d_ff": 38, **MEANINGLESS["lstm"]},
}


@pytest.fixture(params=ARCHITECTURES)
def model(request: pytest.FixtureRequest) -> Trainable:
    torch.manual_seed(3)
    options: dict[str, Any] = {"architecture": request.param, **ARCHITECTURES[request.param]}
    return shaken(build(tiny(**options))).eval().requires_grad_(False)


@pytest.fixture
def ids() -> tuple[Tensor, Tensor]:
    return torch.randint(3, 263, (BATCH, SOURCE)), torch.randint(3, 263, (BATCH, TARGET))


def logits(model: Trainable, ids: tuple[Tensor, Tensor], **taps: Any) -> Tensor:
    source, target = ids
    memory = model.encode(source, None, **taps).hidden
    return model.unembed(model.decode(target, memory, None, **taps).hidden, **taps)


def test_watching_changes_not_a_bit(model: Trainable, ids: tuple[Tensor, Tensor]):
    seen = Seen()
    watched = logits(model, ids, taps=reading(seen))
    assert torch.equal(watched, logits(model, ids))
    assert torch.equal(watched, seen["logits",])


def test_every_point_has_the_shape_it_is_said_to_have(model: Trainable, ids: tuple[Tensor, Tensor]):
    seen, config = Seen(), model.config
    logits(model, ids, taps=reading(seen))
    target = model.rows(*ids).size(1)
    sizes = {
        "batch": BATCH, "head": config.n_heads, "d_model": config.d_model, "d_head": config.d_head,
        "d_ff": config.d_ff, "vocab_size": config.vocab_size,
    }  # fmt: skip
    for point, value in seen.items():
        positions = {"encoder": SOURCE, "decoder": target, "logits": TARGET}[str(point[0])]
        keys = SOURCE if "cross_attention" in point else positions
        here = {**sizes, "position": positions, "query": positions, "key": keys}
        assert value.shape == tuple(here[axis] for axis in POINTS[point[-1]]), point  # type: ignore[index]
    found = {point[-1] for point in seen}
    if config.architecture == "lstm":
        assert found == {"embedding", "scores", "pattern", "logits"}
    else:
        assert found == set(POINTS)
        assert {point[:3] for point in seen if "query" in point} == {
            (stack, layer, f"{sublayer}_attention")
            for layer in range(config.n_layers)
            for stack, sublayer in (("encoder", "self"), ("decoder", "self"), ("decoder", "cross"))
            if config.architecture == "transformer" or (stack, sublayer) == ("decoder", "self")
        }


def test_every_point_can_be_replaced_and_the_pass_goes_on_with_it(model: Trainable, ids: tuple[Tensor, Tensor]):
    """The logits of the row that is changed change, those of the other row do not."""
    seen = Seen()
    before = logits(model, ids, taps=reading(seen))
    for point in seen:

        def change(value: Tensor) -> Tensor:
            moved = value.clone()
            moved[0] = moved[0].roll(1, -1) + 0.5
            return moved

        after = logits(model, ids, taps=replacing({point: change}))
        assert not torch.allclose(after[0], before[0]), point
        assert torch.equal(after[1], before[1]), point


def test_the_points_are_those_of_the_paper(ids: tuple[Tensor, Tensor]):
    """From the values at the points before, by PyTorch's own functions."""
    model = shaken(build(tiny(positional="alibi"))).eval().requires_grad_(False)
    seen = Seen()
    logits(model, ids, taps=reading(seen))
    layer: Any = model.decoder.layers[1]
    cross, forward = seen.within("decoder", 1, "cross_attention"), seen.within("decoder", 1, "feed_forward")
    close(cross["pattern"], cross["scores"].softmax(-1))
    close(cross["head_output"], F.scaled_dot_product_attention(cross["query"], cross["key"], cross["value"]))
    close(cross["output"], layer.cross_attention.output(cross["head_output"].transpose(1, 2).flatten(2)))
    close(cross["input"], seen["decoder", 1, "self_attention", "residual"])
    close(cross["residual"], layer.cross_attention_residual.norm(cross["input"] + cross["output"]))
    close(forward["output"], layer.feed_forward.outer(forward["hidden"]))
    close(seen["decoder", "final"], forward["residual"])
    own = seen.within("decoder", 1, "self_attention")
    mask = torch.ones(TARGET, TARGET, dtype=torch.bool).tril()
    bias = -torch.tensor([1 / 16, 1 / 256, 1 / 4])[:, None, None] * (torch.arange(5)[:, None] - torch.arange(5)).abs()
    close(own["scores"], own["query"] @ own["key"].mT / 10**0.5 + bias)
    close(own["pattern"], own["scores"].masked_fill(~mask, -torch.inf).softmax(-1))


def test_only_the_names_asked_for_are_kept(model: Trainable, ids: tuple[Tensor, Tensor]):
    seen = Seen()
    logits(model, ids, taps=reading(seen, ["pattern"]))
    assert seen
    assert {point[-1] for point in seen} == {"pattern"}


def test_replaced_scores_do_not_uncover_what_is_masked(ids: tuple[Tensor, Tensor]):
    model = build(tiny()).eval().requires_grad_(False)
    point: Point = ("decoder", 0, "self_attention", "scores")
    changed = model.decode(ids[1], model.encode(ids[0], None).hidden, None, replacing({point: torch.zeros_like}))
    lower = torch.ones(TARGET, TARGET).tril()
    close(changed.self_patterns[0], (lower / lower.sum(1, keepdim=True)).expand(BATCH, 3, -1, -1))


def test_a_point_of_no_such_name_is_refused():
    with pytest.raises(ValueError, match="no point is called 'patern'; there are embedding, "):
        replacing({("encoder", 0, "self_attention", "patern"): torch.zeros_like})


def test_each_point_is_visited_once_and_in_the_order_of_the_pass(ids: tuple[Tensor, Tensor]):
    visited: list[Point] = []
    model = build(tiny(n_layers=1)).eval().requires_grad_(False)

    def visit(point: Point, value: Tensor) -> Tensor:
        visited.append(point)
        return value

    model.encode(ids[0], None, Tapped(visit))
    own = ("input", "query", "key", "value", "scores", "pattern", "head_output", "output", "residual")
    assert visited == [
        ("encoder", "embedding"),
        *(("encoder", 0, "self_attention", name) for name in own),
        *(("encoder", 0, "feed_forward", name) for name in ("input", "hidden", "output", "residual")),
        ("encoder", "final"),
    ]
