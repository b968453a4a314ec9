"""The numbers of one step as a strip of colours, with what each was made from: pure functions, no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.anatomy import arithmetic
from model.anatomy.steps import Anatomy, Step
from viz.look.anatomy_words import weight_name
from viz.look.numbers import number
from viz.look.theme import short_token

Pick = Literal["number", "row", "column"]
ACTIVATED = {arithmetic.rectified: "max(0, {})", arithmetic.gelu: "GELU({})"}
ROW, ROWS_AT_ONCE = 22, 4
"""Pixels of a row, and the rows by which a strip of any number of tokens grows: while someone types, what stands below
it keeps its place."""
LARGEST_OPERAND = 2**14  # cells; a larger matrix is not sent along with every keystroke


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """What a result was made from, ``[row, column]``; an axis of length 1 stands for every row or column.

    ``pick`` says what of it belongs to a cell: the number there, its row or its column.
    """

    label: str
    values: np.ndarray
    pick: Pick = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """``values`` ``[row, column]`` as colours from ``low`` to ``high``, with a name for each row.

    ``tip`` is what hovering says: ``{value}`` and ``{0}``, ``{1}`` … stand for the number of the cell and
    those of the operands. ``framed`` is the row of the query, ``strongest`` that of the key with most weight; both
    have their names even where others have no room. ``steady``: the number of rows stays while a
    person types. ``room`` is the height for all rows, in pixels where letters have 12 of them; None: what a strip
    of its shape has on Anatomy.
    """

    values: np.ndarray
    rows: tuple[str, ...] | None
    column: str
    low: float
    high: float
    framed: int | None
    strongest: int | None
    steady: bool
    tip: str
    operands: tuple[Operand, ...] = ()
    room: int | None = None


def vectors(
    tokens: Sequence[str], values: np.ndarray, limit: float, *, tip: str = "{value}", operands: tuple[Operand, ...] = ()
) -> Strip:
    """A vector for each token, ``[token, dimension]``; numbers beyond ``limit`` share the strongest colour."""
    return Strip(
        values=values, rows=tuple(map(short_token, tokens)), column="number", low=-limit, high=limit, framed=None,
        strongest=None, steady=False, tip=tip, operands=operands,
        room=ROW * ROWS_AT_ONCE * -(-len(tokens) // ROWS_AT_ONCE),
    )  # fmt: skip


def strip(anatomy: Anatomy, step: Step) -> Strip:
    """The strip of a step. What counts tokens runs down, what counts numbers runs across."""
    limit = step.largest or 1.0
    low, high = (0.0, 1.0) if step.name == "weights" else (-limit, limit)
    tip, operands = _made_from(anatomy, step)
    tokens = anatomy.labels(step.axes[0])
    labels = tuple(f"head {n + 1}" for n in range(len(step.value))) if step.axes[0] == "head" else None
    queries = step.axes[0] == "token" or (anatomy.kind != "cross" and step.axes[0] == "key")
    framed = anatomy.query if queries else anatomy.head if step.axes[0] == "head" else None
    counts_keys = step.axes[0] == "key" or (step.axes[0] == "source" and anatomy.kind == "cross")
    return Strip(
        values=_laid_out(step),
        rows=labels or (None if tokens is None else tuple(map(short_token, tokens))),
        column="" if step.axes == ("key",) else "number",
        low=low,
        high=high,
        framed=framed,
        strongest=int(anatomy.step("weights").value.argmax()) if counts_keys else None,
        steady=step.axes[0] == "head",
        tip=tip,
        operands=tuple(part for part in operands if part.pick == "number" or part.values.size <= LARGEST_OPERAND),
    )


def _laid_out(step: Step) -> np.ndarray:
    """Scores of keys as a column, other vectors as a row."""
    if step.value.ndim == 2:
        return step.value
    return step.value[:, None] if step.axes == ("key",) else step.value[None]


def _made_from(anatomy: Anatomy, step: Step) -> tuple[str, tuple[Operand, ...]]:
    """What hovering over a cell says, and the operands it needs."""
    inputs = [anatomy.step(name) for name in step.inputs]
    match step.name:
        case "token":
            rows = Operand(label="", values=step.weights["rows"])
            return f"{{value}} = {number(step.parameters['by'], 4)} × {{0}}", (rows,)
        case "sum" | "biased" | "forward_sum" | "attention_sum":
            return "{value} = {0} + {1}", _sum_of(anatomy, inputs)
        case "output" if len(inputs) == 2:
            return "{value} = {0} + {1}", _sum_of(anatomy, inputs)
        case "normed" | "attention_normed" | "forward_normed" | "output":
            return "{value} = ({0} − μ) / √(σ² + ε) × {1} + {2}", (
                Operand(label="", values=_laid_out(inputs[0])),
                *(Operand(label="", values=step.weights[name][None]) for name in ("gain", "shift")),
                Operand(
                    label="the vector, which has mean μ and standard deviation σ",
                    values=_laid_out(inputs[0]),
                    pick="row",
                ),
            )
        case "query" | "key" | "value" | "projected" | "hidden" | "forwarded":
            return _linear(anatomy, step, inputs[0])
        case "turned_query" | "turned_key":
            return "{value}, before the rotation {0}", (Operand(label="", values=_laid_out(inputs[0])),)
        case "products":
            return "q · k = {value}", (
                Operand(label="query q", values=_laid_out(inputs[0]), pick="row"),
                Operand(label="key k", values=inputs[1].value, pick="row"),
            )
        case "scaled":
            return f"{{value}} = {{0}} / {number(step.parameters['by'], 4)}", (
                Operand(label="", values=_laid_out(inputs[0])),
            )
        case "masked":
            return "{value}, without the mask {0}", (Operand(label="", values=_laid_out(inputs[0])),)
        case "weights":
            total = f"exp({{0}}) / Σ exp of all {len(step.value)} scores"
            return f"{{value}} = {total}", (Operand(label="", values=_laid_out(inputs[0])),)
        case "weighted" | "multiplied":
            return "{value} = {0} × {1}", tuple(Operand(label="", values=_laid_out(part)) for part in inputs)
        case "head":
            column = Operand(label="sum of this column of the weighted values", values=inputs[0].value, pick="column")
            return "{value}", (column,)
        case _:
            return "{value}", ()


def _sum_of(anatomy: Anatomy, inputs: list[Step]) -> tuple[Operand, ...]:
    """Two operands; of a vector for every token, where one is meant, that of the query."""
    vector = any(part.axes == ("d_model",) for part in inputs)
    values = (_query_row(anatomy, part) if vector else _laid_out(part) for part in inputs)
    return tuple(Operand(label="", values=part) for part in values)


def _linear(anatomy: Anatomy, step: Step, x: Step) -> tuple[str, tuple[Operand, ...]]:
    """A linear map: the row that goes in and the column of the weight matrix."""
    weight, bias = (weight_name(step, name) for name in ("weight", "bias"))
    entered = _query_row(anatomy, x) if step.name == "query" else _laid_out(x)
    if x.axes[0] == "head":
        entered = x.value.reshape(1, -1)
    made = f"in · {weight} + {{0}}"
    value = (ACTIVATED.get(step.function, "{}") if step.function else "{}").format(made)
    return f"{{value}} = {value}", (
        Operand(label=bias, values=step.weights["bias"][None]),
        Operand(label="in", values=entered, pick="row"),
        Operand(label=f"this column of {weight}", values=step.weights["weight"], pick="column"),
    )


def _query_row(anatomy: Anatomy, step: Step) -> np.ndarray:
    return step.value[anatomy.query][None] if step.axes[0] == "token" else _laid_out(step)
