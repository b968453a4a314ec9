"""All views of a head. One more is one more record here, and the script that it names."""

from __future__ import annotations

from viz.components import head, links
from viz.components.head import HeadData, head_data
from viz.components.links import Layout, LinksData, links_data
from viz.components.sources import style
from viz.look.picture import rows_shown
from viz.look.scene import Scene
from viz.look.view import View
from viz.look.words import axes


def _heatmap(scene: Scene) -> HeadData:
    look, chosen = scene.look, scene.chosen
    return head_data(
        scene.large,
        0,
        0,
        pinned=scene.row,
        scale=chosen.display.scale,
        description=scene.description,
        theme=chosen.theme,
        together=scene.together,
        zoom=chosen.zoom,
        axes=axes(look.kind, rows_shown(look.attention_map, chosen.display)),
    )


def _links(scene: Scene, layout: Layout) -> LinksData:
    look, chosen = scene.look, scene.chosen
    mean = chosen.mean != ""
    return links_data(
        scene.large if mean else scene.shown,
        0 if mean else look.layer,
        (0,) if mean else (look.head,) if layout == "text" else chosen.overlay,
        chosen=0 if mean else look.head,
        layout=layout,
        pinned=scene.row,
        scale=chosen.display.scale,
        theme=chosen.theme,
        together=scene.together,
    )


def _columns(scene: Scene) -> LinksData:
    return _links(scene, "columns")


def _lines(scene: Scene) -> LinksData:
    return _links(scene, "lines")


def _text(scene: Scene) -> LinksData:
    return _links(scene, "text")


HEATMAP = View(
    name="Heatmap",
    mark="Each cell",
    strength="the stronger the colour, the higher the weight",
    query="left",
    key="above",
    meaning="Each row is {query}; the {strong} cells are {keys} it looks at.",
    unit="row",
    script="head",
    html=head.HTML,
    css=style("head"),
    data=_heatmap,
)
VIEWS: tuple[View, ...] = (
    HEATMAP,
    View(
        name="Lines",
        mark="Each line",
        strength="the wider the line, the higher the weight",
        query="left",
        key="right",
        meaning="Each line runs from {query} to one of {keys} that it looks at; the wider, the more.",
        script="links",
        html=links.HTML,
        css=style("links"),
        data=_columns,
    ),
    View(
        name="Lines across",
        mark="Each line",
        strength="the wider the line, the higher the weight",
        query="above",
        key="below",
        meaning="Each line runs from {query} to one of {keys} that it looks at; the wider, the more.",
        script="links",
        html=links.HTML,
        css=style("links"),
        data=_lines,
    ),
    View(
        name="Text",
        mark="Each colour",
        strength="the stronger the colour, the higher the weight",
        query="framed",
        key="shaded",
        meaning="The frame marks {query}; {strong} shading marks {keys} it looks at.",
        script="links",
        html=links.HTML,
        css=style("links"),
        data=_text,
    ),
)
