"""What `fttools.advise` returns: frozen, and able to show themselves."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from fttools.advise_rules import Band


@dataclass(frozen=True)
class Time:
    """Hours of training, at the higher and the lower share of peak speed."""

    low: float
    high: float

    def __str__(self) -> str:
        low, high, unit = self.low, self.high, "h"
        if high < 1:
            low, high, unit = low * 60, high * 60, "min"
        digits = 1 if high < 10 else 0
        return f"{low:.{digits}f} to {high:.{digits}f} {unit}"


@dataclass(frozen=True)
class Option:
    """One method for the model on the GPU. `memory` (with the CUDA context) and `margin` in bytes;
    `at_least`: a lower bound, because nothing more was worth simulating."""

    method: str
    fits: bool
    memory: int
    margin: int
    at_least: bool
    trainable: int
    settings: str
    concessions: tuple[str, ...]
    quality: Band
    time: Time | None
    largest_batch: int | None
    largest_seq: int | None
    reason: str
    targets: str = ""


@dataclass(frozen=True)
class Remedy:
    """A change, the memory it leads to (bytes), and whether that fits."""

    change: str
    memory: int
    fits: bool
    at_least: bool = False


@dataclass(frozen=True)
class Advice:
    """Ranked options, the best first; `remedies` where nothing fits; `notes` on what is uncertain
    or where the rule of thumb and the estimate part."""

    model: str
    gpu: str
    gpu_memory: int
    task: str
    batch: int
    seq: int
    examples: int | None
    total: int
    options: tuple[Option, ...]
    remedies: tuple[Remedy, ...]
    refused: dict[str, str]
    rule: str
    notes: tuple[str, ...]

    @property
    def best(self) -> Option | None:
        """The recommended option; None if nothing fits."""
        return self.options[0] if self.options and self.options[0].fits else None

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values, bytes as integers."""
        found = dataclasses.asdict(self)
        found["best"] = self.best.method if self.best else None
        found["methods"] = found.pop("options")
        return found

    def __str__(self) -> str:
        from fttools.advise_show import as_text

        return as_text(self)

    def __rich__(self) -> Any:
        from fttools.advise_show import as_rich

        return as_rich(self)

    def _repr_html_(self) -> str:
        from fttools.advise_show import as_html

        return as_html(self)
