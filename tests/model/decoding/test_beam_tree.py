"""model/decoding/beam_tree.py: the tree is what beam search did."""

import itertools

import pytest
import torch

from model.checkpoint import Checkpoint
from model.decoding.beam_tree import BeamTree, beam_tree
from model.decoding.search import beam_search
from model.network.transformer import Transformer
from model.text.tokenizer import EOS_ID, Tokenizer
from tests.model.decoding.test_candidates import distribution, read
from tests.model.helpers import shaken, tiny

SOURCE, SEEDS = "dab", range(4)


def ending(seed: int, tokenizer: Tokenizer, max_len: int = 13) -> Checkpoint:
    """A random model that writes only ``</s>`` and a few letters."""
    torch.manual_seed(seed)
    model = shaken(Transformer(tiny(vocab_size=len(tokenizer), max_len=max_len))).eval()
    with torch.no_grad():
        others = [i for i in range(len(tokenizer)) if i not in (EOS_ID, *tokenizer.encode("abcde"))]
        model.embedding.tokens.weight[others] *= 0.1
    return Checkpoint(name="random", model=model, tokenizer=tokenizer, task="copy", training={}, digest=str(seed))


def ids(tree: BeamTree, node: int) -> tuple[int, ...]:
    return tuple(tree.nodes[place].token_id for place in tree.path(node))


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_its_finished_leaves_are_the_hypotheses(characters: Tokenizer, length_penalty: float):
    ends = set()
    for seed, beam in itertools.product(SEEDS, (1, 3, 5)):
        checkpoint = ending(seed, characters)
        tree = beam_tree(checkpoint, read(checkpoint, SOURCE), beam, length_penalty)
        source = torch.tensor([read(checkpoint, SOURCE)])
        assert list(tree.hypotheses) == beam_search(checkpoint.model, source, beam, length_penalty)[0]
        assert sorted(tree.leaves) == [i for i, node in enumerate(tree.nodes) if node.fate == "finished"]
        for hypothesis, leaf in zip(tree.hypotheses, tree.leaves, strict=True):
            written, ended = ids(tree, leaf), tree.nodes[leaf].token_id == EOS_ID
            assert written == ((*hypothesis.ids, EOS_ID) if ended else hypothesis.ids)
            assert hypothesis.score == tree.nodes[leaf].total / len(written) ** length_penalty
            ends.add(ended)
    assert ends == {True, False}  # else the models show one case only


def test_each_node_has_the_model_s_probability(characters: Tokenizer):
    checkpoint = ending(1, characters)
    tree = beam_tree(checkpoint, read(checkpoint, SOURCE), 2, 1.0)
    assert len(tree.nodes) > 20
    for place, node in enumerate(tree.nodes):
        written = ids(tree, place)
        assert len(written) == node.step
        rows = distribution(checkpoint, SOURCE, list(written))
        rows /= rows[:, EOS_ID:].sum(-1, keepdims=True)  # the search knows that <pad> and <s> are never written
        likely = torch.tensor(rows).log()
        assert node.log_probability == pytest.approx(float(likely[-1, written[-1]]), abs=1e-4)
        assert node.total == pytest.approx(sum(float(likely[i, token]) for i, token in enumerate(written)), abs=1e-4)


@pytest.mark.parametrize("beam", [1, 3])
def test_at_each_step_the_best_are_kept(characters: Tokenizer, beam: int):
    for seed in SEEDS:
        checkpoint = ending(seed, characters)
        tree = beam_tree(checkpoint, read(checkpoint, SOURCE), beam, 1.0)
        last = max(node.step for node in tree.nodes)
        for step in range(1, last + 1):
            tried = [node for node in tree.nodes if node.step == step]
            assert [node.total for node in tried] == sorted((node.total for node in tried), reverse=True)
            kept = [node for node in tried if node.fate == "kept"]
            assert len(kept) <= beam
            if kept and step < last:
                going_on = [node for node in tried if node.token_id != EOS_ID]
                assert kept == going_on[: len(kept)]
        parents = {node.parent for node in tree.nodes} - {None}
        assert {tree.nodes[parent].fate for parent in parents if parent is not None} <= {"kept"}


def test_a_model_that_writes_one_token(characters: Tokenizer):
    tree = beam_tree(ending(0, characters, max_len=1), [EOS_ID], 3, 1.0)
    assert {node.parent for node in tree.nodes} == {None}
    assert {node.step for node in tree.nodes} == {1}
    assert len(tree.hypotheses) == 3


def test_a_beam_wider_than_the_first_step(characters: Tokenizer):
    """Of more places than tokens some stay empty, and are no nodes."""
    tree = beam_tree(ending(0, characters, max_len=2), [EOS_ID], 300, 1.0)
    assert sum(node.step == 1 for node in tree.nodes) == len(characters) - 2


@pytest.mark.parametrize("beam", [0, -1])
def test_a_beam_below_one(characters: Tokenizer, beam: int):
    with pytest.raises(ValueError, match=f"beam must be at least 1, but it is {beam}"):
        beam_tree(ending(0, characters), [EOS_ID], beam, 1.0)
