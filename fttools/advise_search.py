"""Settings under which a method fits a GPU, the largest batch and sequence, and what to change.

All memory comes from `fttools.memory.estimate`, once for each set-up (kept in a cache). An
arithmetic lower bound (weights, gradients and optimizer states alone) spares simulating what
cannot fit.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fttools import catalogue, methods

if TYPE_CHECKING:
    from fttools.memory import Gpu

BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
FOUR_BIT = 0.52  # bytes a parameter: NF4 with double quantization, 4.127 bits
TIGHT = 0.05  # share of the GPU's memory that should stay free


@dataclass(frozen=True)
class Setup:
    """One way to train: a method with everything that decides its memory. Sizes in rows, tokens."""

    method: methods.Method
    task: str
    batch: int
    seq: int
    weights: str
    amp: str
    optim: str = "adamw_torch_fused"
    checkpointing: bool = False
    accumulate: int = 1
    labels: int = 2

    def said(self) -> str:
        """The settings in the words of `fttools estimate`'s options."""
        parts = [f"--batch {self.batch}", f"--seq {self.seq}", f"--weights {self.weights}"]
        parts += [f"--amp {self.amp}"] if self.amp != "none" else []
        parts += [f"--optim {self.optim}"] if self.optim != "adamw_torch_fused" else []
        parts += ["--checkpointing"] if self.checkpointing else []
        parts += [f"--accumulate {self.accumulate}"] if self.accumulate > 1 else []
        return " ".join(parts)


@dataclass(frozen=True)
class Memory:
    """Device memory a set-up needs, bytes: reserved by PyTorch, and with the CUDA context."""

    allocated: int
    device: int


def longest_sequence(config: Any) -> int:
    """Tokens the model takes in a row; 8192 where the architecture sets no limit (T5)."""
    from fttools.memory.build import longest

    return longest(config) or 8192


def sizes(config: Any, task: str, labels: int) -> tuple[int, int]:
    """Parameters in all, and those that compute for each token (input embeddings are looked up)."""
    import copy

    built = catalogue.build(copy.deepcopy(config), task, labels)
    total = sum(p.numel() for p in built.parameters())
    table: Any = built.get_input_embeddings()
    out: Any = built.get_output_embeddings()
    tied = out is not None and table is not None and out.weight is table.weight
    return total, total - (0 if tied or table is None else table.weight.numel())


class Estimator:
    """`memory.estimate` for one model and GPU, each set-up once."""

    def __init__(
        self, config: Any, gpu: Gpu, total: int, run: Callable[..., Any] | None = None
    ) -> None:
        self.config, self.gpu, self.total, self.run = config, gpu, total, run
        self.known: dict[Setup, Memory] = {}

    def __call__(self, setup: Setup) -> Memory:
        """The memory of `setup`. Raises what `estimate` raises."""
        if setup not in self.known:
            run = self.run or _simulation()
            options = {f.name: getattr(setup, f.name) for f in dataclasses.fields(setup)}
            method = options.pop("method")
            # More rows accumulated into gradients that exist need no more memory than two do.
            options["accumulate"] = min(setup.accumulate, 2)
            with warnings.catch_warnings():  # a library's deprecations are not the asker's
                warnings.simplefilter("ignore", FutureWarning)
                found = run(self.config, method, gpu=self.gpu.name, **options)
            self.known[setup] = Memory(found.peak_allocated, found.device_total)
        return self.known[setup]

    def fits(self, setup: Setup) -> bool:
        """Whether `setup` fits the GPU."""
        return self(setup).device <= self.gpu.memory

    def hopeless(self, setup: Setup) -> bool:
        """Whether weights, gradients and optimizer states alone overfill the GPU."""
        return floor(setup, self.total) > self.gpu.memory


def _simulation() -> Callable[..., Any]:
    from fttools.memory import estimate

    return estimate


def floor(setup: Setup, total: int) -> int:
    """Bytes that `setup` needs at the least, whatever the batch: no activations, no context."""
    if isinstance(setup.method, methods.QLoRA):
        return int(total * FOUR_BIT)
    weights = total * BYTES[setup.weights]
    if isinstance(setup.method, methods.Full):
        states = 2 if "8bit" in setup.optim else 2 * BYTES[setup.weights]
        weights += total * (BYTES[setup.weights] + (0 if "paged" in setup.optim else states))
    return weights


def usual(method: methods.Method, gpu: Gpu, task: str, batch: int, seq: int, labels: int) -> Setup:
    """How `method` is usually run on `gpu`: 16-bit where the hardware computes in it (bf16, else
    fp16); a frozen base is stored in 16 bits, trained weights in 32."""
    half = "bf16" if gpu.bf16 else "fp16"
    trains_base = isinstance(method, (methods.Full, methods.BitFit))
    return Setup(method, task, batch, seq, "fp32" if trains_base else half, half, labels=labels)


def ladder(setup: Setup) -> list[tuple[Setup, tuple[str, ...]]]:
    """`setup`, then with one concession after another, the mildest first, with their names."""
    steps: list[tuple[Setup, tuple[str, ...]]] = [(setup, ())]
    if not isinstance(setup.method, methods.Prefix):  # peft refuses it with checkpointing
        setup = dataclasses.replace(setup, checkpointing=True)
        steps.append((setup, ("checkpointing",)))
    names = steps[-1][1]
    if isinstance(setup.method, methods.Full):
        setup = dataclasses.replace(setup, optim="paged_adamw_8bit")
        names = (*names, "paged 8-bit AdamW")
        steps.append((setup, names))
    if setup.batch > 1:
        smaller = dataclasses.replace(setup, batch=1, accumulate=setup.accumulate * setup.batch)
        steps.append((smaller, (*names, f"batch 1 × {setup.batch} accumulated")))
    return steps


def first_fit(estimate: Estimator, setup: Setup) -> tuple[Setup, tuple[str, ...], bool]:
    """The mildest set-up of the ladder that fits with a margin; else the mildest that just fits;
    else the last one."""
    just: tuple[Setup, tuple[str, ...]] | None = None
    steps = ladder(setup)
    for step, names in steps:
        if estimate.hopeless(step):
            continue
        free = estimate.gpu.memory - estimate(step).device
        if free >= TIGHT * estimate.gpu.memory:
            if step.batch < setup.batch:
                step = _grown(estimate, step, setup.batch)
                names = (*names[:-1], f"batch {step.batch} × {step.accumulate} accumulated")
            return step, names, True
        if free >= 0 and just is None:
            just = step, names
    return (*just, True) if just else (*steps[-1], False)


def _grown(estimate: Estimator, setup: Setup, batch: int) -> Setup:
    """`setup` with as large a share of `batch` at once as fits with a margin, accumulated to the
    same: the line through batch 1 and `batch` says where to look."""
    room = (1 - TIGHT) * estimate.gpu.memory
    one = estimate(setup).device
    whole = estimate(dataclasses.replace(setup, batch=batch, accumulate=1)).device
    guess = 1 + (room - one) * (batch - 1) / max(whole - one, 1)
    for size in sorted((n for n in range(2, batch) if batch % n == 0 and n <= guess), reverse=True):
        larger = dataclasses.replace(setup, batch=size, accumulate=batch // size)
        if estimate(larger).device <= room:
            return larger
    return setup


def largest(estimate: Estimator, setup: Setup, what: str, limit: int, step: int = 1) -> int | None:
    """The largest `what` ("batch" or "seq"), a multiple of `step` up to `limit`, with which `setup`
    fits, within 3 % of the true one; None if not even the smallest does.

    Bisection between a size that fits and one that does not, aimed by the line through the two
    last estimates: memory grows close to linearly in either, so a few estimates do.
    """

    def over(n: int) -> int:
        changed: dict[str, Any] = {what: n * step, "accumulate": 1}
        sized = dataclasses.replace(setup, **changed)
        return estimate(sized).device - estimate.gpu.memory

    top = max(limit // step, 1)
    low, low_over = 1, over(1)
    if low_over > 0:
        return None
    here = min(max(getattr(setup, what) // step, 2), top)
    high, high_over = top + 1, None
    points = {low: low_over}
    while high - low > max(low // 32, 1):
        here = min(max(here, low + 1), high - 1)
        points[here] = over(here)
        if points[here] <= 0:
            low = here
        else:
            high, high_over = here, points[here]
        a, b = sorted(points, key=lambda n: abs(points[n]))[:2]
        slope = (points[b] - points[a]) / (b - a)
        here = int(a - points[a] / slope) if slope > 0 else (low + high) // 2
        if high_over is None and here >= high:  # everything seems to fit: look at the top
            here = high - 1
        if len(points) > 8:  # not a line: plain bisection
            here = (low + high) // 2
    return low * step
