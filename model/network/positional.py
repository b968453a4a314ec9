"""Positional encodings: how a Transformer, which is blind to order, is told where each token is.

An encoding may act in three places: on the embedded input, to which it adds a vector; on the queries and
keys, which it turns; and on the scores, which it multiplies by a factor and to which it adds a bias. The last two are
for self-attention only: source and target do not share positions, so cross-attention is left alone, as in T5.

A class here is also the record of its encoding: everything said about it anywhere is kept in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from model.config import BUCKETS, ModelConfig

BASE = 10000.0
FARTHEST = 128  # as in T5: from this distance on, all share the last bucket
Place = Literal["added", "factor", "bias"]
"""Where an encoding has numbers: those it adds to the embedded input, multiplies the scores by, or adds to them."""


class Rotation(NamedTuple):
    """The cosine and sine of the angle by which each pair of dimensions is turned, ``[position, d_head / 2]``."""

    cos: Tensor
    sin: Tensor


class OnScores(NamedTuple):
    """What an encoding does within self-attention; None where it does nothing."""

    rotation: Rotation | None = None  # of queries and keys
    factor: Tensor | None = None  # of the scores, [batch or 1, head or 1, query or 1, 1]
    bias: Tensor | None = None  # [head, query, key], added to the scores

    @property
    def nothing(self) -> bool:
        return all(part is None for part in self)


class Written(NamedTuple):
    """How an encoding's numbers are written for one head and one query, and how to compute them again in NumPy.

    ``formula`` is LaTeX: t is the query and j a key, n_t how many keys t may attend to, i a position, c a dimension.
    ``function``, called with ``parameters``, gives the numbers. None: they can only be read off.
    """

    formula: str
    function: Callable[..., np.ndarray] | None = None
    parameters: Mapping[str, Any] = MappingProxyType({})


READ_OFF: Mapping[Place, str] = MappingProxyType({"added": "p_i=P[i]", "factor": r"f=F[n_t]", "bias": r"b_j=B[t,j]"})


class Encoding(nn.Module):
    """``none``: the model is told no positions. The others override what they do; the rest does nothing.

    ``formula`` (LaTeX) says what becomes of an input or of a score, ``words`` says the same in English, ``source`` who
    published it first.
    """

    formula: ClassVar[str] = r"s_{mn} = \frac{q_m^\top k_n}{\sqrt{d_{head}}}"
    words: ClassVar[str] = (
        "The model is told no positions. An encoder then sees an unordered set of words: shuffle them, and its output "
        "is shuffled in the same way. (A decoder still counts a little: its mask shows each row one token more, Haviv "
        "et al. 2022.)"
    )
    source: ClassVar[str] = ""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config

    def added(self) -> Tensor:
        """What is added to the embedded token at each position, ``[max_len, d_model]``."""
        return torch.zeros(1).expand(self.config.max_len, self.config.d_model)

    def rotation(self, positions: Tensor) -> Rotation | None:
        """How queries and keys at ``positions``, ``[position]``, are turned."""
        return None

    def bias(self, queries: Tensor, keys: Tensor, *, causal: bool) -> Tensor | None:
        """What is added to the scores of queries and keys at these positions, ``[head, query, key]``.

        ``causal`` is True for a decoder, which only looks back, and False for an encoder.
        """
        return None

    def factor(self, seen: Callable[[], Tensor]) -> Tensor | None:
        """What the scores of each query are multiplied by, before any bias: ``[batch or 1, head or 1, query or 1, 1]``.

        ``seen()`` is how many keys each query may attend to, float32 ``[batch or 1, 1, query or 1, 1]``, not counting
        padding. It is called only by an encoding that needs it.
        """
        return None

    def on_scores(self, positions: Tensor, *, causal: bool, lengths: Callable[[], Tensor] | None = None) -> OnScores:
        """What it does to the self-attention of tokens at ``positions``, ``[position]``.

        ``lengths()`` is how many of them each text has, ``[batch]``; without it, all.
        """

        def seen() -> Tensor:
            if causal:
                return seen_back(positions)
            n = torch.full((1,), len(positions), device=positions.device) if lengths is None else lengths()
            return n.float()[:, None, None, None]

        return OnScores(self.rotation(positions), self.factor(seen), self.bias(positions, positions, causal=causal))

    @property
    def adds(self) -> bool:
        """Whether anything is added to the embedded input."""
        return bool(self.added().any())

    @property
    def acts(self) -> OnScores:
        """What it does to the scores of a decoder that reads two tokens, which shows the parts it has."""
        return self.on_scores(torch.arange(2, device=self.added().device), causal=True)

    @property
    def tells_order(self) -> bool:
        """Whether an encoder's output depends on the order of the tokens. With a factor alone it does not."""
        return self.adds or not self.acts._replace(factor=None).nothing

    def written(self, place: Place, *, head: int, query: int, n: int) -> Written:
        """What one ``head`` (from 0) is given at ``place`` for one ``query`` (from 0) among ``n`` tokens."""
        return Written(READ_OFF[place])

    def stretched(self, config: ModelConfig) -> Encoding:
        """The same encoding with the ``max_len`` of ``config``.

        Raises:
            ValueError: it knows only the positions it has learned.
        """
        longer = type(self)(config)
        longer.load_state_dict(self.state_dict())
        return longer


def seen_back(positions: Tensor) -> Tensor:
    """How many keys each of the first ``[position]`` queries of a decoder may attend to, ``[1, 1, query, 1]``."""
    return torch.arange(1, len(positions) + 1, dtype=torch.float32, device=positions.device)[None, None, :, None]


def sinusoidal(n_positions: int, d_model: int) -> Tensor:
    """Sines and cosines of geometrically spaced wavelengths (Vaswani et al. 2017, section 3.5).

    ``PE[pos, 2i] = sin(pos / 10000^(2i/d_model))`` and ``PE[pos, 2i+1] = cos(...)`` of the same angle.

    Returns:
        ``[position, d_model]``, float32.

    Raises:
        ValueError: ``d_model`` is odd.
    """
    if d_model % 2:
        raise ValueError(f"sinusoidal encoding needs an even d_model, but d_model is {d_model}")
    angle = angles(torch.arange(n_positions), d_model)
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1).float()


def angles(positions: Tensor, width: int) -> Tensor:
    """The angle of each position in each pair of ``width`` dimensions, ``pos / 10000^(2i/width)``.

    Returns:
        ``[position, width / 2]``, float64: large angles lose digits in float32.
    """
    frequency = BASE ** (-torch.arange(0, width, 2, dtype=torch.float64, device=positions.device) / width)
    return positions.double()[:, None] * frequency


class Sinusoidal(Encoding):
    """:func:`sinusoidal` vectors are added to the embedded input (Vaswani et al. 2017, section 3.5)."""

    formula = (
        r"\begin{aligned} PE_{pos,\,2i} &= \sin(pos / 10000^{2i/d_{model}}) \\"
        r"PE_{pos,\,2i+1} &= \cos(pos / 10000^{2i/d_{model}}) \end{aligned}"
    )
    words = "A fixed vector is added to each embedded token."
    source = "Vaswani et al. 2017, section 3.5"
    table: Tensor  # [max_len, d_model], computed and not saved

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.register_buffer("table", sinusoidal(config.max_len, config.d_model), persistent=False)

    def added(self) -> Tensor:
        return self.table

    def written(self, place: Place, *, head: int, query: int, n: int) -> Written:
        formula = (
            r"\begin{aligned}p_{i,2c}&=\sin(i/10000^{2c/d_\text{model}})\\"
            r"p_{i,2c+1}&=\cos(i/10000^{2c/d_\text{model}})\end{aligned}"
        )
        return Written(formula, sinusoids, {"n_positions": n, "d_model": self.config.d_model})


def sinusoids(*, n_positions: int, d_model: int) -> np.ndarray:
    """:func:`sinusoidal` in NumPy, float64."""
    pairs = np.arange(0, d_model, 2)
    angle = np.arange(n_positions)[:, None] / 10000.0 ** (pairs / d_model)
    return np.stack((np.sin(angle), np.cos(angle)), axis=-1).reshape(n_positions, d_model)


class Learned(Encoding):
    """A learned vector for each position is added to the embedded input (Gehring et al. 2017; Devlin et al. 2019)."""

    formula = r"x_{pos} = \sqrt{d_{model}}\,E_{token} + P_{pos}"
    words = (
        "A vector for each position is learned like any other parameter, and added. There is none beyond the longest "
        "text seen in training."
    )
    source = "Gehring et al. 2017; Devlin et al. 2019"

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.table = nn.Parameter(torch.randn(config.max_len, config.d_model) * config.d_model**-0.5)

    def added(self) -> Tensor:
        return self.table

    def stretched(self, config: ModelConfig) -> Encoding:
        if config.max_len > len(self.table):
            raise ValueError(
                f"a learned encoding has no vector beyond its max_len, which is {len(self.table)}, "
                f"but {config.max_len} positions were asked for"
            )
        shorter = Learned(config)
        shorter.load_state_dict({"table": self.table[: config.max_len]})
        return shorter


class Rotary(Encoding):
    """Queries and keys are rotated by their position, so that a score depends only on the offset (Su et al. 2021).

    Each pair of dimensions ``(2i, 2i+1)`` of a query or key at ``pos`` turns by ``pos / 10000^(2i/d_head)``
    (section 3.2.2, equations 14 and 15); the dot product of two rotated vectors keeps only the difference of the
    angles.
    """

    formula = r"s_{mn} = \frac{(R_m q)^\top (R_n k)}{\sqrt{d_{head}}} = \frac{q^\top R_{n-m}\,k}{\sqrt{d_{head}}}"
    words = (
        "Nothing is added. Each pair of dimensions of a query or key is rotated by an angle that grows with its "
        "position; a score depends only on the difference between the angles."
    )
    source = "Su et al. 2021, section 3.2"

    def rotation(self, positions: Tensor) -> Rotation:
        angle = angles(positions, self.config.d_head)
        return Rotation(angle.cos().float(), angle.sin().float())


def rotated(x: Tensor, rotation: Rotation) -> Tensor:
    """``x``, ``[..., position, d_head]``, with each pair of dimensions turned: ``(a cos - b sin, a sin + b cos)``.

    Su et al. 2021, equation 34.
    """
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * rotation.cos - b * rotation.sin, a * rotation.sin + b * rotation.cos), dim=-1).flatten(-2)


class Alibi(Encoding):
    """Scores fall linearly with distance, ``-slope · |query - key|``, with a slope for each head (Press et al. 2022).

    Section 3. There, keys come before their queries; in an encoder the scores fall the same way on both sides.
    """

    formula = r"s_{mn} = \frac{q_m^\top k_n}{\sqrt{d_{head}}} - slope_h \cdot |m - n|"
    words = (
        "Nothing is added to the input and nothing is learned: scores fall with distance, in each head at its own "
        "slope. The paper’s decoder looks back only; that an encoder’s scores fall both ways is this project’s choice."
    )
    source = "Press et al. 2022, section 3"
    slopes: Tensor  # [head], computed and not saved

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.register_buffer("slopes", alibi_slopes(config.n_heads), persistent=False)

    def bias(self, queries: Tensor, keys: Tensor, *, causal: bool) -> Tensor:
        return -self.slopes[:, None, None] * (queries[:, None] - keys).abs()

    def written(self, place: Place, *, head: int, query: int, n: int) -> Written:
        slope = self.slopes[head].item()
        formula = rf"b_j=-{slope:.4g}\cdot|t-j|"
        return Written(formula, fall_with_distance, {"slope": slope, "row": query, "n_keys": n})


def fall_with_distance(*, slope: float, row: int, n_keys: int) -> np.ndarray:
    """What :class:`Alibi` adds to each score of the query ``row``, in NumPy, float64 ``[key]``."""
    return -slope * np.abs(np.arange(n_keys) - row, dtype=np.float64)


def alibi_slopes(n_heads: int) -> Tensor:
    """The slope of each head: for ``n`` heads, a power of two, ``2^(-8/n), 2^(-16/n), …, 2^(-8)``.

    For any other ``n``, the slopes of the power of two below it, then every other one of those of the power above, as
    in the authors' program (Press et al. 2022, section 3 and its code).

    Returns:
        ``[head]``, float32.

    Raises:
        ValueError: ``n_heads`` is below 1.
    """
    if n_heads < 1:
        raise ValueError(f"ALiBi needs n_heads of at least 1, but n_heads is {n_heads}")
    below = 2 ** int(math.log2(n_heads))
    slopes = [2 ** (-8 * i / below) for i in range(1, below + 1)]
    between = [2 ** (-4 * i / below) for i in range(1, 2 * below, 2)]
    return torch.tensor([*slopes, *between[: n_heads - below]])


class Relative(Encoding):
    """A learned bias for each head and each bucket of distances (Raffel et al. 2020, section 2.1).

    There is one table for the encoder and one for the decoder, each shared by all layers of its stack.
    """

    formula = r"s_{mn} = \frac{q_m^\top k_n}{\sqrt{d_{head}}} + b_h(\mathrm{bucket}(n - m))"
    words = (
        "Each head learns a number for each bucket of distances: near distances have a bucket each, far ones share "
        "one. The scores here are divided by √d_head as usual; T5, which introduced this encoding, omits that."
    )
    source = "Raffel et al. 2020, section 2.1"

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.encoder = nn.Parameter(torch.randn(BUCKETS, config.n_heads) * config.d_model**-0.5)
        self.decoder = nn.Parameter(torch.randn(BUCKETS, config.n_heads) * config.d_model**-0.5)

    def bias(self, queries: Tensor, keys: Tensor, *, causal: bool) -> Tensor:
        table = self.decoder if causal else self.encoder
        return table[relative_bucket(keys - queries[:, None], causal=causal)].permute(2, 0, 1)

    def written(self, place: Place, *, head: int, query: int, n: int) -> Written:
        return Written(r"b_j=B[\text{bucket}(j-t)]")


def relative_bucket(distance: Tensor, *, causal: bool) -> Tensor:
    """The bucket, from 0, of each ``distance`` (key minus query): near distances have their own, far ones share.

    Half of the buckets of a direction hold one distance each; the others widen logarithmically up to ``FARTHEST``
    (Raffel et al. 2020, section 2.1, and its code). With ``causal``, all buckets look back, and anything ahead counts
    as distance 0; otherwise the second half of them is for keys after the query.
    """
    n = BUCKETS if causal else BUCKETS // 2
    ahead = torch.zeros_like(distance) if causal else (distance > 0) * n
    far = (-distance).clamp(min=0) if causal else distance.abs()
    exact = n // 2
    growth = torch.log(far.clamp(min=1) / exact) / math.log(FARTHEST / exact)
    shared = (exact + growth * (n - exact)).long().clamp(max=n - 1)
    return ahead + torch.where(far < exact, far, shared)


ENCODINGS: Mapping[str, type[Encoding]] = MappingProxyType(
    {
        "sinusoidal": Sinusoidal,
        "learned": Learned,
        "rotary": Rotary,
        "alibi": Alibi,
        "relative": Relative,
        "none": Encoding,
    }
)
"""What each value of :attr:`ModelConfig.positional` stands for."""
