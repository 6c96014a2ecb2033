"""Optimizers' memory: states that appear at the first step, and temporaries of every step.

`make(name, model, ledger)` gives a function that performs one step on meta gradients. Names are
transformers' `optim` names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from fttools.errors import BadData, suggest

if TYPE_CHECKING:
    from fttools.memory.ledger import Ledger

Step = Callable[[], None]
MIN_8BIT = 4096  # bitsandbytes keeps fp32 state for smaller tensors
BLOCK_8BIT = 256  # values that share an absmax
PAGED_FROM = 100_000  # elements from which paged optimizers put state outside
# name: (states an element, 8 bits?, paged?)
_BITSANDBYTES = {
    "adamw_8bit": (2, True, False),
    "adamw_bnb_8bit": (2, True, False),
    "paged_adamw_8bit": (2, True, True),
    "paged_adamw": (2, False, True),
    "paged_adamw_32bit": (2, False, True),
    "lion_8bit": (1, True, False),
    "lion_32bit": (1, False, False),
    "lion": (1, False, False),
    "paged_lion_8bit": (1, True, True),
    "paged_lion_32bit": (1, False, True),
    "paged_lion": (1, False, True),
    "rmsprop_bnb": (1, False, False),
    "rmsprop_bnb_8bit": (1, True, False),
    "rmsprop_bnb_32bit": (1, False, False),
    "ademamix": (3, False, False),
    "ademamix_8bit": (3, True, False),
    "paged_ademamix_8bit": (3, True, True),
    "paged_ademamix_32bit": (3, False, True),
}
_TORCH = ("adamw_torch", "adamw_torch_fused", "sgd", "adagrad", "rmsprop", "adafactor")
# transformers.Trainer.get_decay_parameter_names
_NO_DECAY = re.compile(r"bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)")
NAMES = (*_TORCH, *_BITSANDBYTES)


def known(name: str) -> None:
    """Raise BadData for an optimizer that is not modelled."""
    if name not in NAMES:
        raise BadData(f"The optimizer {name!r} is not modelled.", suggest(name, NAMES))


def uses_bitsandbytes(name: str) -> bool:
    """Whether the optimizer is bitsandbytes' (which keeps 32-bit state for embeddings)."""
    return name in _BITSANDBYTES


class States:
    """Optimizer states on the device, made at a parameter's first step and kept."""

    def __init__(self, ledger: Ledger, parameters: list[nn.Parameter]) -> None:
        self.ledger = ledger
        self.parameters = parameters
        self.ready = False
        self.outside = 0  # bytes of paged state, outside PyTorch's allocator

    def hold(self, *sizes: int) -> None:
        """Allocate states that stay."""
        for size in sizes:
            self.ledger.born(size, "optimizer")

    def with_gradients(self) -> list[nn.Parameter]:
        """Parameters that have a gradient now."""
        return [p for p in self.parameters if p.grad is not None]


def make(name: str, model: nn.Module, ledger: Ledger) -> tuple[Step, States]:
    """The step function of optimizer `name`, and its states. Raises BadData when not modelled."""
    known(name)
    trained = _grouped(model)
    states = States(ledger, trained)
    if name in _BITSANDBYTES:
        wide = {
            id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)
        }  # transformers' Trainer asks for 32-bit state of embeddings
        return lambda: _bitsandbytes(states, wide, *_BITSANDBYTES[name]), states
    if name == "adafactor":
        return _adafactor(states), states
    return lambda: _torch(states, name), states


def _grouped(model: nn.Module) -> list[nn.Parameter]:
    """Trained parameters in the order of Trainer's groups: with weight decay, then without (biases
    and normalisation)."""
    plain = set()
    for name, module in model.named_modules():
        norm = "norm" in type(module).__name__.lower()
        for leaf, p in module.named_parameters(recurse=False):
            full = f"{name}.{leaf}".lower()
            if norm or _NO_DECAY.search(full):
                plain.add(id(p))
    trained = [p for p in model.parameters() if p.requires_grad]
    return [p for p in trained if id(p) not in plain] + [p for p in trained if id(p) in plain]


def _torch(states: States, name: str) -> None:
    """torch.optim: Adam's two states and a step counter (on the GPU only when fused)."""
    parameters = states.with_gradients()
    per = {"adamw_torch": 2, "adamw_torch_fused": 2, "sgd": 0, "adagrad": 1, "rmsprop": 1}[name]
    if not states.ready:
        states.ready = True
        for p in parameters:
            size = p.numel() * p.element_size()
            if name == "adamw_torch_fused":
                states.hold(4)
            states.hold(*[size] * per)
    if name in ("adamw_torch", "adagrad", "rmsprop"):
        # The multi-tensor loops need the square root of the second moment of all weights at once.
        states.ledger.brief(*(p.numel() * p.element_size() for p in parameters))


def _bitsandbytes(states: States, wide: set[int], per: int, eight: bool, paged: bool) -> None:
    if states.ready:
        return
    states.ready = True
    first = True
    for p in states.with_gradients():
        n = p.numel()
        small = not eight or n < MIN_8BIT or id(p) in wide
        sizes = [4 * n] * per if small else [n] * per
        if not small and first:
            states.hold(*[1024] * min(per, 2))  # the shared code tables
            first = False
        if paged and n >= PAGED_FROM:
            states.outside += sum(sizes)
        else:
            states.hold(*sizes)
        if not small:
            states.hold(*[4 * ceil(n / BLOCK_8BIT)] * per)


def _adafactor(states: States) -> Step:
    """transformers' own Adafactor, run on the meta gradients."""
    from transformers.optimization import Adafactor

    optimizer: Any = Adafactor(
        states.parameters, lr=1e-3, scale_parameter=False, relative_step=False
    )

    def step() -> None:
        with states.ledger.during("optimizer"):
            optimizer.step()

    states.keep = optimizer  # type: ignore[attr-defined]
    return step


def clip(parameters: list[nn.Parameter], ledger: Ledger) -> None:
    """Gradient clipping: one norm a tensor, made from partial norms of 65,536 elements each."""
    sizes = [p.numel() for p in parameters if p.grad is not None]
    if sizes:
        chunks = ceil(max(sizes) / 65_536)
        norms = ledger.born(4 * len(sizes), "workspace")
        ledger.brief(4 * len(sizes) * chunks)
        ledger.brief(4 * len(sizes), 4, 4, 4)
        ledger.dies(norms)


def uncounted(states: States) -> int:
    """Bytes of paged state, which live outside PyTorch's allocator (and may move to the host)."""
    return states.outside


def parameter_bytes(parameters: list[torch.Tensor]) -> int:
    """Sum of sizes in bytes."""
    return sum(p.numel() * p.element_size() for p in parameters)
