"""The parts of a check, and how an answer travels: safetensors and JSON, never pickle."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from fttools.errors import FTError

MOST_BYTES = 64 * 2**20
MOST_ELEMENTS = 16 * 2**20
MOST_TENSORS = 4096
MOST_JSON = 4 * 2**20
MOST_DIMENSIONS = 8
DTYPES = frozenset({"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"})
Namespace = Mapping[str, Any]


class BadAnswer(FTError, ValueError):
    """Bytes that are no answer: too large, not safetensors, or not JSON."""


@dataclass(frozen=True)
class Case:
    """One input: tensors by name, and JSON values."""

    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a probe found: tensors by name, and JSON values.

    A probe that failed has `values["failed"]` (`blank`, `missing` or `crashed`) and
    `values["error"]`.
    """

    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """`kind` is right, wrong, blank, missing or crashed; only right earns the points."""

    kind: str
    message: str

    @property
    def passed(self) -> bool:
        """Whether the points are earned."""
        return self.kind == "right"


Probe = Callable[[Namespace, Case], Answer]


@dataclass(frozen=True)
class Check:
    """One graded question. `needs` are the learner's names that the probe reads."""

    id: str
    points: float
    title: str
    needs: tuple[str, ...]
    cases: Callable[[torch.Generator], list[Case]]
    probe: Probe
    judge: Callable[[Case, Answer], Verdict]
    hints: tuple[str, ...] = ()


def right(message: str) -> Verdict:
    """A passing verdict."""
    return Verdict("right", message)


def wrong(message: str) -> Verdict:
    """A failing verdict; the message names the mistake and what to try."""
    return Verdict("wrong", message)


def pack(answer: Answer) -> bytes:
    """An answer as safetensors bytes, its JSON values in the metadata."""
    from safetensors.torch import save

    for name, t in answer.tensors.items():
        if not isinstance(t, torch.Tensor):
            raise TypeError(f"{name} is {t!r:.80}, not a tensor. Is a return missing?")
    # Cloned, because safetensors refuses tensors that share memory (a layer merged in place).
    tensors = {name: t.detach().cpu().clone().contiguous() for name, t in answer.tensors.items()}
    try:
        values = json.dumps(answer.values, allow_nan=False)
    except ValueError as err:
        raise ValueError("a result is not a finite number (NaN or infinity)") from err
    return save(tensors, metadata={"values": values})


def unpack(blob: bytes) -> Answer:
    """The answer in `blob`, which may come from hostile code.

    Raises BadAnswer for anything but plain safetensors of known types within the caps, with finite
    JSON values beside them.
    """
    from safetensors.torch import load

    if len(blob) > MOST_BYTES:
        raise BadAnswer(f"An answer of {len(blob):,} bytes.", f"at most {MOST_BYTES:,} bytes")
    try:
        length = int.from_bytes(blob[:8], "little")
        if not 2 <= length <= min(MOST_JSON, len(blob) - 8):
            raise ValueError("header")
        header = strict(blob[8 : 8 + length])
        values = strict(header.pop("__metadata__")["values"])
        if len(header) > MOST_TENSORS or not all(map(plain, header.values())):
            raise ValueError("tensors")
        if sum(math.prod(entry["shape"]) for entry in header.values()) > MOST_ELEMENTS:
            raise ValueError("elements")
        tensors = load(blob)
    except Exception as err:
        raise BadAnswer(f"Not an answer: {type(err).__name__}.", "rerunning the check") from err
    return Answer(tensors, values)


def strict(text: bytes | str) -> dict[str, Any]:
    """A JSON object; NaN and infinities, which JSON lacks and Python reads, are refused."""

    def refuse(name: str) -> Any:
        raise ValueError(name)

    found = json.loads(text, parse_constant=refuse)
    if not isinstance(found, dict) or len(text) > MOST_JSON:
        raise ValueError("no object")
    return found


def plain(entry: Any) -> bool:
    """Whether a safetensors header entry is a tensor of a known type and bounded shape."""
    if not isinstance(entry, dict) or entry.get("dtype") not in DTYPES:
        return False
    shape = entry.get("shape")
    return (
        isinstance(shape, list)
        and len(shape) <= MOST_DIMENSIONS
        and all(type(side) is int and 0 <= side <= MOST_ELEMENTS for side in shape)
    )


def same_shape(answer: Answer, name: str, shape: tuple[int, ...]) -> Verdict | None:
    """A wrong verdict unless `answer` holds a finite floating tensor `name` of `shape`."""
    tensor = answer.tensors.get(name)
    if tensor is None:
        return wrong(f"There is no {name} to look at. Return a tensor.")
    if tuple(tensor.shape) != shape:
        return wrong(f"{name} has shape {list(tensor.shape)}, expected {list(shape)}.")
    if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
        return wrong(f"{name} has values that are not finite numbers (NaN or infinity).")
    return None


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-4) -> bool:
    """Equal within `tolerance` of the larger one's scale; never for NaN or unequal shapes."""
    if a.shape != b.shape or not bool(torch.isfinite(a).all()):
        return False
    scale = max(1.0, float(b.abs().max())) if b.numel() else 1.0
    return float((a.double() - b.double()).abs().max()) <= tolerance * scale
