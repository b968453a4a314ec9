"""The pages: a line in :data:`PAGES` and a folder of the same name, ``page.py`` first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import streamlit as st
from streamlit.navigation.page import StreamlitPage


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the navigation.

    ``name`` is its folder here and its address, ``icon`` a Material Symbol, ``carries`` the groups of parameters of the
    link that it goes on with when it is opened from another page (:class:`viz.state.link.Parameter`).
    """

    name: str
    title: str
    icon: str
    carries: tuple[str, ...] = ()

    def in_navigation(self) -> StreamlitPage:
        """As Streamlit lists it. The page itself is imported when it is opened: the first page waits for no other."""

        def show() -> None:
            import_module("pandas")  # to the end: Plotly would find what another thread has imported of it so far
            import_module(f"{__name__}.{self.name}.page").page()

        icon = f":material/{self.icon}:"
        return st.Page(show, title=self.title, icon=icon, url_path=self.name, default=self is PAGES[0])


PAGES = (  # the first one is what the bare address opens
    Page("explore", "Explore", "grid_view", carries=("head", "forcing")),
    Page("guide", "Guide", "school", carries=("head",)),
    Page("anatomy", "Anatomy", "account_tree", carries=("head", "forcing")),
    Page("positions", "Positions", "format_list_numbered", carries=("head",)),
    Page("train", "Train", "model_training"),
    Page("architectures", "Architectures", "balance"),
    Page("checkpoints", "Checkpoints", "inventory_2", carries=("head",)),
)


def link_to(name: str, label: str, query: Mapping[str, str] | None = None, *, icon: str = "arrow_forward") -> None:
    """A link to another page, with the query of its address."""
    (page,) = (page for page in PAGES if page.name == name)
    st.page_link(page.in_navigation(), label=label, icon=f":material/{icon}:", query_params=query)
