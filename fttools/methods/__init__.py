"""Fine-tuning methods: one frozen dataclass each, and `attach(model, method)`.

    attach(model, LoRA(rank=8))               # a peft model
    attach(model, make("ia3"))                # by name, as the command line does
    attach(model, Full())                     # the same model, requires_grad set

What trains: the method's own weights, and, for sequence classification, the new head, as peft
does.
Nothing heavy is imported until `attach`.

Modules: kinds (the dataclasses) · names · configs (peft's) · attaching · refusals.
"""

from __future__ import annotations

from fttools.methods.attaching import attach, norm_names
from fttools.methods.configs import peft_config, task_type
from fttools.methods.kinds import (
    ACTIVATIONS,
    IA3,
    VARIANTS,
    Adapter,
    BitFit,
    DoRA,
    Full,
    Head,
    LNTuning,
    LoRA,
    Method,
    MethodRefused,
    OtherPeft,
    Prefix,
    Prompt,
    PTuning,
    QLoRA,
    Targets,
    VeRA,
)  # fmt: skip
from fttools.methods.names import METHODS, PEFT_KINDS, label, make
from fttools.methods.refusals import (
    explain_refusal,
    head_parameters,
    is_classifier,
    linear_names,
)  # fmt: skip

__all__ = [
    "ACTIVATIONS", "IA3", "METHODS", "PEFT_KINDS", "VARIANTS", "Adapter", "BitFit", "DoRA", "Full",
    "Head", "LNTuning", "LoRA", "Method", "MethodRefused", "OtherPeft", "PTuning", "Prefix",
    "Prompt", "QLoRA", "Targets", "VeRA", "attach", "explain_refusal", "head_parameters",
    "is_classifier", "label", "linear_names", "make", "norm_names", "peft_config", "task_type",
]  # fmt: skip
