"""Record what any PyTorch program attends to, while it runs as it always does.

::

    with record(module) as recording, torch.no_grad():
        module(inputs)
    recording.trace(tokens).save("mine.trace.safetensors")

What is recorded: every call of ``nn.MultiheadAttention`` (alone or in the layers of ``nn.Transformer…``) and of
``scaled_dot_product_attention``, also where a fast path computes no weights. The pattern of a call is computed beside
it, from its own arguments, so the module does what it would do without us: outputs, gradients and random numbers are
the same. Not seen: what is compiled (``torch.compile``, TorchScript), and attention written out as products and a
softmax.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from model.families.arrays import trace_of
from model.families.patterns import multi_head_pattern, scaled_dot_product_pattern
from model.trace import Kind, Trace

Role = Literal["encoder", "decoder", "cross", "self", ""]
"""What a call is known to be; "self" where it is not known whose, "" where nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an attention.

    ``where`` is the name of the module in which it happened; ``pattern`` is float32 ``[batch, head, query, key]``,
    after softmax and before dropout. The last ``n_extra`` keys are no tokens (``bias_k``, ``add_zero_attn``).
    """

    where: str
    role: Role
    pattern: np.ndarray
    n_extra: int = 0


class Recording:
    """The calls of the last pass through a module; of all there were, if it was not called as a whole."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def trace(
        self,
        tokens: Sequence[str],
        target_tokens: Sequence[str] | None = None,
        *,
        kind: Kind | None = None,
        mask: Any | None = None,
        target_mask: Any | None = None,
        text: int | None = None,
        predicted_tokens: Sequence[str] | None = None,
        name: str = "recording",
    ) -> Trace:
        """What was recorded, as a trace; the arguments are those of :meth:`model.trace.Trace.of`.

        With ``target_tokens`` the calls become encoder, decoder and cross-attention by the modules they happened in, or
        else by their lengths; without, they are of one kind. A layer is a call, in the order of the calls.

        Raises:
            ValueError: nothing was recorded, or the calls do not fit the tokens or each other.
        """
        if not self.calls:
            raise ValueError(
                "nothing was recorded: the module was not called, or it has neither nn.MultiheadAttention nor "
                "scaled_dot_product_attention"
            )
        options: dict[str, Any] = {"mask": mask, "text": text, "predicted_tokens": predicted_tokens, "name": name}
        if target_tokens is None:
            return trace_of(stacked_calls(self.calls), tokens, kind=kind, n_sinks=_n_extra(self.calls), **options)
        n_source = len(tokens if mask is None else np.asarray(mask).reshape(-1, np.shape(mask)[-1])[0])
        by_kind: dict[Kind, list[Call]] = {}
        for call in self.calls:
            by_kind.setdefault(_kind(call, n_source), []).append(call)
        patterns: Mapping[Kind, Any] = {one: stacked_calls(calls) for one, calls in by_kind.items()}
        n_sinks: dict[Kind, int] = {one: _n_extra(calls) for one, calls in by_kind.items()}
        return trace_of(patterns, tokens, target_tokens, target_mask=target_mask, n_sinks=n_sinks, **options)


@contextmanager
def record(module: nn.Module) -> Iterator[Recording]:
    """Record the attention inside ``module`` until the ``with`` block ends; then it is as it was before."""
    recording = Recording()
    watch = _Watch(module, recording)
    try:
        watch.begin()
        with watch:
            yield recording
    finally:
        watch.end()


class _Watch(TorchFunctionMode):
    """Runs the forward of each part of a module, and takes down what it attends to.

    The forward is an attribute of the part for that time, not a hook: with hooks, PyTorch leaves its fast paths.
    """

    def __init__(self, module: nn.Module, recording: Recording) -> None:
        super().__init__()
        self.module, self.recording = module, recording
        self.names: list[str] = []  # of the parts that are running, the innermost last
        self.replaced: list[nn.Module] = []
        self.roles = _roles(module)

    def begin(self) -> None:
        for name, part in self.module.named_modules():
            if isinstance(part, torch.jit.ScriptModule) or "forward" in vars(part):
                continue
            run = self._attention if _plain(part, nn.MultiheadAttention) else self._part
            run = self._layer if _plain(part, nn.TransformerEncoderLayer) else run
            vars(part)["forward"] = self._forward(run, name, part, part.forward)
            self.replaced.append(part)

    def end(self) -> None:
        for part in self.replaced:
            del vars(part)["forward"]

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if self.names and func is F.scaled_dot_product_attention:
            with torch.no_grad():
                self._take(scaled_dot_product_pattern(*args, **kwargs), "")
        return result

    def _forward(self, run: Callable, name: str, part: nn.Module, forward: Callable) -> Callable:
        def running(*args: Any, **kwargs: Any) -> Any:
            if not self.names and part is self.module:
                self.recording.calls.clear()  # another pass begins
            self.names.append(name)
            try:
                return run(part, forward, args, kwargs)
            finally:
                self.names.pop()

        return running

    def _part(self, part: nn.Module, forward: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """Any other part."""
        if isinstance(part, nn.TransformerEncoder) and _plain(part, nn.TransformerEncoder) and _all_plain(part):
            with torch._C.DisableTorchFunction():  # under a mode it would not take its fast path
                return forward(*args, **kwargs)
        return forward(*args, **kwargs)

    def _attention(self, part: nn.MultiheadAttention, forward: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        with torch._C.DisableTorchFunction():
            result = forward(*args, **kwargs)
            with torch.no_grad():
                self._take_attention(part, *args, **kwargs)
        return result

    def _layer(self, part: nn.TransformerEncoderLayer, forward: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        """A layer of an encoder, whose fast path does not call its attention."""
        if not _plain(part.self_attn, nn.MultiheadAttention):
            return forward(*args, **kwargs)
        n_before = len(self.recording.calls)
        with torch._C.DisableTorchFunction():
            result = forward(*args, **kwargs)
            if len(self.recording.calls) == n_before:
                with torch.no_grad():
                    self._take_layer(part, *args, **kwargs)
        return result

    def _take_layer(
        self,
        part: nn.TransformerEncoderLayer,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> None:
        x = part.norm1(src) if part.norm_first else src
        self.names.append(f"{self.names[-1]}.self_attn".removeprefix("."))
        try:
            self._take_attention(part.self_attn, x, x, x, src_key_padding_mask, attn_mask=src_mask)
        finally:
            self.names.pop()

    def _take_attention(
        self,
        part: nn.MultiheadAttention,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> None:
        role: Role = self.roles.get(self.names[-1]) or ("self" if query is key else "cross")
        lengths = None
        if query.is_nested:  # texts of different length; the layer's own padding mask is in it
            lengths = torch.tensor([len(one) for one in query.unbind()], device=query.device)
            query = query.to_padded_tensor(0.0)
            key = query if key.is_nested else key
            key_padding_mask = torch.arange(query.size(1), device=query.device) >= lengths[:, None]
        pattern = multi_head_pattern(part, query, key, key_padding_mask, attn_mask)
        self._take(pattern, role, n_extra=pattern.size(-1) - _n_keys(part, key))

    def _take(self, pattern: Tensor, role: Role, n_extra: int = 0) -> None:
        # A row that may look at nothing is NaN in PyTorch, and all zeros here.
        taken = pattern.detach().float().nan_to_num(0.0).cpu().numpy()
        self.recording.calls.append(Call(where=self.names[-1], role=role, pattern=taken, n_extra=n_extra))


def _n_keys(part: nn.MultiheadAttention, key: Tensor) -> int:
    return key.size(0) if key.dim() == 2 else key.size(1 if part.batch_first else 0)


def _plain(part: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether it does what PyTorch's own does: of this class, or of one that leaves its forward as it is."""
    return isinstance(part, kind) and type(part).forward is kind.forward


def _all_plain(encoder: nn.TransformerEncoder) -> bool:
    return all(
        _plain(layer, nn.TransformerEncoderLayer) and _plain(layer.get_submodule("self_attn"), nn.MultiheadAttention)
        for layer in encoder.layers
    )


def _roles(module: nn.Module) -> dict[str, Role]:
    """What the attentions in PyTorch's own layers are, by their names."""
    roles: dict[str, Role] = {}
    for name, part in module.named_modules():
        prefix = f"{name}." if name else ""
        if isinstance(part, nn.TransformerEncoderLayer):
            roles[f"{prefix}self_attn"] = "encoder"
        elif isinstance(part, nn.TransformerDecoderLayer):
            roles[f"{prefix}self_attn"], roles[f"{prefix}multihead_attn"] = "decoder", "cross"
    return roles


def stacked_calls(calls: Sequence[Call]) -> tuple[np.ndarray, ...]:
    """The patterns of the calls, each ``[batch, head, query, key]``; keys that are no tokens stand last, also in calls
    that have fewer of them, where they get nothing."""
    most = _n_extra(calls)
    return tuple(np.pad(call.pattern, ((0, 0), (0, 0), (0, 0), (0, most - call.n_extra))) for call in calls)


def _n_extra(calls: Sequence[Call]) -> int:
    return max(call.n_extra for call in calls)


def _kind(call: Call, n_source: int) -> Kind:
    """Which of the three kinds a call is, in a pass over a source and a target."""
    if call.role in ("encoder", "decoder", "cross"):
        return call.role
    n_queries, n_keys = call.pattern.shape[2], call.pattern.shape[3] - call.n_extra
    if n_queries != n_keys:
        return "cross"
    if n_queries != n_source:
        return "decoder"
    ahead = np.triu(np.ones((n_queries, n_keys), bool), 1)
    return "encoder" if call.pattern[..., :n_keys][..., ahead].any() else "decoder"
