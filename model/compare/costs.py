"""What a layer costs, counted as in Vaswani et al. 2017, table 1; :mod:`model.compare.cost` measures it."""

from __future__ import annotations

from dataclasses import dataclass

from model.compare.points import CONVOLUTION, FUSED, RECURRENT, SELF

KERNEL, NEIGHBOURS = 3, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One row of the table for a text of n tokens.

    ``operations`` counts the multiplications in one layer, to leading order; ``sequential`` the steps that must wait
    for each other; ``path`` the steps a signal takes between the two tokens that are farthest apart. The formulas are
    LaTeX. ``measured`` names the layers in :mod:`model.compare.points` whose time the row says something about.
    """

    name: str
    operations: int
    sequential: int
    path: int
    operations_formula: str
    sequential_formula: str
    path_formula: str
    measured: tuple[str, ...] = ()


def layer_costs(n: int, d_model: int) -> tuple[Cost, ...]:
    """Self-attention, recurrent, convolutional and restricted self-attention layers (table 1).

    Raises:
        ValueError: ``n`` is below 1.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, but it is {n}")
    k, r, d = KERNEL, NEIGHBOURS, d_model
    return (
        Cost(
            name="self-attention", operations=n * n * d, sequential=1, path=1,
            operations_formula="n^2 d", sequential_formula="1", path_formula="1",
            measured=(SELF, FUSED),
        ),
        Cost(
            name="recurrent", operations=n * d * d, sequential=n, path=n,
            operations_formula="n d^2", sequential_formula="n", path_formula="n",
            measured=(RECURRENT,),
        ),
        Cost(
            name=f"convolutional, width {k}", operations=k * n * d * d, sequential=1, path=reach(n, k),
            operations_formula="k n d^2", sequential_formula="1", path_formula=r"\lceil\log_k n\rceil",
            measured=(CONVOLUTION,),
        ),
        Cost(
            name=f"self-attention to {r} neighbours", operations=min(r, n) * n * d, sequential=1, path=-(-n // r),
            operations_formula="r n d", sequential_formula="1", path_formula=r"\lceil n/r\rceil",
        ),
    )  # fmt: skip


def reach(n: int, base: int) -> int:
    """How many layers, each ``base`` times as wide as the last, span ``n`` tokens: ⌈log n⌉, at least 1."""
    layers, width = 1, base
    while width < n:
        layers, width = layers + 1, width * base
    return layers
