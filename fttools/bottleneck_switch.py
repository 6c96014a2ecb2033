"""Add adapters to a model, switch between them, take them out. See `fttools.bottleneck`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from fttools.bottleneck_layer import Bottleneck, inner_width, sites, width
from fttools.errors import suggest
from fttools.methods import Adapter, MethodRefused, head_parameters, is_classifier

BASE = ""  # the name under which the base model's own head and LayerNorms are kept


@dataclass
class Bottlenecks:
    """What a model with adapters knows about them: settings by name, where they sit, what each
    task owns besides (by parameter name), which one is active."""

    configs: dict[str, Adapter] = field(default_factory=dict)
    sites: dict[str, tuple[str, ...]] = field(default_factory=dict)
    own: dict[str, dict[str, nn.Parameter]] = field(default_factory=dict)
    active: str = BASE


def _adapt(module: Any, args: Any, output: torch.Tensor) -> torch.Tensor:
    name = module.active_adapter
    return module.adapters[name](output) if name in module.adapters else output


def state(model: nn.Module) -> Bottlenecks:
    """The model's adapters. Raises MethodRefused when it has none."""
    found = getattr(model, "bottlenecks", None)
    if not isinstance(found, Bottlenecks):
        raise MethodRefused(
            f"This {type(model).__name__} has no adapters.", 'add_adapter(model, "name", Adapter())'
        )
    return found


def names(model: nn.Module) -> list[str]:
    """Names of the model's adapters, in the order they were added."""
    found = getattr(model, "bottlenecks", None)
    return list(found.configs) if isinstance(found, Bottlenecks) else []


def add_adapter(
    model: nn.Module, name: str, method: Adapter, *, labels: int | None = None
) -> nn.Module:
    """Put a fresh adapter into every layer, freeze the base, make the adapter the active one.

    In place; returns the model. A classifier's head becomes the adapter's own: the first adapter
    takes over the head that is there, further ones get a fresh one, with `labels` outputs.
    Raises MethodRefused, BadRank.
    """
    if not name or "." in name or name in names(model):
        taken = f" (there are: {', '.join(names(model))})" if names(model) else ""
        raise MethodRefused(
            f"An adapter cannot be called {name!r}{taken}.", "a new name, without dots"
        )
    if hasattr(model, "peft_config"):
        raise MethodRefused(
            "The model already has peft's layers.", "the base model, before lora and the like"
        )
    where = sites(model, method)
    modules = [model.get_submodule(site) for site in where]
    inner = [inner_width(method, width(m), s) for m, s in zip(modules, where, strict=True)]
    if not names(model):
        model.bottlenecks = Bottlenecks()  # type: ignore[assignment]
        for p in model.parameters():
            p.requires_grad_(False)
    known = state(model)
    owned = _owned(model, method)
    known.own.setdefault(BASE, {})
    for path in owned:
        known.own[BASE].setdefault(path, _parameter(model, path))
    for module, m in zip(modules, inner, strict=True):
        _fit(module, name, m, method)
    fresh = labels is not None or len(known.configs) > 0
    known.configs[name], known.sites[name] = method, tuple(where)
    known.own[name] = _own_copy(model, owned, labels, fresh)
    set_adapter(model, name)
    return model


def _fit(module: Any, name: str, inner: int, method: Adapter) -> None:
    """Add the adapter `name` to one projection."""
    weight = next(module.parameters(recurse=False))
    # Half-precision and quantized bases get fp32 adapters: small updates vanish in 16 bits.
    dtype = weight.dtype if weight.dtype == torch.float64 else torch.float32
    if not hasattr(module, "adapters"):
        module.adapters = nn.ModuleDict()
        module.active_adapter = BASE
        module.register_forward_hook(_adapt)
    module.adapters[name] = Bottleneck(
        width(module), inner, method.activation, weight.device, dtype
    )


def _owned(model: nn.Module, method: Adapter) -> list[str]:
    """Parameters that a task trains besides its adapters: the classifier's head, and LayerNorms
    of the layers if the method says so."""
    found = [n for n, _ in head_parameters(model)] if is_classifier(model) else []
    if method.layer_norms:
        for name, module in model.named_modules():
            if "Norm" in type(module).__name__ and any(c.isdigit() for c in name.split(".")):
                found += [f"{name}.{leaf}" for leaf, _ in module.named_parameters(recurse=False)]
    return [n for n in dict.fromkeys(found) if ".adapters." not in n]


def _parameter(model: nn.Module, path: str) -> nn.Parameter:
    owner, _, leaf = path.rpartition(".")
    return model.get_submodule(owner)._parameters[leaf]  # type: ignore[return-value]


def _own_copy(
    model: nn.Module, owned: list[str], labels: int | None, fresh: bool
) -> dict[str, nn.Parameter]:
    """The task's own parameters, copied from the base's. A fresh head is drawn anew (normal, 0.02,
    as transformers does), its last layer with `labels` outputs."""
    base = state(model).own[BASE]
    heads = [n for n, _ in head_parameters(model)] if is_classifier(model) else []
    last = heads[-1].rpartition(".")[0] if heads else ""
    own: dict[str, nn.Parameter] = {}
    for path in owned:
        tensor = base[path].detach().clone()
        if path in heads and fresh:
            if labels is not None and path.rpartition(".")[0] == last:
                tensor = tensor.new_empty((labels, *tensor.shape[1:]))
            if tensor.dim() > 1:
                nn.init.normal_(tensor, std=0.02)
            else:
                nn.init.zeros_(tensor)
        own[path] = nn.Parameter(tensor)
    return own


def set_adapter(model: nn.Module, name: str, *, train: bool = True) -> None:
    """Make `name` the active adapter, with its head and LayerNorms; the others rest, frozen.

    Raises MethodRefused for a name the model does not have.
    """
    known = state(model)
    if name not in known.configs:
        raise MethodRefused(f"The model has no adapter {name!r}.", suggest(name, known.configs))
    _activate(model, name)
    for module in _adapted(model):
        for other, adapter in module.adapters.items():
            adapter.requires_grad_(train and other == name)
    for other, parameters in known.own.items():
        for p in parameters.values():
            p.requires_grad_(train and other == name)


def _adapted(model: nn.Module) -> list[Any]:
    return [m for m in model.modules() if isinstance(getattr(m, "adapters", None), nn.ModuleDict)]


def _activate(model: nn.Module, name: str) -> None:
    """Switch to `name`, or to the bare base model (BASE)."""
    known = state(model)
    known.active = name
    for module in _adapted(model):
        module.active_adapter = name
    # What another task owned and this one does not goes back to the base's.
    for path, parameter in {**known.own.get(BASE, {}), **known.own.get(name, {})}.items():
        owner, _, leaf = path.rpartition(".")
        module = model.get_submodule(owner)
        old = module._parameters[leaf]
        if old is parameter:
            continue
        if old is not None and old.device != parameter.device:
            parameter.data = parameter.data.to(old.device)
        module._parameters[leaf] = parameter
        if leaf == "weight" and hasattr(module, "out_features"):
            module.out_features = parameter.shape[0]  # type: ignore[assignment]
    heads = [p for n, p in head_parameters(model)] if is_classifier(model) else []
    if heads:
        model.num_labels = model.config.num_labels = int(heads[-1].shape[0])  # type: ignore[assignment, union-attr]


def disable(model: nn.Module) -> None:
    """Back to the base model as it was, its own head included; `set_adapter` switches on again."""
    _activate(model, BASE)


@contextmanager
def disabled(model: nn.Module) -> Iterator[nn.Module]:
    """The base model inside the block, the adapter that was active after it."""
    before = state(model).active
    _activate(model, BASE)
    try:
        yield model
    finally:
        _activate(model, before)


def remove(model: nn.Module, name: str) -> None:
    """Take the adapter `name` out; the base model is active after that, if it was."""
    known = state(model)
    if name not in known.configs:
        raise MethodRefused(f"The model has no adapter {name!r}.", suggest(name, known.configs))
    if known.active == name:
        _activate(model, BASE)
    for module in _adapted(model):
        if name in module.adapters:
            del module.adapters[name]
    for table in (known.configs, known.sites, known.own):
        del table[name]  # type: ignore[attr-defined]
