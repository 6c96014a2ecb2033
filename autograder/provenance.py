"""Where and with what a grade was made: versions, machine, sandbox."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import socket
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "transformers", "peft", "safetensors", "numpy", "nbgrader", "ipykernel")


@lru_cache(maxsize=1)
def machine() -> dict[str, Any]:
    """Versions and hardware of this process's machine."""
    versions = {}
    for name in (*PACKAGES, "fine-tuning-course"):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cpu": processor(),
        "cores": os.cpu_count(),
        "bubblewrap": bubblewrap_version(),
        "versions": versions,
    }


def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def bubblewrap_version() -> str | None:
    """What `bwrap --version` says."""
    found = shutil.which("bwrap")
    if found is None:
        return None
    done = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip().removeprefix("bubblewrap ") or None
