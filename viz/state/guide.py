"""What a visitor has done in the Guide, and what a chapter begins with."""

from __future__ import annotations

import re

import streamlit as st

from model.trace import Kind
from viz.look.choice import AUTO
from viz.state import choosing
from viz.state.session import visitor

DONE = "done"
"""The parameter of the address with the chapters that are done."""
BETWEEN = "_"
"""Stands between their numbers: a hyphen would read as a range, and a comma is written %2C in an address."""


def chapters_done() -> frozenset[int]:
    """The chapters of the Guide whose question the visitor has answered, as far as this page or its link can tell."""
    visitor().done |= {int(number) for number in re.findall(r"\d{1,2}", st.query_params.get(DONE, ""))}
    return frozenset(visitor().done)


def mark_done(number: int) -> bool:
    """Record that the question of a chapter was answered, for the visitor and in the address, which survives a reload;
    returns whether that is news."""
    done = chapters_done() | {number}
    news = number not in visitor().done
    visitor().done |= done
    st.query_params[DONE] = BETWEEN.join(map(str, sorted(done)))
    return news


def close_plan() -> None:
    """A chapter of the Guide in place of the plan of a lesson; only from a callback, before the page is drawn."""
    st.session_state["plan"] = False


def begin_chapter(title: str, first: tuple[Kind, int, int] | None) -> None:
    """Before the choices of a chapter of the Guide: one that was turned to begins with its own kind of attention, layer
    and head (from 0; None where it chooses none), not with those chosen elsewhere; one that was opened by a link, with
    what the link says."""
    before, visitor().chapter = visitor().chapter, title
    if first is None or before == title or (before is None and visitor().by_link):
        return
    kind, *head = first
    st.session_state["kind"], st.session_state["token"] = kind, AUTO
    choosing.show_head(*head)
