"""What to change when no method fits, each with the memory it leads to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from fttools import catalogue, methods
from fttools.advise_search import Estimator, Setup, first_fit, floor, sizes, usual
from fttools.advise_types import Remedy
from fttools.memory import gpus

SMALLER = 2  # smaller models to name
TRIES = 6  # smaller models to try


def remedies(
    run: Estimator, model: str, setup: Setup, estimate: Callable[..., Any] | None
) -> tuple[Remedy, ...]:
    """Single changes to `setup` (LoRA as asked for), all of them together, a larger GPU, smaller
    models that fit."""
    four_bit = methods.QLoRA(rank=16, targets=getattr(setup.method, "targets", None))
    changes: dict[str, dict[str, Any]] = {
        "checkpointing": {"checkpointing": True},
        f"batch 1 × {setup.batch} accumulated": {"batch": 1, "accumulate": setup.batch},
        f"{max(setup.seq // 2, 1)} tokens a row": {"seq": max(setup.seq // 2, 1)},
        "paged 8-bit AdamW": {"optim": "paged_adamw_8bit"},
        "4-bit weights (qlora)": {"method": four_bit},
    }
    if setup.batch == 1:
        del changes["batch 1 × 1 accumulated"]
    found = [
        _remedy(run, f"lora with {name}", dataclasses.replace(setup, **change))
        for name, change in changes.items()
    ]
    everything = dataclasses.replace(
        setup, **{k: v for c in changes.values() for k, v in c.items()}
    )
    found.append(_remedy(run, "all of these together", everything))
    found += _larger_gpu(run, everything, found[-1].memory)
    found += _smaller_models(run, model, everything, setup, estimate)
    return tuple(found)


def _remedy(run: Estimator, change: str, setup: Setup) -> Remedy:
    if run.hopeless(setup):
        return Remedy(change, floor(setup, run.total), False, True)
    memory = run(setup).device
    return Remedy(change, memory, memory <= run.gpu.memory)


def _larger_gpu(run: Estimator, setup: Setup, memory: int) -> list[Remedy]:
    """The smallest GPU of the table that the leanest set-up fits."""
    need = max(memory, run(setup).device)
    larger = sorted((g for g in gpus.GPUS.values() if g.memory >= need), key=lambda g: g.memory)
    if not larger:
        return []
    name = f"a larger GPU, such as {larger[0].name} ({larger[0].memory / 2**30:.0f} GiB)"
    return [Remedy(f"all of these on {name}", need, True)]


def _smaller_models(
    run: Estimator, model: str, lean: Setup, setup: Setup, estimate: Callable[..., Any] | None
) -> Iterator[Remedy]:
    """The largest models of the same family (then of the same kind) that fit with QLoRA."""
    wanted = catalogue.find(model)
    family = wanted.config["model_type"] if wanted else run.config.model_type
    rivals = [e for e in catalogue.entries() if e.task == setup.task and e.total < run.total]
    rivals.sort(key=lambda e: (e.config["model_type"] != family, -e.total))
    named = tried = 0
    for entry in rivals:
        if named == SMALLER or tried == TRIES:
            return
        config = catalogue.read_config(entry.name)
        total, _ = sizes(config, setup.task, setup.labels)
        smaller = Estimator(config, run.gpu, total, estimate)
        start = usual(lean.method, run.gpu, setup.task, setup.batch, setup.seq, setup.labels)
        if smaller.hopeless(start):
            continue
        tried += 1
        chosen, concessions, fits = first_fit(smaller, start)
        if fits:
            named += 1
            extra = f", {', '.join(concessions)}" if concessions else ""
            memory = smaller(chosen).device
            yield Remedy(f"a smaller model: {entry.name} with qlora{extra}", memory, True)
