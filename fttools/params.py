"""Exact parameter counts for a model with a method, without its weights.

    count(config, LoRA(rank=8))                    # Counts(total=..., trainable=..., by_kind=...)
    count(config, LoRA(rank=8)).table()            # module by module, layers folded together
    count_model(model)                             # of a model as it stands

The model's own code is built on meta tensors (shapes only) and the method attached to it by peft
(or by `fttools.bottleneck`), so a 70 B model needs no memory to count, and the count is peft's own.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fttools.methods import Head, Method, attach, head_parameters, is_classifier

if TYPE_CHECKING:
    from torch import nn

KINDS = ("adapter", "head", "base")
LAYER = re.compile(r"(?<=\.)\d+(?=\.)")


@dataclass(frozen=True)
class ModuleCount:
    """One module's own parameters (not its children's); `kind` of what they are: adapter, head,
    embeddings or base. `copies`: how many modules are folded into this line."""

    name: str
    cls: str
    kind: str
    total: int
    trainable: int
    copies: int = 1


@dataclass(frozen=True)
class Counts:
    """Integers as peft counts them (a 4-bit weight counts the parameters it packs).

    `by_kind` splits the trainable ones: what the method added, a task head, weights of the base
    model. `all_by_kind` splits all of them, with the base's embeddings apart. `modules` is the same
    module by module.
    """

    total: int
    trainable: int
    by_kind: dict[str, int]
    all_by_kind: dict[str, int] = field(default_factory=dict)
    modules: tuple[ModuleCount, ...] = field(default=(), repr=False)

    @property
    def trainable_pct(self) -> float:
        """Trainable parameters in percent of all."""
        return 100 * self.trainable / self.total if self.total else 0.0

    def folded(self) -> list[ModuleCount]:
        """`modules` with the same module of every layer on one line (`layers.*.q_proj`)."""
        lines: dict[tuple[str, str, str], ModuleCount] = {}
        for m in self.modules:
            key = (LAYER.sub("*", m.name), m.cls, m.kind)
            old = lines.get(key, ModuleCount(*key, 0, 0, 0))
            lines[key] = ModuleCount(
                *key, old.total + m.total, old.trainable + m.trainable, old.copies + 1
            )
        return list(lines.values())

    def table(self, trainable_only: bool = False) -> str:
        """The folded modules as text, one line each."""
        lines = [m for m in self.folded() if m.trainable or not trainable_only]
        wide = max((len(m.name) for m in lines), default=6)
        head = f"{'module':{wide}}  {'kind':10}  {'copies':>6}  {'parameters':>16}  {'train':>16}"
        rows = (
            f"{m.name:{wide}}  {m.kind:10}  {m.copies:6}  {m.total:16,}  {m.trainable:16,}"
            for m in lines
        )
        return "\n".join([head, *rows])

    def __str__(self) -> str:
        return f"{self.trainable:,} of {self.total:,} parameters train ({self.trainable_pct:.3f} %)"


def numel(parameter: Any) -> int:
    """Parameters that a tensor stands for: bitsandbytes packs two 4-bit values into each byte of
    its storage, whatever dtype that storage has."""
    if type(parameter).__name__ == "Params4bit":
        return int(parameter.numel() * 2 * parameter.element_size())
    return int(parameter.numel())


def added_marks(model: Any) -> tuple[str, ...]:
    """Parts of parameter names that only what a method added has, or () for a bare model."""
    marks = (".adapters.",) if getattr(model, "bottlenecks", None) is not None else ()
    configs = getattr(model, "peft_config", None)
    if not isinstance(configs, dict):
        return marks
    from peft.mapping import PEFT_TYPE_TO_PREFIX_MAPPING

    found = {PEFT_TYPE_TO_PREFIX_MAPPING.get(c.peft_type, "") for c in configs.values()}
    if any(c.is_prompt_learning for c in configs.values()):
        found.add("prompt_encoder.")
    if any(c.peft_type == "ADALORA" for c in configs.values()):
        found.add(".ranknum.")
    return (*marks, *sorted(found - {""}))


def count_model(model: nn.Module, method: Method | None = None) -> Counts:
    """Counts of a model as it stands. Parameters shared by two modules count once; buffers not.

    `method` tells apart what the model alone cannot: a language model's output embeddings are its
    "head" where a method trains them by name, and a part of the base otherwise.
    """
    from torch import nn as torch_nn

    unwrapped: Any = model
    if hasattr(model, "get_base_model"):
        unwrapped = unwrapped.get_base_model()
    classifier = is_classifier(unwrapped)
    heads = {id(p) for _, p in head_parameters(unwrapped)} if classifier else set()
    if isinstance(method, Head):
        heads |= {id(p) for _, p in head_parameters(unwrapped)}
    marks = added_marks(model)
    seen: set[int] = set()
    kinds, everything = dict.fromkeys(KINDS, 0), dict.fromkeys((*KINDS, "embeddings"), 0)
    modules: list[ModuleCount] = []
    output = _output_embeddings(unwrapped)
    for name, module in model.named_modules():
        own: dict[str, list[int]] = {}
        for leaf, p in module.named_parameters(recurse=False):
            if id(p) in seen:
                continue
            seen.add(id(p))
            kind = _kind(f"{name}.{leaf}", p, heads, marks, output)
            if kind == "base" and isinstance(module, torch_nn.Embedding):
                shown = "embeddings"
            else:
                shown = kind
            n, trains = numel(p), p.requires_grad
            everything[shown] += n
            kinds[kind] += n if trains else 0
            sizes = own.setdefault(shown, [0, 0])
            sizes[0] += n
            sizes[1] += n if trains else 0
        cls = type(module).__name__
        modules += [ModuleCount(name, cls, kind, *sizes) for kind, sizes in own.items()]
    return Counts(sum(everything.values()), sum(kinds.values()), kinds, everything, tuple(modules))


def _output_embeddings(model: Any) -> str:
    """Last part of the name of a language model's output embeddings ("lm_head"), or ""."""
    out = getattr(model, "get_output_embeddings", lambda: None)()
    names = (n for n, m in model.named_modules() if m is out) if out is not None else iter(())
    return next(names, "").rsplit(".", 1)[-1]


def _kind(name: str, p: Any, heads: set[int], marks: tuple[str, ...], output: str) -> str:
    if any(mark in name for mark in marks):
        return "adapter"
    if id(p) in heads:
        return "head"
    if ".modules_to_save." in name:  # peft's trained copy of a whole module
        copied = name.split(".modules_to_save.")[0].rsplit(".", 1)[-1]
        return "head" if copied in ("classifier", "score", output) else "base"
    return "base"


def count(config: Any, method: Method, task: str | None = None, labels: int = 2) -> Counts:
    """Counts for a transformers config with `method` attached; `task` None is the usual one of the
    architecture. Raises UnknownModel for a task it does not have, and what `attach` raises.

    The last few answers are kept: sliders ask for the same model at every batch size.
    """
    from fttools import catalogue

    key = (config.to_json_string(use_diff=False), getattr(config, "untied_head", False), method,
           task, labels)  # fmt: skip
    if key not in _ANSWERS:
        model = catalogue.build(copy.deepcopy(config), task, labels)
        while len(_ANSWERS) >= KEPT:
            _ANSWERS.pop(next(iter(_ANSWERS)), None)
        _ANSWERS[key] = count_model(attach(model, method), method)
    return _ANSWERS[key]


KEPT = 64
_ANSWERS: dict[Any, Counts] = {}
