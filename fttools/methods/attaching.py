"""Attach a method to a model: what then trains is the method's weights, and a classifier's head."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from fttools.methods.configs import peft_config, task_type
from fttools.methods.kinds import (
    Adapter,
    BitFit,
    Full,
    Head,
    LNTuning,
    LoRA,
    Method,
    MethodRefused,
    OtherPeft,
    Prefix,
)  # fmt: skip
from fttools.methods.refusals import (
    check_prefix,
    check_rank,
    explain_refusal,
    head_parameters,
    is_classifier,
)  # fmt: skip
from fttools.quiet import quietly

if TYPE_CHECKING:
    from torch import nn


def attach(model: nn.Module, method: Method) -> nn.Module:
    """Make `model` trainable by `method`, in place.

    Returns a peft model, or the same model for methods of ours (full, head, bitfit, adapter).
    Raises MethodRefused when the method does not apply, UnknownTarget when the target modules
    match nothing, BadRank for a size the layers do not allow.
    """
    if isinstance(method, Full):
        for p in model.parameters():
            # Integer storage (4-bit weights) cannot hold a gradient.
            p.requires_grad_(p.is_floating_point())
        return model
    if isinstance(method, Head):
        _freeze_but(
            model,
            [n for n, _ in head_parameters(model)],
            "head",
            "lora, or a model with a task head (--task seq-cls)",
        )
        return model
    if isinstance(method, BitFit):
        names = [n for n, _ in model.named_parameters() if n.endswith("bias")]
        head = [n for n, _ in head_parameters(model)] if is_classifier(model) else []
        _freeze_but(
            model,
            names and names + head,
            "bitfit",
            "ln_tuning or lora: this architecture has no bias terms",
        )
        return model
    if isinstance(method, Adapter):
        from fttools import bottleneck

        return bottleneck.add_adapter(model, "default", method)
    return _attach_peft(model, method)


def _freeze_but(model: nn.Module, names: Iterable[str], method: str, remedy: str) -> None:
    keep = set(names)
    if not keep:
        raise MethodRefused(f"{method} finds nothing to train in {type(model).__name__}.", remedy)
    for n, p in model.named_parameters():
        p.requires_grad_(n in keep)


def _attach_peft(model: nn.Module, method: Method) -> nn.Module:
    import peft
    import torch

    task = task_type(model)
    if isinstance(method, Prefix):
        check_prefix(model)
    if isinstance(method, LNTuning) and method.targets is None and not _has_default(model):
        method = dataclasses.replace(method, targets=tuple(norm_names(model)))
    config = peft_config(method, task)
    try:
        # On meta tensors the method's weights must not be allocated either. Rarer methods compute
        # with values while they are made (boft's permutations), so they get real ones.
        meta = _on_meta(model) and not isinstance(method, OtherPeft)
        with quietly(), torch.device("meta") if meta else nullcontext():
            tuned = peft.get_peft_model(model, config)  # type: ignore[arg-type]
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        NotImplementedError,
        AssertionError,
        StopIteration,
    ) as err:
        raise explain_refusal(model, method, err) from err
    if isinstance(method, LoRA):
        check_rank(tuned, method.rank)
    return tuned


def _on_meta(model: nn.Module) -> bool:
    return all(p.is_meta for p in model.parameters())


def _has_default(model: nn.Module) -> bool:
    """Whether peft knows which normalisation layers this architecture has."""
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LNTUNING_TARGET_MODULES_MAPPING as KNOWN

    return getattr(getattr(model, "config", None), "model_type", None) in KNOWN


def norm_names(model: nn.Module) -> list[str]:
    """Full names of the model's normalisation layers that have something to train."""
    return [
        name
        for name, module in model.named_modules()
        if name and type(module).__name__.endswith(("Norm", "NormFp32"))
        and next(module.parameters(), None) is not None
    ]  # fmt: skip
