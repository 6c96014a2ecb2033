"""A measured case: what was trained and how, with the defaults of the measured records.

case = Case.from_json({"model": "gpt2", "config": {"model_type": "gpt2"}, "method": "lora",
                       "batch": 4, "seq": 512, "amp": "bf16"})
case.to_method()          # LoRA(rank=16, alpha=32, dropout=0.05)
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from fttools import methods
from fttools.errors import BadData

# Keys of a record's case whose name differs from the field's here.
RENAMED = {"accum": "accumulate", "ckpt": "checkpointing", "attn": "attention", "pad": "padded"}
DTYPES = ("fp32", "bf16", "fp16")


@dataclass(frozen=True)
class Case:
    """One fine-tuning run. Sizes in rows and tokens; defaults as in the measured file's notes."""

    model: str
    config: dict[str, Any]
    method: str
    batch: int
    seq: int
    task: str = "causal-lm"
    accumulate: int = 1
    weights: str = "fp32"
    amp: str = "none"
    r: int = 16
    alpha: float = 32
    targets: str | tuple[str, ...] | None = None
    tokens: int = 20
    dropout: float = 0.05
    hidden: int = 128
    double_quant: bool = True
    checkpointing: bool = False
    optim: str = "adamw_torch_fused"
    attention: str = "sdpa"
    padded: bool = False
    labels: int = 2
    unknown: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Case:
        """Read a case; fields it does not have take the defaults, unknown ones are kept by name.

        Raises BadData for a case without model config, method, batch or seq, or with bad sizes.
        """
        if not isinstance(record, dict):
            raise BadData(
                f"A case must be an object, not {type(record).__name__}.", "one object a case"
            )
        known = {f.name for f in dataclasses.fields(cls)} - {"unknown"}
        values: dict[str, Any] = {}
        extra = []
        for key, value in record.items():
            name = RENAMED.get(key, key)
            if name not in known:
                extra.append(key)
            elif value is not None:
                values[name] = tuple(value) if isinstance(value, list) else value
        values.setdefault("model", str((record.get("config") or {}).get("model_type", "unnamed")))
        missing = [n for n in ("config", "method", "batch", "seq") if n not in values]
        if missing:
            raise BadData(
                f"The case of {values['model']} has no {', '.join(missing)}.",
                "the fields of a measured record: model, config, task, method, batch, seq",
            )
        if values["method"] == "qlora":
            values.setdefault("weights", "bf16")
        for name in ("batch", "seq", "accumulate"):
            size = values.get(name, 1)
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise BadData(
                    f"{name} must be a whole number of at least 1, got {size!r}.", f"{name}: 1"
                )
        return cls(**values, unknown=tuple(extra))

    def to_method(self) -> methods.Method:
        """The method with its options, as the case names them."""
        name = self.method.lower()
        options: dict[str, Any] = {}
        if name in ("lora", "qlora", "dora"):
            options = {"rank": self.r, "alpha": self.alpha, "targets": self.targets,
                       "dropout": self.dropout}  # fmt: skip
            if name == "qlora":
                options["double_quant"] = self.double_quant
        elif name in ("prefix", "prompt"):
            options = {"tokens": self.tokens}
            if name == "prompt" and self.task == "seq2seq-lm":
                options["submodules"] = 2  # peft's default, which measured runs had
        elif name == "ptuning":
            options = {"tokens": self.tokens, "hidden": self.hidden}
        elif name in ("ia3", "ln_tuning", "vera"):
            options = {"targets": self.targets}
        return methods.make(name, **options)

    def label(self) -> str:
        """One line that tells this case from others: model, method, sizes and what is unusual."""
        parts = [self.model, self.method, f"b{self.batch}", f"s{self.seq}"]
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            if f.name in ("model", "method", "batch", "seq", "config", "task", "unknown"):
                continue
            if value != f.default and not (self.method == "qlora" and f.name == "weights"):
                shown = "+".join(value) if isinstance(value, tuple) else value
                parts.append(f.name if value is True else f"{f.name}={shown}")
        return " ".join(parts)


def read_config(fields: dict[str, Any]) -> Any:
    """A transformers config from its fields, as a config.json holds them.

    Raises BadData when `model_type` is missing or unknown, or the fields do not fit together.
    """
    from transformers import CONFIG_MAPPING

    from fttools.errors import suggest

    rest = dict(fields)
    kind = rest.pop("model_type", None)
    if kind is None:
        raise BadData(
            "The config has no model_type.", "a config with a model_type, such as 'llama'"
        )
    if kind not in CONFIG_MAPPING:
        raise BadData(
            f"transformers knows no model_type {kind!r}.", suggest(kind, CONFIG_MAPPING.keys())
        )
    try:
        return CONFIG_MAPPING[kind](**rest)
    except (TypeError, ValueError, KeyError, AttributeError) as err:
        text = " ".join(str(err).split())[:200]
        raise BadData(
            f"The {kind} config cannot be used: {text}", "the model's own config.json"
        ) from err
