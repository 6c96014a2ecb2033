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


def report() -> dict[str, Any]:
    """Everything the command prints, as JSON values (bytes for sizes)."""
    import torch

    from fttools import models, runs, scale_

    chosen = scale_.pick()
    gpu = None
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
    for name, version in found["versions"].items():
        table.add_row(name, version)
    for line in found["missing"] or ["nothing"]:
        table.add_row("missing", line)
    Console().print(table)
    return 0
