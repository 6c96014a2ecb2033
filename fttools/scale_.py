"""Which of the three scales fits this machine, and why.

`lab` runs anywhere (CPU, offline), `t4` needs a 16 GB GPU and the hub, `full` 24 GB and more.
`FT_SCALE` overrides the choice.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import lru_cache

from fttools.errors import FTError, suggest

SCALES = ("lab", "t4", "full")
HUB = ("huggingface.co", 443)


class UnknownScale(FTError, ValueError):
    """`FT_SCALE` names no scale."""


@dataclass(frozen=True)
class Scale:
    """A scale, where tensors live, and the reason for the choice."""

    name: str
    device: str
    reason: str

    def __str__(self) -> str:
        return f"scale: {self.name} ({self.reason})"


@lru_cache(maxsize=1)
def hub_reachable(timeout: float = 2.0) -> bool:
    """Whether the model hub answers; False at once when `HF_HUB_OFFLINE` is set."""
    if os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return False
    try:
        with socket.create_connection(HUB, timeout=timeout):
            return True
    except OSError:
        return False


def pick() -> Scale:
    """The scale for this machine. Raises UnknownScale for a bad `FT_SCALE`."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    wanted = os.environ.get("FT_SCALE", "").strip().lower()
    if wanted:
        if wanted not in SCALES:
            raise UnknownScale(f"FT_SCALE={wanted!r} is no scale.", suggest(wanted, SCALES))
        return Scale(wanted, device, f"FT_SCALE={wanted}")
    if device == "cpu":
        return Scale("lab", "cpu", "no CUDA GPU: small models on the CPU, no network needed")
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    gpu = f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB"
    if memory < 14:
        return Scale("lab", device, f"{gpu}: under 14 GiB")
    if not hub_reachable():
        return Scale("lab", device, f"{gpu}, but the model hub cannot be reached")
    return Scale("full" if memory >= 22 else "t4", device, gpu)
