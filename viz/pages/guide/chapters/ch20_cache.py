"""Keys and values kept between steps: what the cache saves."""

from __future__ import annotations

import streamlit as st

from model.decoding.incremental import IncrementalDecoder
from model.decoding.keeping import bytes_kept, measure_steps, projected
from viz.figures.bars import curves
from viz.look.look import Look
from viz.look.numbers import power_of_ten
from viz.pages.guide.chapters.chapter import Chapter, Further, Question, amount, chart
from viz.pages.guide.chapters.measuring import with_progress
from viz.state import session

IDEA = r"""
Text is written one token at a time. To write token 10 the decoder needs the keys and values of tokens 1 to 9. Hasn’t it
computed those already? It has, and thanks to the **mask** they have not changed: no token looks at a later one. So it
keeps them (the **KV cache**), and at each step computes only one query, one key and one value, those of the newest
token.

Without the cache every step would compute all positions again. With it, a step takes longer than the one before only
because its query meets one more key. This app uses it each time you type.

It costs **memory**: two vectors for each position in each layer. In a large model that serves many long texts at once
it can take more than the parameters (Pope et al. 2023).

**Mistake: thinking that the cache is the model’s memory of a conversation.** Nothing is learned or summarised in it: it
holds what could just as well be computed again.
"""
EQUATION = (
    r"\begin{aligned}\text{without: }&1+2+\dots+n=\tfrac{n(n+1)}{2}\text{ positions}\\"
    r"\text{with: }&n\text{ positions}\\"
    r"\text{memory: }&2\,n_\text{layers}\,n\,d_\text{model}\text{ numbers}\end{aligned}"
)
REPEATS, BOOK = 3, 100_000
WITH, WITHOUT = "kept in the cache", "computed again"


def show(look: Look) -> None:
    config, n, theme = look.opened.config, len(look.trace.predicted_ids), session.theme()
    steps = list(range(1, max(n, 2) + 1))
    lines = {
        WITHOUT: [projected(step, kept=False) for step in steps],
        WITH: [projected(step, kept=True) for step in steps],
    }
    chart(curves(steps, lines, "tokens written", "positions computed in a layer", theme=theme), "kept_counts")
    book = bytes_kept(BOOK, config.n_layers, config.d_model)
    st.markdown(
        f"**Your output has {n} tokens. With the cache, each head computes {projected(n, kept=True):,} keys and "
        f"values for it; without, {projected(n, kept=False):,}.** The cache holds "
        f"{bytes_kept(n, config.n_layers, config.d_model) / 1024:,.1f} KiB; for a text of {BOOK:,} tokens it would be "
        f"{book / 2**20:,.0f} MiB."
    )
    _measured(look)


def _measured(look: Look) -> None:
    """The time of each step, measured at a click and kept."""
    n, name = look.opened.config.max_len, f"{look.opened.digest} {look.trace.source_ids}"
    if st.button(f"Measure {n} steps on this machine", icon=":material/speed:", key="measure_kept"):
        found = measure_steps(look.opened, look.trace.source_ids, n, REPEATS)
        session.keep("kept", (name, list(with_progress(found, n, "Writing …"))))
    kept = session.kept("kept")
    if kept is None or kept[0] != name:
        return
    with_cache, without, missed = zip(*kept[1], strict=True)
    lines = {WITHOUT: [1000 * one for one in without], WITH: [1000 * one for one in with_cache]}
    figure = curves([*range(1, n + 1)], lines, "step", "milliseconds for the step", theme=session.theme())
    chart(figure, "kept_times")
    st.markdown(
        f"**All {n} steps: {1000 * sum(with_cache):.0f} ms with the cache, {1000 * sum(without):.0f} ms without: "
        f"{sum(without) / sum(with_cache):.1f} times as long.** Both keep the keys and values of the source. "
        f"The logits differ by at most {power_of_ten(max(missed))}."
    )


def ask(look: Look) -> Question:
    n = len(look.trace.predicted_ids)
    now, twice = projected(n, kept=False), projected(2 * n, kept=False)
    return amount(
        f"Without the cache, writing {n} tokens means computing {now:,} positions in each layer. How many for {2 * n} "
        "tokens?",
        twice,
        {2 * now, n * now, now + n} - {twice},
        f"1 + 2 + … + {2 * n} = {twice:,}: {twice / now:.1f} times as many for twice the text. With the cache it is "
        f"{projected(2 * n, kept=True):,}.",
        f"Step 1 computes 1 position, step 2 computes 2, … step {2 * n} computes {2 * n}. Add them up; the sum grows "
        "with the square of the number of tokens.",
    )


def further(look: Look) -> Further:
    return Further(label="The decoder, step by step, in Explore", page="explore", query={"panel": "Decoder"})


CHAPTER = Chapter(
    title="Keeping keys and values between steps", idea=IDEA, equation=EQUATION, show=show,
    sources=(projected, measure_steps, IncrementalDecoder.step), ask=ask, further=further, kinds=("decoder",),
)  # fmt: skip
