"""Positional encodings: how a Transformer, blind to order, is told where a token stands.

An encoding may act in three places: on the embedded input, to which it adds a vector; on the queries and
keys, which it turns; and on the scores, to which it adds a bias. The last two are for self-attention only:
source and target have no common count of positions, so cross-attention is left alone, as in T5.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor, nn

from model.config import ModelConfig

BASE = 10000.0
BUCKETS, FARTHEST = 32, 128  # of T5: how many buckets, and from which distance on all share the last one


class Rotation(NamedTuple):
    """The cosine and sine of the angle by which each pair of dimensions is turned, ``[position, d_head / 2]``."""

    cos: Tensor
    sin: Tensor


class OnScores(NamedTuple):
    """What an encoding does within self-attention; None where it does nothing."""

    rotation: Rotation | None = None  # of queries and keys
    bias: Tensor | None = None  # [head, query, key], added to the scores


class Encoding(nn.Module):
    """``none``: no position is told. The others override what they do; the rest does nothing."""

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

        ``causal`` says whose: True for a decoder, which looks back only, False for an encoder.
        """
        return None

    def on_scores(self, positions: Tensor, *, causal: bool) -> OnScores:
        """What it does to the self-attention of tokens at ``positions``, ``[position]``."""
        return OnScores(self.rotation(positions), self.bias(positions, positions, causal=causal))

    def stretched(self, config: ModelConfig) -> Encoding:
        """The same encoding with the ``max_len`` of ``config``.

        Raises:
            ValueError: it knows no more positions than it learned.
        """
        longer = type(self)(config)
        longer.load_state_dict(self.state_dict())
        return longer


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

    table: Tensor  # [max_len, d_model], computed and not saved

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.register_buffer("table", sinusoidal(config.max_len, config.d_model), persistent=False)

    def added(self) -> Tensor:
        return self.table


class Learned(Encoding):
    """A learned vector for each position is added to the embedded input (Gehring et al. 2017; Devlin et al. 2019)."""

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
    """Queries and keys are turned by their position, so that a score knows only the distance (Su et al. 2021).

    Each pair of dimensions ``(2i, 2i+1)`` of a query or key at ``pos`` turns by ``pos / 10000^(2i/d_head)``
    (section 3.2.2, equations 14 and 15); a product of two turned vectors keeps the difference of the angles.
    """

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
    """Scores fall linearly with the distance, ``-slope · |query - key|``, at each head's slope (Press et al. 2022).

    Section 3. There keys stand before their queries; in an encoder the same fall goes both ways.
    """

    slopes: Tensor  # [head], computed and not saved

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.register_buffer("slopes", alibi_slopes(config.n_heads), persistent=False)

    def bias(self, queries: Tensor, keys: Tensor, *, causal: bool) -> Tensor:
        return -self.slopes[:, None, None] * (queries[:, None] - keys).abs()


def alibi_slopes(n_heads: int) -> Tensor:
    """The slope of each head: for ``n`` heads, a power of two, ``2^(-8/n), 2^(-16/n), …, 2^(-8)``.

    For another ``n``, those of the power of two below it, then every other one of those of the power above,
    as the authors' program has it (Press et al. 2022, section 3 and its code).

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

    One table for the encoder and one for the decoder, each shared by the layers of its stack.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.encoder = nn.Parameter(torch.randn(BUCKETS, config.n_heads) * config.d_model**-0.5)
        self.decoder = nn.Parameter(torch.randn(BUCKETS, config.n_heads) * config.d_model**-0.5)

    def bias(self, queries: Tensor, keys: Tensor, *, causal: bool) -> Tensor:
        table = self.decoder if causal else self.encoder
        return table[relative_bucket(keys - queries[:, None], causal=causal)].permute(2, 0, 1)


def relative_bucket(distance: Tensor, *, causal: bool) -> Tensor:
    """The bucket, from 0, of each ``distance`` (key minus query): near ones have their own, far ones share.

    Half of the buckets of a direction are for one distance each, the others grow with its logarithm up to
    ``FARTHEST`` (Raffel et al. 2020, section 2.1, and its code). ``causal``: all buckets look back, and what
    lies ahead is distance 0; otherwise the second half of them is for keys after the query.
    """
    n = BUCKETS if causal else BUCKETS // 2
    ahead = torch.zeros_like(distance) if causal else (distance > 0) * n
    far = (-distance).clamp(min=0) if causal else distance.abs()
    exact = n // 2
    growth = torch.log(far.clamp(min=1) / exact) / math.log(FARTHEST / exact)
    shared = (exact + growth * (n - exact)).long().clamp(max=n - 1)
    return ahead + torch.where(far < exact, far, shared)


ENCODINGS = MappingProxyType(
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
