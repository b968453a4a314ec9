"""What a person chooses on every page that looks at one head: checkpoint, text, kind of attention, head and row.

The widgets have the same keys everywhere and their choices stand in the address, so they go along from page to page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import streamlit as st

from model.checkpoint import Checkpoint, CheckpointError
from model.network.capabilities import Capability
from model.trace import AttentionMap, Kind, RowNames, Trace
from viz.components.views import VIEWS
from viz.look.choice import AUTO, Telling, first_kind, row_asked, row_options, telling_row
from viz.look.elsewhere_words import nothing_typed, text_label
from viz.look.examples import translates
from viz.look.forcing import FREE, Forcing
from viz.look.picture import ROW_NAMES, SCALES, Display, Scale
from viz.look.theme import for_markdown
from viz.look.view import View
from viz.look.words import SHORT_KIND_NAMES, where_cut
from viz.pages.shared.frame import to_come
from viz.state import choosing, link, opening


def choose_checkpoint() -> Checkpoint | None:
    """The checkpoint to look at: one of the server's, or a file dropped here."""
    names = opening.checkpoint_names()
    asked = link.asked_checkpoint()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Checkpoint",
            names,
            key="checkpoint",
            bind="query-params",
            on_change=choosing.checkpoint_changed,
            placeholder="There is none yet",
        )
        with st.popover("Open a file", icon=":material/upload_file:"):
            st.file_uploader("Checkpoint file", type="safetensors", key="file", on_change=choosing.file_dropped)
            st.caption(
                "`best.safetensors` of a run folder, as `python -m model train` writes it, or a recording, "
                "`….trace.safetensors`."
            )
            if message := opening.file_error():
                st.error(for_markdown(message))
    if name is None:
        st.info("There is no checkpoint yet. Train one: `python -m model train --task reverse --out runs/reverse`")
        return None
    if asked is not None and asked not in names:
        said = f"The checkpoint “{asked}” in this link is not on this server; “{name}” is shown instead."
        st.warning(for_markdown(said))
    try:
        return opening.open_checkpoint(name)
    except CheckpointError as error:
        st.error(for_markdown(f"This checkpoint cannot be opened. {error}"))
        return None


def choose_display() -> Display:
    """How attention is drawn; the first look needs none of it."""
    scale = st.segmented_control(
        "Colour scale", SCALES, default=SCALES[0], required=True, key="scale", bind="query-params",
        help="The square root and the logarithm make small weights visible.",
    )  # fmt: skip
    rows = st.segmented_control(
        "Which token names a decoder’s row?", ROW_NAMES, default=ROW_NAMES[0], required=True, key="rows",
        bind="query-params",
        help="“a ▸ b”: the model has just read “a” and writes “b”.",
    )  # fmt: skip
    special = st.toggle(
        "Special tokens", True, key="special", bind="query-params",
        help="Without `<s>` and `</s>`, each row is scaled to sum to 1 again.",
    )  # fmt: skip
    words = st.toggle(
        "Whole words", key="whole_words", bind="query-params",
        help="One row or column per word: weights on its keys are summed, those of its queries averaged.",
    )  # fmt: skip
    means = st.toggle("Means over heads in the overview", True, key="means", bind="query-params")
    each_head = st.toggle(
        "Overview: full colour at the largest weight of each head", key="each_head", bind="query-params"
    )
    return Display(
        rows=cast("RowNames", rows),
        words=words,
        special=special,
        scale=cast("Scale", scale),
        each_head=each_head,
        means=means,
    )


def type_source(opened: Checkpoint, forced: Forcing = FREE, *, followed: bool = False) -> Trace:
    """The text, typed live, and what the model makes of it, or of what it is ``forced`` to write.

    The page is drawn anew at every keystroke and the text written into the address; where the pictures are ``followed``
    (:mod:`viz.pages.shared.live`), they see to both, and the page is drawn when typing pauses.
    """
    link.begin_source(opened)
    text = link.source()
    typing = Capability.TYPING in opened.model.can
    # Also as the value: a run that is broken off takes along that the state was set, and the field would stay empty.
    st.text_input(
        text_label(opened),
        text,
        key="source",
        live=True if followed else "0ms",
        # Not before a text that is still on its way to the field.
        placeholder="" if text else nothing_typed(opened),
        disabled=not typing,
        help=None if typing else "A recording has one text. Record the program again to see another.",
    )
    link.keep_source()
    if not followed:
        link.write_source(opened)
    with to_come():
        return link.typed_trace(opened, forced)


def choose_example(opened: Checkpoint) -> None:
    """Sentences to try, by what they show, where there are some for this model."""
    if not (known := translates(opened)) or not known.examples:
        return
    examples = {example.shows: example.text for example in known.examples}
    choosing.begin_examples(examples)
    with st.container(key="examples"):
        st.pills(
            "Sentences to try",
            list(examples),
            key="example",
            on_change=choosing.example_chosen,
            args=(examples,),
            label_visibility="collapsed",
        )


def left_out_notice(trace: Trace) -> None:
    """Say what of a text is longer than the model reads."""
    if trace.source_dropped:
        st.warning(
            f"This model reads at most {len(trace.source_ids)} tokens, so the last {trace.source_dropped} of your text "
            f"are left out. It read: {for_markdown(trace.source)}"
        )


def cut_notice(trace: Trace) -> None:
    """Say that what is written for a text was cut, on pages that do not show it."""
    if cut := where_cut(trace):
        st.caption(f"The model’s output for this text: {cut[0].lower()}{cut[1:]}")


def choose_kind(opened: Checkpoint, trace: Trace, *, labelled: bool = True) -> Kind:
    """The kind of attention on show, of those in any trace of the checkpoint."""
    return st.segmented_control(
        "Attention",
        trace.kinds,
        format_func=SHORT_KIND_NAMES.__getitem__,
        default=first_kind(trace),
        required=True,
        key="kind",
        bind="query-params",
        on_change=choosing.kind_changed,
        args=(opened,),
        width="stretch",
        label_visibility="visible" if labelled else "collapsed",
        help="Encoder self: the tokens of the source look at each other. Decoder self: what is being written looks "
        "back at what was written before. Cross: what is being written looks at the source.",
    )


def choose_head(
    opened: Checkpoint,
    trace: Trace,
    attention_map: AttentionMap,
    *,
    first: tuple[int, int] | None = None,
    telling: Telling = telling_row,
) -> tuple[int, int, int]:
    """The layer, head and row on show, from 0; on screen they count from 1.

    Where a link leaves them out, they are the layer and head ``first`` and the row that ``telling`` finds.
    """
    with st.container(horizontal=True):
        layer, head = choose_layer_and_head(opened, trace, attention_map, first=first)
        return layer, head, choose_row(attention_map, layer, head, telling=telling)


def choose_layer_and_head(
    opened: Checkpoint, trace: Trace, attention_map: AttentionMap, *, first: tuple[int, int] | None = None
) -> tuple[int, int]:
    """The layer and head on show, from 0, of any trace of the checkpoint; ``first`` as in :func:`choose_head`."""
    # The same for all kinds: what a link leaves out must not depend on what it says.
    first_layer, first_head = first or opening.first_head(opened, first_kind(trace))
    layers = attention_map.layer_numbers or tuple(range(1, attention_map.n_layers + 1))
    layer = _choose_number("Layer", "layer_number", layers, first_layer)
    head = _choose_number("Head", "head_number", tuple(range(1, attention_map.n_heads + 1)), first_head)
    return layer, head


def choose_view() -> View:
    """How the chosen head is drawn."""
    views = {view.name: view for view in VIEWS}
    first = VIEWS[0].name
    name = st.segmented_control(
        "Picture", list(views), default=first, required=True, key="view", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    return views[name]


def choose_row(attention_map: AttentionMap, layer: int, head: int, *, telling: Telling = telling_row) -> int:
    """The row to explain, from 0: the one that was chosen, or the one that says most, which ``telling`` finds."""
    options = [AUTO, *row_options(attention_map)]
    choosing.keep_row(options[1:])
    asked = st.selectbox("Row to explain", options, key="token", bind="query-params")
    return row_asked(attention_map, asked, layer, head, telling)


def _choose_number(label: str, key: str, numbers: Sequence[int], first: int) -> int:
    """Which of them, from 0."""
    return numbers.index(
        st.selectbox(label, numbers, index=first, key=key, bind="query-params", width=88, on_change=choosing.leave_mean)
    )
