"""What stands in the attention calls of a model of `transformers`: queries, keys, values, mask, pattern.

The library lets a model call an attention function by name. Ours does what the model's own file does (its
``eager_attention_forward``, so no model's code is repeated here), and shows the call to whoever watches this pass.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from model.families.proof import HeadPass

NAME = "headlight"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionCall:
    """One call: ``query`` is ``[batch, head, query, d_head]``; ``key`` and ``value`` have as many heads as the model
    keeps keys for; ``mask`` is added to the scores; ``options`` are what else the model's file was told."""

    module: nn.Module
    query: Tensor
    key: Tensor
    value: Tensor
    mask: Tensor | None
    pattern: Tensor
    options: dict[str, Any]

    def head(self, head: int) -> HeadPass:
        """One head, from 0, of a call that was of one text."""
        shared = head * self.key.size(1) // self.query.size(1)  # the key head that serves this one
        query, key, value = self.query[0, head], self.key[0, shared], self.value[0, shared]
        scale = self.options.get("scaling")
        parts = [one for one in (self.mask, self.options.get("position_bias")) if isinstance(one, Tensor)]
        added = [one[0, head if one.size(1) > 1 else 0, :, : len(key)].expand(len(query), len(key)) for one in parts]
        sinks, pattern = getattr(self.module, "sinks", None), self.pattern[0, head].numpy()
        if sinks is not None:
            pattern = np.concatenate((pattern, (1 - pattern.sum(-1, keepdims=True)).clip(0)), axis=-1)
        return HeadPass(
            query=query.numpy(),
            key=key.numpy(),
            value=value.numpy(),
            scale=float(query.size(-1) ** -0.5 if scale is None else scale),
            added=sum(added[1:], added[0]).numpy() if added else None,
            softcap=self.options.get("softcap"),
            sink=None if sinks is None else float(sinks[head]),
            pattern=pattern,
        )


_watching: ContextVar[Callable[[AttentionCall], None] | None] = ContextVar("watching", default=None)


def register() -> None:
    """Make the function known to `transformers`."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import eager_mask

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, eager_mask)


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, *args: Any, **kwargs: Any
) -> tuple[Tensor, Tensor]:
    """The attention of the file that ``module`` is from."""
    eager = sys.modules[type(module).__module__].eager_attention_forward
    output, pattern = eager(module, query, key, value, mask, *args, **kwargs)
    if (watch := _watching.get()) is not None:
        watch(
            AttentionCall(module=module, query=query, key=key, value=value, mask=mask, pattern=pattern, options=kwargs)
        )
    return output, pattern


@contextmanager
def watching(watch: Callable[[AttentionCall], None]) -> Iterator[None]:
    """Show ``watch`` every attention call of this thread until the ``with`` block ends."""
    token = _watching.set(watch)
    try:
        yield
    finally:
        _watching.reset(token)
