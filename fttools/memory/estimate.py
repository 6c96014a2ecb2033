"""`estimate(...)`: the memory of a training step, with its parts, its peak and where it fits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fttools.methods import Method

PARTS = (
    "weights",
    "adapter",
    "gradients",
    "optimizer",
    "activations",
    "logits_loss",
    "workspaces",
    "cache",
)


@dataclass(frozen=True)
class Point:
    """One point of a step's timeline: what is allocated (bytes), when and in which module."""

    phase: str
    module: str
    bytes: int


@dataclass(frozen=True)
class Estimate:
    """Memory of a training step in bytes. `breakdown` is of the moment of the peak, and sums to
    `peak_allocated`; `fits` and `margin` (bytes left, negative if it does not fit) are by GPU."""

    peak_allocated: int
    peak_reserved: int
    context: int
    device_total: int
    breakdown: dict[str, int]
    timeline: tuple[Point, ...]
    peak_phase: str
    peak_module: str
    fits: dict[str, bool]
    margin: dict[str, int]
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)


def estimate(
    config: Any,
    method: Method,
    *,
    task: str = "causal-lm",
    batch: int,
    seq: int,
    accumulate: int = 1,
    weights: str = "fp32",
    amp: str = "none",
    optim: str = "adamw_torch_fused",
    checkpointing: bool = False,
    attention: str = "sdpa",
    padded: bool = False,
    labels: int = 2,
    gpu: str = "H200",
) -> Estimate:
    """Simulate two optimizer steps of transformers' Trainer and report the peak.

    `config`: a transformers config; `method`: of `fttools.methods`; `batch` rows of `seq` tokens on
    the device, `accumulate` of them a step; `weights` the base's dtype (fp32, bf16, fp16), `amp`
    Trainer's mixed precision (none, bf16, fp16); `gpu` decides which kernels run.
    """
    raise NotImplementedError
