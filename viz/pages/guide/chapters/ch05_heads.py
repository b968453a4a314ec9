"""Many heads, and how their outputs are combined."""

from __future__ import annotations

import numpy as np
import streamlit as st

from model.anatomy.steps import Anatomy
from model.network.attention import MultiHeadAttention
from viz.figures.bars import beside_bars
from viz.figures.side_by_side import weights_panel
from viz.look.look import Look
from viz.look.numbers import power_of_ten
from viz.look.theme import show_token
from viz.pages.guide.chapters.ch03_queries import taken_apart
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, chart, choice, head_query, quoted, row_name
from viz.pages.guide.chapters.openings import parted_head, parted_row
from viz.state import session

IDEA = r"""
A head gives each row one weighted average. If a row needs two things (say, the previous word and the verb), one average
blurs them. So each layer has several heads, side by side, each with its own $W_Q$, $W_K$ and $W_V$, and so **its own
attention weights**. Nobody tells a head what to look for; it learns this in training, and many heads can be removed
with little harm (Michel et al. 2019, Voita et al. 2019).

**More heads do not mean more parameters.** With $h$ heads, each works in $d_\text{head} = d_\text{model}/h$ dimensions,
so the matrices of all heads together stay the same size.

The heads’ outputs are joined end to end into one long vector (**concatenation**), which is multiplied by $W_O$.
**Mistake: thinking that $W_O$ mixes the attention weights.** It never sees them: it acts on the outputs. The picture of
a head shows exactly what its softmax gave.

$W_O$ can be cut into one piece per head. What a head adds to the result is its output times its piece.
"""
EQUATION = (
    r"\begin{aligned}\text{MultiHead}(x_t)&=[\text{head}_1\,\dots\,\text{head}_h]\,W_O+b_O\\"
    r"&=\sum_{i=1}^{h}\text{head}_i\,W_O^{(i)}+b_O\end{aligned}"
)


def contributions(anatomy: Anatomy) -> np.ndarray:
    """What each head adds to the result, ``[head, d_model]``: its output times its rows of W_O."""
    heads, weight = anatomy.step("heads").value, anatomy.step("projected").weights["weight"]
    return np.einsum("hc,hcd->hd", heads, weight.reshape(*heads.shape, -1))


def show(look: Look) -> None:
    anatomy, theme = taken_apart(look), session.theme()
    names = [f"H{head + 1}" for head in range(look.attention_map.n_heads)]
    weights = look.attention_map.pattern[look.layer, :, look.row]
    row = show_token(look.attention_map.row_names()[look.row])
    title = f"layer {look.layer + 1}, row “{row}”: where each head (H) looks"
    panel = weights_panel(weights, names, anatomy.keys, title, framed=look.head, theme=theme)
    chart(panel, "heads_weights", share=0.5, wide=True)
    looked_at = [anatomy.keys[key] for key in dict.fromkeys(weights.argmax(1).tolist())]
    st.markdown(
        f"**In this row the {len(names)} heads look most at {len(looked_at)} different "
        f"token{'s' * (len(looked_at) != 1)}:** {', '.join(map(quoted, looked_at))}."
    )
    parts = contributions(anatomy)
    lengths = {"length (norm) of the vector each head adds": np.linalg.norm(parts, axis=1)}
    chart(beside_bars(names, lengths, framed=look.head, theme=theme), "heads_parts")
    projected = anatomy.step("projected")
    missed = np.abs(parts.sum(0) + projected.weights["bias"] - projected.value).max()
    st.caption(
        f"The parts and b_O add up to what the model’s own W_O gave in this row, to within {power_of_ten(missed)}."
    )


def ask(look: Look) -> Question | None:
    lengths = np.linalg.norm(contributions(taken_apart(look)), axis=1)
    if len(lengths) < 2:
        return None
    most = int(lengths.argmax())
    places = choice(most, len(lengths))
    return Question(
        text=f"Which head of this layer adds most in row {look.row + 1}, {row_name(look)}? Then choose other rows: is "
        "it always the head with the sharpest weights?",
        options=tuple(f"head {place + 1}" for place in places),
        answer=places.index(most),
        why=f"The vector it adds has length {lengths[most]:.2f}; the lengths of the others add up to "
        f"{lengths.sum() - lengths[most]:.2f}. A head may focus sharply and still add little: that depends on its "
        "values and on W_O (Kobayashi et al. 2020 weigh attention by the length of what it adds).",
        hint="The upper picture cannot tell you: it shows where the heads look. How much each adds is the length of "
        "its bar in the picture below it.",
    )


def further(look: Look) -> Further:
    return Further(label="All heads of all layers in Explore", page="explore", query=head_query(look))


CHAPTER = Chapter(
    title="Many heads", idea=IDEA, equation=EQUATION, show=show, sources=(MultiHeadAttention.forward, contributions),
    ask=ask, further=further, chooses_head=True, opens_on=parted_head, opens_row=parted_row,
)  # fmt: skip
