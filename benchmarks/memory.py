"""Memory: errors of the estimates against measured peaks, of rules of thumb on the same cases, and
what one estimate at 7 B costs with start-up.

Files: this project's own measurements (benchmarks/data), and any file named by FT_MEASURED or lying
in ../shared/measurements.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fttools.memory import formula
from fttools.memory.cases import Case, read_config
from fttools.memory.validate import validate

HERE = Path(__file__).parent
FILES = {
    "given": Path(os.environ.get("FT_MEASURED", "../shared/measurements/h200_memory.jsonl")),
    "development": HERE / "data" / "memory_h200_development.jsonl",
    "held out": HERE / "data" / "memory_h200_heldout.jsonl",
}
BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
COMMAND = [
    "estimate", "llama-2-7b", "--method", "qlora", "--batch", "4", "--seq", "1024",
    "--checkpointing", "--json",
]  # fmt: skip
TIMED = (
    "import resource, sys; from fttools import cli; cli.main(sys.argv[1:]);"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
)
# Errors of public tools on the given file's cases, as stated in its notes (median, worst, percent).
STATED = {
    "accelerate estimate-memory (full fine-tuning, 19 cases)": (46, 139),
    "LLaMA-Factory's table": (70, 98),
}


def run(quick: bool = False) -> dict[str, Any]:
    """Figures of the room."""
    figures: dict[str, Any] = {}
    for name, path in FILES.items():
        if not path.is_file():
            figures[name] = "file not here"
            continue
        document = validate(path, limit=5 if quick else None)
        figures[name] = {k: document[k] for k in ("n", "failed", "allocated", "reserved")}
        figures[name]["rules on the same cases"] = rules(path, 5 if quick else None)
    figures["errors stated for public tools (median, worst)"] = STATED
    figures["one estimate at 7 B"] = cost(1 if quick else 5)
    return figures


def rules(path: Path, limit: int | None) -> dict[str, Any]:
    """Absolute errors (percent) of simple rules for the allocated peak."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows = [r for r in rows if "peak_allocated" in r.get("result", {})][:limit]
    found: dict[str, list[float]] = {
        "3.5 x the model's size": [],
        "16 bytes a trained, its own size a frozen parameter": [],
        "this course's closed form": [],
    }
    for row in rows:
        case = Case.from_json(row["case"])
        true, total = row["result"]["peak_allocated"], row["result"]["total_params"]
        trained = row["result"]["trainable"]
        size = BYTES[case.weights]
        closed = formula(
            read_config(case.config), case.to_method(), task=case.task, batch=case.batch,
            seq=case.seq, accumulate=case.accumulate, weights=case.weights, amp=case.amp,
            optim=case.optim, checkpointing=case.checkpointing, attention=case.attention,
        )  # fmt: skip
        guesses = (
            3.5 * row["result"]["model_bytes"],
            16 * trained + size * (total - trained),
            closed.peak_allocated - closed.breakdown["workspaces"],
        )
        for errors, guess in zip(found.values(), guesses, strict=True):
            errors.append(100 * abs(guess - true) / true)
    return {
        name: {"median_ape": statistics.median(errors), "max_ape": max(errors)}
        for name, errors in found.items()
    }


def cost(runs: int) -> dict[str, Any]:
    """Wall seconds and memory (MB) of the command from a cold process: medians."""
    seconds, memory = [], []
    for _ in range(runs):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", TIMED, *COMMAND], capture_output=True, text=True, check=True
        )
        seconds.append(time.perf_counter() - began)
        memory.append(int(done.stdout.splitlines()[-1]) / 1000)
    return {
        "command": " ".join(["fttools", *COMMAND]),
        "seconds": statistics.median(seconds),
        "megabytes": statistics.median(memory),
        "runs": runs,
    }
