"""What `transformers` makes of a folder: the model in eval mode, after checking that its weights fit."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import torch

from model.checkpoint import CheckpointError
from model.families.folder import Folder
from model.families.interface import NAME, register


def network(folder: Folder) -> Any:
    """The model of a folder, with its weights, after checking that they fit."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers
    from transformers import AutoConfig
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    register()
    if folder.model_type not in transformers.CONFIG_MAPPING:
        own = " and brings code of its own, which is never run here" if "auto_map" in folder.config else ""
        raise CheckpointError(
            f"it is of type {folder.model_type!r}, which transformers {transformers.__version__} does not know{own}"
        )
    options = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder.path, **options)
    kind = _class(folder, config)
    attention = NAME if kind._can_set_attn_implementation() else "eager"
    with torch.device("meta"):
        empty = kind._from_config(config, attn_implementation="eager")
    n_parameters = sum(one.numel() for one in empty.parameters())
    if n_parameters > folder.n_bytes:
        raise CheckpointError(
            f"the config asks for {n_parameters:,} parameters, but the weights are {folder.n_bytes:,} bytes"
        )
    net, info = kind.from_pretrained(
        folder.path, config=config, dtype=torch.float32, attn_implementation=attention, use_safetensors=True,
        output_loading_info=True, ignore_mismatched_sizes=False, **options,
    )  # fmt: skip
    for what, called in (("missing_keys", "is missing"), ("unexpected_keys", f"does not belong to {kind.__name__}")):
        if wrong := sorted(info.get(what) or ()):
            raise CheckpointError(f"the tensor {wrong[0]} {called} ({len(wrong)} in all)")
    for name, tensor in net.named_parameters():
        if not tensor.isfinite().all():
            raise CheckpointError(f"the tensor {name} has values that are not finite")
    return net.eval().requires_grad_(False)


def _class(folder: Folder, config: Any) -> Any:
    """The class of the model: the one that its config names, or what the library takes for such a config."""
    import transformers

    named = getattr(transformers, folder.architecture, None) if folder.architecture else None
    if isinstance(named, type) and issubclass(named, transformers.PreTrainedModel):
        if named.config_class is not None and isinstance(config, named.config_class):
            return named
        raise CheckpointError(f"{folder.architecture} is not a model of type {folder.model_type!r}")
    with suppress(KeyError):
        return transformers.MODEL_MAPPING[type(config)]
    raise CheckpointError(f"transformers has no model of type {folder.model_type!r} that reads text")
