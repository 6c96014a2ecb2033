"""`estimate(...)`: the memory of a training step, with its parts, its peak and where it fits."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from fttools.errors import BadData, FTError, suggest
from fttools.memory import gpus, scope
from fttools.memory.peak import Estimate, summarise

if TYPE_CHECKING:
    from fttools.methods import Method


class CannotSimulate(FTError, RuntimeError):
    """The model's own training step fails with these settings."""


def estimate(
    config: Any,
    method: Method,
    *,
    task: str = "causal-lm",
    batch: int,
    seq: int,
    accumulate: int = 1,
    weights: str = "fp32",
    amp: str = "none",
    optim: str = "adamw_torch_fused",
    checkpointing: bool = False,
    attention: str = "sdpa",
    padded: bool = False,
    labels: int = 2,
    gpu: str = "H200",
    transformers_version: str | None = None,
) -> Estimate:
    """Simulate two optimizer steps of transformers' Trainer and report the peak.

    `config`: a transformers config; `method`: of `fttools.methods`; `batch` rows of `seq` tokens on
    the device, `accumulate` of them a step; `weights` the base's dtype (fp32, bf16, fp16), `amp`
    Trainer's mixed precision (none, bf16, fp16); `gpu` decides which kernels run.

    `transformers_version`: of the run to be predicted, where it differs from the installed one in
    what it needs (known: before 5.18, T5's position bias kept fused attention from running).

    Raises BadData for sizes and names that cannot be, UnknownModel for a task the architecture does
    not have, what `methods.attach` raises, CannotSimulate where the model's own step fails.
    """
    card = gpus.find(gpu)
    check(batch=batch, seq=seq, accumulate=accumulate, weights=weights, amp=amp,
          attention=attention)  # fmt: skip
    from fttools.memory import build, lean
    from fttools.memory import optim as optimizers
    from fttools.memory.simulate import simulate
    from fttools.methods import MethodRefused

    lean.settled()
    optimizers.known(optim)
    if method.name == "prefix" and checkpointing:
        raise MethodRefused(
            "peft refuses prefix tuning with gradient checkpointing: the recomputed layers would "
            "not see the prefix.",
            "prefix without --checkpointing, or lora with it",
        )
    build.check_length(config, seq, int(getattr(method, "tokens", 0)))
    setup = build.Setup(method, task, batch, seq, min(accumulate, 2), weights, amp, optim,
                        checkpointing, attention, padded, labels)  # fmt: skip
    try:
        run = simulate(copy.deepcopy(config), setup, card, _strided_bias(transformers_version))
    except FTError:
        raise
    except (RuntimeError, ValueError, TypeError, AttributeError, IndexError, KeyError,
            NotImplementedError) as err:  # fmt: skip
        text = " ".join(str(err).split())[:200]
        raise CannotSimulate(
            f"A training step of {getattr(config, 'model_type', 'this model')} with {method.name} "
            f"does not run with these settings: {type(err).__name__}: {text}",
            "without --checkpointing (peft refuses it for prefixes), --attention eager, or another "
            "method",
        ) from err
    notes, warnings = scope.remarks(config, setup, card, run, accumulate)
    return summarise(run, card, notes, warnings)


def _strided_bias(version: str | None) -> bool:
    """Whether that version of transformers passed position biases without making them contiguous:
    5.17 does, 5.23 does not; where in between it changed is not known to us."""
    if version is None:
        return False
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    return numbers < [5, 18]


def check(*, batch: int, seq: int, accumulate: int, weights: str, amp: str, attention: str) -> None:
    """Raise BadData for sizes under 1 and unknown names."""
    for name, size in (("batch", batch), ("seq", seq), ("accumulate", accumulate)):
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise BadData(f"{name} must be a whole number of at least 1, got {size!r}.",
                          f"--{name} 1")  # fmt: skip
    for name, value, known in (
        ("weights", weights, ("fp32", "bf16", "fp16")),
        ("amp", amp, ("none", "bf16", "fp16")),
        ("attention", attention, ("sdpa", "eager")),
    ):
        if value not in known:
            raise BadData(f"There is no {name} {value!r}.", suggest(str(value), known))
