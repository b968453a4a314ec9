"""What a link must say to restore what is on screen."""

from __future__ import annotations

from typing import TypedDict

from viz.look.choice import AUTO, first_kind, option_named, row_options
from viz.look.look import Chosen, Look
from viz.look.picture import Display, layer_number
from viz.look.words import SHORT_KIND_NAMES
from viz.state import clicked, opening

OWN = ("source", "token", "together", "overlay", "zoom", "mean")
"""Of what a link says, what no widget on the page Explore is bound to."""


class Address(TypedDict):
    """A parameter of the address: its value, the one that is left out of it, and (``own``) whether no widget has it."""

    name: str
    value: str
    initial: str
    own: bool


def addresses(chosen: Chosen, look: Look, text: str, *, first_view: str) -> list[Address]:
    """What a link says of a view of ``text``, but for the panels below; ``first_view`` is the name of the first."""
    shown, plain, kind = chosen.display, Display(), first_kind(look.trace)
    layer, head = opening.first_head(look.opened, kind)
    pinned = option_named(row_options(look.attention_map), chosen.row_name) or AUTO
    others = [number for number in chosen.overlay if number != chosen.head]
    values = {
        "source": (text, opening.example(look.opened)),
        "kind": (SHORT_KIND_NAMES[chosen.kind], SHORT_KIND_NAMES[kind]),
        "layer_number": (
            str(layer_number(chosen.layer, look.attention_map.layer_numbers)),
            str(layer_number(layer, look.trace.map(kind).layer_numbers)),
        ),
        "head_number": (str(chosen.head + 1), str(head + 1)),
        "token": (pinned, AUTO),
        "together": (clicked.write_numbers(() if pinned == AUTO else chosen.others), ""),
        "view": (chosen.view.name, first_view),
        "overlay": (clicked.write_numbers(others), ""),
        "zoom": (clicked.write_zoom(chosen.zoom), ""),
        "mean": (chosen.mean, ""),
        "scale": (shown.scale, plain.scale),
        "rows": (shown.rows, plain.rows),
        **{
            key: (str(now).lower(), str(first).lower())
            for key, now, first in (
                ("special", shown.special, plain.special),
                ("whole_words", shown.words, plain.words),
                ("means", shown.means, plain.means),
                ("each_head", shown.each_head, plain.each_head),
            )
        },
    }
    return [
        Address(name=name, value=value, initial=initial, own=name in OWN) for name, (value, initial) in values.items()
    ]
