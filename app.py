"""Headlight: watch what a Transformer pays attention to, while you type. Start with ``streamlit run app.py``.

Streamlit reads this file twice: once as a module, for the server, and for each visitor as a script, for the page.
"""

import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@asynccontextmanager
async def warm_up(app: st.App) -> AsyncIterator[None]:
    """While the first browser loads its part, get ready what the first page needs: torch above all."""
    threading.Thread(target=_prepare, daemon=True).start()
    yield


def _prepare() -> None:
    gc.disable()  # there is nothing to collect among what is imported
    try:
        import_module("viz.pages.explore.page")
        import_module("pandas")  # Streamlit reads the delay of a live text field with it
        import_module("viz.state.opening").prepare_first_look()
    finally:
        gc.enable()


async def live(request: Request) -> Response:
    """The pictures of a text that is being typed."""
    return await import_module("viz.pages.explore.live").answer(request)


def main() -> None:
    """The page of one visitor."""
    from viz.state import link, session

    st.set_page_config(page_title="Headlight", page_icon="🔦", layout="wide")
    session.prepare_process()
    page = st.navigation(
        [
            st.Page(_view("explore"), title="Explore", icon=":material/grid_view:", url_path="explore", default=True),
            st.Page(_view("guide"), title="Guide", icon=":material/school:", url_path="guide"),
            st.Page(_view("anatomy"), title="Anatomy", icon=":material/account_tree:", url_path="anatomy"),
            st.Page(
                _view("positions"), title="Positions", icon=":material/format_list_numbered:", url_path="positions"
            ),
            st.Page(_view("train"), title="Train", icon=":material/model_training:", url_path="train"),
            st.Page(_view("architectures"), title="Architectures", icon=":material/balance:", url_path="architectures"),
        ],
        position="top",
    )
    link.show_page(page)


def _view(name: str) -> Callable[[], None]:
    """The page of a folder in ``viz/pages``, which is imported when it is opened: the first page waits for no other."""

    def show() -> None:
        import_module("pandas")  # to the end: Plotly would find what another thread has imported of it so far
        import_module(f"viz.pages.{name}.page").page()

    return show


if __name__ == "__main__":
    main()
else:
    base = st.get_option("server.baseUrlPath").strip("/")
    app = st.App(__file__, lifespan=warm_up, routes=[Route(f"/{base}/live".replace("//", "/"), live, methods=["POST"])])
