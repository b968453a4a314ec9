"""A lesson of 90 minutes with the Guide, on one page: for a teacher."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from viz.pages.guide.chapters import CHAPTERS

MINUTES = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the lesson; ``chapters`` by their numbers, ``does`` is what the class does, ``asks`` what to ask it."""

    minutes: int
    title: str
    chapters: tuple[int, ...]
    does: str
    asks: str


LESSON = (
    Part(
        minutes=10,
        title="What attention is for",
        chapters=(1,),
        does="Type a sentence that the class suggests. Cover the picture and let them guess which English word a "
        "French word looks at, then uncover it.",
        asks="Why does *blanche* look at *white*, although the word order is different?",
    ),
    Part(
        minutes=15,
        title="From words to queries, keys and values",
        chapters=(2, 3),
        does="Count tokens, add a word, count again. Choose another row and see that only the query changes.",
        asks="“Weights” means two things here. Which of them changes when you type?",
    ),
    Part(
        minutes=20,
        title="One row of attention, by hand",
        chapters=(4,),
        does="Compute one row of the softmax with a calculator from the scores on screen. Then look at the three "
        "mistakes and say what each one breaks.",
        asks="Which mistake do the row sums not reveal?",
    ),
    Part(
        minutes=10,
        title="Many heads, and the order of words",
        chapters=(5, 6),
        does="Find a row in which the heads look at different words. Predict what shuffling the sentence does, then "
        "try it with the link in chapter 6.",
        asks="Do more heads mean more parameters?",
    ),
    Part(
        minutes=10,
        title="The decoder writes",
        chapters=(8, 9),
        does="Cover the right half of the picture: that is the mask. Find the step at which the model was least sure.",
        asks="Why can all positions be trained at once, but not written at once?",
    ),
    Part(
        minutes=15,
        title="Does attention explain?",
        chapters=(13, 17),
        does="Vote: which head does the output need? Make it uniform. Then measure all heads and compare.",
        asks="What would you have to see before you could say “it wrote this *because* it looked there”?",
    ),
    Part(
        minutes=10,
        title="How it learns, and whether this is ChatGPT",
        chapters=(15, 16),
        does="Type a wrong target and see what each token costs. Compare the three kinds of Transformer.",
        asks="What does ChatGPT have that this model does not, and vice versa?",
    ),
)
HOMEWORK = {
    "fix the broken layer (for those who can program)": (21, 14),
    "what it costs, and why it is fast": (10, 11, 12),
    "the encoder as a whole": (7,),
    "pieces of words, sampling, the cache": (18, 19, 20),
}


def chapter_link(number: int) -> str:
    """A link to a chapter in Markdown."""
    return f"[{number} · {CHAPTERS[number - 1].title}](?chapter={number})"


def table() -> str:
    """The lesson as a table in Markdown."""
    rows, start = [], 0
    for part in LESSON:
        chapters = "<br>".join(map(chapter_link, part.chapters))
        rows.append(f"| {start}–{start + part.minutes} | **{part.title}**<br>{chapters} | {part.does} | {part.asks} |")
        start += part.minutes
    return "\n".join(["| minutes | part | what the class does | what to ask |", "| ---: | --- | --- | --- |", *rows])


def show_plan() -> None:
    """The plan, in place of a chapter."""
    with st.container(key="plan_of_lesson"):
        _plan()


def _plan() -> None:
    st.header(f"A {MINUTES}-minute lesson", anchor=False)
    st.markdown(
        "For a class that is new to Transformers but knows what a vector and a weighted average are. Everyone opens "
        "this page on their own device, or shares one with a neighbour; you project it. Every chapter has a question; "
        "let the class answer before you click."
    )
    st.markdown(table(), unsafe_allow_html=True)
    homework = "\n".join(f"- {what}: {', '.join(map(chapter_link, numbers))}" for what, numbers in HOMEWORK.items())
    st.markdown(f"**At home or in a second lesson**\n\n{homework}")
    st.markdown(
        "**Before the lesson.** Open chapter 1 and type the sentence that you will use, so that you know what the "
        "model makes of it: it was trained only on everyday sentences and image captions. Add `&presentation=on` to a "
        "chapter’s link for the projector. The address keeps the sentence and everything you chose: copy it, and the "
        "class sees what you see. If you have only 45 minutes, use chapters 1, 4, 8 and 13."
    )
