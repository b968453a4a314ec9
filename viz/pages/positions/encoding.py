"""The parts of the page Positions that show an encoding by itself, and what it adds to the typed sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st
import torch

from model.checkpoint import Checkpoint, CheckpointError
from model.compare.lengths import PREFIX
from model.config import ENCODING_SIZES, POSITIONALS
from model.interventions.encodings import (
    bias_by_distance,
    queries_keys,
    shift_matrix,
    shift_residual,
    similarity,
    spread_by_distance,
    turned_scores,
    wavelengths,
)
from model.network.positional import ENCODINGS, FARTHEST, Alibi, Encoding, Sinusoidal
from model.trace import Trace
from viz.figures import positions
from viz.look.numbers import power_of_ten
from viz.look.theme import for_markdown, show_token
from viz.pages.positions.added import said_of
from viz.pages.shared.frame import chart
from viz.pages.shared.live import Draw, nothing
from viz.state import opening, session

QUARTER = (900, 265)
"""Pixels, in a presentation, of each of four pictures on one screen."""


def show_encoding(opened: Checkpoint, trace: Trace) -> Draw:
    """An encoding of the reader's choice, as pictures, none of which follows the text."""
    _show_encoding(opened, trace)
    return nothing


def _show_encoding(opened: Checkpoint, trace: Trace) -> None:
    own = opened.config.positional
    with st.container(key="controls_encoding"):
        left, right = st.columns(2, gap="medium")
    with left:
        name = st.selectbox(
            "Encoding",
            POSITIONALS,
            index=POSITIONALS.index(own),
            key="encoding",
            bind="query-params",
            format_func=lambda name: f"{name} (of this model)" if name == own else name,
        )
    with right:
        shown = st.slider("Positions", 8, FARTHEST, 48, key="positions", bind="query-params")
    formula, words = st.columns(2, gap="medium", vertical_alignment="center")
    formula.latex(ENCODINGS[name].formula)
    words.markdown(said_of(ENCODINGS[name]))
    encoding = _encoding(opened, name, shown)
    if encoding is None:
        return
    rotation, factor, bias = encoding.acts
    if encoding.adds:
        _show_table(encoding, shown)
    if rotation is not None:
        _show_rotation(opened, trace, encoding, shown)
    if factor is not None:
        _show_factor(encoding, shown)
    if isinstance(encoding, Alibi):
        _show_alibi(encoding, shown)
    elif bias is not None:
        _show_bias(encoding, shown)


def _encoding(opened: Checkpoint, name: str, shown: int) -> Encoding | None:
    """The encoding ``name``: this model's, or at its sizes by the formula, or learned by the small one that ships."""
    if name == opened.config.positional:
        encoding = opened.model.embedding.positional
        if isinstance(encoding, Sinusoidal):  # no need to stop at max_len
            return encoding.stretched(replace(opened.config, max_len=max(shown, opened.config.max_len)))
        st.caption(f"As {for_markdown(opened.name)} uses it.")
        return encoding
    if ENCODING_SIZES[name].n_parameters(opened.config, shown):
        try:
            small = opening.open_checkpoint(f"{PREFIX}{name}")
        except CheckpointError as error:
            st.warning(
                f"This model has not learned this encoding, and none ships with Headlight. {for_markdown(str(error))}"
            )
            return None
        st.caption(f"This model has not learned one; what you see was learned by `{PREFIX}{name}`.")
        return small.model.embedding.positional
    try:
        return ENCODINGS[name](replace(opened.config, positional=name, max_len=shown))
    except ValueError as error:
        st.warning(f"Not available at this model’s sizes: {for_markdown(str(error))}")
        return None


def _show_table(encoding: Encoding, shown: int) -> None:
    """What is added: the whole, one pair of dimensions, the similarity of positions, and a shift."""
    table, waves = encoding.added()[:shown].numpy(), isinstance(encoding, Sinusoidal)
    theme, (n, d_model) = session.theme(), table.shape
    with st.container(key="controls_pair"):
        pair = st.selectbox(
            "Pair of dimensions",
            range(d_model // 2),
            key="pair",
            bind="query-params",
            format_func=lambda pair: f"{2 * pair} and {2 * pair + 1}",
        )
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Each position is a row.** The framed pair of dimensions is drawn on the right.")
        chart(positions.table_heatmap(table, pair=pair, theme=theme), room=QUARTER)
        st.markdown("**How alike are two positions?** The cosine of their vectors.")
        chart(positions.similarity_heatmap(similarity(table), theme=theme), room=QUARTER)
    with right:
        if waves:
            st.markdown(f"**A wave**: it repeats after {wavelengths(d_model)[pair]:,.1f} positions.")
        else:
            st.markdown("**Two dimensions**, as training left them: nothing makes them waves.")
        chart(positions.wave(table, pair, theme=theme), room=QUARTER)
        if waves:
            _show_shift(table, n)


def _show_shift(table: np.ndarray, n: int) -> None:
    with st.container(key="controls_shift"):
        shift = st.slider("A shift by", 1, 60, 5, key="shift_shown", bind="query-params")
    matrix = shift_matrix(shift, table.shape[1])
    st.markdown(
        f"**A shift is a linear map.** The same matrix $M$ moves every position on by {shift}: "
        rf"$PE_{{pos+{shift}}} = M\,PE_{{pos}}$."
    )
    chart(positions.matrix_heatmap(matrix, theme=session.theme()), room=QUARTER)
    off = f"Show more than {shift} positions to measure how far M is off."
    if shift < n:
        off = (
            f"Measured over the {n - shift} positions on screen, M is off by at most "
            f"{power_of_ten(shift_residual(table, shift))} (float32). It rotates each pair by its own angle, whatever "
            "the position."
        )
    with st.container(key="aside_shift"):
        st.caption(off)


def _show_rotation(opened: Checkpoint, trace: Trace, encoding: Encoding, shown: int) -> None:
    theme, d_head = session.theme(), encoding.config.d_head
    rotation = encoding.rotation(torch.arange(min(16, shown)))
    assert rotation is not None
    names = [f"{place} {show_token(token)}" for place, token in enumerate(trace.maps[0].key_tokens, start=1)]
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(
            "**Rotating pairs.** Where the vector (1, 0) ends up when each of the first 16 positions rotates it."
        )
        turned = torch.atan2(rotation.sin, rotation.cos).numpy()
        pairs = sorted({0, min(1, d_head // 2 - 1), d_head // 2 - 1})
        chart(positions.turning_pairs(turned, pairs, theme=theme))
        st.caption("The first pair rotates by one radian per position, the last by very little: short and long waves.")
    with right:
        with st.container(horizontal=True):
            query_place = names.index(st.selectbox("Query of", names, key="rotary_query", bind="query-params"))
            key_place = names.index(
                st.selectbox("Key of", names, index=min(1, len(names) - 1), key="rotary_key", bind="query-params")
            )
        query, key = queries_keys(opened, trace)
        scores = turned_scores(encoding, query[0, query_place], key[0, key_place], shown)
        st.markdown(
            "**The score depends only on the offset**: how many positions before or after. The same query and key "
            f"({trace.kinds[0]}, layer 1, head 1 of this model), placed at every pair of positions."
        )
        chart(positions.score_heatmap(scores, theme=theme))
        st.caption(f"Cells at the same offset differ by at most {power_of_ten(spread_by_distance(scores))} (float32).")


def _show_factor(encoding: Encoding, shown: int) -> None:
    """What the scores are multiplied by, over the number of keys that a query may look at."""
    seen = torch.arange(1, shown + 1, dtype=torch.float32)
    factor = encoding.factor(lambda: seen[None, None, :, None])
    assert factor is not None
    by_head = factor.expand(1, -1, shown, 1)[0, :, :, 0]  # one row where all heads share it
    st.markdown("**What a score is multiplied by**, depending on how many keys its query may look at.")
    chart(positions.factor_lines(seen.numpy(), by_head.detach().numpy(), theme=session.theme()))


def _show_alibi(encoding: Alibi, shown: int) -> None:
    theme, distance = session.theme(), np.arange(1 - shown, shown)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**The slope of each head.** Heads with a steep slope look nearby, those with a flat one far away.")
        chart(positions.slope_bars(encoding.slopes.numpy(), theme=theme))
    with right:
        st.markdown("**What is added to a score**, depending on the distance. In a decoder only the left half matters.")
        bias = bias_by_distance(encoding, shown - 1, causal=False)
        chart(positions.bias_lines(distance, bias, theme=theme))


def _show_bias(encoding: Encoding, shown: int) -> None:
    theme = session.theme()
    for column, causal in zip(st.columns(2, gap="medium"), (False, True), strict=True):
        with column:
            st.markdown("**In the decoder**, which only looks back" if causal else "**In the encoder**, both ways")
            bias = bias_by_distance(encoding, shown - 1, causal=causal)
            distance = np.arange(1 - shown, 1 if causal else shown)
            chart(positions.bias_lines(distance, bias, theme=theme))
    st.caption(
        "Flat stretches are distances that share a bucket. All layers of a stack add the same numbers. Distances that "
        "never occurred in training keep their initial random numbers."
    )
