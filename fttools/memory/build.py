"""The model of a training run on meta tensors, with its method attached and its batch of inputs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from fttools import methods
from fttools.errors import BadData, UnknownModel, suggest
from fttools.memory import quant
from fttools.memory.amp import DTYPES
from fttools.memory.ledger import Ledger
from fttools.methods import Method, QLoRA

TASK_CLASSES = {
    "seq-cls": "AutoModelForSequenceClassification",
    "causal-lm": "AutoModelForCausalLM",
    "seq2seq-lm": "AutoModelForSeq2SeqLM",
}


@dataclass(frozen=True)
class Setup:
    """What is trained and how; `estimate` documents the fields."""

    method: Method
    task: str
    batch: int
    seq: int
    accumulate: int
    weights: str
    amp: str
    optim: str
    checkpointing: bool
    attention: str
    padded: bool
    labels: int


def model_class(task: str) -> Any:
    """transformers' auto class for a task. Raises UnknownModel."""
    import importlib

    if task not in TASK_CLASSES:
        raise UnknownModel(f"There is no task {task!r}.", suggest(task, TASK_CLASSES))
    module = importlib.import_module("transformers.models.auto.modeling_auto")
    return getattr(module, TASK_CLASSES[task])


def build(config: Any, setup: Setup, ledger: Ledger) -> tuple[nn.Module, str]:
    """The model with its method, every weight in the ledger; and the attention that it runs.

    Raises UnknownModel when the architecture has no such task, and what `attach` raises.
    """
    if setup.task == "seq-cls":
        config.num_labels = setup.labels
        if getattr(config, "pad_token_id", None) is None:
            config.pad_token_id = 0
    quantized = isinstance(setup.method, QLoRA)
    dtype = torch.bfloat16 if quantized else DTYPES[setup.weights]
    cls = model_class(setup.task)
    attention = setup.attention
    from transformers.initialization import no_init_weights

    with torch.device("meta"):
        if quantized:
            model, attention = _from_config(cls, config, dtype, attention, setup.task)
        else:
            with ledger:
                model, attention = _from_config(cls, config, dtype, attention, setup.task)
        with ledger:
            if quantized:
                quant.quantize(model, ledger, setup.method.double_quant)  # type: ignore[attr-defined]
            # Initial values take as long as all else; other methods' use what they return.
            skip = isinstance(setup.method, methods.LoRA)
            with no_init_weights() if skip else nullcontext():
                tuned = methods.attach(model, setup.method)
            if quantized:
                quant.adapt(tuned)
            for parameter in tuned.parameters():
                ledger.watch(parameter)
    return tuned, attention


def _from_config(
    cls: Any, config: Any, dtype: torch.dtype, attention: str, task: str
) -> tuple[nn.Module, str]:
    from transformers.initialization import no_init_weights

    if type(config) not in cls._model_mapping:
        raise UnknownModel(
            f"{getattr(config, 'model_type', type(config).__name__)} has no {task} model.",
            f"--task with another of {', '.join(TASK_CLASSES)}",
        )
    try:
        with no_init_weights():
            model = cls.from_config(config, dtype=dtype, attn_implementation=attention)
    except ValueError as err:
        if "attention implementation" not in str(err) or attention == "eager":
            raise
        attention = "eager"
        with no_init_weights():
            model = cls.from_config(config, dtype=dtype, attn_implementation=attention)
    model.tie_weights()  # without initialisation, transformers leaves this to the caller
    if getattr(config, "untied_head", False):
        from fttools import catalogue

        catalogue.untie(model)
    return model, attention


def batch(config: Any, setup: Setup) -> dict[str, torch.Tensor]:
    """One device batch of inputs on meta: ids, mask and labels, all int64."""
    shape = (setup.batch, setup.seq)
    whole: dict[str, Any] = {"dtype": torch.long, "device": "meta"}
    inputs = {
        "input_ids": torch.empty(shape, **whole),
        "attention_mask": torch.empty(shape, **whole),
    }
    rows = shape[:1] if setup.task == "seq-cls" else shape
    inputs["labels"] = torch.empty(rows, **whole)
    return inputs


def longest(config: Any) -> int | None:
    """The most positions that the model can take, None when it has no limit."""
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    if getattr(text, "model_type", "") in ("t5", "mt5", "umt5", "bloom", "longt5"):
        return None  # relative positions or ALiBi: no table that ends
    for name in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"):
        value = getattr(text, name, None)
        if isinstance(value, int) and value > 0:
            # RoBERTa's table starts after the padding position.
            offset = 2 if getattr(text, "model_type", "") in ROBERTAS else 0
            return value - offset
    return None


ROBERTAS = ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "roberta-prelayernorm")


def check_length(config: Any, seq: int, virtual: int) -> None:
    """Raise BadData when the sequence (with virtual tokens) is longer than the model allows."""
    limit = longest(config)
    if limit is not None and seq + virtual > limit:
        extra = f" (with {virtual} virtual tokens)" if virtual else ""
        raise BadData(
            f"A sequence of {seq} tokens{extra} is longer than the model's {limit} positions.",
            f"--seq {limit - virtual} or less",
        )
