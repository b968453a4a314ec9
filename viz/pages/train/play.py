"""The animation of one head over the steps of a run, and taking it along."""

from __future__ import annotations

from functools import partial

import numpy as np
import streamlit as st

from model.heads.history import MOST_TOKENS, History, formed_at
from model.heads.measures import Measure
from model.trace import Kind, Trace
from viz.components.film import PLAYER, STYLE, film_component
from viz.export.film import Film, film_gif, film_html
from viz.export.provenance import Provenance, file_name
from viz.look.words import NAMED_BY
from viz.state import session


def play(
    history: History, name: str, trace: Trace, kind: Kind, head: tuple[int, int], one: Measure, *, link: str
) -> None:
    """Play one head (layer, head from 0) of run ``name``; ``trace`` tells the names of rows and columns."""
    if not history.moments[-1].levels:
        st.info(
            f"The animation is for texts of up to {MOST_TOKENS} tokens. This one is longer, so its pictures at all "
            "steps would be too much to send. The slider below shows each step."
        )
        return
    film = film_of(history, name, trace, kind, head, one, link=link)
    theme = session.theme()
    film_component(film, theme=theme, key="machine_film")
    web_page = partial(film_html, player=PLAYER, style=STYLE)
    with st.container(horizontal=True, vertical_alignment="center"):
        for form, make, mime in (("HTML", web_page, "text/html"), ("GIF", film_gif, "image/gif")):
            st.download_button(
                f"Download {form}",
                partial(make, film, theme),
                file_name=file_name(film.made, "training", form.lower()),
                mime=mime,
                on_click="ignore",
                key=f"machine_take_{form.lower()}",
            )
        st.caption(
            "The HTML plays offline; the GIF, in slides and documents. Both say which run, checkpoints (by "
            "digest), sentence and head they show, and what each axis is."
        )


def film_of(
    history: History, name: str, trace: Trace, kind: Kind, head: tuple[int, int], one: Measure, *, link: str
) -> Film:
    """The film of one head."""
    shown = trace.map(kind)
    values = history.values(kind)[one.name][:, *head]
    high = one.high if one.high is not None else max(1.0, float(np.nanmax(np.append(values, 0))))
    rows = "" if kind == "encoder" else f"; a row is named by {NAMED_BY['both']}"
    made = Provenance(
        checkpoint=name,
        digest=history.moments[-1].digest,
        source=trace.source,
        target=trace.target,
        decoding="the output was given, the same at every step (teacher forcing)",
        kind=kind,
        layer=head[0] + 1,
        head=head[1] + 1,
        display=f"colour scale: linear{rows}; weights are rounded to 1/255",
        notes=tuple(f"step {step} is left out: {why}" for step, why in history.skipped),
        link=link,
    )
    return Film(
        made=made,
        kind=kind,
        rows=shown.row_names(),
        columns=shown.key_tokens,
        steps=history.steps,
        digests=tuple(moment.digest for moment in history.moments),
        written=tuple(moment.written for moment in history.moments),
        levels=np.stack([moment.levels[kind][head] for moment in history.moments]),
        measure=one.name,
        values=values,
        low=one.low,
        high=high,
        formed=formed_at(history.steps, values, one),
    )
