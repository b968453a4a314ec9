"""What the steps of an anatomy are called, and what is said about them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from itertools import groupby
from types import MappingProxyType

import numpy as np

from model.anatomy.steps import Anatomy, Step, agrees
from viz.look.look import Look
from viz.look.numbers import power_of_ten
from viz.look.theme import show_token
from viz.look.words import KIND_NAMES

STAGES: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "From tokens to the layer’s input": ("token", "position", "sum", "input", "self_attention", "memory", "normed"),
        "Query, keys and values": ("query", "key", "value", "turned_query", "turned_key"),
        "From scores to attention weights": (
            "products", "scaled", "factor", "multiplied", "distance_bias", "biased", "masked", "weights",
        ),
        "What the head gathers": ("weighted", "head", "heads"),
        "Leaving the attention sublayer": ("projected", "attention_sum", "attention_normed"),
        "Cross-attention": ("cross_attention",),
        "Feed-forward": ("forward_normed", "hidden", "forwarded", "forward_sum", "output"),
    }
)  # fmt: skip
"""All possible steps, under their headings."""

NORMALISED = "Each vector gets mean 0 and standard deviation 1, then gain γ and shift β."
TITLES: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "token": ("Token embedding", "The row of each token in the embedding matrix, times √d_model."),
        "position": ("Positional encoding", "The position of each token; i counts from 0."),
        "sum": ("Sum: the input of layer 1", "Token and position in one vector."),
        "input": ("Input of the layer", "What the previous layer produced, for every token."),
        "self_attention": (
            "Self-attention of this layer",
            "It comes first in a decoder layer; choose “Decoder self” to take it apart. Shown for the query token "
            "only.",
        ),
        "memory": ("Memory", "The encoder’s output: a vector for each source token."),
        "normed": ("LayerNorm before the attention", NORMALISED),
        "query": ("Query", "What the query token asks for, in this head."),
        "key": ("Keys", "What queries are compared with: one key for each token."),
        "value": ("Values", "What each token passes on when it is attended to."),
        "turned_query": ("Query, rotated", "Rotary encoding: each pair of numbers is rotated by an angle that depends "
        "on the position."),
        "turned_key": ("Keys, rotated", "So a score depends on the offset between query and key."),
        "products": ("Dot products", "How well the query matches each key: large if they point the same way."),
        "scaled": ("Divided by √d_head", "So that scores do not grow with the size of a head."),
        "factor": (
            "Scaling of the scores",
            "What the positional encoding multiplies this query’s scores by; n_t is the number of keys it may look at.",
        ),
        "multiplied": ("Scores times their factor", "The larger the factor, the sharper the attention."),
        "distance_bias": ("Distance bias", "What the encoding adds to a score; j and t are positions."),
        "biased": ("Scores with their bias", "Match and distance in one number."),
        "masked": ("Mask", "A decoder may not look at what comes later."),
        "weights": ("Softmax: the attention weights", "They sum to 1: this is the row in Explore’s heatmap."),
        "weighted": ("Weighted values", "Each value times its attention weight."),
        "head": ("Output of the head", "The sum of the weighted values."),
        "heads": ("All heads side by side", "The other heads of this layer, each with its own weight matrices."),
        "projected": ("W_O mixes the heads", "The heads’ outputs already make d_model numbers; W_O combines them."),
        "attention_sum": ("Residual", "The input is added to what was gathered."),
        "attention_normed": ("LayerNorm", NORMALISED),
        "cross_attention": (
            "Cross-attention of this layer",
            "It comes next in a decoder layer; choose “Cross” to take it apart. Shown for the query token only.",
        ),
        "forward_normed": ("LayerNorm before the feed-forward", NORMALISED),
        "hidden": ("Feed-forward, first layer", "A wider vector, passed through the activation function."),
        "forwarded": ("Feed-forward, second layer", "Back to d_model numbers."),
        "forward_sum": ("Residual", "The input is added again."),
        "output": ("Output of the layer", "What the next layer reads; after the last layer, the result."),
    }
)  # fmt: skip
"""Title and explanation of each step."""

NO_MASK = "Every token may be attended to here: nothing is masked."
WEIGHT_NAMES = MappingProxyType(
    {
        "token": {"rows": "W_E[token]"},
        "query": {"weight": "W_Q", "bias": "b_Q"},
        "key": {"weight": "W_K", "bias": "b_K"},
        "value": {"weight": "W_V", "bias": "b_V"},
        "projected": {"weight": "W_O", "bias": "b_O"},
        "hidden": {"weight": "W₁", "bias": "b₁"},
        "forwarded": {"weight": "W₂", "bias": "b₂"},
    }
)
OTHER_NAMES = MappingProxyType({"gain": "γ", "shift": "β", "table": "table"})


def stages(anatomy: Anatomy) -> list[tuple[str, list[Step]]]:
    """The steps in their order, under their headings."""
    headings = {name: heading for heading, names in STAGES.items() for name in names}
    if anatomy.kind == "decoder":  # what the encoder gave is read after the attention that is taken apart
        headings["memory"] = headings["cross_attention"]
    return [(heading, list(steps)) for heading, steps in groupby(anatomy.steps, lambda step: headings[step.name])]


def explanation(anatomy: Anatomy, step: Step) -> str:
    """A sentence on the step."""
    if step.name == "masked" and np.isfinite(step.value).all():
        return NO_MASK
    if step.name == "output" and "forward_sum" not in step.inputs:
        return f"The residual: the input is added. {TITLES['output'][1]}"
    return TITLES[step.name][1]


def weight_name(step: Step, name: str) -> str:
    """What a parameter is called in the formula."""
    return WEIGHT_NAMES.get(step.name, {}).get(name, OTHER_NAMES.get(name, name))


def shapes(anatomy: Anatomy, step: Step) -> str:
    """The shapes of what goes in, and of what comes out, such as ``[15×128], W_K [128×32], b_K [32] → [15×32]``."""
    parts = [_shape(anatomy.step(name).value) for name in dict.fromkeys(step.inputs)]
    shown = {"weight", "bias", "rows", "table", "gain", "shift"} & step.weights.keys() if len(step.weights) < 5 else ()
    parts += [f"{weight_name(step, name)} {_shape(step.weights[name])}" for name in step.weights if name in shown]
    return f"{', '.join(parts)} → {_shape(step.value)}" if parts else _shape(step.value)


def introduction(look: Look, anatomy: Anatomy) -> str:
    """What is taken apart, as HTML."""
    query, row = f"{_quoted(anatomy.tokens[anatomy.query])}, token {anatomy.query + 1}", ""
    if anatomy.predicted is not None:
        row = f", row {_quoted(look.attention_map.row_names()[look.row])}"
        query += f": the model has just read it, and writes {_quoted(anatomy.predicted[anatomy.query])} next"
    return (
        f"<b>{KIND_NAMES[look.kind]}, layer {look.layer + 1}, head {look.head + 1}{row}.</b> The query token "
        f"<i>t</i> is {query}. It is framed below."
    )


def total(anatomy: Anatomy, differences: Mapping[str, float | None]) -> str:
    """How many steps were computed again, and with what success, as HTML."""
    known = [(step, d) for step in anatomy.steps if (d := differences[step.name]) is not None]
    wrong = [step for step, difference in known if not agrees(step, difference)]
    if wrong:
        return f"{badge(False, f'{len(wrong)} of {len(known)} steps')} do not follow from the numbers shown."
    taken = len(anatomy.steps) - len(known)
    rest = f" ({taken} more {'is' if taken == 1 else 'are'} taken from elsewhere in the model)" if taken else ""
    worst = power_of_ten(max(difference / max(1.0, step.largest) for step, difference in known))
    return (
        f"{badge(True, f'All {len(known)} steps agree')}{rest} with NumPy, which recomputes each from "
        f"the numbers shown, to within {worst} (relative to the largest number of the step, if that is above 1)."
    )


def verdict(anatomy: Anatomy, step: Step, difference: float | None) -> str:
    """Whether the second opinion agrees, or that there is none, the shapes, and anything else worth saying; as HTML."""
    agreed, words, more = _opinion(anatomy, step, difference)
    return f"{badge(agreed, words)} <small>{shapes(anatomy, step)}{f'. {more}' if more else ''}</small>"


def badge(good: bool | None, words: str) -> str:
    """A few words that say whether something is right, as HTML; None where nobody can tell."""
    colour, mark = {True: ("green", "✓ "), False: ("red", "✕ "), None: ("gray", "")}[good]
    return f'<span class="badge {colour}">{mark}{words}</span>'


def _opinion(anatomy: Anatomy, step: Step, difference: float | None) -> tuple[bool | None, str, str]:
    """Whether the second opinion agrees (None: there is none), the same in a few words, and anything else worth
    saying."""
    if difference is None:
        where = "the encoder" if step.name == "memory" else f"layer {anatomy.layer}"
        more = "" if step.name == "memory" else "Choose that layer above to see how this was computed."
        return None, f"from {where}", more
    if difference == 0:
        return True, "recomputed; equal", ""
    agreed, by = agrees(step, difference), power_of_ten(difference)
    among = f"Largest entry: {step.largest:.0f}." if step.largest >= 10 else ""
    return agreed, f"recomputed; {'agrees to within' if agreed else 'differs by'} {by}", among


def _quoted(token: str) -> str:
    return f"“{html.escape(show_token(token))}”"


def _shape(array: np.ndarray) -> str:
    return f"[{'×'.join(map(str, array.shape))}]"
