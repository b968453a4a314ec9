"""The Guide: Transformers from nothing to reading a head, in the reader's own sentence."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from model.anatomy.bench import AnatomyError
from model.checkpoint import Checkpoint
from model.network.capabilities import Capability
from model.trace import Kind, Trace
from viz.look.choice import AUTO, row_asked
from viz.look.look import Look
from viz.look.theme import for_markdown
from viz.look.words import KIND_NAMES
from viz.pages import link_to
from viz.pages.guide.chapters import CHAPTERS
from viz.pages.guide.chapters.chapter import Chapter, Further, Question
from viz.pages.guide.listing import Source, listing
from viz.pages.guide.plan import show_plan
from viz.pages.shared import live
from viz.pages.shared.choices import (
    choose_checkpoint,
    choose_head,
    choose_kind,
    cut_notice,
    left_out_notice,
    type_source,
)
from viz.pages.shared.frame import WIDTHS, style, title_beside, to_come
from viz.pages.shared.header import turner
from viz.pages.shared.needs_transformer import has, lacks
from viz.state import guide, link, opening
from viz.state.presentation import presenting, turn

ROOT = Path(__file__).parents[3]
NUMBERS = range(1, len(CHAPTERS) + 1)
CODE_HEIGHT, LONGEST_CODE = 560, 28  # pixels, in which longer code scrolls; lines
STYLE = """
.st-key-guide table { font-size: var(--type-small); }
.st-key-slide_figure .head-map { height: 24rem; }
:is(.st-key-variant_right, .st-key-variant_wrong) { min-height: 24rem; }
.st-key-said_variant_compared { min-height: 7.5rem; }
.st-key-contents { display: grid; gap: 0 1rem; }
.st-key-contents button { min-height: 0; padding: 0.1rem 0; text-align: left; }
@media (min-width: 900px) {
  .st-key-contents { grid-template: repeat(11, auto) / repeat(2, max-content); grid-auto-flow: column; }
  [data-testid="stPopoverBody"]:has(.st-key-contents) { max-width: none; }
}
"""
SLIDE = """
.st-key-plan_of_lesson :is(p, li, td, th) { font-size: max(18px, 0.76rem); line-height: 1.28; }
.st-key-plan_of_lesson [data-testid="stMarkdownContainer"] { margin-bottom: 0; }
.st-key-plan_of_lesson :is(td, th) { padding: 0.1rem 0.5rem; }
.st-key-plan_of_lesson :is(p, ul) { margin-bottom: 0.15rem; }
.st-key-guide h2 { padding: 0 0 0.5rem; font-size: var(--type-lede); }
.st-key-slide_text { padding-top: 0.25rem; }
.st-key-guide > .stVerticalBlock, .st-key-guide .stVerticalBlock { gap: 0.5rem; }
[class*="st-key-slide_"] [data-testid="stMarkdownContainer"] :is(p, li) {
  font-size: max(18px, 0.85rem); line-height: 1.4; margin-bottom: 0.5rem;
}
.st-key-slide_figure :is([data-testid="stMarkdownContainer"], [data-testid="stCaptionContainer"]) { margin: 0; }
.st-key-slide_figure [data-testid="stMarkdownContainer"] :is(p, li) {
  font-size: max(18px, 0.8rem); line-height: 1.3; margin: 0 0 0.15rem;
}
.st-key-slide_figure .said :is(p, table) { font-size: max(18px, 0.8rem); line-height: 1.3; margin: 0; }
.st-key-slide_figure .head-map { height: 17.3rem; }
:is(.st-key-variant_right, .st-key-variant_wrong, .st-key-said_variant_compared) { min-height: 0; }
.st-key-slide_figure .bars :is(th, td) { line-height: 1.15; }
.st-key-slide_figure .stCode { font-size: max(18px, 0.75rem); line-height: 1.25; }
.st-key-slide_figure .stCode :is(pre, code, code *) { font-size: inherit; line-height: inherit; }
.st-key-slide_figure .stCode pre { padding: 0.5rem; }
.st-key-slide_figure .stRadio [role="radiogroup"] { gap: 0; }
.st-key-slide_figure :is(td, th) { padding: 0.1rem 0.4rem; }
[class*="st-key-slide_"] .katex-display { margin: 0.25rem 0; font-size: max(18px, 0.85rem); }
@media (min-width: 1200px) {
  .stHorizontalBlock:has(> .stColumn > * > * > .st-key-slide_text) > .stColumn:first-child { flex: 1 1 0; }
  .stHorizontalBlock:has(> .stColumn > * > * > .st-key-slide_text) > .stColumn:last-child { flex: 2 1 0; }
  .st-key-slide_figure { display: block; }
  .st-key-slide_figure > * { width: auto; break-inside: avoid; margin-bottom: 0.25rem; }
  .st-key-slide_figure:has([data-testid="stPlotlyChart"], .head-map) { columns: 2; column-gap: 1rem; }
  .st-key-slide_figure > :is(:has(.stColumn), :has([class*="st-key-wide_"])) { column-span: all; }
  .st-key-fault_choices { display: block; columns: 2; column-gap: 1rem; }
  .st-key-fault_choices > * { break-inside: avoid; margin-bottom: 0.25rem; }
}
"""


def page() -> None:
    """The whole page; only the chapter that is open is computed."""
    style(STYLE + SLIDE if presenting() else STYLE)
    with title_beside("Guide", "Transformers from scratch, using your own sentence."):
        opened = choose_checkpoint()
    if opened is None or not has(opened, Capability.HEADS, "The Guide follows a text through heads"):
        return
    number, planning = _choose_chapter()
    turner("chapter", NUMBERS, guide.close_plan)
    with st.container(key="guide"):
        if planning:
            show_plan()
        else:
            _live(opened, number)
    if not planning:
        _neighbours(number)


def _choose_chapter() -> tuple[int, bool]:
    """The number of the chapter, from 1, and whether a teacher wants the plan of a lesson in its place."""
    done = guide.chapters_done() & set(NUMBERS)
    with st.container(key="controls_contents", horizontal=True, vertical_alignment="bottom"):
        number = st.segmented_control(
            "Chapter",
            NUMBERS,
            default=1,
            required=True,
            key="chapter",
            bind="query-params",
            wrap=True,
            on_change=guide.close_plan,
        )
        with st.popover("Contents", icon=":material/toc:"), st.container(key="contents"):
            for other, chapter in enumerate(CHAPTERS, start=1):
                st.button(
                    f"{other} · {chapter.title}{' :green[:material/check:]' if other in done else ''}",
                    type="tertiary", key=f"contents_{other}", on_click=_turn_to, args=(other,),
                )  # fmt: skip
        planning = st.toggle("Lesson plan", key="plan", bind="query-params")
        st.caption(f"{len(done)} of {len(CHAPTERS)} chapters done" if done else "", width="content")
    return number or 1, planning  # None where the link says “?chapter=”


@st.fragment
def _live(opened: Checkpoint, number: int) -> None:
    """The chapter, anew at every keystroke; one that follows the text, when typing pauses."""
    chapter = CHAPTERS[number - 1]
    st.header(f"{number} · {chapter.title}", anchor=False)
    chosen = _choose_look(opened, chapter)
    follower = st.container(key="followed")
    text, figure = _side_by_side()
    with text:
        st.markdown(chapter.idea)
        st.latex(chapter.equation)
    if chosen is None:
        with figure:
            what = KIND_NAMES[chapter.kinds[0]].lower()
            lacks(opened, what, f"This chapter looks at {what}")
    else:
        look, look_at = chosen
        with figure:
            try:
                with to_come(height=400):
                    draw = chapter.show(look)
                    parts = None if draw is None else draw(look)
                    question = chapter.ask(look)
            except AnatomyError as error:
                st.info(for_markdown(str(error)))
                draw = parts = question = None
        if draw is not None and parts is not None:
            with follower:
                live.show_parts(parts, opened, lambda trace: draw(look_at(trace)))
        with text:
            _ask(question, number)
            with st.container(key="aside_further"):
                _link(chapter.further(look))
    with st.container(key="aside_code"):
        st.markdown("**The code that computes it**")
        for source in chapter.sources:
            _code(source)


def _side_by_side() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Where the text of a chapter goes, and its figure; in a presentation the two fill one screen."""
    left, right = st.columns(WIDTHS, gap="large")
    return left.container(key="slide_text"), right.container(key="slide_figure")


def _choose_look(opened: Checkpoint, chapter: Chapter) -> tuple[Look, Callable[[Trace], Look]] | None:
    """The sentence, the head where the chapter is about one, and how any other trace of the model is then looked at;
    None where the model has no such attention."""
    with st.container(key="controls_choices"):
        left, right = st.columns(WIDTHS, gap="large", vertical_alignment="bottom")
        with left:
            trace = type_source(opened, followed=chapter.follows)
            if chapter.follows:
                link.write_source(opened)
            left_out_notice(trace)
            cut_notice(trace)
            found: list[Kind] = [kind for kind in chapter.kinds if kind in trace.kinds]
            if not found:
                return None
            first = opening.first_head(opened, found[0], chapter.opens_on)
            guide.begin_chapter(chapter.title, (found[0], *first) if chapter.chooses_head else None)
            kind = choose_kind(opened, trace) if chapter.chooses_kind else found[0]
        layer, head = first
        if chapter.chooses_head:
            with right:
                shown = trace.map(kind)
                layer, head, _ = choose_head(opened, trace, shown, first=first, telling=chapter.opens_row)
    row_name = link.asked("token", AUTO)

    def look_at(trace: Trace) -> Look:
        row = row_asked(trace.map(kind), row_name, layer, head, chapter.opens_row) if chapter.chooses_head else 0
        return Look(opened=opened, trace=trace, kind=kind, layer=layer, head=head, row=row)

    return look_at(trace), look_at


def _ask(question: Question | None, number: int) -> None:
    """A question, and what the model says to the answer."""
    with st.container(border=not presenting(), key="question"), _folded("Question"):
        if question is None:
            st.markdown("**Question.** Your sentence is too short for one. Type a few more words.")
            return
        options = [f"{'ABCD'[place]} · {option}" for place, option in enumerate(question.options)]
        answer = st.radio(
            f"**Question.** {question.text}", options, index=None, key=f"answer_{number}", bind="query-params"
        )
        if answer is None:
            return
        if options.index(answer) == question.answer:
            st.markdown(f":green-badge[:material/check: Right] {question.why}")
            if guide.mark_done(number):
                st.rerun()  # the contents stand above
        else:
            st.markdown(f":red-badge[:material/close: Not quite] {question.hint}")


def _folded(name: str) -> AbstractContextManager[object]:
    """Around what a presentation shows at a click."""
    return st.popover(name, icon=":material/quiz:") if presenting() else nullcontext()


def _link(further: Further) -> None:
    """To the page that goes deeper, with the same checkpoint and sentence."""
    carried = {key: link.asked(key) for key in ("checkpoint", "source") if link.asked(key)}
    link_to(further.page, further.label, carried | dict(further.query))


def _code(source: Source) -> None:
    """The lines of running code that compute, and where all of it stands."""
    shown = listing(source)
    where = f"`{Path(shown.file).relative_to(ROOT).as_posix()}`, from line {shown.line}"
    st.caption(f"{where}; docstring omitted" if shown.short else where)
    height = CODE_HEIGHT if shown.code.count("\n") > LONGEST_CODE else "content"
    st.code(shown.code, height=height, wrap_lines=True)


def _turn_to(number: int) -> None:
    """Open a chapter, from 1; a callback."""
    turn("chapter", NUMBERS, number - 1, guide.close_plan)


def _neighbours(number: int) -> None:
    with st.container(key="aside_neighbours", horizontal=True, horizontal_alignment="distribute"):
        for other, icon in ((number - 1, "arrow_back"), (number + 1, "arrow_forward")):
            if 1 <= other <= len(CHAPTERS):
                st.button(
                    f"{other} · {CHAPTERS[other - 1].title}", icon=f":material/{icon}:", key=f"to_{icon}",
                    on_click=turn, args=("chapter", NUMBERS, other - 1),
                )  # fmt: skip
