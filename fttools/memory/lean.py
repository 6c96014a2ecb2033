"""Make a short-lived process start faster: keep out what a simulation never uses.

Importing transformers and peft brings in bitsandbytes, scipy, and PyTorch's compiler and
distributed tensors, which take about half of the time that a whole estimate of a 7 B model takes.
Only for commands, whose process ends: here, those modules are hidden or replaced by empty ones.
"""

from __future__ import annotations

import copy
import gc
import importlib.abc
import importlib.machinery
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from fttools.errors import FTError

HIDDEN = ("bitsandbytes", "scipy", "sklearn", "datasets", "trio", "dill", "pandas")
EMPTY = ("torch.distributed.tensor", "torch._inductor", "torch._dynamo", "torch.export",
         "torch._export", "sympy")  # fmt: skip
SYMBOLIC = "torch.fx.experimental.symbolic_shapes"
LISTING = "transformers.utils.import_utils"
WHOLE = "FTTOOLS_WHOLE_IMPORTS"  # set: nothing is left out


_paused: list[bool] = []  # the collector, by us


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


def _symbolic(module: ModuleType) -> None:
    """What shape checks ask of symbolic sizes, for sizes that are plain numbers: the real module
    brings in sympy, which alone takes most of a second."""

    def answer(value: Any, *rest: Any) -> bool:
        return bool(value)

    def equal(a: Any, b: Any) -> bool:
        if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
            return len(a) == len(b) and all(map(equal, a, b))
        return bool(a == b)

    questions = ("expect_true", "guard_or_false", "guard_or_true", "guard_size_oblivious",
                 "statically_known_true")  # fmt: skip
    for name in questions:
        setattr(module, name, answer)
    found: dict[str, Any] = {
        "sym_eq": equal,
        "sym_and": lambda *values: all(values),
        "sym_or": lambda *values: any(values),
        "guard_int": int,
        "guarding_hint_or_throw": lambda value: value,
        "has_guarding_hint": lambda value: True,
        "is_nested_int": _no,
        "free_unbacked_symbols": lambda value: set(),
    }
    found |= dict.fromkeys(
        ("_advise_is_size", "_advise_is_bounded", "constrain_range", "_constrain_range_for_size"),
        lambda *args, **kwargs: None,
    )
    vars(module).update(found)


class _Once(importlib.machinery.SourceFileLoader):
    """transformers' `import_utils`, which reads the source of every model to list what there is,
    twice: here, once."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        name = "create_import_structure_from_path"
        read = getattr(module, name, None)
        if read is None:
            return
        found: dict[str, Any] = {}

        def once(path: Any) -> Any:
            folder = os.path.dirname(path) if os.path.isfile(path) else str(path)
            if os.path.basename(folder) != "models":
                return read(path)
            if folder in found:
                return found.pop(folder)
            made = read(folder)
            found[folder] = copy.deepcopy(made)
            return made

        setattr(module, name, once)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers for `EMPTY` packages and everything in them."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name == LISTING:
            spec = importlib.machinery.PathFinder.find_spec(name, path)
            if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
                spec.loader = _Once(name, spec.loader.path)
            return spec
        if name == SYMBOLIC:
            return importlib.machinery.ModuleSpec(name, self)
        if name in EMPTY or name.startswith(tuple(f"{package}." for package in EMPTY)):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return ModuleType(spec.name) if spec.name == SYMBOLIC else _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == SYMBOLIC:
            _symbolic(module)
        else:
            module.__path__ = []


def prepare() -> bool:
    """Call before the first import of torch; does nothing when torch is loaded already. Says
    whether something is left out."""
    if "torch" in sys.modules or os.environ.get(WHOLE):
        return False
    _paused.append(True)
    gc.disable()  # half a million objects that stay are no garbage; `settled` enables it again
    for name in HIDDEN:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    sys.meta_path.insert(0, _Finder())
    return True


def settled() -> None:
    """After the imports: the collector runs again, over what is made from now on."""
    if _paused:
        _paused.clear()
        gc.freeze()
        gc.enable()


def run(command: Callable[[], int], words: Sequence[str]) -> int:
    """A command's result with a short start; when something fails that is not plainly the user's
    to mend, the command (its `words` after "fttools") runs once more with nothing left out."""
    if not prepare():
        return command()
    try:
        return command()
    except FTError as err:
        if err.__cause__ is None or isinstance(err.__cause__, FTError):
            raise
    except Exception as err:
        if os.environ.get("FTTOOLS_DEBUG"):
            print(f"fttools: with a short start: {err!r}", file=sys.stderr)
    done = subprocess.run([sys.executable, "-m", "fttools.cli", *words],
                          env={**os.environ, WHOLE: "1"}, check=False)  # fmt: skip
    return done.returncode
