"""Explore, the first page: type a sentence, see its translation and the attention that made it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from model.checkpoint import Checkpoint
from model.network.capabilities import Capability
from model.trace import Trace
from viz.components import output
from viz.components.pictures import PicturesData, pictures, pictures_data
from viz.components.views import VIEWS
from viz.look.choice import row_options
from viz.look.examples import translates
from viz.look.forcing import Forcing
from viz.look.look import Chosen, Look
from viz.look.picture import Display, Picture, rows_shown
from viz.look.scene import Scene, scene
from viz.look.words import meaning, unit_of
from viz.pages import link_to
from viz.pages.explore import experiment
from viz.pages.explore.atlas import atlas_panel
from viz.pages.explore.decoder import decoder_panel
from viz.pages.explore.elsewhere import choose_more, mask_button
from viz.pages.explore.export import export_panel
from viz.pages.explore.proof import proof_panel
from viz.pages.shared import live
from viz.pages.shared.choices import (
    choose_checkpoint,
    choose_display,
    choose_example,
    choose_kind,
    choose_layer_and_head,
    choose_view,
    left_out_notice,
    type_source,
)
from viz.pages.shared.forcing import forcing_notice
from viz.pages.shared.frame import style, title_beside
from viz.state import choosing, clicked, link, presentation, session
from viz.state import decoder as decoding
from viz.state.address import addresses
from viz.state.session import Following

DECODER, PROOF = "Decoder", "Proof"
# By the name on its button, what opens below the pictures.
PANELS: dict[str, Callable[[Look, Picture, Display], None]] = {
    DECODER: lambda look, shown, display: decoder_panel(look),
    "Atlas": lambda look, shown, display: atlas_panel(look, display),
    PROOF: lambda look, shown, display: proof_panel(look),
    "Export": export_panel,
}
STYLE = f"""{output.CSS}{experiment.CSS}
.stMainBlockContainer {{ padding-top: 3.75rem; }}
.st-key-top label {{ display: none; }}
.st-key-top [data-testid="stHorizontalBlock"] {{ align-items: center; }}
.st-key-meaning [data-testid="stMarkdownContainer"] {{ margin: 0; }}
.st-key-meaning p {{ font-size: var(--type-lede); line-height: 1.3; margin: 0; }}
.st-key-texts {{ display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 2rem; }}
.st-key-examples [data-testid="stButtonGroup"] > div {{ flex-wrap: nowrap; overflow-x: auto; scrollbar-width: none; }}
.st-key-examples [data-testid="stButtonGroup"] button {{ flex: none; }}
.st-key-explore {{
  --chooser: clamp(20rem, 26vw, 32.5rem);
  --beside: clamp(21rem, 24vw, 29rem);
  --above: 29.5rem;
  gap: 0.75rem;
}}
.st-key-stage {{
  display: grid;
  grid-template-columns: var(--chooser) minmax(0, 1fr);
  gap: 0.75rem 2rem;
  align-items: start;
}}
.st-key-stage > .st-key-pictures {{ grid-column: 1 / 3; }}
.st-key-stage > :has(> .st-key-what_if) {{ grid-column: 1 / -1; order: 1; }}
@media (min-width: 1200px) {{
  .st-key-stage:has(.st-key-what_if) {{ grid-template-columns: var(--chooser) minmax(0, 1fr) var(--beside); }}
  .st-key-stage > :has(> .st-key-what_if) {{ grid-column: 3; grid-row: 1 / 3; }}
}}
@media (max-width: 900px) {{
  .stMainBlockContainer {{ padding: 3.875rem 1rem 2rem; }}
  .st-key-explore {{ --above: 27.5rem; gap: 0.5rem; }}
  .st-key-top [data-testid="stHorizontalBlock"] {{ flex-wrap: nowrap; gap: 0.5rem; }}
  .st-key-top [data-testid="stColumn"] {{ flex: 1 1 auto; min-width: 0; width: auto; }}
  .st-key-top [data-testid="stColumn"]:first-child {{ flex: none; }}
  .st-key-top h1.headlight {{ font-size: var(--type-heading); }}
  .st-key-top h1.headlight small, .st-key-source label, .st-key-top [data-testid="stPopover"] p {{ display: none; }}
  .st-key-texts, .st-key-stage {{ grid-template-columns: minmax(0, 1fr); gap: 0.5rem; }}
  .st-key-stage > .st-key-pictures {{ grid-column: 1; order: -1; }}
  .st-key-meaning p {{ font-size: var(--type-heading); line-height: 1.25; }}
}}
"""


ON_A_WALL = """
.st-key-explore { --above: 20rem; }
.st-key-what_if figure { max-width: 5.5rem; }
.pictures .st-key-reading p:nth-child(n + 2) { display: none; }
@media (min-width: 1200px) {
  .pictures { grid-template-areas: "overview words" "overview head" "reading head"; }
}
"""
"""Nothing that is needed lies below the fold: of the notes only the strongest links stay, below the small maps."""


def page() -> None:
    """The whole page; what changes with the text, or with how one looks at it, is a fragment of its own."""
    style(STYLE if presentation.controls_shown() else STYLE + ON_A_WALL)
    with st.container(key="explore"):
        with st.container(key="top"), title_beside("Headlight", "See what a Transformer pays attention to."):
            opened = choose_checkpoint()
        if opened is not None:
            _live(opened)


@st.fragment
def _live(opened: Checkpoint) -> None:
    """The text, how to look at it, and the pictures, which while someone types are ahead of the rest (see `live`)."""
    meant = st.container(key="meaning")
    decoding.begin()
    forced = decoding.forced(opened)
    link.begin_source(opened)
    link.typed_trace(opened, forced)  # before anything is sent, so that the browser draws once
    with st.container(key="texts"):
        trace = type_source(opened, forced, followed=True)
        st.container(key="translation").html(output.HTML)
    with st.container(key="controls_examples"):
        choose_example(opened)
    with st.container(key="going_on"):
        choose_more(opened)
    left_out_notice(trace)
    forcing_notice(opened, trace, forced, chosen_below=link.asked("panel") == DECODER)
    with st.container(key="stage"):
        chosen = _choose(opened, forced, trace)
        look = chosen.look(trace)
        beside = st.container(key="what_if") if experiment.can_experiment(opened) else None
        meant.markdown(_meaning(chosen, trace))
        seen = scene(chosen, look)
        name = live.follow(Following(opened, forced, partial(_of_text, chosen)))
        pictures(_drawn(seen, link.source()), visitor=name, field="source", output="translation")
        if beside is not None:
            with beside:
                what = experiment.choose_experiment(opened, look.layer, look.head)
                experiment.show_experiment(look, chosen, what)
    further = st.container(key="controls_further").container(
        horizontal=True, vertical_alignment="center", key="further"
    )
    with further:
        name = _choose_panel(opened)
        mask_button(look)
        _to_anatomy(look)
    if name is not None:
        with st.container(key="panel_body"):
            PANELS[name](look, seen.shown, chosen.display)


def _of_text(chosen: Chosen, trace: Trace, text: str) -> PicturesData:
    """What the browser draws of another text, with what was chosen for this one."""
    return _drawn(scene(chosen, chosen.look(trace)), text)


def _drawn(seen: Scene, text: str) -> PicturesData:
    return pictures_data(seen, addresses(seen.chosen, seen.look, text, first_view=VIEWS[0].name), text)


def _meaning(chosen: Chosen, trace: Trace) -> str:
    """What the large picture shows, before any term."""
    opened, known = chosen.opened, translates(chosen.opened)
    return meaning(
        chosen.kind,
        chosen.view,
        rows_shown(trace.map(chosen.kind), chosen.display),
        unit=unit_of(opened.task),
        source=known.source if known else "",
        target=known.target if known else "",
        reads_in_decoder=Capability.ENCODER not in opened.model.can,
        dark=chosen.theme.name == "dark",
    )


def _choose(opened: Checkpoint, forced: Forcing, trace: Trace) -> Chosen:
    """How to look at whatever is typed."""
    with st.container(key="controls_kinds"):
        kind = choose_kind(opened, trace, labelled=False)
    with st.container(key="controls_looks", horizontal=True, vertical_alignment="center"):
        view = choose_view()
        with st.popover("Display", icon=":material/tune:"):
            with st.container(horizontal=True):
                layer, head = choose_layer_and_head(opened, trace, trace.map(kind))
            display = choose_display()
    rows = row_options(trace.map(kind))
    clicked.keep_pinned(rows)
    return Chosen(
        opened=opened,
        forced=forced,
        kind=kind,
        layer=layer,
        head=head,
        row_name=clicked.pinned(rows),
        others=clicked.others(),
        view=view,
        overlay=clicked.overlay(trace.map(kind).n_heads, head),
        zoom=clicked.zoom(),
        mean=clicked.mean(trace.map(kind).n_layers, trace.map(kind).n_heads) if display.means else "",
        display=display,
        theme=session.theme(),
    )


def _choose_panel(opened: Checkpoint) -> str | None:
    """What a person opens below the pictures."""
    has = {DECODER: Capability.WRITING in opened.model.can, PROOF: opened.elsewhere is not None}
    names = [name for name in PANELS if has.get(name, True)]
    choosing.keep_choice("panel", names, None)
    return st.segmented_control(
        "Go further",
        names,
        key="panel",
        bind="query-params",
        label_visibility="collapsed",
    )


def _to_anatomy(look: Look) -> None:
    """The way from the framed row to the page that computes it again, where there is one for this model."""
    if Capability.HEADS not in look.opened.model.can:
        return
    # Checkpoint, text, kind, head and row go along; see viz.state.link.show_page.
    link_to("anatomy", "Take the selected row apart, step by step", icon="account_tree")
