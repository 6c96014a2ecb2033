"""A trained adapter that a submission carries, read as data and judged like any other answer.

An author marks the solution cell that trains with `"trains": CHECK_ID` in the cell's metadata, and
may give lines of code to run in its place (`"instead"`, which finds the files in the working
folder). A submission with `adapter_model.safetensors` and `adapter_config.json` beside its notebook
is then examined on those files, and the cell is not run. The files are the learner's claim: one
that does not reproduce earns nothing, whatever the notebook would have trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch

from fttools.checks.core import MOST_BYTES, MOST_ELEMENTS, Answer, BadAnswer, strict, unpack
from fttools.errors import FTError

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
SKIPPED = "# Not run when grading: the trained adapter that was handed in is examined instead.\n"
# adapter_config.json's field -> the name a judge knows. Everything else in the file is ignored.
NUMBERS = {"r": "r", "lora_alpha": "alpha", "num_virtual_tokens": "tokens"}
KINDS = ("LORA", "IA3", "PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING")
MOST_TARGETS = 64


class BadAdapter(FTError, ValueError):
    """Adapter files that cannot be examined, and why."""


def trains(cell: Any) -> str | None:
    """The check that a template cell trains for, if it is marked so."""
    found = cell.get("metadata", {}).get("trains")
    return found if isinstance(found, str) else None


def instead(cell: Any) -> str:
    """What runs in place of a training cell."""
    lines = cell.get("metadata", {}).get("instead", [])
    return SKIPPED + "\n".join(lines)


def carried(files: Mapping[str, bytes]) -> bool:
    """Whether a submission brings an adapter, or a part of one."""
    return WEIGHTS in files or CONFIG in files


def settings(blob: bytes) -> dict[str, Any]:
    """The allow-listed fields of adapter_config.json, by a judge's names. Raises BadAdapter."""
    try:
        found = strict(blob.decode("utf-8"))
    except (ValueError, RecursionError) as err:
        raise BadAdapter(f"{CONFIG} is not JSON.", "model.save_pretrained(folder)") from err
    kind = found.get("peft_type")
    if kind not in KINDS:
        raise BadAdapter(f"{CONFIG} has peft_type {str(kind)[:40]!r}.", f"one of {KINDS}")
    values: dict[str, Any] = {} if kind == "LORA" else {"peft_type": kind}
    for field, name in NUMBERS.items():
        value = found.get(field)
        if isinstance(value, int | float) and value is not True and 0 < value <= 100_000:
            values[name] = value if name != "alpha" else float(value)
        elif value is not None:
            raise BadAdapter(f"{CONFIG} has {field} {str(value)[:40]}.", "a positive number")
    targets = found.get("target_modules")
    if isinstance(targets, list) and len(targets) <= MOST_TARGETS:
        if not all(isinstance(t, str) and len(t) <= 200 for t in targets):
            raise BadAdapter(f"{CONFIG}: target_modules holds no names.", "a list of names")
        values["targets"] = sorted(targets)
    elif targets == "all-linear":
        values["targets"] = targets
    elif targets is not None:  # peft reads any other string as a regular expression
        raise BadAdapter(f"{CONFIG}: target_modules is no list of names.", "a list of names")
    for field in ("use_dora", "use_rslora"):
        if found.get(field) not in (None, False):
            raise BadAdapter(f"{CONFIG} sets {field}, which the exercise does not use.", "without")
    return values


def answer(files: Mapping[str, bytes]) -> Answer:
    """The carried adapter as the training check's probe would report it. Raises BadAdapter."""
    for name in (WEIGHTS, CONFIG):
        if name not in files:
            raise BadAdapter(f"The adapter handed in lacks {name}.", "handing in both files")
    if len(files[WEIGHTS]) > MOST_BYTES:
        raise BadAdapter(f"{WEIGHTS} is too large.", f"at most {MOST_BYTES // 2**20} MiB")
    values = settings(files[CONFIG])
    try:
        tensors = unpack(relabelled(files[WEIGHTS])).tensors
    except BadAnswer as err:
        raise BadAdapter(f"{WEIGHTS} is not plain safetensors.", "model.save_pretrained()") from err
    if sum(t.numel() for t in tensors.values()) > MOST_ELEMENTS:
        raise BadAdapter(f"{WEIGHTS} is too large.", f"at most {MOST_ELEMENTS:,} numbers")
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
            raise BadAdapter(f"{WEIGHTS}: {name[:80]} is not finite numbers.", "training again")
    return Answer({name: t.float() for name, t in tensors.items()}, values)


def relabelled(blob: bytes) -> bytes:
    """The same tensors with a header `unpack` accepts (peft's has other metadata, or none)."""
    length = int.from_bytes(blob[:8], "little")
    if not 2 <= length <= len(blob) - 8:
        raise BadAdapter(f"{WEIGHTS} is cut short.", "saving it again")
    try:
        header = strict(blob[8 : 8 + length])
    except (ValueError, RecursionError) as err:
        raise BadAdapter(f"{WEIGHTS} is not safetensors.", "model.save_pretrained()") from err
    header["__metadata__"] = {"values": "{}"}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + blob[8 + length :]
