"""`fttools doctor`: versions, device, memory, disk, what fits, what is missing."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

from fttools.errors import FTError

OPTIONAL = {
    "bitsandbytes": "4-bit training (pip install 'fine-tuning-course[gpu]')",
    "nbgrader": "grading (pip install 'fine-tuning-course[instructors]')",
    "jupyterlab": "lessons in a browser (pip install 'fine-tuning-course[learners]')",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("doctor", help="what is installed here and what fits")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


# Bytes a parameter of the base that cannot be done without, and the share of memory they may take:
# fp32 weights, gradients and Adam's two states (Rajbhandari et al. 2020, section 3.1); 16-bit
# weights; 4-bit weights with their constants, and 16-bit embeddings.
LEAST = {"full": 16.0, "lora": 2.1, "qlora": 0.7}
SHARE = 0.8


def fits(memory: int) -> dict[str, str | None]:
    """By method, the largest model of the catalogue whose weights, gradients and optimizer states
    leave a fifth of `memory` bytes for the rest; `fttools estimate` says it exactly."""
    from fttools import catalogue

    rows = sorted(catalogue.entries(), key=lambda e: e.total)
    found: dict[str, str | None] = {}
    for method, each in LEAST.items():
        held = [e for e in rows if e.total * each <= SHARE * memory]
        found[method] = f"{held[-1].name} ({held[-1].total / 1e9:.2g} B)" if held else None
    return found


def report() -> dict[str, Any]:
    """Everything the command prints, as JSON values (bytes for sizes)."""
    import torch

    from fttools import models, runs, scale_

    chosen = scale_.pick()
    gpu: dict[str, Any] | None = None
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        gpu = {"name": properties.name, "memory": properties.total_memory}
    missing = [f"{name}: {why}" for name, why in OPTIONAL.items()
               if importlib.util.find_spec(name) is None]  # fmt: skip
    try:
        encoder = models.resolve("encoder", chosen.name)
    except FTError as err:
        encoder = None
        missing.append(f"encoder: {err.message} Try: {err.remedy}")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "scale": chosen.name,
        "reason": chosen.reason,
        "versions": runs.versions(),
        "device": chosen.device,
        "gpu": gpu,
        "cpus": os.cpu_count(),
        "memory": memory,
        "disk_free": shutil.disk_usage(Path.cwd()).free,
        "fits": fits(gpu["memory"] if gpu else memory),
        "encoder": models.ENCODERS[chosen.name] if encoder else None,
        "missing": missing,
    }


def run(args: argparse.Namespace) -> int:
    """Print the report."""
    found = report()
    if args.json:
        print(json.dumps(found))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table(title="fttools doctor", show_header=False)
    for key in ("scale", "reason", "device", "cpus", "encoder"):
        table.add_row(key, str(found[key]))
    table.add_row("memory", f"{found['memory'] / 2**30:.1f} GiB")
    table.add_row("free disk", f"{found['disk_free'] / 2**30:.1f} GiB")
    if found["gpu"]:
        table.add_row("gpu", f"{found['gpu']['name']}, {found['gpu']['memory'] / 2**30:.0f} GiB")
    where = "the GPU" if found["gpu"] else "memory"
    for method, model in found["fits"].items():
        table.add_row(f"fits {where}: {method}", f"up to {model}" if model else "nothing")
    for name, version in found["versions"].items():
        table.add_row(name, version)
    for line in found["missing"] or ["nothing"]:
        table.add_row("missing", line)
    Console().print(table)
    return 0
