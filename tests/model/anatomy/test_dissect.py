"""model/anatomy/dissect.py: every number is the model's own, and follows from the numbers shown before it."""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from model.anatomy.arithmetic import divided
from model.anatomy.bench import AnatomyError
from model.anatomy.dissect import dissect
from model.anatomy.steps import Anatomy
from model.capture import capture
from model.checkpoint import Checkpoint
from model.config import ACTIVATIONS, MEANINGLESS, NORMS, POSITIONALS
from model.network.build import build
from model.text.tokenizer import BOS_ID, Tokenizer
from model.trace import Trace
from tests.model.helpers import shaken, tiny, with_factor

TOLERANCE = 1e-5
LETTERS = "abcde ,é🔦"


FACTOR = "a factor"
"""Instead of the name of an encoding: that of the tests, which multiplies the scores."""


def random_checkpoint(tokenizer: Tokenizer, seed: int, **options: Any) -> Checkpoint:
    torch.manual_seed(seed)
    if factor := options.get("positional") == FACTOR:
        options["positional"] = "none"
    model = shaken(build(tiny(vocab_size=len(tokenizer), **options))).eval().requires_grad_(False)
    model = with_factor(model) if factor else model
    return Checkpoint(name="random", model=model, tokenizer=tokenizer, task="copy", training={}, digest=str(seed))


def drawn(tokenizer: Tokenizer, seed: int) -> tuple[Checkpoint, Trace, Anatomy]:
    """A random model, text, kind, layer, head and query; all options come up equally often."""
    rng = random.Random(seed)
    options = {
        "norm": NORMS[seed % 2],
        "activation": ACTIVATIONS[seed // 2 % 2],
        "positional": (*POSITIONALS, FACTOR)[seed // 4 % (len(POSITIONALS) + 1)],
        "architecture": ("transformer", "transformer", "decoder")[seed // 4 // (len(POSITIONALS) + 1) % 3],
    }
    checkpoint = random_checkpoint(tokenizer, seed, **options)
    source, target = ("".join(rng.choices(LETTERS, k=rng.randrange(12))) for _ in range(2))
    trace = capture(checkpoint, source, rng.choice((None, target)))
    kind = rng.choice(trace.kinds)
    layer, head, query = (rng.randrange(n) for n in trace.map(kind).pattern.shape[:3])
    return checkpoint, trace, dissect(checkpoint, trace, kind, layer, head, query)


@torch.inference_mode()
def layer_output(checkpoint: Checkpoint, trace: Trace, anatomy: Anatomy) -> np.ndarray:
    """What the layer returns in a whole pass of the model."""
    model, seen = checkpoint.model, []
    layer = model.layers("encoder" if anatomy.kind == "encoder" else "decoder")[anatomy.layer]
    handle = layer.register_forward_hook(lambda *args: seen.append(args[2][0]))
    model(torch.tensor([trace.source_ids]), torch.tensor([[BOS_ID, *trace.predicted_ids[:-1]]]))
    handle.remove()
    return seen[0][0, anatomy.query].numpy()


@pytest.mark.parametrize("seed", range(200))
def test_every_step_follows_from_what_is_shown(characters: Tokenizer, seed: int):
    checkpoint, trace, anatomy = drawn(characters, seed)
    for step in anatomy.steps:
        difference = anatomy.difference(step)
        assert difference is None or difference <= TOLERANCE, step.name
    taken_over = {step.name for step in anatomy.steps if step.function is None}
    assert taken_over <= {"input", "memory"}
    assert ("input" in taken_over) == (anatomy.layer > 0)
    pattern = trace.map(anatomy.kind).pattern[anatomy.layer, anatomy.head, anatomy.query]
    np.testing.assert_allclose(anatomy.step("weights").value, pattern, rtol=0, atol=TOLERANCE)
    last = anatomy.steps[-1]
    assert last.name == "output"
    np.testing.assert_allclose(last.value, layer_output(checkpoint, trace, anatomy), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(0, 200, 3))
def test_shapes_are_those_of_the_axes(characters: Tokenizer, seed: int):
    checkpoint, trace, anatomy = drawn(characters, seed)
    config, shown = checkpoint.config, trace.map(anatomy.kind)
    assert (anatomy.tokens, anatomy.keys) == (shown.query_tokens, shown.key_tokens)
    sizes = {
        "token": len(shown.query_tokens), "key": len(shown.key_tokens),
        "source": len(trace.source_ids) if "encoder" in trace.kinds else 0,
        "head": config.n_heads, "d_model": config.d_model, "d_head": config.d_head, "d_ff": config.d_ff,
    }  # fmt: skip
    for step in anatomy.steps:
        assert step.shape == tuple(sizes[axis] for axis in step.axes), step.name
        assert not step.value.flags.writeable
        for name, array in step.weights.items():
            assert not array.flags.writeable or name == "allowed"
    for axis in ("token", "key", "source"):
        assert len(anatomy.labels(axis) or ()) == sizes[axis]
    assert anatomy.labels("d_model") is None


@pytest.mark.parametrize("seed", range(24))
def test_a_number_that_is_wrong_is_noticed(characters: Tokenizer, seed: int):
    """In each step one cell is moved; the step no longer follows from those before it."""
    _, _, anatomy = drawn(characters, seed)
    for place, step in enumerate(anatomy.steps):
        if step.function is None:
            continue
        wrong = step.value.copy()
        cell = np.argmax(np.isfinite(wrong))
        wrong.flat[cell] += 0.001
        steps = (*anatomy.steps[:place], replace(step, value=wrong), *anatomy.steps[place + 1 :])
        mutated = replace(anatomy, steps=steps)
        difference = mutated.difference(mutated.step(step.name))
        assert difference == pytest.approx(0.001, rel=0.1), step.name


@pytest.mark.parametrize("seed", range(24))
def test_a_wrong_operand_is_noticed(characters: Tokenizer, seed: int):
    """A step whose shown operands are not the ones it was made of."""
    _, _, anatomy = drawn(characters, seed)
    for step in anatomy.steps:
        for name in step.inputs:
            operand = anatomy.step(name)
            wrong = replace(operand, value=np.where(np.isfinite(operand.value), operand.value * 1.5 + 0.5, -np.inf))
            if step.name in ("weights", "cross_attention", "forward_normed", "normed", "attention_normed", "output"):
                wrong = replace(wrong, value=wrong.value * np.linspace(1, 2, wrong.value.shape[-1]))
            mutated = replace(
                anatomy, steps=tuple(wrong if other.name == name else other for other in anatomy.steps)
            )  # fmt: skip
            difference = mutated.difference(step)
            alone = step.name == "weights" and len(np.flatnonzero(np.isfinite(operand.value))) == 1
            one_head = step.name == "heads" and name != "head"
            assert difference is not None
            assert alone or one_head or difference > 0.001, (step.name, name)


def test_a_wrong_formula_is_noticed(characters: Tokenizer):
    _, _, anatomy = drawn(characters, 0)
    scaled = anatomy.step("scaled")
    wrong = replace(scaled, function=divided, parameters={"by": 10.0})  # d_head, not its root
    difference = anatomy.difference(wrong)
    assert difference is not None
    assert difference > 0.01


def test_what_is_masked_is_shown_as_such(characters: Tokenizer):
    checkpoint = random_checkpoint(characters, 3)
    trace = capture(checkpoint, "abc", "deed")
    for query in range(5):
        masked = dissect(checkpoint, trace, "decoder", 1, 2, query).step("masked").value
        assert np.isinf(masked).tolist() == [key > query for key in range(5)]
    for kind in ("encoder", "cross"):
        assert np.isfinite(dissect(checkpoint, trace, kind, 1, 2, 3).step("masked").value).all()


@pytest.mark.parametrize("positional", [*POSITIONALS, FACTOR])
def test_the_encoding_stands_where_it_acts(characters: Tokenizer, positional: str):
    checkpoint = random_checkpoint(characters, 5, positional=positional)
    encoding, trace = checkpoint.model.embedding.positional, capture(checkpoint, "abc", "de")
    rotation, factor, bias = encoding.on_scores(torch.arange(3), causal=True)
    acts = {
        "position": encoding.added().any(), "sum": encoding.added().any(), "turned_query": rotation is not None,
        "turned_key": rotation is not None, "factor": factor is not None, "multiplied": factor is not None,
        "distance_bias": bias is not None, "biased": bias is not None,
    }  # fmt: skip
    names = {step.name for step in dissect(checkpoint, trace, "decoder", 0, 1, 2).steps}
    assert names & acts.keys() == {name for name, there in acts.items() if there}
    crossed = {step.name for step in dissect(checkpoint, trace, "cross", 0, 1, 2).steps}
    assert crossed & acts.keys() <= {"position", "sum"}  # cross-attention knows no distance


def test_ids_are_those_that_were_read_also_where_the_text_was_cut(characters: Tokenizer):
    checkpoint = random_checkpoint(characters, 7, max_len=4)
    trace = capture(checkpoint, "é🔦", None)  # bytes, and cut within a character
    assert len(trace.source_ids) == 4
    anatomy = dissect(checkpoint, trace, "encoder", 0, 0, 3)
    rows = checkpoint.model.embedding.tokens.weight[list(trace.source_ids)] * checkpoint.model.embedding.scale
    np.testing.assert_array_equal(anatomy.step("token").value, rows.numpy())
    assert checkpoint.tokenizer.labels(trace.source_ids) == anatomy.tokens


def test_another_architecture_is_named(characters: Tokenizer):
    checkpoint = random_checkpoint(characters, 0)
    trace = capture(checkpoint, "abc")
    other = replace(checkpoint, name="lstm", model=build(tiny(architecture="lstm", d_ff=38, **MEANINGLESS["lstm"])))
    with pytest.raises(AnatomyError, match="lstm has no layers of heads with queries, keys and values"):
        dissect(other, trace, "cross", 0, 0, 0)
    with pytest.raises(AnatomyError, match="does not say which tokens"):
        dissect(checkpoint, replace(trace, source_ids=()), "cross", 0, 0, 0)


@pytest.mark.parametrize("place", [(2, 0, 0), (0, 3, 0), (0, 0, 99), (-1, 0, 0)])
def test_what_is_not_there_is_refused(characters: Tokenizer, place: tuple[int, int, int]):
    checkpoint = random_checkpoint(characters, 0)
    with pytest.raises(IndexError, match="was asked for, but cross has"):
        dissect(checkpoint, capture(checkpoint, "abc"), "cross", *place)


def test_no_step_of_another_name(characters: Tokenizer):
    with pytest.raises(KeyError, match="no step 'nose'; there are token, position"):
        drawn(characters, 0)[2].step("nose")
