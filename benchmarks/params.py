"""Counting: seconds and memory of `fttools count` at 7 B with start-up, agreement with building."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import Any

from fttools import catalogue, methods, params, shapes
from fttools.errors import FTError

# `python -c` with the command's own entry point: what a person waits for, and its peak memory.
COMMAND = (
    "import resource, sys; from fttools import cli; cli.main(sys.argv[1:]);"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)
CHECKED: tuple[methods.Method, ...] = (
    methods.Full(), methods.LoRA(rank=8), methods.LoRA(rank=8, targets="all-linear"),
    methods.QLoRA(rank=8), methods.IA3(), methods.Prefix(), methods.Prompt(), methods.PTuning(),
    methods.LNTuning(), methods.VeRA(rank=16), methods.Adapter(bottleneck=8),
    methods.Adapter(bottleneck=8, variant="pfeiffer"),
)  # fmt: skip


def run(quick: bool = False) -> dict[str, Any]:
    """Figures of the room."""
    runs = 1 if quick else 5
    entries = catalogue.entries()[:: 10 if quick else 1]
    return {
        "recorded shapes, llama-2-7b lora": _command(["llama-2-7b", "--method", "lora"], runs),
        "built, llama-2-7b lora": _command(
            ["llama-2-7b", "--method", "lora", "--bias", "all"], runs
        ),
        "built in a running kernel, seconds": _warm(runs),
        "models": len(catalogue.entries()),
        "agreement": _agreement(entries),
        "bottleneck": _paper_counts(),
    }


def _command(arguments: list[str], runs: int) -> dict[str, Any]:
    """Median seconds of the whole command, start-up included, and its peak memory."""
    seconds, peaks = [], []
    for _ in range(runs):
        start = time.perf_counter()
        out = subprocess.run(
            [sys.executable, "-c", COMMAND, "count", *arguments],
            capture_output=True, text=True, check=True, env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )  # fmt: skip
        seconds.append(time.perf_counter() - start)
        peaks.append(int(out.stdout.split()[-1]))
    return {
        "median_s": round(statistics.median(seconds), 2),
        "worst_s": round(max(seconds), 2),
        "peak_mib": round(max(peaks) / 1024),
        "runs": runs,
    }


def _warm(runs: int) -> float:
    config = catalogue.read_config("llama-2-7b")
    params.count(config, methods.LoRA(rank=8))
    seconds = []
    for _ in range(runs):
        params._ANSWERS.clear()
        start = time.perf_counter()
        params.count(config, methods.LoRA(rank=8))
        seconds.append(time.perf_counter() - start)
    return round(statistics.median(seconds), 2)


def _agreement(entries: tuple[catalogue.Entry, ...]) -> dict[str, Any]:
    """Arithmetic against building (peft's own count), every model with every method."""
    same = refused = left = 0
    different = []
    for entry in entries:
        config = catalogue.read_config(entry.name)
        for method in CHECKED:
            quick = shapes.count(entry.name, method)
            try:
                slow = params.count(config, method)
            except FTError:
                refused += 1
                if quick is not None:
                    different.append(f"{entry.name} {method.name}: counted, but refused")
                continue
            if quick is None:
                left += 1
            elif (quick.total, quick.by_kind) == (slow.total, slow.by_kind):
                same += 1
            else:
                different.append(f"{entry.name} {method.name}: {quick} for {slow}")
    return {"same": same, "different": different, "left_to_building": left, "refused": refused}


def _paper_counts() -> dict[str, int]:
    config = catalogue.read_config("roberta-large")
    return {
        f"roberta-large {variant} {m}": params.count(
            config, methods.Adapter(bottleneck=m, variant=variant)
        ).by_kind["adapter"]
        for variant in methods.VARIANTS
        for m in (8, 64)
    }
