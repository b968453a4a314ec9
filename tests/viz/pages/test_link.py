"""What a link says is what is shown, on whatever page it opens."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
import streamlit as st
import torch
from hypothesis import given
from hypothesis import strategies as some

from tests.viz.helpers import app_on, at, pictures, ran
from viz.pages import PAGES
from viz.state.link import GROUPS, one_line

BROKEN = "3 May\r\n1999"
WHOLE = "3 May 1999"


@pytest.fixture(autouse=True)
def _one_visitor() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    st.cache_resource.clear()
    torch.set_num_threads(threads)


def test_a_page_is_a_folder_and_a_line():
    for page in PAGES:
        assert find_spec(f"viz.pages.{page.name}.page") is not None
        assert set(page.carries) <= set(GROUPS)


@pytest.mark.parametrize("page", ["", "guide", "anatomy", "positions"])
def test_a_line_break_in_a_link_is_a_space_for_field_model_and_address(page: str):
    app = ran(app_on(page, checkpoint="dates", source=BROKEN))
    assert app.text_input(key="source").value == WHOLE
    assert "".join(app.query_params["source"]) == WHOLE
    if not page:
        assert pictures(app)["text"] == WHOLE


@pytest.mark.parametrize(("mode", "key"), [("Your target", "target"), ("Your beginning", "prefix")])
def test_so_it_is_in_a_field_that_is_bound_to_the_address(mode: str, key: str):
    app = ran(app_on("", checkpoint="dates", panel="Decoder", decoder_mode=mode, **{key: "1999\n05"}))
    assert app.text_input(key=key).value == "1999 05"
    assert "".join(app.query_params[key]) == "1999 05"


@given(some.text())
def test_one_line_is_one_line_and_nothing_else_is_changed(text: str):
    assert len(one_line(text).splitlines()) <= 1
    if len(text.splitlines()) <= 1 and text.rstrip("\r\n") == text:
        assert one_line(text).split() == text.split()


@pytest.mark.parametrize("page", ["", "guide", "anatomy", "positions"])
def test_a_field_says_that_nothing_is_typed_only_where_nothing_is(page: str):
    app = ran(app_on(page, checkpoint="dates"))
    assert app.text_input(key="source").placeholder == ""
    app.text_input(key="source").set_value("")
    assert ran(app).text_input(key="source").placeholder.startswith("Nothing typed")


def test_a_page_draws_again_only_for_what_it_carries():
    app = ran(app_on(checkpoint="dates", source=WHOLE))
    app.query_params.clear()
    ran(at(app, "train"))
    assert "checkpoint" not in app.query_params
    app = ran(ran(at(app, "guide")))
    assert "".join(app.query_params["checkpoint"]) == "dates"
    assert app.text_input(key="source").value == WHOLE
