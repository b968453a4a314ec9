"""What is chosen by a click in pictures, above all on the page Explore: a head, a row, heads to compare, a part to look
at closely.

None of it has a widget, so the pictures themselves write it into the address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from viz.look.choice import AUTO, option_named
from viz.look.means import Mean, means_there_are
from viz.look.picture import Zoom
from viz.state import choosing, link
from viz.state.link import MEAN, OVERLAY, TOGETHER, ZOOM

PICTURES = "pictures"
"""The key of the component."""
NUMBER = re.compile("[1-9][0-9]{0,8}")


def head_chosen() -> None:
    """A head was clicked among all heads, or a mean: then the head stays chosen, of the layer whose mean it is."""
    if (chosen := st.session_state[PICTURES].get("chosen")) is None:
        return
    if not chosen["mean"]:
        choosing.show_head(int(chosen["number"]) - 1, int(chosen["head"]))
        return
    st.session_state[MEAN] = str(chosen["mean"])
    if chosen["mean"] == "layer":
        st.session_state["layer_number"] = int(chosen["number"])


def row_pinned() -> None:
    """A row of the chosen head was clicked: pin it, or let it go; or others were added to it."""
    if (pinned := st.session_state[PICTURES].get("pinned")) is None:
        return
    st.session_state["token"] = pinned["name"] or AUTO
    others = [name for name in pinned["together"] if name != pinned["name"]]
    st.session_state[TOGETHER] = write_numbers([int(name.partition(" ")[0]) - 1 for name in others])


def row_of_part_pinned(key: str, rows: Sequence[str]) -> None:
    """A row was clicked in the heatmap of this ``key``, where the page had these ``rows``: pin it, or let it go."""
    if (pinned := st.session_state[key].get("pinned")) is not None:
        row = pinned["row"]
        st.session_state["token"] = AUTO if row is None or row >= len(rows) else rows[row]


def heads_overlaid() -> None:
    """Other heads of the layer were chosen, or left out, to compare the head on show with."""
    if (overlaid := st.session_state[PICTURES].get("overlaid")) is not None:
        st.session_state[OVERLAY] = write_numbers([int(head) for head in overlaid["heads"]])


def zoomed() -> None:
    """A box was drawn in the heatmap, or all of it is to be seen again."""
    if (asked := st.session_state[PICTURES].get("zoomed")) is not None:
        st.session_state[ZOOM] = write_zoom(asked["to"])


def zoom_to(zoom: Zoom | None) -> None:
    """Show a part of the heatmap, or all of it; only from a callback, before the page is drawn."""
    st.session_state[ZOOM] = write_zoom(zoom)


def keep_pinned(options: Sequence[str]) -> None:
    """Before it is asked: a row that is no more is no longer pinned."""
    st.session_state["token"] = pinned(options)


def pinned(options: Sequence[str]) -> str:
    """Which of the rows is pinned, of those there are; ``AUTO`` where none is, or is no more."""
    return option_named(options, link.asked("token", AUTO)) or AUTO


def others() -> tuple[int, ...]:
    """The rows, from 0, that were added to the one that is pinned, whether they are there or not."""
    return tuple(sorted({int(one) - 1 for one in link.asked(TOGETHER).split(",") if NUMBER.fullmatch(one)}))


def overlay(n_heads: int, head: int) -> tuple[int, ...]:
    """The heads, from 0, whose lines lie over each other: the one on show, and those it is compared with."""
    return read_overlay(link.asked(OVERLAY), n_heads, head)


def mean(n_layers: int, n_heads: int) -> Mean:
    """Which mean is on show in place of a head, of those there are."""
    for one in means_there_are(n_layers, n_heads):
        if one == link.asked(MEAN):
            return one
    return ""


def zoom() -> Zoom | None:
    """The part of the heatmap that was chosen, whether it is there or not."""
    return read_zoom(link.asked(ZOOM))


def write_numbers(numbers: Sequence[int]) -> str:
    """Heads or rows, from 0, as they stand in a link: ``1,3``."""
    return ",".join(str(number + 1) for number in numbers)


def read_overlay(text: str, n_heads: int, head: int) -> tuple[int, ...]:
    """The heads, from 0, of a text such as ``1,3`` that there are, and ``head``."""
    numbers = text.split(",")
    return tuple(other for other in range(n_heads) if other == head or str(other + 1) in numbers)


def write_zoom(zoom: Zoom | None) -> str:
    """As it stands in a link, rows and then columns, from 1 and with the last: ``2-4,3-5``; empty for all."""
    return ",".join(f"{begin + 1}-{end}" for begin, end in zoom or ())


def read_zoom(text: str) -> Zoom | None:
    """What :func:`write_zoom` wrote; None for anything else."""
    try:
        rows, columns = (tuple(map(int, part.split("-"))) for part in text.split(","))
        (top, bottom), (left, right) = rows, columns
    except ValueError:
        return None
    return (top - 1, bottom), (left - 1, right)
