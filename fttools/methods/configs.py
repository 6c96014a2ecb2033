"""peft's own configuration for a method of ours."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from fttools.errors import UnknownMethod, suggest
from fttools.methods.kinds import (
    IA3,
    LNTuning,
    LoRA,
    Method,
    OtherPeft,
    Prefix,
    Prompt,
    PTuning,
    Targets,
    VeRA,
)  # fmt: skip
from fttools.methods.names import METHODS

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn


def task_type(model: nn.Module) -> str | None:
    """peft's name for what the model is for, from its class."""
    name = type(model).__name__
    if "SequenceClassification" in name:
        return "SEQ_CLS"
    if "TokenClassification" in name:
        return "TOKEN_CLS"
    if bool(getattr(getattr(model, "config", None), "is_encoder_decoder", False)):
        return "SEQ_2_SEQ_LM"
    if "CausalLM" in name or "LMHead" in name:
        return "CAUSAL_LM"
    return None


def peft_config(method: Method, task: str | None) -> PeftConfig:
    """peft's own configuration for `method`."""
    import peft

    if isinstance(method, LoRA):
        return peft.LoraConfig(
            task_type=task,
            r=method.rank,
            lora_alpha=2 * method.rank if method.alpha is None else method.alpha,  # type: ignore[arg-type]
            target_modules=_listed(method.targets),
            lora_dropout=method.dropout,
            bias=method.bias,  # type: ignore[arg-type]
            modules_to_save=list(method.modules_to_save) or None,
            use_dora=method.dora,
            use_rslora=method.rslora,
        )
    if isinstance(method, Prefix):
        return peft.PrefixTuningConfig(task_type=task, num_virtual_tokens=method.tokens)
    if isinstance(method, Prompt):
        return peft.PromptTuningConfig(
            task_type=task,
            num_virtual_tokens=method.tokens,
            num_transformer_submodules=method.submodules,
        )
    if isinstance(method, PTuning):
        return peft.PromptEncoderConfig(
            task_type=task,
            num_virtual_tokens=method.tokens,
            encoder_hidden_size=method.hidden,  # type: ignore[arg-type]
        )
    if isinstance(method, IA3):
        return peft.IA3Config(
            task_type=task,
            target_modules=_listed(method.targets),
            feedforward_modules=_listed(method.feedforward),
        )
    if isinstance(method, LNTuning):
        return peft.LNTuningConfig(task_type=task, target_modules=_listed(method.targets))
    if isinstance(method, VeRA):
        return peft.VeraConfig(
            task_type=task, r=method.rank, target_modules=_listed(method.targets)
        )
    if isinstance(method, OtherPeft):
        return _other_config(method, task)
    raise UnknownMethod(f"{method!r} is not a peft method.", suggest(method.name, METHODS))


def _other_config(method: OtherPeft, task: str | None) -> PeftConfig:
    from peft import PeftType
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    cls = PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(method.kind.upper())]
    fields = {f.name for f in dataclasses.fields(cls)}
    options: dict[str, Any] = {"task_type": task, "target_modules": _listed(method.targets)}
    if method.rank is not None:
        if "r" not in fields:
            raise UnknownMethod(f"{method.kind} has no rank.", f"{method.kind} without --rank")
        options["r"] = method.rank
    if method.kind == "adalora":
        options["total_step"] = 1000  # required by peft; changes neither counts nor memory
    return cls(**options)


def _listed(targets: Targets) -> str | list[str] | None:
    return list(targets) if isinstance(targets, tuple) else targets
