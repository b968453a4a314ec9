"""viz/figures/beam.py: beam search as a tree that can be read."""

import re

import pytest
import torch

from model.checkpoint import Checkpoint
from model.decoding.beam_tree import BeamTree, Node, beam_tree
from model.decoding.search import Hypothesis
from model.network.transformer import Transformer
from model.text.tokenizer import EOS_ID, Tokenizer
from tests.model.helpers import shaken, tiny
from viz.figures.beam import tree_html, tree_rows
from viz.look.theme import DARK


@pytest.fixture(scope="module")
def tree() -> BeamTree:
    tokenizer = Tokenizer.characters()
    torch.manual_seed(1)
    model = shaken(Transformer(tiny(vocab_size=len(tokenizer), max_len=11))).eval()
    checkpoint = Checkpoint(name="random", model=model, tokenizer=tokenizer, task="copy", training={}, digest="1")
    return beam_tree(checkpoint, [*tokenizer.encode("dab"), EOS_ID], 3, 1.0)


def places(tree: BeamTree, *, discarded: bool) -> list[int]:
    return [place for place, node in enumerate(tree.nodes) if discarded or node.fate != "discarded"]


@pytest.mark.parametrize("discarded", [True, False])
def test_each_node_has_a_cell_of_its_own_and_branches_do_not_cross(tree: BeamTree, discarded: bool):
    shown = places(tree, discarded=discarded)
    rows = tree_rows(tree, shown)
    assert set(rows) == set(shown)
    cells = {(tree.nodes[place].step, row) for place, row in rows.items()}
    assert len(cells) == len(shown)
    assert {row for _, row in cells} == set(range(max(rows.values()) + 1))  # no row is empty
    for place in shown:
        parent = tree.nodes[place].parent
        siblings = [other for other in shown if tree.nodes[other].parent == parent]
        above = 0 if parent is None else rows[parent]
        assert rows[siblings[0]] == above
        # A line goes down in the parent's column from it to its last child: nothing else stands there.
        crossed = range(above + 1, rows[siblings[-1]] + 1)
        assert not any((tree.nodes[place].step - 1, row) in cells for row in crossed)


def labels(html: str) -> list[str]:
    return re.findall(r"<bdi>(.*?)</bdi>", html)


def test_all_is_drawn_once(tree: BeamTree):
    assert len(labels(tree_html(tree, discarded=True))) == 1 + len(tree.nodes)
    assert len(labels(tree_html(tree, discarded=False))) == 1 + len(places(tree, discarded=False)) < 1 + len(tree.nodes)


def test_finished_targets_bear_their_rank(tree: BeamTree):
    html = tree_html(tree, discarded=False)
    assert sorted(re.findall(r"<sup>(\d+)</sup>", html)) == [str(rank) for rank in range(1, len(tree.hypotheses) + 1)]
    assert len(re.findall(r'class="\w+ best', html)) == len(tree.path(tree.leaves[0]))


def test_the_legend_names_what_is_drawn(tree: BeamTree):
    for discarded in (True, False):
        legend = tree_html(tree, discarded=discarded).split('<div class="beam">')[0]
        assert ("</b> discarded</span>" in legend) is discarded
        assert "finished, with its rank" in legend


def one_token(label: str) -> BeamTree:
    node = Node(parent=None, step=1, token_id=5, label=label, log_probability=-1.5, total=-1.5, fate="finished")
    return BeamTree(nodes=(node,), hypotheses=(Hypothesis((5,), -1.5),), leaves=(0,))


def test_a_token_is_text():
    html = tree_html(one_token("<script>&"), discarded=True, theme=DARK)
    assert labels(html)[1] == "&lt;script&gt;&amp;<sup>1</sup>"
    assert "<script>" not in html


def test_numbers_are_in_the_title():
    assert "step 1, finished: probability 0.22, total log-probability so far −1.50" in tree_html(
        one_token("x"), discarded=True
    )
