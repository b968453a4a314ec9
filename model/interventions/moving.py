"""An experiment on one text: switch the encoding off, shuffle the words, shift all positions, and compare."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np

from model.capture import capture
from model.checkpoint import Checkpoint
from model.interventions.positions import shifted, without_positions
from model.text.tasks import TRANSLATION
from model.text.tokenizer import EOS_ID
from model.trace import AttentionMap, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is changed. ``off_before`` also switches the encoding off in the run it is compared with.

    ``shuffle`` is the number of a random order of the words (of the characters, where each is a token); 0 keeps the
    order.
    """

    off_before: bool = False
    off_after: bool = False
    shuffle: int = 0
    shift: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Displaced:
    """Two runs with the same tokens on the axes of their maps; ``after`` in the order of ``before``.

    Both were fed the target that the first run wrote, so that rows can be compared; ``output_before`` and
    ``output_after`` are what each writes by itself, ``cut_…`` whether that was cut off at its limit. ``after`` is None
    if the shuffled text does not have the same tokens as the text.
    """

    text_after: str
    output_before: str
    output_after: str
    cut_before: bool
    cut_after: bool
    before: Trace
    after: Trace | None


def displace(checkpoint: Checkpoint, source: str, change: Change, known: Trace | None = None) -> Displaced:
    """Run ``source`` twice, first as it is and then changed.

    Args:
        checkpoint, source, change: of the experiment.
        known: the trace of the model's own output for ``source``, if it is there already.

    Raises:
        ValueError: the shift is beyond the end of a learned table.
    """
    first = without_positions(checkpoint) if change.off_before else checkpoint
    second = without_positions(checkpoint) if change.off_after else checkpoint
    if change.shift and not change.off_after:
        second = shifted(checkpoint, change.shift)
    free = known if known is not None and first is checkpoint else capture(first, source)
    units, between = _units(free.source, checkpoint.task)
    order = _order(len(units), change.shuffle)
    text = between.join(units[i] for i in order) if change.shuffle else free.source
    before = free if _reads_as_written(checkpoint, free) else capture(first, free.source, free.target)
    longest = max(len(before.source_ids), len(before.predicted_ids))
    if longest > second.config.max_len:
        raise ValueError(
            f"a shift of {change.shift} leaves {second.config.max_len} positions in the learned table, but the text or "
            f"its output has {longest} tokens"
        )
    after = capture(second, text, free.target)
    own = capture(second, text, draft=free.predicted_ids)
    places = _places(checkpoint, units, order) if change.shuffle else list(range(len(before.source_ids)))
    return Displaced(
        text_after=text,
        output_before=free.target,
        output_after=own.target,
        cut_before=free.target_cut,
        cut_after=own.target_cut,
        before=before,
        after=_lined_up(after, before, places),
    )


def _reads_as_written(checkpoint: Checkpoint, free: Trace) -> bool:
    """Whether the output, read as a text, has the ids that were written: then a run that is fed it is the same."""
    return (*checkpoint.tokenizer.encode(free.target), EOS_ID) == tuple(free.predicted_ids)


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
    """The units that are shuffled, and what goes between two of them."""
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
    if sorted(places) != list(range(len(after.source_ids))):
        return None
    if tuple(after.source_ids[place] for place in places) != before.source_ids:
        return None
    maps = tuple(_reordered(attention_map, before, places) for attention_map in after.maps)
    return replace(after, maps=maps, source=before.source)


def _reordered(attention_map: AttentionMap, before: Trace, places: list[int]) -> AttentionMap:
    """The map with the labels of ``before``, its rows and columns put in that order."""
    like = before.map(attention_map.kind)
    if attention_map.kind == "encoder":
        rows = columns = places
    elif attention_map.kind == "cross":
        rows, columns = list(range(len(like.query_tokens))), places
    else:  # without an encoder the decoder's rows are <s>, the source without its </s>, and the target
        n = len(like.query_tokens)
        read = [0, *(place + 1 for place in places[:-1])] if n > len(before.predicted_ids) else []
        rows = columns = [*read, *range(len(read), n)]
    return replace(like, pattern=attention_map.pattern[:, :, rows][..., columns])
