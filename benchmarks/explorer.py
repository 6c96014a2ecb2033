"""Memory explorer: seconds from moving a control to the new picture, by what is known already."""

from __future__ import annotations

import statistics
import time
from typing import Any

from fttools.widgets.memory_explorer import memory_explorer


def run(quick: bool = False) -> dict[str, Any]:
    """Median and worst seconds: cached settings, and a new setting's closed form (llama-2-7b)."""
    model = "bert-base-uncased" if quick else "llama-2-7b"
    explorer = memory_explorer(model, "qlora", batch=1, seq=512, checkpointing=True).explorer
    explorer.wait(300)
    control = explorer.controls["batch"]
    first, simulated = [], []
    for batch in (2, 4) if quick else (2, 4, 8, 16):
        start = time.perf_counter()
        control.value = batch  # returns with the closed form on screen
        first.append(time.perf_counter() - start)
        explorer.wait(300)
        simulated.append(time.perf_counter() - start)
    cached = []
    for batch in (1, 2, 4) * (1 if quick else 5):
        if control.value == batch:
            continue
        start = time.perf_counter()
        control.value = batch
        cached.append(time.perf_counter() - start)
    return {
        "model": model,
        "cached": _figures(cached),
        "closed form of a new setting": _figures(first),
        "simulation of a new setting": _figures(simulated),
    }


def _figures(seconds: list[float]) -> dict[str, Any]:
    return {
        "median_s": round(statistics.median(seconds), 3),
        "worst_s": round(max(seconds), 3),
        "runs": len(seconds),
    }
