"""Architectures: what the Transformer buys, measured beside an LSTM of the same size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from model.checkpoint import CheckpointError
from model.compare.cards import PAIRS, Card, read_card
from model.compare.costs import layer_costs
from model.compare.record import Measured, recorded_part
from viz.figures.architectures import cost_figure, distance_figure, step_figure
from viz.look import architecture_words as words
from viz.look.theme import for_markdown
from viz.pages.architectures.measuring_here import measured_here
from viz.pages.shared.frame import WIDTHS, chart, choose_part, style, title
from viz.state import opening, session

ROOM = (1000, 740)
"""Pixels, in a presentation, for the figures of a part, which stand below each other."""
STYLE = """
.stMarkdown table { display: block; overflow-x: auto; }
"""


def page() -> None:
    """One part at a time."""
    style(STYLE)
    title("Architectures", "A Transformer, measured against an LSTM.")
    PARTS[choose_part(PARTS)]()


def _steps() -> None:
    st.markdown(
        "A recurrent network reads one token after another; a Transformer layer reads them all at once. Here both "
        "learn from **the same number of tokens per step**, in many short texts or a few long ones, with one thread."
    )
    theme = session.theme()
    shown = _compare(
        "steps", words.describe_steps, lambda before, here: {"step_time": step_figure(before, here, theme=theme)}
    )
    if shown is not None:
        plan: Any = shown.plan
        points: Any = shown.points
        transformer, lstm = plan.configs().values()
        sizes = {point.architecture: f"{point.parameters:,}" for point in points}
        with st.container(key="aside_steps"):
            st.markdown(words.step_table(points))
        st.caption(
            f"One step is a forward pass, a backward pass and an update on {plan.tokens:,} source and {plan.tokens:,} "
            f"target tokens; the time shown is the fastest of {plan.repeats} runs. Both models have "
            f"{transformer.n_layers} encoder and {transformer.n_layers} decoder layers and d_model "
            f"{transformer.d_model}: a Transformer with {sizes['transformer']} parameters and an LSTM (state size "
            f"{lstm.d_ff}) with {sizes['lstm']}. “In sequence” counts the operations in a forward pass that have to "
            "wait for one another: the sublayers of the Transformer, or the tokens in each layer of the LSTM."
        )


def _distance() -> None:
    st.markdown(
        "A sequence begins with one of eight letters, noise follows, and at the end the model must write that letter "
        "again. For each distance a model learns this **from scratch, on the same budget**. The LSTM gets the sequence "
        "in two ways: as text it has written itself, where only its state can remember, and as its source, where its "
        "attention can look."
    )
    theme = session.theme()
    shown = _compare(
        "distance", words.describe_distance, lambda before, here: {"reach": distance_figure(before, here, theme=theme)}
    )
    if shown is not None:
        plan: Any = shown.plan
        points: Any = shown.points
        parameters = sorted({point.parameters for point in points}, reverse=True)
        st.caption(
            f"Each training run makes {plan.updates} updates on {plan.texts} sequences each; 1 layer, d_model "
            f"{plan.d_model}, {' and '.join(f'{n:,}' for n in parameters)} parameters; tested on {plan.n_tested} "
            f"other sequences. Values are means over {len(plan.seeds)} seed{'s' * (len(plan.seeds) > 1)}, at the "
            f"better of the learning rates {', '.join(f'{rate:g}' for rate in plan.learning_rates)}. With a larger "
            "budget each may reach further."
        )


def _cost() -> None:
    st.markdown(
        "Every token looks at every token: n² weights per head. Here one layer of each kind reads **one text**, "
        "forward pass only. On these axes a power of the length is a straight line."
    )
    theme = session.theme()
    shown = _compare(
        "cost",
        words.describe_cost,
        lambda before, here: {
            title: cost_figure(before, here, what, title, theme=theme) for title, what in words.COSTS.items()
        },
    )
    if shown is not None:
        plan: Any = shown.plan
        points: Any = shown.points
        with st.container(key="aside_costs"):
            st.markdown(words.cost_table(points, layer_costs(max(plan.lengths), plan.d_model)))
        st.caption(
            f"d = {plan.d_model}, {plan.n_heads} heads; time: the fastest of {plan.repeats} runs; memory: the most "
            "PyTorch holds at once for the layer, without its input. Exponents: slopes of straight lines fitted to the "
            "logarithms, drawn bold for the longer lengths. Operations: Vaswani et al. 2017, table 1, which omits all "
            "constants and the projections of attention (n d²)."
        )


def _quality() -> None:
    st.markdown(
        "The models that ship in two versions: a Transformer, and an LSTM with attention of about the same size. "
        "**BLEU**, from 0 to 100, says how many of a translation’s words and sequences of up to four words also appear "
        "in a reference translation (Papineni et al. 2002)."
    )
    for name, other in PAIRS.items():
        st.markdown(f"#### {name}")
        found = [card for card in (_card(name), _card(other)) if card is not None]
        if found:
            st.markdown(words.card_table(found))
        if len(found) == 2:
            (ours, our_steps), (theirs, their_steps) = found
            st.markdown(" ".join(words.describe_pair(ours, theirs, (our_steps, their_steps))))
        missing = {name, other} - {card.name for card, _ in found}
        if missing:
            st.info(f"{' and '.join(sorted(missing))}: not on this server, or without a card.")
    st.caption(
        "Taken from the cards in `model/pretrained/`, which give data, commands and limits. Scored on texts never "
        "used in training; BLEU is cased (13a); the beam width is 5."
    )


def _card(name: str) -> tuple[Card, int] | None:
    """A card, and the updates of its checkpoint, those of the runs it continues included."""
    try:
        card = read_card(name)
        if card is None:
            return None
        return card, card.steps_before + int(opening.open_checkpoint(name).training["step"])
    except (ValueError, KeyError, CheckpointError):
        return None


def _compare(
    part: str, describe: Callable[[Any], Sequence[str]], draw: Callable[[Any, Any], dict[str, go.Figure]]
) -> Measured | None:
    """The figures of what is recorded and what this visitor measured, with what was found in words.

    Returns:
        The record, or what was measured here where there is none.
    """
    before = recorded_part(part)
    if before is None:
        st.info("The recorded measurements are not on this server; you can make them here.")
    left, right = st.columns(WIDTHS[::-1], gap="large")
    with right:
        words_here = st.container()
        with st.container(key="controls_measuring"):
            here = measured_here(part)
    for place, found in (("Recorded", before), ("Measured here", here)):
        if found is not None:
            words_here.markdown(f"**{place}**\n" + "\n".join(f"- {sentence}" for sentence in describe(found.points)))
            words_here.caption(for_markdown(f"{found.date}, {found.machine}"))
    with left:
        figures = draw(before.points if before else (), here.points if here else ())
        for key, figure in figures.items():
            chart(figure, key, room=(ROOM[0], ROOM[1] / len(figures)))
        if before and here:
            st.caption("Lines show what was recorded, rings what was measured here just now, with fewer runs.")
    return before or here


PARTS: dict[str, Callable[[], None]] = {
    "Parallel computation": _steps,
    "Long range": _distance,
    "Cost": _cost,
    "Quality": _quality,
}
