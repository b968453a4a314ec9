"""What a keystroke changes, as one component: the output, all heads at a glance, and one of them in words and large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from streamlit.components.v2 import component

from viz.components import overview
from viz.components.followed import Follow
from viz.components.output import OutputData, output_data
from viz.components.overview import OverviewData, overview_data
from viz.components.sources import bundle, loaded, style
from viz.components.views import VIEWS
from viz.look.choice import row_options
from viz.look.scene import Scene
from viz.state import clicked
from viz.state.address import Address

PLACES = {view.script: view for view in VIEWS}
"""By script, one of the views that it draws."""
SCRIPT = (
    bundle("pictures", *PLACES)
    + f"\nexport default $pictures.pictures({{ {', '.join(f'{name}: ${name}.{name}' for name in PLACES)} }});"
)
_component = component(
    "headlight_pictures",
    html=f"""<div class="pictures">
<div class="st-key-overview">{overview.HTML}</div>
<div class="st-key-words"></div>
<div class="st-key-head">
{"".join(f'<div data-script="{name}" hidden>{view.html}</div>' for name, view in PLACES.items())}
</div>
<div class="st-key-reading"></div>
</div>""",
    css="\n".join((style("overview"), *(view.css for view in PLACES.values()), style("pictures"))),
    js=loaded("scripts/pictures.js", SCRIPT),
    isolate_styles=False,
)


class FollowHere(Follow):
    """Whose texts are drawn as they are typed, and as a selector of the page where the ``output`` is written."""

    output: str


class PicturesData(TypedDict):
    """What ``pictures.js`` draws: a text, what the model made of it, ``words`` and ``reading`` as
    HTML, the ``names`` of rows as a link has them, and for the ``script`` of a view what it draws of a ``head``."""

    text: str
    output: OutputData
    words: str
    reading: str
    names: list[str]
    addresses: Sequence[Address]
    overview: OverviewData
    script: str
    head: Mapping[str, object]


def pictures(data: PicturesData, *, visitor: str, field: str, output: str) -> None:
    """Draw ``data``, and what the server makes of each text that is typed from then on. What is clicked in the pictures
    is told to :mod:`viz.state.clicked`.

    Args:
        data: of :func:`pictures_data`.
        visitor: of :func:`viz.pages.shared.live.follow`.
        field: the key of the text field.
        output: the key of the container with :data:`viz.components.output.HTML`.
    """
    follow = FollowHere(visitor=visitor, field=f".st-key-{field}", output=f".st-key-{output} .output")
    _component(
        key=clicked.PICTURES,
        data={**data, "follow": follow},
        on_chosen_change=clicked.head_chosen,
        on_pinned_change=clicked.row_pinned,
        on_overlaid_change=clicked.heads_overlaid,
        on_zoomed_change=clicked.zoomed,
    )


def pictures_data(scene: Scene, addresses: Sequence[Address], text: str) -> PicturesData:
    """What ``pictures.js`` draws of a scene.

    Args:
        scene: what is to be seen of the text.
        addresses: what a link to it says.
        text: as it was typed; the trace has what the model read of it.
    """
    look, chosen, shown = scene.look, scene.chosen, scene.shown
    names = row_options(look.attention_map)
    return {
        "text": text,
        "output": output_data(scene.output),
        "words": scene.words,
        "reading": scene.reading,
        "names": [names[places[0]] for places in shown.row_places],
        "addresses": addresses,
        "overview": overview_data(
            shown,
            look.layer,
            look.head,
            scale=chosen.display.scale,
            each_head=chosen.display.each_head,
            means=chosen.display.means,
            theme=chosen.theme,
            mean=chosen.mean,
        ),
        "script": chosen.view.script,
        "head": chosen.view.data(scene),
    }
