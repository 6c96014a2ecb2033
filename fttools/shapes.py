"""Counts of catalogue models by arithmetic on recorded shapes: no import of torch, no seconds.

    count("llama-2-7b", LoRA(rank=8))     # the Counts of params.count, in milliseconds; or None

`configs/shapes.json` holds every module of each catalogue model, as its own code builds it (equal
layers folded), and the target modules that peft chooses; `python -m fttools.shapes_record` writes
it.
`count` answers only what follows from that: with other library versions than the recorded ones, or
an option that it does not know, it returns None and `params.count` builds the model instead. Tests
compare the two.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fttools import catalogue, methods
from fttools.params import Counts

DATA = Path(__file__).parent / "configs" / "shapes.json"
LIBRARIES = ("transformers", "peft")


@dataclass(frozen=True)
class Module:
    """`copies` modules of one class and shape: parameter name -> shape. `head`: a part of the
    classifier's head."""

    name: str
    cls: str
    copies: int
    shapes: dict[str, tuple[int, ...]]
    head: bool

    @property
    def numel(self) -> int:
        """Parameters of all copies."""
        return self.copies * sum(_product(shape) for shape in self.shapes.values())

    @property
    def sides(self) -> tuple[int, int]:
        """(in, out) features: nn.Linear keeps (out, in), GPT-2's Conv1D (in, out)."""
        a, b = self.shapes["weight"]
        return (a, b) if self.cls == "Conv1D" else (b, a)


@dataclass(frozen=True)
class Skeleton:
    """A model's modules, and what methods need to know: `targets` by method, `all_linear` names,
    `saved` (parameters of the head that peft copies), `output` (of the output embeddings),
    `prefix` parameters a token (0 where refused), `width` of a virtual token and how many stacks
    take `ptuning`'s, `sites`: [houlsby, pfeiffer] as {width: how many}."""

    modules: tuple[Module, ...]
    targets: dict[str, list[str]]
    all_linear: frozenset[str]
    saved: int
    output: int
    prefix: int
    width: int
    stacks: int
    sites: tuple[dict[str, int], dict[str, int]]

    @property
    def total(self) -> int:
        """Parameters of the bare model."""
        return sum(m.numel for m in self.modules)


def _product(shape: tuple[int, ...]) -> int:
    n = 1
    for side in shape:
        n *= side
    return n


@lru_cache(maxsize=1)
def _recorded() -> dict[str, Any]:
    return json.loads(DATA.read_text()) if DATA.is_file() else {"versions": {}, "models": {}}


def current() -> bool:
    """Whether the installed libraries are the ones the shapes were recorded with."""
    return _recorded()["versions"] == versions()


def versions() -> dict[str, str]:
    """Installed versions of the libraries that decide the shapes."""
    from importlib.metadata import version

    return {name: version(name) for name in LIBRARIES}


def skeleton(model: str) -> Skeleton | None:
    """The recorded shapes of a catalogue model with its usual task, or None."""
    entry = catalogue.find(model)
    row = _recorded()["models"].get(entry.name) if entry else None
    if row is None:
        return None
    modules = tuple(
        Module(name, cls, copies, {k: tuple(v) for k, v in shapes.items()}, bool(head))
        for name, cls, copies, shapes, head in row["modules"]
    )
    rest = {k: v for k, v in row.items() if k not in ("modules", "all_linear", "sites")}
    return Skeleton(modules=modules, all_linear=frozenset(row["all_linear"]),
                    sites=tuple(row["sites"]), **rest)  # fmt: skip


def count(model: str, method: methods.Method, task: str | None = None) -> Counts | None:
    """The counts of a catalogue model with its usual task, two labels; None if the recorded shapes
    do not say (see the module's description)."""
    entry = catalogue.find(model)
    if entry is None or task not in (None, entry.task) or not current():
        return None
    shape = skeleton(model)
    return None if shape is None else arithmetic(shape, method)


def arithmetic(shape: Skeleton, method: methods.Method) -> Counts | None:
    """`method` on `shape`; None where arithmetic does not cover it."""
    head = sum(m.numel for m in shape.modules if m.head)
    if isinstance(method, methods.Full):
        return _counts(shape.total, 0, head, shape.total - head)
    if isinstance(method, methods.Head):
        trained = head or shape.output
        return _counts(shape.total, 0, trained, 0) if trained else None
    if isinstance(method, methods.BitFit):
        biases = sum(m.copies * _product(s) for m in shape.modules if not m.head
                     for name, s in m.shapes.items() if name.endswith("bias"))  # fmt: skip
        return _counts(shape.total, 0, head, biases) if biases else None
    if isinstance(method, methods.Adapter):
        return _adapter(shape, method, head)
    added = _added(shape, method)
    if not added:
        return None
    return _counts(shape.total + added + shape.saved, added, shape.saved, 0)


def _counts(total: int, adapter: int, head: int, base: int) -> Counts:
    return Counts(total, adapter + head + base, {"adapter": adapter, "head": head, "base": base})


def _adapter(shape: Skeleton, method: methods.Adapter, head: int) -> Counts | None:
    if method.layer_norms or method.places:
        return None
    added = 0
    for side, n in shape.sites[methods.VARIANTS.index(method.variant)].items():
        d = int(side)
        inner = max(d // method.reduction, 1) if method.reduction else method.bottleneck
        if inner > d:
            return None
        added += n * (2 * d * inner + inner + d)
    return _counts(shape.total + added, added, head, 0) if added else None


def _added(shape: Skeleton, method: methods.Method) -> int:
    """Parameters that a peft method adds; 0 where arithmetic does not cover it."""
    if isinstance(method, methods.LoRA):
        return _lora(shape, method)
    if isinstance(method, methods.Prefix):
        return method.tokens * shape.prefix
    if isinstance(method, methods.Prompt):
        return method.tokens * shape.width if method.submodules == 1 else 0
    if isinstance(method, methods.PTuning):
        d, h = shape.width, method.hidden or shape.width
        if not d:  # peft refuses virtual tokens here
            return 0
        return method.tokens * shape.stacks * d + (d * h + h) + (h * h + h) + (h * d + d)
    if isinstance(method, methods.IA3) and not method.targets and not method.feedforward:
        scaled = _matching(shape, shape.targets["ia3"])
        inner = {m.name for m in _matching(shape, shape.targets["ia3_ff"])}
        return sum(m.copies * m.sides[0 if m.name in inner else 1] for m in scaled)
    if isinstance(method, methods.LNTuning) and not method.targets:
        return sum(m.numel for m in _matching(shape, shape.targets["ln_tuning"], any_class=True))
    if isinstance(method, methods.VeRA) and not method.targets:
        return sum(m.copies * (method.rank + m.sides[1])
                   for m in _matching(shape, shape.targets["vera"]))  # fmt: skip
    return 0


def _lora(shape: Skeleton, method: methods.LoRA) -> int:
    if method.bias != "none" or method.modules_to_save:
        return 0
    if method.targets == "all-linear":
        found = [m for m in shape.modules if m.name in shape.all_linear]
        if any(m.head or "weight" not in m.shapes for m in found):
            return 0
    elif isinstance(method.targets, str):
        return 0  # a pattern: peft's to match
    else:
        names = shape.targets["lora"] if method.targets is None else list(method.targets)
        found = _matching(shape, names)
    if any(method.rank > min(m.sides) for m in found):
        return 0
    if method.dora and any(m.cls != "Linear" for m in found):
        return 0
    return sum(
        m.copies * (method.rank * sum(m.sides) + (m.sides[1] if method.dora else 0)) for m in found
    )


def _matching(shape: Skeleton, names: list[str], any_class: bool = False) -> list[Module]:
    """Modules that peft takes `names` to mean: the name itself, or its end. Nothing at all when
    one of them is in the head, tied or not linear, or when the names count layers."""
    if any(part.isdigit() for name in names for part in name.split(".")):
        return []
    found = [m for m in shape.modules
             if any(m.name == n or m.name.endswith(f".{n}") for n in names)]  # fmt: skip
    # A tied projection has no weight of its own on record.
    plain = any_class or all(m.cls in ("Linear", "Conv1D") and "weight" in m.shapes for m in found)
    return found if plain and not any(m.head for m in found) else []
