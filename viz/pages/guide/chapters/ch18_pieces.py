"""How words become pieces: byte pair encoding on the reader's own word."""

from __future__ import annotations

import streamlit as st

from model.text.merging import Merged, merge_steps
from model.text.tokenizer import CHARACTERS, Tokenizer
from viz.look.look import Look
from viz.look.theme import show_token
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, amount, quoted
from viz.state import choosing, link

IDEA = """
What should a token be? Not a word: no list has every word, and a new one would be unknown. Not a letter either: texts
would be long, and attention costs n². **Byte pair encoding** (BPE, Sennrich et al. 2016) is in between.

Before the model is trained, the tokenizer starts with single bytes (“e” is one, “é” is two; Radford et al. 2019), finds
the pair of neighbours that is most frequent in a large body of text and **merges** it into a new token. It repeats this
until the vocabulary is full. Common words end up as one token, rare ones stay in pieces, and nothing is ever unknown.

A new text is split by applying the same merges **in the order in which they were learned**. Choose a word and watch. A
low number is an early merge: that pair was common. “␣” is the space before the word; once it has merged with a letter
it is no longer shown.

**Mistake: thinking that the pieces are syllables or stems.** They are whatever was frequent. And if a character is cut
in two, neither half is a letter: that is where tokens such as `⟨C3⟩` come from.
"""
EQUATION = r"(a,b)=\arg\max_{(a,b)}\ \text{count}(a\,b)\qquad a\;b\;\to\;ab"
WORD = "word"


def words(look: Look) -> dict[str, tuple[str, ...]]:
    """The words of the text by how they are written, each as its bytes before any merge."""
    tokenizer = look.opened.tokenizer
    return {tokenizer.written("".join(word)): word for word in tokenizer.words(look.trace.source)}


def steps_of(tokenizer: Tokenizer, word: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The pieces of a word before the first merge and after each."""
    return [tuple(map(tokenizer.written, word)), *(step.pieces for step in tokenizer.merges(word))]


def telling(look: Look) -> str | None:
    """The word that stays in most pieces, after most merges; None in a text without words."""
    tokenizer, found = look.opened.tokenizer, words(look)

    def rank(name: str) -> tuple[int, int]:
        stages = steps_of(tokenizer, found[name])
        return len(stages[-1]), len(stages)

    return max(found, key=rank, default=None)


def chosen(look: Look) -> str | None:
    asked = link.asked(WORD)
    return asked if asked in words(look) else telling(look)


def table(before: tuple[str, ...], merges: tuple[Merged, ...]) -> str:
    """The pieces after each merge as a table in Markdown."""
    rows = [f"| | | {_row(before)} |"]
    rows += [f"| {one.number:,} | {_row(one.pair, ' + ')} | {_row(one.pieces)} |" for one in merges]
    return "\n".join(["| merge no. | joins | pieces |", "| --: | --- | --- |", *rows])


def _row(pieces: tuple[str, ...], between: str = " ") -> str:
    return between.join(map(quoted, pieces))


def show(look: Look) -> None:
    tokenizer, found = look.opened.tokenizer, words(look)
    first = telling(look)
    if first is None:
        st.info("Type a word.")
        return
    names = list(found)
    choosing.keep_choice(WORD, names, first)
    name = st.selectbox("A word from your sentence", names, names.index(first), key=WORD, format_func=show_token)
    word = found[name]
    merges = tokenizer.merges(word)
    st.markdown(table(tuple(map(tokenizer.written, word)), merges))
    n_merges = len(tokenizer) - CHARACTERS
    if n_merges == 0:
        st.markdown(
            "**This tokenizer has learned no merges: each byte is a token.** Open `translate-en-fr` to see merges."
        )
        return
    pieces = len(merges[-1].pieces) if merges else len(word)
    n_words, n_tokens = len(tokenizer.words(look.trace.source)), len(tokenizer.encode(look.trace.source))
    st.markdown(
        f"**{len(word)} bytes become {pieces} token{'s' if pieces > 1 else ''}, through {len(merges)} of the "
        f"{n_merges:,} merges that this tokenizer has learned.** Your text has {n_words} words and punctuation marks, "
        f"and {n_tokens} tokens, `</s>` not counted."
    )


def ask(look: Look) -> Question | None:
    name = chosen(look)
    if name is None or not name.strip():
        return None
    tokenizer, word = look.opened.tokenizer, name.strip()
    once, twice = tokenizer.encode(word), tokenizer.encode(word * 2)
    return amount(
        f"Write {quoted(word)} twice without a space: {quoted(word * 2)}. How many tokens is that?",
        len(twice),
        {1, 2 * len(once), len((word * 2).encode())} - {len(twice)},
        f"{' '.join(map(quoted, tokenizer.labels(twice)))}. Written once, it has {len(once)}: "
        f"{' '.join(map(quoted, tokenizer.labels(once)))}.",
        "The second copy has no space before it, so it may be split differently, and a merge may join the end of the "
        "first to the beginning of the second. Type it and count.",
    )


def further(look: Look) -> Further:
    return Further(label="In Explore, see what heads do with the tokens in your text", page="explore")


CHAPTER = Chapter(
    title="How words become pieces", idea=IDEA, equation=EQUATION, show=show, sources=(merge_steps, Tokenizer.words),
    ask=ask, further=further,
)  # fmt: skip
