"""A head over the steps of a training, played by the browser: after it is sent, no frame needs the server."""

from __future__ import annotations

from streamlit.components.v2 import component

from viz.components.sources import bundle, script, style
from viz.export.film import HTML, Film, film_data
from viz.look.theme import Theme

STYLE = style("film")
PLAYER = f"""{bundle("film")}
$film.film({{ data: JSON.parse(document.getElementById("film").textContent), parentElement: document }});"""
"""The script of a page that :func:`viz.export.film.film_html` makes."""
_component = component("headlight_film", html=HTML, css=STYLE, js=script("film"), isolate_styles=False)


def film_component(film: Film, *, theme: Theme, key: str) -> None:
    """Show a film, which begins to play by itself."""
    _component(key=key, data=film_data(film, theme, autoplay=True))
