"""The peak of a simulated step: its ledger replayed through the allocator, its parts and moment,
and the GPUs that it fits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fttools.memory.allocator import Allocator, OutOfMemory
from fttools.memory.gpus import GPUS, MIB, Gpu

if TYPE_CHECKING:
    from fttools.memory.simulate import Simulation

# Parts of the peak; they sum to the reserved peak, those before "cache" to the allocated one.
PARTS = (
    "weights", "adapter", "gradients", "optimizer", "activations", "logits_loss", "workspaces",
    "cache",
)  # fmt: skip
CUBLAS_LT = MIB  # a further workspace that PyTorch 2.11 keeps, as measured
POINTS = 400  # of the timeline


@dataclass(frozen=True)
class Point:
    """One point of a step's timeline: what is allocated (bytes), when and in which module."""

    phase: str
    module: str
    bytes: int


@dataclass(frozen=True)
class Estimate:
    """Memory of a training step in bytes. `breakdown` is of the moment of the allocated peak;
    its parts but "cache" sum to `peak_allocated`, all of them to `peak_reserved`; the context
    comes on top of that. `margin` is what a GPU has left (negative where it does not fit)."""

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

    def __str__(self) -> str:
        gib = 2**30
        where = f"{self.peak_phase} of {self.peak_module}" if self.peak_module else self.peak_phase
        parts = ", ".join(
            f"{name.replace('_', ' and ')} {size / gib:.2f}"
            for name, size in self.breakdown.items()
            if size > 0
        )
        return (
            f"{self.device_total / gib:.2f} GiB of GPU memory: {self.peak_allocated / gib:.2f} GiB "
            f"in tensors at the peak (in {where}), {self.peak_reserved / gib:.2f} GiB reserved, "
            f"{self.context / gib:.2f} GiB of CUDA context. Parts in GiB: {parts}."
        )


def start(limit: int | None, card: Gpu) -> Allocator:
    """An allocator as training finds it: with one cuBLAS workspace for each of the two threads
    that run forward and backward."""
    allocator = Allocator(limit)
    for size in (card.cublas_workspace, card.cublas_workspace, CUBLAS_LT):
        allocator.malloc(size)
    return allocator


def summarise(
    run: Simulation, card: Gpu, notes: tuple[str, ...], warnings: tuple[str, ...]
) -> Estimate:
    """Replay the ledger through the allocator and describe the peak."""
    ledger = run.ledger
    allocator = start(None, card)
    base = allocator.allocated
    live: dict[int, Any] = {}
    taken: dict[int, int] = {}  # bytes by number, rounded as the allocator does
    peak, at, line = 0, 0, []
    step_from = run.second_step
    for position, (number, size) in enumerate(ledger.events):
        if size > 0:
            block = live[number] = allocator.malloc(size)
            taken[number] = block.size
            if allocator.allocated > peak:
                peak, at = allocator.allocated, position
        else:
            allocator.free(live.pop(number))
        if position >= step_from:
            line.append(allocator.allocated)
    parts = _parts(run, at, taken)
    parts["workspaces"] += base
    parts["cache"] = max(0, allocator.peak_reserved - peak)
    phase, module = ledger.where(at)
    context = card.context
    fits, margin = _fits(run, allocator.peak_reserved, peak, card)
    return Estimate(
        peak_allocated=peak,
        peak_reserved=allocator.peak_reserved,
        context=context,
        device_total=allocator.peak_reserved + context,
        breakdown={name: parts[name] for name in PARTS},
        timeline=_timeline(run, line, step_from),
        peak_phase=phase,
        peak_module=module,
        fits=fits,
        margin=margin,
        assumptions=notes,
        warnings=warnings,
        details={
            "total_parameters": run.total,
            "trainable_parameters": run.trainable,
            "paged_outside": run.outside,
            "attention": run.attention,
            "workspaces_before": base,
        },
    )


def _parts(run: Simulation, at: int, taken: dict[int, int]) -> dict[str, int]:
    """Bytes by part of what is alive at event `at`."""
    live: set[int] = set()
    for number, size in run.ledger.events[: at + 1]:
        (live.add if size > 0 else live.remove)(number)
    parts = dict.fromkeys(PARTS, 0)
    for number in live:
        parts[_part(run, number)] += taken[number]
    return parts


def _part(run: Simulation, number: int) -> str:
    kind = run.kinds.get(number)
    if kind is not None:
        return kind
    phase, module = run.ledger.tags[number]
    if phase == "build":
        return "weights"
    if phase == "optimizer":
        return "optimizer"
    if phase == "workspace":
        return "workspaces"
    head = module == "loss" or module.rsplit(".", 1)[-1] in run.heads
    return "logits_loss" if head else "activations"


def _timeline(run: Simulation, line: list[int], start: int) -> tuple[Point, ...]:
    """Highest points of the second step, one of each of `POINTS` equal stretches."""
    if not line:
        return ()
    width = max(1, -(-len(line) // POINTS))
    points = []
    for low in range(0, len(line), width):
        stretch = line[low : low + width]
        top = low + stretch.index(max(stretch))
        phase, module = run.ledger.where(start + top)
        points.append(Point(phase, module, line[top]))
    return tuple(points)


def _fits(
    run: Simulation, reserved: int, allocated: int, card: Gpu
) -> tuple[dict[str, bool], dict[str, int]]:
    """By GPU: whether it fits, and the bytes left. Between the allocated and the reserved peak the
    replay is repeated with that GPU's limit: PyTorch empties its cache before it gives up."""
    fits: dict[str, bool] = {}
    margin: dict[str, int] = {}
    for name, other in GPUS.items():
        shift = 2 * (other.cublas_workspace - card.cublas_workspace)
        room = other.memory - other.context - shift
        left = room - reserved
        fits[name] = left >= 0
        if left < 0 <= room - allocated and _replays(run, card, room):
            fits[name], left = True, 0
        margin[name] = left
    return fits, margin


def _replays(run: Simulation, card: Gpu, limit: int) -> bool:
    try:
        allocator = start(limit, card)
        live: dict[int, Any] = {}
        for number, size in run.ledger.events:
            if size > 0:
                live[number] = allocator.malloc(size)
            else:
                allocator.free(live.pop(number))
    except OutOfMemory:
        return False
    return True
