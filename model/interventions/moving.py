"""An experiment on one text: switch the encoding off, shuffle the words, shift all positions, and compare."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np

from model.capture import capture
from model.checkpoint import Checkpoint
from model.interventions.positions import shifted, without_positions
from model.text.tasks import TRANSLATION
from model.trace import AttentionMap, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is changed. ``off_before`` switches the encoding off in the run compared with as well.

    ``shuffle`` numbers an order of the words (characters where a token is one); 0 leaves them as they stand.
    """

    off_before: bool = False
    off_after: bool = False
    shuffle: int = 0
    shift: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Displaced:
    """Two runs with the same tokens on the axes of their maps; ``after`` in the order of ``before``.

    Both were fed the target that the first run wrote, so that rows can be compared; ``output_before`` and
    ``output_after`` are what each writes by itself, ``cut_…`` that it had not ended at its limit. ``after`` is None
    where the tokens of the shuffled text are not those of the text.
    """

    text_after: str
    output_before: str
    output_after: str
    cut_before: bool
    cut_after: bool
    before: Trace
    after: Trace | None


def displace(checkpoint: Checkpoint, source: str, change: Change) -> Displaced:
    """Run ``source`` twice, as it is and changed.

    Raises:
        ValueError: the shift is beyond the end of a learned table.
    """
    first = without_positions(checkpoint) if change.off_before else checkpoint
    second = without_positions(checkpoint) if change.off_after else checkpoint
    if change.shift and not change.off_after:
        second = shifted(checkpoint, change.shift)
    free = capture(first, source)
    units, between = _units(free.source, checkpoint.task)
    order = _order(len(units), change.shuffle)
    text = between.join(units[i] for i in order) if change.shuffle else free.source
    before = capture(first, free.source, free.target)
    longest = max(max(attention_map.pattern.shape[2:]) for attention_map in before.maps)
    if longest > second.config.max_len:
        raise ValueError(
            f"a shift of {change.shift} leaves {second.config.max_len} positions of the learned table, but the text "
            f"or its output has {longest} tokens"
        )
    after = capture(second, text, free.target)
    own = capture(second, text)
    places = _places(checkpoint, units, order) if change.shuffle else list(range(len(before.maps[0].key_tokens)))
    return Displaced(
        text_after=text,
        output_before=free.target,
        output_after=own.target,
        cut_before=free.target_cut,
        cut_after=own.target_cut,
        before=before,
        after=_lined_up(after, before, places),
    )


def moved(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The share of its attention that each row sends elsewhere: half the sum of absolute differences, 0 to 1.

    Args:
        before: ``[..., query, key]``.
        after: the same shape.

    Returns:
        ``[..., query]``, the total variation distance of the two rows.
    """
    return np.abs(before - after).sum(-1) / 2


def _units(text: str, task: str) -> tuple[list[str], str]:
    """What is shuffled, and what stands between two of them."""
    return (text.split(), " ") if task == TRANSLATION else (list(text), "")


def _order(n: int, number: int) -> list[int]:
    order = list(range(n))
    if number:
        random.Random(number).shuffle(order)
    return order


def _places(checkpoint: Checkpoint, units: list[str], order: list[int]) -> list[int]:
    """Where each token of the text, ``</s>`` included, stands in the shuffled one."""
    lengths = [len(checkpoint.tokenizer.encode(unit)) for unit in units]
    starts, start = {}, 0
    for unit in order:
        starts[unit] = start
        start += lengths[unit]
    return [starts[unit] + i for unit, length in enumerate(lengths) for i in range(length)] + [start]


def _lined_up(after: Trace, before: Trace, places: list[int]) -> Trace | None:
    """``after`` with its source tokens in the order of ``before``; None if they are not the same tokens."""
    tokens = after.map("encoder").key_tokens
    if sorted(places) != list(range(len(tokens))):
        return None
    if tuple(tokens[place] for place in places) != before.map("encoder").key_tokens:
        return None
    maps = tuple(_reordered(attention_map, places) for attention_map in after.maps)
    return replace(after, maps=maps, source=before.source)


def _reordered(attention_map: AttentionMap, places: list[int]) -> AttentionMap:
    if attention_map.kind == "decoder":
        return attention_map
    pattern, keys = attention_map.pattern[..., places], tuple(attention_map.key_tokens[place] for place in places)
    if attention_map.kind == "cross":
        return replace(attention_map, pattern=pattern, key_tokens=keys)
    return replace(attention_map, pattern=pattern[:, :, places], query_tokens=keys, key_tokens=keys)
