"""A ledger of storages: every tensor that is born or dies while a step runs on meta tensors.

    ledger = Ledger()
    with ledger:                    # a TorchDispatchMode: sees every operator, also in backward
        loss = model(**batch).loss
        loss.backward()
    ledger.events                   # (number, bytes) when born, (number, -bytes) when it dies

Storages, not tensors: views share one. Each has a tag, the phase and module it was born in.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fttools.memory.fast import TABLE as fast_table

# Operators that allocate their outputs last to first.
MASK_FIRST = {torch.ops.aten.native_dropout.default}
# Operators whose result shares its argument's storage: nothing is born.
VIEWS = {
    torch.ops.aten.view.default, torch.ops.aten._unsafe_view.default, torch.ops.aten.t.default,
    torch.ops.aten.transpose.int, torch.ops.aten.detach.default, torch.ops.aten.expand.default,
    torch.ops.aten.permute.default, torch.ops.aten.slice.Tensor, torch.ops.aten.unsqueeze.default,
    torch.ops.aten.select.int, torch.ops.aten.squeeze.dim, torch.ops.aten.alias.default,
}  # fmt: skip
Scratch = Callable[[tuple[Any, ...], dict[str, Any]], tuple[int, ...]]


_ADD, _ADD_IN_PLACE = torch.ops.aten.add.Tensor, torch.ops.aten.add_.Tensor


def _in_place(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether autograd would add a second gradient into the first one's memory.

    It does so when nobody else holds the first (torch/csrc/autograd/input_buffer.cpp), but never
    under a dispatch mode, so we do it in its place. The counts include the references that this
    very call holds: one tensor and storage each, and three by the dispatcher and Python.
    """
    if kwargs or len(args) != 2 or torch.is_grad_enabled():
        return False
    first, second = args
    if not isinstance(second, torch.Tensor) or first.shape != second.shape:
        return False
    return bool(
        first.dtype == second.dtype
        and first._use_count() <= 4
        and torch._C._storage_Use_Count(first.untyped_storage()._cdata) <= 2
    )


class _Death(weakref.ref):  # type: ignore[type-arg]
    """A weak reference to a storage that remembers its key and its number in the ledger."""

    key: int
    number: int


class Ledger(TorchDispatchMode):
    """Records births and deaths of meta storages in order.

    `scratch` maps an operator to a function of its arguments that gives the bytes of temporaries
    its CUDA kernel allocates and frees; `before` are those allocated ahead of the outputs.
    """

    def __init__(self, scratch: dict[Any, Scratch] | None = None) -> None:
        super().__init__()
        self.events: list[tuple[int, int]] = []
        self.tags: list[tuple[str, str]] = []  # by number
        self.sizes: list[int] = []  # by number
        self.marks: list[tuple[int, str, str]] = []  # from which event on: phase, module
        self._last = ("", "")
        self.phase = "build"
        self.module = ""
        self._scratch = scratch or {}
        self._alive: dict[int, _Death] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return True  # spares a wrapper around every call; nothing is compiled here

    # --- recording ------------------------------------------------------------------------------

    def born(self, size: int, phase: str | None = None) -> int:
        """Record an allocation of `size` bytes that is no tensor here; returns its number."""
        number = len(self.sizes)
        self.sizes.append(size)
        self.tags.append((phase or self.phase, self.module))
        here = (self.phase, self.module)
        if here != self._last:
            self.marks.append((len(self.events), *here))
            self._last = here
        self.events.append((number, size))
        return number

    def dies(self, number: int) -> None:
        """Record that number's end."""
        self.events.append((number, -self.sizes[number]))

    def brief(self, *sizes: int) -> None:
        """Temporaries that live together and end at once."""
        numbers = [self.born(size, "workspace") for size in sizes if size]
        for number in numbers:
            self.dies(number)

    def watch(self, tensor: torch.Tensor) -> int | None:
        """Record the birth of a tensor's storage unless known; returns its number."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        known = self._alive.get(key)
        if known is not None:
            return known.number
        size = storage.nbytes()
        if size == 0 or tensor.device.type != "meta":
            return None
        death = _Death(storage, self._died)
        death.key = key
        death.number = self.born(size)
        self._alive[key] = death
        return death.number

    def number_of(self, tensor: torch.Tensor) -> int | None:
        """The number of a tensor's storage, None when it is not in the ledger."""
        known = self._alive.get(tensor.untyped_storage()._cdata)
        return None if known is None else known.number

    def _died(self, death: _Death) -> None:
        if self._alive.get(death.key) is death:
            del self._alive[death.key]
            self.dies(death.number)
            if self.phase == "backward":
                phase, module = self.tags[death.number]
                if phase == "forward":
                    # Backward frees what a module saved just after using it: we are in it now.
                    self.module = module

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        with torch._C.DisableTorchFunction():  # below, even `.shape` would pass through it
            return self._dispatch(func, args, kwargs or {})

    def _dispatch(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if func in VIEWS:
            return func(*args, **kwargs)
        if func is _ADD and self.phase == "backward" and _in_place(args, kwargs):
            return _ADD_IN_PLACE(*args)
        fast = fast_table.get(func)
        out = fast(args, kwargs) if fast is not None else None
        if out is None:
            out = func(*args, **kwargs)
        if isinstance(out, torch.Tensor):
            self.watch(out)
        elif isinstance(out, (tuple, list)):
            for item in reversed(out) if func in MASK_FIRST else out:
                if isinstance(item, torch.Tensor):
                    self.watch(item)
                elif isinstance(item, (tuple, list)):
                    for one in item:
                        if isinstance(one, torch.Tensor):
                            self.watch(one)
        scratch = self._scratch.get(func)
        if scratch is not None:
            self.brief(*scratch(args, kwargs))
        return out

    def where(self, position: int) -> tuple[str, str]:
        """Phase and module at an event."""
        low, high = 0, len(self.marks)
        while low < high:
            middle = (low + high) // 2
            if self.marks[middle][0] <= position:
                low = middle + 1
            else:
                high = middle
        return self.marks[low - 1][1:] if low else ("build", "")

    # --- repeating ------------------------------------------------------------------------------

    def repeats(self, start: int, end: int, kept: set[int]) -> bool:
        """Whether events `start` to `end` would come again just so: all that was born in them died
        in them but `kept`, and nothing older died."""
        born = {number for number, size in self.events[start:end] if size > 0}
        died = {number for number, size in self.events[start:end] if size < 0}
        return died <= born and born - died == kept

    def repeat(self, start: int, end: int, kept: list[int]) -> dict[int, int]:
        """Record events `start` to `end` once more, after `kept` ended: their tensors, which are
        still there, stand for the new storages. Returns the new numbers by the old."""
        alive = {death.number: death for death in self._alive.values()}
        shift = len(self.events) - start
        again = [
            (at + shift, phase, module) for at, phase, module in self.marks if start <= at < end
        ]
        self.marks += again
        self._last = self.marks[-1][1:]
        new: dict[int, int] = {}
        for number, size in self.events[start:end]:
            if size > 0:
                new[number] = len(self.sizes)
                self.sizes.append(size)
                self.tags.append(self.tags[number])
            self.events.append((new[number], size))
        for number in kept:
            alive[number].number = new[number]
        return {number: new[number] for number in kept}

    # --- where we are ---------------------------------------------------------------------------

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Tag what happens inside with `phase`."""
        before, self.phase = self.phase, phase
        try:
            yield
        finally:
            self.phase = before
