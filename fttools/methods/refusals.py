"""Where a method does not apply to a model: found early, and said with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fttools.errors import BadRank, FTError, UnknownTarget, suggest
from fttools.methods.kinds import Method, MethodRefused

if TYPE_CHECKING:
    from torch import nn


def is_classifier(model: nn.Module) -> bool:
    """Whether the model has a new (untrained) classification head."""
    return "Classification" in type(model).__name__


def head_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Named parameters of the task head: what lies outside the base model.

    Language models' heads are their output embeddings (also where they are tied to the input's).
    """
    if is_classifier(model):
        prefix = str(getattr(model, "base_model_prefix", "")) + "."
        yield from ((n, p) for n, p in model.named_parameters() if not n.startswith(prefix))
        return
    out = getattr(model, "get_output_embeddings", lambda: None)()
    wanted = {id(p) for p in out.parameters()} if out is not None else set()
    yield from ((n, p) for n, p in model.named_parameters() if id(p) in wanted)


def check_prefix(model: nn.Module) -> None:
    """Refuse a model that takes no keys and values from outside: peft would only notice in the
    first forward pass."""
    import inspect

    backbone = getattr(model, str(getattr(model, "base_model_prefix", "")), model)
    for part in (model, backbone):
        if "past_key_values" in inspect.signature(part.forward).parameters:
            return
    raise MethodRefused(
        f"Prefix tuning gives every layer keys and values, and {type(model).__name__} takes none "
        "(its forward has no past_key_values).",
        "prompt, ptuning, lora or adapter",
    )


def check_rank(tuned: nn.Module, rank: int) -> None:
    """Refuse a rank larger than a layer it goes into: B·A could not have that rank."""
    for name, module in tuned.named_modules():
        sides = (getattr(module, "in_features", None), getattr(module, "out_features", None))
        if not hasattr(module, "lora_A") or not all(isinstance(side, int) for side in sides):
            continue
        small = min(side for side in sides if side is not None)
        if rank > small:
            raise BadRank(
                f"rank={rank} is larger than the layer {name} ({sides[0]} -> {sides[1]}) allows.",
                f"a rank of at most {small}; 4 to 64 is usual",
            )


def explain_refusal(model: nn.Module, method: Method, err: Exception) -> FTError:
    """peft's refusal, in terms of what to do about it."""
    text = " ".join(str(err).split())
    targets = getattr(method, "targets", None)
    if "target_modules" in text or "Target modules" in text or "target modules" in text:
        names = sorted(linear_names(model))
        if targets is not None:
            shown = targets if isinstance(targets, str) else ",".join(targets)
            return UnknownTarget(
                f"No module of {type(model).__name__} matches {shown!r}.",
                suggest(shown.split(",")[0], (*names, "all-linear")),
            )
        return UnknownTarget(
            f"peft has no default target modules for {type(model).__name__} with {method.name}.",
            f"--targets with some of: {', '.join(names)}; or --targets all-linear (lora)",
        )
    if "modules_to_save cannot be applied" in text:
        # peft has wrapped the layers by now: what is under a name's ".base_layer" was linear.
        head = {n.split(".")[0] for n, _ in head_parameters(model)}
        wrapped = (n.removesuffix(".base_layer") for n, _ in model.named_modules()
                   if n.endswith(".base_layer"))  # fmt: skip
        others = ",".join(sorted({n.rsplit(".", 1)[-1] for n in wrapped} - head))
        return MethodRefused(
            f"all-linear takes in the head of {type(model).__name__}, which peft trains whole.",
            f"--targets {others}",
        )
    return MethodRefused(
        f"peft refuses {method.name} on {type(model).__name__}: {text[:300]}",
        "another method (lora applies to every architecture), or other options",
    )


def linear_names(model: nn.Module) -> set[str]:
    """Last parts of the names of the model's linear layers: what `targets` can name."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return {
        n.rsplit(".", 1)[-1]
        for n, m in model.named_modules()
        if isinstance(m, (nn.Linear, Conv1D)) and n
    }
