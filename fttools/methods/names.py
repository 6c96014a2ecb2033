"""Methods by the names that the command line uses."""

from __future__ import annotations

import dataclasses
from typing import Any

from fttools.errors import UnknownMethod, suggest
from fttools.methods.kinds import (
    IA3,
    Adapter,
    BitFit,
    DoRA,
    Full,
    Head,
    LNTuning,
    LoRA,
    Method,
    OtherPeft,
    Prefix,
    Prompt,
    PTuning,
    QLoRA,
    VeRA,
)  # fmt: skip

METHODS: dict[str, type[Method]] = {
    cls.name: cls
    for cls in (
        Full, Head, LoRA, DoRA, QLoRA, Adapter, Prefix, Prompt, PTuning, IA3, BitFit, LNTuning, VeRA
    )
}  # fmt: skip
# Further tuner methods of peft whose configuration stands on its own (needs no data and no second
# model). Written out, so that naming a method does not cost the import of peft.
PEFT_KINDS = (
    "adalora",
    "boft",
    "c3a",
    "delora",
    "fourierft",
    "gralora",
    "hra",
    "loha",
    "lokr",
    "miss",
    "oft",
    "randlora",
    "road",
    "shira",
    "vblora",
    "waveft",
)


def make(name: str, **options: Any) -> Method:
    """The method called `name`, with `options` (None values are left at their defaults).

    Raises UnknownMethod for a name or an option that does not exist, BadRank for a bad size.
    """
    key = str(name).lower().replace("-", "_")
    given = {k: v for k, v in options.items() if v is not None}
    if isinstance(given.get("targets"), list):
        given["targets"] = tuple(given["targets"])
    if key in METHODS:
        cls, fixed = METHODS[key], {}
    elif key in PEFT_KINDS:
        cls, fixed = OtherPeft, {"kind": key}
    else:
        raise UnknownMethod(f"There is no method {name!r}.", suggest(key, (*METHODS, *PEFT_KINDS)))
    fields = [f.name for f in dataclasses.fields(cls) if f.name not in fixed]
    for option in given:
        if option not in fields:
            taken = f"{key} takes: {', '.join(fields)}" if fields else f"{key} takes no options"
            raise UnknownMethod(f"Method {key!r} has no option {option!r}.", taken)
    return cls(**fixed, **given)


def label(method: Method) -> str:
    """A short name with its options, such as "lora (rank=16)"."""
    name = method.kind if isinstance(method, OtherPeft) else method.name
    options = {k: v for k, v in method.options().items() if k not in ("kind", "dora")}
    return f"{name} ({', '.join(f'{k}={v}' for k, v in options.items())})" if options else name
