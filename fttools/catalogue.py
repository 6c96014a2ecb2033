"""Usual models by name: their configurations, without the hub and without weights.

    find("llama-2-7b").hub               # 'meta-llama/Llama-2-7b-hf'
    read_config("meta-llama/Llama-2-7b-hf")   # a transformers config, offline
    build(read_config("gpt2"))           # the model on meta tensors: shapes only, no memory

`configs/catalogue.json` holds one model a line: the architecture's sizes as published by its
authors, with licence, released dtype and the total that they give.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fttools.errors import FTError, UnknownModel

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

DATA = Path(__file__).parent / "configs" / "catalogue.json"
AUTO = {
    "seq-cls": "AutoModelForSequenceClassification",
    "causal-lm": "AutoModelForCausalLM",
    "seq2seq-lm": "AutoModelForSeq2SeqLM",
}
TASK_OF_KIND = {"encoder": "seq-cls", "decoder": "causal-lm", "encoder-decoder": "seq2seq-lm"}
# What a config.json must say for its shapes to be the model's own, under any architecture's names.
SIZES = {
    "width": ("hidden_size", "d_model", "n_embd", "dim"),
    "layers": ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers"),
    "vocabulary": ("vocab_size",),
}


class BadConfigFile(FTError, ValueError):
    """A config.json that does not describe a model transformers can build."""


class IncompleteConfig(UserWarning):
    """A config.json that leaves out sizes; the architecture's defaults stand in for them."""


@dataclass(frozen=True)
class Entry:
    """One model: `config` holds transformers' fields, `total` the parameters of the released
    model with its usual task (two labels for an encoder), `dtype` what it was released in.
    `untied_head`: the checkpoint has its own output embeddings though the config class ties them.
    """

    name: str
    hub: str
    kind: str
    licence: str
    gated: bool
    dtype: str
    total: int
    aliases: tuple[str, ...]
    config: dict[str, Any]
    untied_head: bool = False

    @property
    def task(self) -> str:
        """The task the model is usually fine-tuned for."""
        return TASK_OF_KIND[self.kind]

    @property
    def names(self) -> tuple[str, ...]:
        """All names it answers to, in lower case."""
        return (self.name, self.hub.lower(), *self.aliases)


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """Every model of the catalogue, encoders first, small to large within a family."""
    rows = json.loads(DATA.read_text())
    return tuple(Entry(**{**row, "aliases": tuple(row["aliases"])}) for row in rows)


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Entry]:
    found = {name: entry for entry in entries() for name in entry.names}
    for entry in entries():  # the last part of a hub id names the model too
        found.setdefault(entry.hub.lower().rsplit("/", 1)[-1], entry)
    return found


def find(model: str) -> Entry | None:
    """The entry called `model` (name, alias or hub id, in any case), or None."""
    return _by_name().get(str(model).strip().lower())


def nearest(model: str, limit: int = 4) -> list[str]:
    """Catalogue names most like `model`, the likeliest first."""
    import difflib

    wanted = str(model).strip().lower().rsplit("/", 1)[-1]
    known = {name.rsplit("/", 1)[-1]: entry.name for name, entry in _by_name().items()}
    close = difflib.get_close_matches(wanted, known, n=3 * limit, cutoff=0.5)
    return list(dict.fromkeys(known[name] for name in close))[:limit]


def unknown(model: str, why: str = "") -> UnknownModel:
    """The error for a name that is neither in the catalogue nor a path (nor on the hub)."""
    near = nearest(model)
    hint = f"Did you mean {' or '.join(repr(name) for name in near)}? " if near else ""
    families = (
        "bert, roberta, deberta, gpt2, opt, pythia, llama, mistral, qwen, gemma, phi, t5, bart"
    )
    return UnknownModel(
        f"No model {model!r} in the catalogue or on disk{why}.",
        f"{hint}`fttools count --list` names all {len(entries())} models ({families}, …); "
        "or give the path of a config.json",
    )


def read_fields(model: str) -> dict[str, Any]:
    """The plain config fields (with `model_type`) behind a catalogue name or a path to a
    config.json or its folder. Needs neither torch nor transformers.

    Raises UnknownModel for other names, BadConfigFile for a file that is no model's config.
    """
    entry = find(model)
    if entry is not None:
        return dict(entry.config)
    path = Path(model).expanduser()
    if path.is_dir():
        path = path / "config.json"
    if not path.is_file():
        raise unknown(model)
    try:
        fields = json.loads(path.read_text())
    except (ValueError, OSError) as err:
        raise BadConfigFile(
            f"{path} is not readable JSON: {err}.", "the model's config.json"
        ) from err
    if not isinstance(fields, dict) or not isinstance(fields.get("model_type"), str):
        raise BadConfigFile(
            f"{path} has no 'model_type', so its architecture is not known.",
            "the model's own config.json, as save_pretrained writes it (an adapter's folder has "
            "adapter_config.json: name its base model instead)",
        )
    return fields


def read_config(model: str) -> PreTrainedConfig:
    """The transformers config of `model`: a catalogue name, alias or hub id; a role ("encoder");
    a path to a config.json or its folder; or any hub id while the hub can be reached.

    Warns IncompleteConfig for a file that leaves out sizes.
    Raises UnknownModel (with the nearest names) and BadConfigFile.
    """
    entry = find(model)
    if entry is not None:
        return from_fields(entry.config, untied_head=entry.untied_head, name=entry.hub)
    from fttools import models, scale_

    if model in models.ENCODERS or model == "encoder":
        model = models.ENCODERS.get(model, models.ENCODERS[scale_.pick().name])
        return read_config(model)
    if Path(model).expanduser().exists():
        fields = read_fields(model)
        lacking = [what for what, keys in SIZES.items() if not any(k in fields for k in keys)]
        if lacking:
            warnings.warn(
                f"{model} does not give its {', '.join(lacking)}: the defaults of "
                f"{fields['model_type']} stand in, which may be another model's.",
                IncompleteConfig,
                stacklevel=2,
            )
        return from_fields(fields, name=model)
    if "/" in model and scale_.hub_reachable():
        return _from_hub(model)
    raise unknown(model, ", and the model hub cannot be reached" if "/" in model else "")


def _from_hub(model: str) -> PreTrainedConfig:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(model)
    except (ValueError, OSError, KeyError) as err:
        text = " ".join(str(err).split())[:200]
        raise unknown(model, f"; the hub says: {text}") from err


def from_fields(fields: dict[str, Any], *, untied_head: bool = False, name: str = "") -> Any:
    """A transformers config from plain fields. Raises BadConfigFile for an architecture that the
    installed transformers does not know, and for values it refuses."""
    from transformers import AutoConfig

    rest = dict(fields)
    kind = str(rest.pop("model_type", ""))
    for key, value in rest.items():
        sized = any(key in keys for keys in SIZES.values()) or key.endswith(("_size", "_heads"))
        if sized and isinstance(value, int) and value < 1 and key != "type_vocab_size":
            raise BadConfigFile(f"{name or kind}: {key} is {value}.", f"a {key} of at least 1")
    try:
        config = AutoConfig.for_model(kind, **rest)
    except (ValueError, KeyError) as err:
        known = "nrecognized model" not in str(err)
        what = "The installed transformers knows no architecture"
        raise BadConfigFile(
            _refusal(name or kind, err) if known else f"{what} {kind!r}.",
            "the values the model was made with" if known else _near_types(kind),
        ) from err
    except Exception as err:  # a strict config class raises errors of its own
        remedy = "the values the model was made with"
        raise BadConfigFile(_refusal(name or kind, err), remedy) from err
    config._name_or_path = name
    if untied_head:
        config.untied_head = True
    return config


def _refusal(name: str, err: Exception) -> str:
    return f"transformers refuses the config of {name}: {' '.join(str(err).split())[:300]}"


def _near_types(kind: str) -> str:
    import difflib

    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    near = difflib.get_close_matches(kind, CONFIG_MAPPING_NAMES, n=3, cutoff=0.6)
    hint = f"model_type {' or '.join(repr(n) for n in near)}; or " if near else ""
    return f"{hint}a newer transformers, if the model is newer than it"


def default_task(config: Any) -> str:
    """The task a model of this architecture is usually fine-tuned for: seq2seq-lm for an
    encoder-decoder, causal-lm for a decoder, seq-cls for an encoder."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    kind = config.model_type
    if getattr(config, "is_encoder_decoder", False):
        return "seq2seq-lm"
    if kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES or kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        return "seq-cls"
    return "causal-lm"


def build(config: Any, task: str | None = None, labels: int = 2, **kwargs: Any) -> PreTrainedModel:
    """The model of `config` on meta tensors (shapes only), its weights tied as when it is loaded.

    `kwargs` go to `from_config` (dtype, attn_implementation). Raises UnknownModel for a task the
    architecture does not have, BadConfigFile for sizes that do not fit together.
    """
    import torch
    import transformers
    from transformers.initialization import no_init_weights

    from fttools.errors import suggest
    from fttools.quiet import quietly

    task = task or default_task(config)
    if task not in AUTO:
        raise UnknownModel(f"There is no task {task!r}.", suggest(task, AUTO))
    if task == "seq-cls":
        config.num_labels = labels
    auto = getattr(transformers, AUTO[task])
    if type(config) not in auto._model_mapping:
        having = [
            t for t, a in AUTO.items() if type(config) in getattr(transformers, a)._model_mapping
        ]
        raise UnknownModel(
            f"{config.model_type} has no {task} model.",
            f"--task {' or '.join(having)}" if having else "a text model",
        )
    try:
        with quietly(), torch.device("meta"), no_init_weights():
            model = auto.from_config(config, **kwargs)
    except (ValueError, TypeError, RuntimeError, ZeroDivisionError, AttributeError) as err:
        raise BadConfigFile(
            f"No {config.model_type} model has these sizes: {' '.join(str(err).split())[:300]}",
            "the sizes of a released model (heads must divide the width)",
        ) from err
    model.tie_weights()  # without initialisation, transformers leaves this to the caller
    if getattr(config, "untied_head", False):
        untie(model)
    return model


def untie(model: PreTrainedModel) -> None:
    """Give the output embeddings a weight of their own, as T5 v1.1 and mT5 checkpoints have
    (transformers 5 ties them by config, and unties when it sees both in the checkpoint)."""
    from torch import nn

    head: Any = model.get_output_embeddings()
    if head is not None:
        head.weight = nn.Parameter(head.weight.detach().clone())
        name = next(n for n, m in model.named_modules() if m is head) + ".weight"
        getattr(model, "all_tied_weights_keys", {}).pop(name, None)
