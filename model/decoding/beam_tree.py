"""What beam search tried on its way, as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from model.checkpoint import Checkpoint
from model.decoding.search import BeamStep, Hypothesis, beam_steps

Fate = Literal["kept", "finished", "discarded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A prefix that the search considered, identified by its last token.

    ``parent`` is the node it extends, an index into ``BeamTree.nodes``, or None at step 1.
    ``log_probability`` is that of this token, ``total`` that of the whole prefix. A prefix is kept if the search went
    on with it; finished if it ended in ``</s>`` or was still open at the limit; otherwise discarded.
    """

    parent: int | None
    step: int
    token_id: int
    label: str
    log_probability: float
    total: float
    fate: Fate


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamTree:
    """The nodes, a parent before its children and the better of two children first; the targets, best first.

    ``leaves[i]`` is the node where ``hypotheses[i]`` is finished.
    """

    nodes: tuple[Node, ...]
    hypotheses: tuple[Hypothesis, ...]
    leaves: tuple[int, ...]

    def path(self, node: int) -> tuple[int, ...]:
        """The nodes from step 1 to ``node``."""
        path: list[int] = []
        place: int | None = node
        while place is not None:
            path.append(place)
            place = self.nodes[place].parent
        return tuple(reversed(path))


@torch.inference_mode()
def beam_tree(checkpoint: Checkpoint, source: Sequence[int], beam: int, length_penalty: float) -> BeamTree:
    """What :func:`model.decoding.search.beam_search` does with the ids ``source``, ``</s>`` last.

    Raises:
        ValueError: ``beam`` is below 1.
    """
    if beam < 1:
        raise ValueError(f"beam must be at least 1, but it is {beam}")
    nodes: list[Node] = []
    found: list[tuple[Hypothesis, int]] = []
    open_nodes: list[int | None] = [None] * beam  # by place in the beam; None: nothing written yet
    for number, step in enumerate(beam_steps(checkpoint.model, torch.tensor([source]), beam, length_penalty), start=1):
        places = _add(nodes, step, number, open_nodes, checkpoint)
        found += [(hypothesis, places[candidate]) for _, candidate, hypothesis in step.finished]
        open_nodes = [places.get(candidate) for candidate in step.kept[0].tolist()]
    found.sort(key=lambda pair: -pair[0].score)
    hypotheses, leaves = zip(*found, strict=True)
    return BeamTree(nodes=tuple(nodes), hypotheses=hypotheses, leaves=leaves)


def _add(
    nodes: list[Node], step: BeamStep, number: int, open_nodes: list[int | None], checkpoint: Checkpoint
) -> dict[int, int]:
    """Add the candidates of one step; returns the index of each of them in ``nodes``."""
    kept, finished = set(step.kept[0].tolist()), {candidate for _, candidate, _ in step.finished}
    tokens, totals, parents = (part[0].tolist() for part in (step.tokens, step.totals, step.parents))
    places: dict[int, int] = {}
    for candidate, (token_id, total, place) in enumerate(zip(tokens, totals, parents, strict=True)):
        if total == -torch.inf:  # fewer prefixes than places: nothing was tried here
            continue
        parent = open_nodes[place]
        places[candidate] = len(nodes)
        nodes.append(
            Node(
                parent=parent,
                step=number,
                token_id=token_id,
                label=checkpoint.tokenizer.labels([token_id])[0],
                log_probability=total - (0.0 if parent is None else nodes[parent].total),
                total=total,
                fate="finished" if candidate in finished else "kept" if candidate in kept else "discarded",
            )
        )
    return places
