"""A measurement that a visitor starts: it goes on in short portions, shows how far it is, and can be given up."""

from __future__ import annotations

import streamlit as st

from model.compare.record import QUICK, Going, Measured
from viz.state import session

PORTION = 0.3  # seconds of measuring between two looks at the visitor's buttons
PAUSE = 0.05


def measured_here(part: str) -> Measured | None:
    """A button that measures ``part``, or how far that is; what was measured last, None before."""
    if session.kept(_going(part)) is not None:
        _progress(part)
    else:
        st.button(
            "Measure here", key=f"measure_{part}", icon=":material/speed:", on_click=session.keep,
            args=(_going(part), Going(QUICK[part])), help="A shorter run than the recorded one, made here and now.",
        )  # fmt: skip
    return session.kept(_done(part))


@st.fragment(run_every=PAUSE)
def _progress(part: str) -> None:
    """Measure on a little; again and again until all is measured or the visitor cancels."""
    going: Going | None = session.kept(_going(part))
    if going is None:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Cancel", key=f"cancel_{part}", on_click=session.keep, args=(_going(part), None))
        st.progress(going.n_done / going.plan.total, text=f"Measured {going.n_done:,} of {going.plan.total:,} runs")
    going.advance(PORTION)
    if going.done:
        session.keep(_done(part), going.finish())
        session.keep(_going(part), None)
        st.rerun()


def _going(part: str) -> str:
    return f"going {part}"


def _done(part: str) -> str:
    return f"measured {part}"
