"""All heads at a glance, and the chosen one in words and large, as one component: it is drawn at every keystroke."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit.components.v2 import component

from viz.components import head, links, overview
from viz.components.sources import part, source

_component = component(
    "headlight_pictures",
    html=f"""<div class="pictures">
<div class="st-key-overview">{overview.HTML}</div>
<div class="st-key-words"></div>
<div class="st-key-head">{head.HTML}{links.HTML}</div>
</div>""",
    css=source("overview.css", "head.css", "links.css", "pictures.css"),
    js="\n".join(
        (
            source("heat.js"),
            *(part(name, f"{name}.js") for name in ("overview", "head", "links")),
            source("pictures.js"),
        )
    ),
    isolate_styles=False,
)


def pictures(
    overview: dict[str, Any],
    words: str,
    *,
    head: dict[str, Any] | None = None,
    links: dict[str, Any] | None = None,
    key: str,
    on_choose: Callable[[], None],
    on_pin: Callable[[], None],
) -> None:
    """Draw the overview, the words, and the chosen head: as a heatmap or as links.

    Args:
        overview: of :func:`viz.components.overview.overview_data`.
        words: HTML, in which whatever a person typed is escaped.
        head: of :func:`viz.components.head.head_data`.
        links: of :func:`viz.components.links.links_data`, instead.
        key: of the component's state; ``chosen`` and ``pinned`` are set there as by
            :func:`viz.components.overview.overview` and :func:`viz.components.head.head`.
        on_choose: is called when a head is chosen.
        on_pin: is called when a row is pinned.
    """
    data = {"overview": overview, "words": words, "head": head, "links": links}
    _component(key=key, data=data, on_chosen_change=on_choose, on_pinned_change=on_pin)
