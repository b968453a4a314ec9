"""Checkpoints: what is open, what it is made of, and what can be done with it here."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import streamlit as st

from model.checkpoint import Checkpoint
from model.config import to_dict
from model.network.capabilities import Capability
from model.trace import Kind
from viz.figures.checkpoints import distribution, spectra
from viz.look.elsewhere_words import why_not
from viz.look.numbers import number
from viz.look.theme import code_for_markdown, for_markdown
from viz.look.words import SHORT_KIND_NAMES
from viz.pages.shared.choices import choose_checkpoint
from viz.pages.shared.frame import WIDTHS, chart, choose_part, style, title_beside
from viz.state import checkpoints as state
from viz.state import opening, session, tracing

STYLE = """
.st-key-cards table { display: block; overflow-x: auto; }
.st-key-cards h3 { padding-top: 0; }
.st-key-cards thead { display: none; }
.st-key-cards td:last-child { overflow-wrap: anywhere; }
.st-key-cards ul { list-style: none; margin: 0; padding: 0; }
.st-key-cards li { margin-left: 0; }
.st-key-model_card { padding-top: 0.5rem; }
"""
ROOM = (1860, 640)
"""Pixels, in a presentation, for a figure."""
ABILITIES = {
    Capability.TYPING: "Read any text you type",
    Capability.WRITING: "Write, and show the likeliest tokens at each step",
    Capability.SEARCH: "Beam search, as a tree",
    Capability.HEADS: "Anatomy and Guide: take a head apart, number by number",
    Capability.POSITIONS: "Positions: move words around, and change the positional encoding",
}
"""What a page can do with a model that has a capability."""

BLEU = (
    "BLEU, from 0 to 100: how many of a translation’s words and sequences of up to four words also appear in a "
    "reference translation (Papineni et al. 2002). chrF: an F-score over character sequences (Popović 2015)."
)


def page() -> None:
    """One part at a time."""
    style(STYLE)
    with title_beside("Checkpoints", "The open checkpoint, and what it is made of."):
        opened = choose_checkpoint()
    if opened is not None:
        PARTS[choose_part(PARTS)](opened)


def _cards(opened: Checkpoint) -> None:
    with st.container(key="cards"):
        left, right = st.columns(WIDTHS, gap="medium")
        with left:
            _card(opened)
        with right:
            _abilities(opened)
            _model_card(opened)


def _card(opened: Checkpoint) -> None:
    said = _of_our_own(opened) if opened.elsewhere is None else dict(opened.elsewhere.card())
    if Capability.TYPING in opened.model.can:
        seconds, n = state.pass_takes(opened)
        said["One pass here"] = f"{1000 * seconds:,.0f} ms for {n} tokens, with all patterns"
    rows = "\n".join(f"| {name} | {for_markdown(text)} |" for name, text in {"Name": opened.name, **said}.items())
    st.markdown(f"| | |\n| --- | --- |\n{rows}")
    st.markdown(f"SHA-256 {code_for_markdown(opened.digest)}")


def _of_our_own(opened: Checkpoint) -> dict[str, str]:
    config = opened.config
    reads = {"transformer": "Transformer, encoder and decoder", "decoder": "Transformer, decoder only", "lstm": "LSTM"}
    return {
        "Family": f"Headlight: {reads[config.architecture]}",
        "Task": opened.task,
        "Parameters": f"{sum(one.n for one in state.parameters(opened)):,}",
        "Layers": str(config.n_layers),
        "Heads": f"{config.n_heads} per layer",
        "Vocabulary": f"{config.vocab_size:,} tokens",
        "Longest text": f"{config.max_len:,} tokens",
        "Positional encoding": config.positional,
    }


def _abilities(opened: Checkpoint) -> None:
    st.subheader("What you can do with it here")
    lines = ["- :green[:material/check:] Explore: every pattern of every layer and head, the atlas, the export"]
    for capability, does in ABILITIES.items():
        if capability in opened.model.can:
            lines.append(f"- :green[:material/check:] {does}")
        else:
            lines.append(f"- :gray[:material/close:] {does}. {_not_here(opened, capability)}")
    if opened.elsewhere is not None and (mask := opened.elsewhere.mask):
        lines.append(f"- :green[:material/check:] Fill gaps: type {code_for_markdown(mask)} in place of a word")
    if opened.elsewhere is not None and Capability.TYPING in opened.model.can:
        lines.append(
            "- :green[:material/check:] Proof, on Explore: NumPy recomputes a head, where the model family allows it"
        )
    st.markdown("\n".join(lines))


def _not_here(opened: Checkpoint, capability: Capability) -> str:
    if opened.elsewhere is not None and capability in (Capability.HEADS, Capability.POSITIONS):
        return "Only for models trained by Headlight."
    return f"This one {why_not(opened, capability)}."


def _head(opened: Checkpoint) -> None:
    shown = tracing.trace(opened, opening.example(opened))
    with st.container(horizontal=True):
        kind: Kind = st.segmented_control(
            "Attention", shown.kinds, format_func=SHORT_KIND_NAMES.__getitem__, default=shown.kinds[0], required=True,
            key="matrices_kind",
        )  # fmt: skip
        layers, heads = shown.map(kind).n_layers, shown.map(kind).n_heads
        numbers = shown.map(kind).layer_numbers or range(1, layers + 1)
        layer = st.selectbox("Layer", numbers, key="matrices_layer", width=88)
        head = st.selectbox("Head", range(1, heads + 1), key="matrices_head", width=88)
    try:
        found = state.circuit(opened, kind, numbers.index(layer), head - 1)
    except ValueError as why:
        st.info(for_markdown(str(why)))
        return
    chart(spectra(found.query_key, found.value_output, theme=session.theme()), "spectra", room=ROOM)
    st.caption(
        "A head compares tokens by $W_Q W_K^\\top$; what it moves from one to another is the token’s vector times $W_V "
        "W_O$ (Elhage et al. 2021). Each of these two products has at most $d_\\text{head}$ nonzero singular values; "
        "the faster they fall, the fewer directions matter. Biases, norms and positional encodings are left out."
    )


def _parameters(opened: Checkpoint) -> None:
    known = state.parameters(opened)
    if not known:
        st.info("A recording has patterns, but no parameters.")
        return
    table = pd.DataFrame(
        {
            "name": [one.name for one in known],
            "shape": [" × ".join(map(str, one.shape)) for one in known],
            "numbers": [one.n for one in known],
            "norm": [one.norm for one in known],
            "largest magnitude": [one.largest for one in known],
        }
    )
    chosen = st.dataframe(
        table.style.format({"numbers": "{:,}", "norm": number, "largest magnitude": number}),
        key="parameters",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=480,
    )
    st.caption(
        f"{len(known):,} tensors, {sum(one.n for one in known):,} numbers. The norm is the square root of the sum of "
        "squares. "
        "Tick a row to see how its numbers are distributed."
    )
    if rows := chosen["selection"]["rows"]:
        name = known[rows[0]].name
        st.markdown(f"**{for_markdown(name)}**")
        chart(distribution(*state.histogram(opened, name), theme=session.theme()), "distribution", room=ROOM)


def _model_card(opened: Checkpoint) -> None:
    """What its makers say of it; the place is kept for one without."""
    with st.container(key="model_card"):
        if card := state.card(opened):
            with st.expander("Model card: what it is for, licence, data, training, scores and limits"):
                st.caption(BLEU if "BLEU" in card else "")
                st.markdown(card)


def _configuration(opened: Checkpoint) -> None:
    said = to_dict(opened.config) if opened.elsewhere is None else dict(opened.elsewhere.configuration())
    named = {"Configuration": said, "How it was trained": dict(opened.training)}
    shown = {name: values for name, values in named.items() if values}
    if not shown:
        st.info("A configuration says how a model is built. A recording has none.")
        return
    for place, (name, values) in zip(st.columns(len(shown), gap="medium"), shown.items(), strict=True):
        with place:
            st.markdown(f"**{name}**")
            st.code(json.dumps(values, indent=2, ensure_ascii=False, default=str), language="json", height=640)


PARTS: dict[str, Callable[[Checkpoint], None]] = {
    "What it is": _cards,
    "What a head’s matrices do": _head,
    "Parameters": _parameters,
    "Configuration": _configuration,
}
