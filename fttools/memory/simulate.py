"""Two optimizer steps of transformers' Trainer on meta tensors, with every storage on the ledger.

The model's own code, peft's layers, the loss, checkpointing and backward all run; what is emulated
is only what the CPU would do otherwise than the GPU (see `amp`, `kernels`, `quant`, `optim`).
Two steps, because optimizer states appear in the first and the peak is with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from fttools import params
from fttools.memory import kernels, optim
from fttools.memory.amp import DTYPES, HALF, GpuRules
from fttools.memory.build import Setup, batch, build
from fttools.memory.gpus import Gpu
from fttools.memory.ledger import Ledger
from fttools.methods import QLoRA


@dataclass
class Simulation:
    """A finished run: its ledger, which storages are weights, adapter, gradients, and so on."""

    ledger: Ledger
    kinds: dict[int, str]
    outside: int
    attention: str
    total: int
    trainable: int
    second_step: int  # the event that it begins with
    heads: frozenset[str]  # last parts of the names of the model's heads


def simulate(config: Any, setup: Setup, gpu: Gpu, strided_bias: bool = False) -> Simulation:
    """Build and train for two optimizer steps. Raises what `build` raises."""
    ledger = Ledger(kernels.scratch_table(gpu))
    with quiet():
        model, attention = build(config, setup, ledger)
    kinds = _kinds(model, ledger)
    base: Any = model
    if hasattr(base, "config"):
        base.config.use_cache = False  # Trainer switches it off
    model.train()
    rules = GpuRules(gpu.capability, truth=not setup.padded)
    if setup.checkpointing:
        with quiet():
            _checkpoint(base, rules, DTYPES.get(setup.amp), isinstance(setup.method, QLoRA))
    step, states = optim.make(setup.optim, model, ledger)
    trained = states.parameters
    _name_modules(model, ledger)
    old = rules.strided_bias() if strided_bias else nullcontext()
    with quiet(), ledger, rules, old:
        scaler = torch.empty((), device="meta") if setup.amp == "fp16" else None

        def gradients() -> list[int]:
            for _ in range(setup.accumulate):
                _forward_backward(model, config, setup, rules, ledger, scaler)
            found = [ledger.number_of(p.grad) for p in trained if p.grad is not None]
            return [number for number in found if number is not None]

        def optimize() -> None:
            ledger.module, ledger.phase = "", "optimizer"
            with torch.no_grad():
                optim.clip(trained, ledger)
                step()
            ledger.phase = "between"

        start = len(ledger.events)
        first = gradients()
        end = len(ledger.events)
        optimize()
        if ledger.repeats(start, end, set(first)):
            for number in first:
                ledger.dies(number)
            second = len(ledger.events)
            again = list(ledger.repeat(start, end, first).values())
        else:  # something was made once and for all, or replaced
            _forget(trained)
            second = len(ledger.events)
            again = gradients()
        kinds |= dict.fromkeys((*first, *again), "gradients")
        optimize()
        _forget(trained)
    return Simulation(
        ledger,
        kinds,
        states.outside,
        attention,
        sum(p.numel() for p in model.parameters()),
        sum(p.numel() for p in trained),
        second,
        _heads(model),
    )


def _forget(parameters: list[nn.Parameter]) -> None:
    for p in parameters:
        p.grad = None


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' and Python's notices (unlike `fttools.quiet`, without importing
    datasets, which takes a second), and let `nonzero` take all values for true (DeBERTa looks for
    rows that have a label)."""
    import warnings

    import torch.fx.experimental._config as shapes
    from transformers.utils import logging

    known, shapes.meta_nonzero_assume_all_nonzero = shapes.meta_nonzero_assume_all_nonzero, True
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        shapes.meta_nonzero_assume_all_nonzero = known


def _forward_backward(
    model: nn.Module, config: Any, setup: Setup, rules: GpuRules, ledger: Ledger, scaler: Any
) -> None:
    ledger.phase = "forward"
    inputs = batch(config, setup)
    amp = DTYPES[setup.amp] if setup.amp != "none" else None
    with rules.autocast(amp):
        outputs = model(**inputs)
    ledger.module = "loss"
    if amp is not None:
        outputs = _to_float(outputs)
    loss = outputs["loss"] if isinstance(outputs, dict) else outputs[0]
    del outputs, inputs
    if setup.accumulate > 1:
        loss = loss / setup.accumulate
    if scaler is not None:
        loss = loss * scaler
    ledger.phase = "backward"
    # The public functions would switch our function mode off, which checkpointing needs when it
    # recomputes.
    torch.autograd.Variable._execution_engine.run_backward(  # type: ignore[attr-defined]
        (loss,),
        (torch.ones_like(loss),),
        False,
        False,
        (),
        allow_unreachable=True,
        accumulate_grad=True,
    )


def _to_float(value: Any) -> Any:
    """Accelerate's copy of half-precision outputs to fp32."""
    if isinstance(value, torch.Tensor):
        return value.float() if value.dtype in HALF else value
    if isinstance(value, dict):
        return type(value)({k: _to_float(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return type(value)(_to_float(v) for v in value)
    return value


def _checkpoint(model: Any, rules: GpuRules, amp: Any, quantized: bool) -> None:
    """Gradient checkpointing as Trainer switches it on, re-entering autocast when it recomputes."""

    @contextmanager
    def nothing() -> Iterator[None]:
        yield

    def contexts() -> tuple[Any, Any]:
        dtype = rules.dtype
        return nothing(), rules.autocast(dtype)

    keywords = {"use_reentrant": False, "preserve_rng_state": False, "context_fn": contexts}
    if hasattr(model, "peft_config") and not quantized:
        model.enable_input_require_grads()
    enable = getattr(model, "gradient_checkpointing_enable", None)
    if enable is None:
        enable = model.get_base_model().gradient_checkpointing_enable
    enable(gradient_checkpointing_kwargs=keywords)


def _kinds(model: nn.Module, ledger: Ledger) -> dict[int, str]:
    """Weights and adapter by storage number."""
    kinds: dict[int, str] = {}
    adapted, marks = hasattr(model, "peft_config"), params.added_marks(model)
    for name, p in model.named_parameters():
        number = ledger.number_of(p)
        if number is not None:
            added = p.requires_grad and (adapted or any(mark in f".{name}" for mark in marks))
            kinds[number] = "adapter" if added else "weights"
    return kinds


def _heads(model: Any) -> frozenset[str]:
    """Names of what comes after the base model: classifiers, and output embeddings."""
    unwrapped = model.get_base_model() if hasattr(model, "get_base_model") else model
    prefix = str(getattr(unwrapped, "base_model_prefix", ""))
    names = {name for name, _ in unwrapped.named_children() if name != prefix}
    out = getattr(unwrapped, "get_output_embeddings", lambda: None)()
    names |= {n.rsplit(".", 1)[-1] for n, m in unwrapped.named_modules() if m is out and n}
    return frozenset(names - {"model", "transformer", "encoder", "decoder", "shared"})


def _name_modules(model: nn.Module, ledger: Ledger) -> None:
    """Keep the ledger's `module` at the innermost running module that is worth naming: layers,
    their attention and feed-forward parts, embeddings and heads."""

    def enter(name: str, module: Any, args: Any) -> None:
        if ledger.phase == "forward":
            ledger.module = name

    for name, module in model.named_modules():
        short = name.replace("base_model.model.", "")
        depth = short.count(".")
        if (
            len(short) > 0
            and depth <= 4
            and not short.endswith(("lora_A", "lora_B", "lora_dropout"))
        ):
            module.register_forward_pre_hook(partial(enter, short))
