"""What a Transformer is for."""

from __future__ import annotations

from model.capture import capture
from viz.figures.side_by_side import weights_panel
from viz.look.look import Look
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, among, chart, head_query, numbered, quoted
from viz.state import session

IDEA = """
A Transformer reads a text and writes another: a translation, an answer, the next word. For each word it writes, it
has to find what matters in the text it reads.

Before it came **recurrent networks**. They read word by word and keep one vector as memory, so the whole sentence had
to fit into it. Bahdanau, Cho and Bengio (2014 as a preprint, published in 2015) gave them **attention**: while writing
a word, look back at every word read, and draw most on the ones that matter. In 2017 Vaswani and others kept the
attention and dropped the recurrence. That is the Transformer.

The picture is one head of this model on your sentence. Each row is a word being written; the colours show how much
attention it pays to each word that was read. (Strictly, to the encoder's vector at that word, which already holds
something of the whole sentence.)

The formula says how such a model writes: one token after another, each given all the tokens before it and the source.
A recurrent translator has the same formula; what differs is how each factor is computed.
"""
EQUATION = r"p(y_1,\dots,y_m\mid x)=\prod_{t=1}^{m}p(y_t\mid y_1,\dots,y_{t-1},\,x_1,\dots,x_n)"


def show(look: Look) -> None:
    shown = look.attention_map
    title = f"layer {look.layer + 1}, head {look.head + 1}: written (rows), read (columns)"
    pattern = shown.pattern[look.layer, look.head]
    chart(weights_panel(pattern, shown.row_names(), shown.key_tokens, title, theme=session.theme()), "purpose")


def ask(look: Look) -> Question | None:
    shown = look.attention_map
    weights = shown.pattern[look.layer, look.head, look.row]
    if len(weights) < 2:
        return None
    best, name = int(weights.argmax()), quoted(shown.row_tokens[look.row])
    return among(
        f"Choose a row, or type another sentence. To which token does this head attend most while writing {name} "
        f"(row {look.row + 1})?",
        numbered(shown.key_tokens),
        best,
        f"It gives {quoted(shown.key_tokens[best])} the weight {weights[best]:.3f}, of 1 in all.",
    )


def further(look: Look) -> Further:
    return Further(label="All heads of this model in Explore", page="explore", query=head_query(look))


CHAPTER = Chapter(
    title="What a Transformer is for", idea=IDEA, equation=EQUATION, show=show, sources=(capture,), ask=ask,
    further=further, kinds=("cross", "decoder"), chooses_head=True,
)  # fmt: skip
