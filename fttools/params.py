"""Exact parameter counts for a model with a method, without its weights.

    count(config, LoRA(rank=8), task="seq-cls")    # Counts(total=..., trainable=..., by_kind=...)

The model is built on meta tensors (shapes only), so a 7 B model needs no memory to count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fttools.errors import UnknownModel, suggest
from fttools.methods import Method, attach, head_parameters, is_classifier
from fttools.quiet import quietly

if TYPE_CHECKING:
    from torch import nn

TASKS = {
    "seq-cls": "AutoModelForSequenceClassification",
    "causal-lm": "AutoModelForCausalLM",
    "seq2seq-lm": "AutoModelForSeq2SeqLM",
}


@dataclass(frozen=True)
class Counts:
    """Integers as peft counts them; `by_kind` splits the trainable ones."""

    total: int
    trainable: int
    by_kind: dict[str, int]

    @property
    def trainable_pct(self) -> float:
        """Trainable parameters in percent of all."""
        return 100 * self.trainable / self.total

    def __str__(self) -> str:
        return f"{self.trainable:,} of {self.total:,} parameters train ({self.trainable_pct:.3f} %)"


def count_model(model: nn.Module) -> Counts:
    """Counts of a model as it stands. Parameters shared by two modules count once; buffers not."""
    unwrapped: Any = model
    if hasattr(model, "get_base_model"):
        unwrapped = unwrapped.get_base_model()
    classifier = is_classifier(unwrapped)
    heads = {id(p) for _, p in head_parameters(unwrapped)} if classifier else set()
    total = 0
    kinds = {"adapter": 0, "head": 0, "base": 0}
    added = hasattr(model, "peft_config")
    for name, parameter in model.named_parameters():
        total += parameter.numel()
        if not parameter.requires_grad:
            continue
        if id(parameter) in heads or "modules_to_save" in name:
            kind = "head"
        else:
            kind = "adapter" if added else "base"
        kinds[kind] += parameter.numel()
    return Counts(total, sum(kinds.values()), kinds)


def count(config: Any, method: Method, task: str = "causal-lm", labels: int = 2) -> Counts:
    """Counts for a transformers config with `method` attached. Raises UnknownModel for a task
    the architecture does not have, and what `attach` raises."""
    import torch
    import transformers

    if task not in TASKS:
        raise UnknownModel(f"There is no task {task!r}.", suggest(task, TASKS))
    if task == "seq-cls":
        config.num_labels = labels
    with quietly():
        try:
            with torch.device("meta"):
                model = getattr(transformers, TASKS[task]).from_config(config)
        except ValueError as err:
            raise UnknownModel(
                f"{type(config).__name__} has no {task} model.",
                f"--task with another of {', '.join(TASKS)}",
            ) from err
        return count_model(attach(model, method))
