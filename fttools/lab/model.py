"""Where the weights are, and the architecture they have.

folder()            # the shipped model, its SHA-256 checked once
fresh(tokenizer)    # the same architecture with random weights
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import LlamaConfig, LlamaForCausalLM

WEIGHTS = Path(__file__).parent / "weights"
CONTEXT = 512  # tokens


def config(vocabulary: int = 4096) -> LlamaConfig:
    """The architecture: Llama with 8 layers of width 256, input and output embeddings tied."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=vocabulary, hidden_size=256, intermediate_size=688, num_hidden_layers=8,
        num_attention_heads=8, num_key_value_heads=8, max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5, tie_word_embeddings=True, pad_token_id=0, bos_token_id=1,
        eos_token_id=2,
    )  # fmt: skip


def fresh(seed: int = 0, vocabulary: int = 4096) -> LlamaForCausalLM:
    """Random weights from `seed`, in fp32."""
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(config(vocabulary))


@lru_cache(maxsize=1)
def folder() -> Path:
    """The folder of the shipped model. Raises WeightsChanged if it is not the one recorded."""
    from fttools.models import WeightsChanged, sha256

    record = WEIGHTS / "pretraining.json"
    weights = WEIGHTS / "model.safetensors"
    remedy = "git checkout -- fttools/lab/weights, or reinstall fine-tuning-course"
    if not record.is_file() or not weights.is_file():
        raise WeightsChanged(f"The lab model's weights are missing from {WEIGHTS}.", remedy)
    expected = json.loads(record.read_text())["sha256"]
    found = sha256(weights)
    if found != expected:
        raise WeightsChanged(
            f"{weights.name} in {WEIGHTS} is not the file that was pretrained: its SHA-256 is "
            f"{found[:12]}…, recorded {expected[:12]}….",
            remedy,
        )
    return WEIGHTS
