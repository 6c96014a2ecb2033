"""Bottleneck adapters in any usual transformers model (peft has none).

    add_adapter(model, "reviews", Adapter(bottleneck=64))     # frozen base, adapters train
    add_adapter(model, "topics", Adapter(variant="pfeiffer"), labels=4)
    set_adapter(model, "reviews")                             # switch tasks, nothing reloaded
    with disabled(model): ...                                 # the base model as it was
    save(model, folder, "reviews"); load(other, folder)

An adapter is down-projection, nonlinearity, up-projection and a residual inside (Houlsby et al.
2019, section 2.1). It sits on the output projection of a sub-layer, before the layer's own residual
and LayerNorm, and its up-projection starts at zero: a fresh adapter leaves the model's output as it
was, to the bit. A LayerNorm inside it, after the residual, would break that.

It hooks onto the projection rather than replacing it, so the base model's parameter names stay.
What a task owns besides its adapters (a classifier's head, trained LayerNorms) is kept per adapter
and swapped in with it.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from fttools.bottleneck_layer import PLACES, Bottleneck, sites
from fttools.bottleneck_switch import (
    BASE,
    Bottlenecks,
    add_adapter,
    disable,
    disabled,
    names,
    remove,
    set_adapter,
    state,
)
from fttools.errors import FTError, suggest
from fttools.methods import Adapter, MethodRefused, head_parameters, is_classifier

__all__ = [
    "PLACES",
    "Adapter",
    "BadAdapterFile",
    "Bottleneck",
    "Bottlenecks",
    "add_adapter",
    "disable",
    "disabled",
    "load",
    "names",
    "remove",
    "save",
    "set_adapter",
    "sites",
    "state",
]
FORMAT = "fttools-bottleneck-1"


class BadAdapterFile(FTError, ValueError):
    """A folder that holds no adapter, or one of another model."""


def save(model: nn.Module, folder: Path | str, name: str | None = None) -> Path:
    """Write one adapter (the active one by default) with its head and LayerNorms into `folder`:
    `adapter_model.safetensors` and `adapter_config.json`. Returns the folder."""
    from safetensors.torch import save_file

    known = state(model)
    name = known.active if name is None else name
    if name not in known.configs:
        raise MethodRefused(f"The model has no adapter {name!r}.", suggest(name, known.configs))
    tensors = {f"adapter.{k}": v for k, v in _adapter_tensors(model, name).items()}
    tensors |= {f"own.{k}": v for k, v in known.own[name].items()}
    config = getattr(model, "config", None)
    written = {
        "format": FORMAT,
        "name": name,
        "method": asdict(known.configs[name]),
        "base": str(getattr(config, "_name_or_path", "")),
        "model_type": str(getattr(config, "model_type", "")),
    }
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    plain = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    save_file(plain, target / "adapter_model.safetensors", {"format": "pt"})
    (target / "adapter_config.json").write_text(json.dumps(written, indent=1) + "\n")
    return target


def load(model: nn.Module, folder: Path | str, name: str | None = None) -> str:
    """Add a saved adapter to `model` and make it active; returns its name (`name`, or the saved
    one). Raises BadAdapterFile for files that are no adapter's, or another model's."""
    from safetensors.torch import load_file

    source = Path(folder)
    try:
        written = json.loads((source / "adapter_config.json").read_text())
        tensors = load_file(source / "adapter_model.safetensors")
        if written["format"] != FORMAT:
            raise ValueError(f"format {written['format']!r}, not {FORMAT!r}")
        fields = {f.name for f in dataclasses.fields(Adapter)}
        settings = {k: v for k, v in written["method"].items() if k in fields}
        if settings.get("places"):
            settings["places"] = tuple(settings["places"])
        method, saved = Adapter(**settings), str(written["name"])
    except FTError:
        raise
    except Exception as err:  # a damaged file fails in many ways
        text = " ".join(str(err).split())[:200]
        raise BadAdapterFile(
            f"{source} holds no adapter that fttools wrote: {text}",
            "a folder that bottleneck.save wrote (peft's adapters: peft.PeftModel.from_pretrained)",
        ) from err
    name = name or saved
    before = getattr(getattr(model, "bottlenecks", None), "active", BASE)
    classes = [v for k, v in tensors.items() if k.startswith("own.")]
    add_adapter(model, name, method, labels=_labels(model, tensors) if classes else None)
    targets = {f"adapter.{k}": v for k, v in _adapter_tensors(model, name).items()}
    targets |= {f"own.{k}": v for k, v in state(model).own[name].items()}
    wrong = sorted(
        k for k in targets.keys() | tensors.keys()
        if k not in targets or k not in tensors or targets[k].shape != tensors[k].shape
    )  # fmt: skip
    if wrong:
        remove(model, name)
        if before:
            set_adapter(model, before)
        raise BadAdapterFile(
            f"The adapter in {source} is for another model ({written.get('base') or 'unnamed'}, "
            f"{written.get('model_type')}): {len(wrong)} of {len(tensors)} tensors do not fit, "
            f"such as {wrong[0]}.",
            "the model it was trained on, with the same task head",
        )
    with torch.no_grad():
        for key, target in targets.items():
            target.copy_(tensors[key])
    return name


def _adapter_tensors(model: nn.Module, name: str) -> dict[str, torch.Tensor]:
    """Weights of one adapter, by site and part."""
    return {
        f"{site}.{part}": p
        for site in state(model).sites[name]
        for part, p in model.get_submodule(site).adapters[name].named_parameters()  # type: ignore[union-attr, index]
    }


def _labels(model: nn.Module, tensors: dict[str, torch.Tensor]) -> int | None:
    """Classes of the saved head: rows of its last layer, if the model has such a head."""
    heads = [n for n, _ in head_parameters(model)] if is_classifier(model) else []
    saved = tensors.get(f"own.{heads[-1]}") if heads else None
    return None if saved is None else int(saved.shape[0])
