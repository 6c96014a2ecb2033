"""Make a short-lived process start faster: keep out what a simulation never uses.

Importing transformers and peft brings in bitsandbytes, scipy, and PyTorch's compiler and
distributed tensors, which take about half of the time that a whole estimate of a 7 B model takes.
Only for commands, whose process ends: here, those modules are hidden or replaced by empty ones.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

HIDDEN = ("bitsandbytes", "scipy", "sklearn", "datasets")
EMPTY = ("torch.distributed.tensor", "torch._inductor", "torch._dynamo")


class _Nothing:
    """Base of the classes of empty modules: takes anything, and is a context that does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    def __enter__(self) -> None: ...

    def __exit__(self, *error: Any) -> None: ...


class _Off:
    """Settings that are all off."""

    def __getattr__(self, name: str) -> bool:
        return False


def _itself(function: Any = None, *args: Any, **kwargs: Any) -> Any:
    """A decorator that changes nothing, with or without arguments."""
    return function if callable(function) else lambda decorated: decorated


def _no(*args: Any, **kwargs: Any) -> bool:
    return False


class _Empty(ModuleType):
    """A module in which names are empty classes, decorators that do nothing, or answers "no"."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made: Any = _itself
        if name == "config":
            made = _Off()
        elif name.startswith(("is_", "_is_")):
            made = _no
        elif name.lstrip("_")[:1].isupper():
            made = type(name, (_Nothing,), {})
        setattr(self, name, made)
        return made


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for `EMPTY` packages and everything in them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name in EMPTY or name.startswith(tuple(f"{package}." for package in EMPTY)):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__path__ = []


def prepare() -> None:
    """Call before the first import of torch; does nothing when torch is loaded already."""
    if "torch" in sys.modules:
        return
    for name in HIDDEN:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    sys.meta_path.insert(0, _Finder())
