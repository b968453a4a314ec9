"""A head over the steps of a training, played by the browser: after it is sent, no frame needs the server."""

from __future__ import annotations

from streamlit.components.v2 import component

from viz.components.sources import source
from viz.export.film import HTML, Film, film_data
from viz.look.theme import Theme

_MOUNT = """export default function ({ data, parentElement }) {
  film(parentElement.querySelector(".film"), data);
}"""
_component = component(
    "headlight_film", html=HTML, css=source("film.css"), js=source("heat.js", "film.js") + _MOUNT, isolate_styles=False
)


def film_component(film: Film, *, theme: Theme, key: str) -> None:
    """Play a film."""
    _component(key=key, data=film_data(film, theme))
