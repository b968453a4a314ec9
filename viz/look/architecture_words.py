"""What was measured about the architectures, in sentences and tables (Markdown): pure functions of the numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from model.compare.points import (
    ATTENDING,
    FUSED,
    LSTM,
    RECURRENT,
    SELF,
    SYMBOLS,
    TRANSFORMER,
    DistanceScore,
    LayerCost,
    StepTime,
    by_architecture,
    by_distance,
    by_layer,
    doublings,
    halves,
    reaches,
)

if TYPE_CHECKING:
    from model.compare.cards import Card
    from model.compare.costs import Cost

ENOUGH = 0.9
ROUNDING = 0.15  # by which a power may miss the whole number it stands for
BLEU_BY_CHANCE = 1.0  # two deviations of the shipped pair's difference, over 1,000 bootstrap samples of its 1,000 texts
ALIKE = 0.1  # of two times, which differ no less when they are measured again


def describe_steps(points: Sequence[StepTime]) -> list[str]:
    """Which of the two is faster at which length, and how either's time grows."""
    found = by_architecture(points)
    pairs = list(zip(found["transformer"], found["lstm"], strict=True))
    sooner = [a.n for a, b in pairs if a.seconds < (1 - ALIKE) * b.seconds]
    later = [a.n for a, b in pairs if b.seconds < (1 - ALIKE) * a.seconds]
    alike = [a.n for a, _ in pairs if a.n not in {*sooner, *later}]
    (a, b), (first_a, first_b) = pairs[-1], pairs[0]
    said = [
        f"With texts of {a.n} tokens a training step of the Transformer takes {a.seconds:.2f} s and one of the LSTM "
        f"{b.seconds:.2f} s: {_times(b.seconds / a.seconds, 'the LSTM')}."
    ]
    if sooner:
        said.append(f"The Transformer is faster at {_list(sooner)} tokens.")
    if later:
        said.append(f"**Contrary to the usual claim**, the LSTM is faster at {_list(later)} tokens.")
    if alike:
        said.append(
            f"**At {_list(alike)} tokens they are equally fast** (to within {ALIKE:.0%}): when many short texts are "
            "read side by side, each of the LSTM’s few steps is a large matrix product, too."
        )
    said.append(
        f"With texts of {a.n} tokens instead of {first_a.n}, in batches of equal size, the Transformer’s step takes "
        f"{_factor(a.seconds / first_a.seconds)} as long and the LSTM’s "
        f"{_factor(b.seconds / first_b.seconds)}. At every length the Transformer has {a.in_sequence} operations that "
        f"must run one after another; the LSTM has "
        f"{first_b.in_sequence:,} at the shortest and {b.in_sequence:,} at the longest."
    )
    return said


def describe_distance(points: Sequence[DistanceScore]) -> list[str]:
    """How far each contender has learned to look on the same budget."""
    curves = by_distance(points)
    longest = max(distance for curve in curves.values() for distance, _ in curve)
    far = {name: reaches(curve, ENOUGH) for name, curve in curves.items()}
    said = [
        f"Right in at least {ENOUGH:.0%} of all cases, on the same budget: "
        + "; ".join(f"the {name}{',' * (',' in name)} {_reach(far[name], longest)}" for name in curves)
        + f". Guessing gives {1 / SYMBOLS:.1%}."
    ]
    if far[TRANSFORMER] > far[LSTM]:
        said.append(
            "What the LSTM must carry in its state past every token in between, the Transformer can simply look up."
        )
    else:
        said.append("**Contrary to the usual claim**, the Transformer reaches no further than the LSTM’s state.")
    if far[ATTENDING] >= far[TRANSFORMER]:
        said.append(
            "**But the same LSTM, once it is given attention, reaches as far as the Transformer**: it is attention "
            "that bridges the distance, whatever the network. That is why it was added to recurrent networks "
            "first (Bahdanau et al. 2015)."
        )
    elif far[ATTENDING] > far[LSTM]:
        said.append("Attention takes the same LSTM further than its state does, though not as far as the Transformer.")
    return said


def describe_cost(points: Sequence[LayerCost]) -> list[str]:
    """With which powers time and memory of attention grow, where it costs more than an LSTM, and what fusing
    changes."""
    layers = by_layer(points)
    attention, recurrent = layers[SELF], layers[RECURRENT]
    (short, long), (_, memory) = halves(attention, milliseconds), halves(attention, mebibytes)
    said = [
        f"Attention that stores its weights: from {long.low:,} to {long.high:,} tokens its time grows as the length "
        f"to the power **{long.exponent:.2f}**, its peak memory to the power **{memory.exponent:.2f}**; at a power "
        "of 2, "
        "twice the text costs four times as much."
    ]
    if abs(long.exponent - 2) > ROUNDING:
        steps = [f"{factor:.2f} (to {n:,})" for n, factor in doublings(attention, milliseconds) if n > long.low]
        said.append(
            "**Not the clean quadratic curve of the textbooks**: from one length to the next the time grows by a "
            f"factor of {_join(steps)}, where quadratic growth would give 4 each time. Counts are smooth; the "
            "machine’s time is not."
        )
    if short.exponent < 2 - ROUNDING:
        said.append(
            f"**For short texts the cost is not quadratic**: from {short.low} to {short.high} tokens the time grows "
            f"only as n to the power {short.exponent:.2f}, since most of the work there is in the projections, which "
            "grow with n."
        )
    dearer = [a.n for a, b in zip(attention, recurrent, strict=True) if a.seconds > b.seconds]
    said.append(
        f"It takes longer than an LSTM of the same width only from {min(dearer):,} tokens upwards."
        if dearer and dearer == [a.n for a in attention if a.n >= min(dearer)] and len(dearer) < len(attention)
        else f"It takes longer than an LSTM of the same width at {_list(dearer)} tokens."
        if dearer
        else "At no length does it take longer than an LSTM of the same width."
    )
    (_, fused), last, kept = halves(layers[FUSED], mebibytes), layers[FUSED][-1], attention[-1]
    said.append(
        f"**Quadratic memory is not inevitable**: when fused, the same layer never stores its weights, and its memory "
        f"grows as the length to the power {fused.exponent:.2f} ({last.peak_bytes / 2**20:.1f} instead of "
        f"{kept.peak_bytes / 2**20:.1f} MiB at {last.n:,} tokens). Headlight stores them in order to show them."
    )
    return said


def describe_pair(transformer: Card, lstm: Card, steps: tuple[int, int]) -> list[str]:
    """Which of a shipped pair scores higher, and whether they were trained the same way; ``steps`` are the updates of
    each."""
    scores = [
        ("BLEU", "", transformer.bleu, lstm.bleu, BLEU_BY_CHANCE),
        ("exact match", "%", transformer.exact_match, lstm.exact_match, _by_chance(transformer, lstm)),
    ]
    said = []
    for name, unit, ours, theirs, chance in scores:
        if ours is not None and theirs is not None:
            who = "Transformer" if ours > theirs else "LSTM"
            which = "Both score the same" if ours == theirs else f"The {who} is ahead"
            doubt = f": a difference below {chance:.2f} may be chance" if 0 < abs(ours - theirs) < chance else ""
            said.append(f"{which} in {name}, {ours:.2f} against {theirs:.2f}{unit}{doubt}.")
    if steps[0] != steps[1]:
        said.append(
            f"They were not trained for the same number of updates ({steps[0]:,} and {steps[1]:,}), so this compares "
            "the models that ship, not the architectures."
        )
    return said


def _by_chance(a: Card, b: Card) -> float:
    """By how many points two equal exact-match rates may differ by chance: two standard deviations of the difference of
    two binomials. 0 if a card does not say how many texts it was scored on."""
    if a.scored is None or b.scored is None:
        return 0.0
    right = ((a.exact_match or 0) + (b.exact_match or 0)) / 200
    return 100 * 2 * math.sqrt(right * (1 - right) * (1 / a.scored + 1 / b.scored))


def step_table(points: Sequence[StepTime]) -> str:
    """Times and counts at each length."""
    found = by_architecture(points)
    rows = [
        f"| {a.n} × {a.texts} | {1000 * a.seconds:,.0f} ms | {1000 * b.seconds:,.0f} ms | {a.in_sequence} "
        f"| {b.in_sequence:,} |"
        for a, b in zip(found["transformer"], found["lstm"], strict=True)
    ]
    head = "| tokens × texts | Transformer | LSTM | in sequence: Transformer | LSTM |"
    return "\n".join([head, "| ---: | ---: | ---: | ---: | ---: |", *rows])


def cost_table(points: Sequence[LayerCost], counted: Sequence[Cost]) -> str:
    """Powers of the length that were fitted, beside what the paper counts; ``counted`` at the longest length."""
    counts = {name: cost for cost in counted for name in cost.measured}
    rows, ranges = [], ""
    for name, costs in by_layer(points).items():
        (short, long), (_, memory) = halves(costs, milliseconds), halves(costs, mebibytes)
        cost = counts[name]
        ranges = f"{short.low:,} to {short.high:,}", f"{long.low:,} to {long.high:,}"
        rows.append(
            f"| {name} | ${cost.operations_formula}$ | {cost.operations:,} | {short.exponent:.2f} "
            f"| {long.exponent:.2f} | {memory.exponent:.2f} |"
        )
    longest = max(point.n for point in points)
    head = (
        f"| layer | operations (table 1) | at n = {longest:,} | exponent of time, {ranges[0]} | {ranges[1]} | of "
        f"memory, {ranges[1]} |"
    )
    return "\n".join([head, "| --- | ---: | ---: | ---: | ---: | ---: |", *rows])


def card_table(cards: Sequence[tuple[Card, int]]) -> str:
    """The scores of a pair; with each card the updates of its training."""
    rows = [
        f"| {card.name} | {card.parameters:,} | {steps:,} | {_score(card.bleu)} | {_score(card.exact_match, '%')} |"
        for card, steps in cards
    ]
    return "\n".join(
        ["| checkpoint | parameters | updates | BLEU | exact match |", "| --- | ---: | ---: | ---: | ---: |", *rows]
    )


def milliseconds(cost: LayerCost) -> float:
    return 1000 * cost.seconds


def mebibytes(cost: LayerCost) -> float:
    return cost.peak_bytes / 2**20


COSTS: dict[str, Callable[[LayerCost], float]] = {"milliseconds": milliseconds, "MiB at most": mebibytes}


def _score(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:.2f}{unit}"


def _times(ratio: float, who: str) -> str:
    if abs(ratio - 1) < ALIKE:
        return "they differ by less than a tenth"
    return f"{who} takes {ratio:.1f} times as long" if ratio > 1 else f"{who} takes {ratio:.0%} of the time"


def _factor(ratio: float) -> str:
    return f"{ratio:.1f} times"


def _reach(distance: int, longest: int) -> str:
    if not distance:
        return "at no distance"
    return f"up to {distance} tokens" + (" (the longest distance tried)" if distance == longest else "")


def _list(numbers: Sequence[int]) -> str:
    return _join([f"{number:,}" for number in numbers])


def _join(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
