"""Headlight: watch what a Transformer pays attention to, while you type. Start with ``streamlit run app.py``.

Streamlit reads this file twice: once as a module, for the server, and for each visitor as a script, for the page.
"""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

import streamlit as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from viz.pages import PAGES
from viz.state.memory import share_heaps


@asynccontextmanager
async def warm_up(app: st.App) -> AsyncIterator[None]:
    """While the first browser loads its part, get ready what the first page needs: torch above all."""
    threading.Thread(target=_prepare, daemon=True).start()
    forgetting = asyncio.create_task(_forget_who_left())
    yield
    forgetting.cancel()


def _prepare() -> None:
    gc.disable()  # there is nothing to collect among what is imported
    try:
        import_module("viz.pages.explore.page")
        import_module("pandas")  # Streamlit reads the delay of a live text field with it
        import_module("viz.state.opening").prepare_first_look()
        gc.freeze()  # it stays, and to look through it for garbage takes longer than a keystroke
    finally:
        gc.enable()


async def _forget_who_left() -> None:
    leaving = await asyncio.to_thread(import_module, "viz.state.leaving")
    await leaving.forget_who_left()


async def live(request: Request) -> Response:
    """The pictures of a text that is being typed."""
    return await import_module("viz.pages.shared.live").answer(request)


def first_page(request: Request) -> Response:
    """The first page by its name, which Streamlit does not know: it has the bare address."""
    return RedirectResponse(f"./?{request.url.query}".removesuffix("?"))  # relative: a proxy may have a base of its own


def scripts(request: Request) -> Response:
    """A script that draws."""
    return import_module("viz.components.served").answer(request)


def arrive(request: Request) -> Response:
    """The document of every page."""
    return import_module("viz.components.arrival").answer(request)


def main() -> None:
    """The page of one visitor."""
    from viz.components.connection import keep_typed
    from viz.components.history import one_entry_a_choice
    from viz.components.scheme import turn_with_browser
    from viz.pages.shared.header import header
    from viz.state import link, session

    st.set_page_config(page_title="Headlight", page_icon="🔦", layout="wide")
    session.prepare_process()
    one_entry_a_choice()
    turn_with_browser()
    keep_typed(link.TYPED)
    pages = {page.in_navigation(): page for page in PAGES}
    shown = st.navigation(list(pages), position="top")
    header(pages[shown].name)
    link.show_page(shown, pages[shown].carries)


if __name__ == "__main__":
    main()
else:
    share_heaps()  # before there are threads
    base = st.get_option("server.baseUrlPath").strip("/")
    here = f"/{base}/".replace("//", "/")
    routes = [
        Route(f"{here}live", live, methods=["POST"]),
        Route(f"{here}scripts/{{name}}.js", scripts),
        Route(f"{here}{PAGES[0].name}", first_page),
        *(Route(f"{here}{page.name if page is not PAGES[0] else ''}", arrive) for page in PAGES),
    ]
    app = st.App(__file__, lifespan=warm_up, routes=routes)
