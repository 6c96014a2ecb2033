"""The adapter layer, and where it goes in the layers of the architectures that we know."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from fttools.errors import BadRank
from fttools.methods import Adapter, MethodRefused, linear_names

ACTIVATION: dict[str, type[nn.Module]] = {
    "gelu": nn.GELU, "relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh,
}  # fmt: skip
# Output projections of attention and of the feed-forward block, relative to a layer.
PLACES: tuple[tuple[str, str], ...] = (
    ("attention.output.dense", "output.dense"),  # BERT, RoBERTa, DeBERTa, ELECTRA, MiniLM
    ("attention.out_lin", "ffn.lin2"),  # DistilBERT
    ("attention.dense", "ffn_output"),  # ALBERT
    ("attn.Wo", "mlp.Wo"),  # ModernBERT
    ("self_attn.o_proj", "mlp.down_proj"),  # Llama, Mistral, Qwen, Gemma, Phi-3
    ("self_attn.dense", "mlp.fc2"),  # Phi
    ("self_attn.out_proj", "fc2"),  # OPT, BART
    ("attn.c_proj", "mlp.c_proj"),  # GPT-2
    ("attn.attention.out_proj", "mlp.c_proj"),  # GPT-Neo
    ("attn.out_proj", "mlp.fc_out"),  # GPT-J
    ("attention.dense", "mlp.dense_4h_to_h"),  # GPT-NeoX, Pythia
    ("self_attention.dense", "mlp.dense_4h_to_h"),  # BLOOM, Falcon
    ("layer.0.SelfAttention.o", "layer.1.DenseReluDense.wo"),  # T5 encoder
    ("layer.0.SelfAttention.o", "layer.2.DenseReluDense.wo"),  # T5 decoder
)


class Bottleneck(nn.Module):
    """x + up(act(down(x))), (..., d) -> (..., d); `up` starts at zero.

    Computes in its own dtype (fp32 over a half-precision base, as peft does) and returns x's.
    """

    def __init__(
        self, d: int, bottleneck: int, activation: str, device: Any, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.down = nn.Linear(d, bottleneck, device=device, dtype=dtype)
        self.act = ACTIVATION[activation]()
        self.up = nn.Linear(bottleneck, d, device=device, dtype=dtype)
        nn.init.trunc_normal_(self.down.weight, std=0.01, a=-0.02, b=0.02)
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zero)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Adapted hidden states, same shape and dtype as `x`."""
        y = x.to(self.down.weight.dtype)
        return x + self.up(self.act(self.down(y))).to(x.dtype)


def sites(model: nn.Module, method: Adapter) -> list[str]:
    """Names of the projections that get an adapter. Raises MethodRefused for an architecture whose
    layers have none of the known shapes."""
    names = {n: position for position, (n, _) in enumerate(model.named_modules())}
    known = (method.places,) if method.places else PLACES
    found: list[str] = []
    for attention, feed_forward in known:
        ends = [n[: -len(attention)] for n in names if n.endswith(f".{attention}")]
        layers = [layer for layer in ends if layer + feed_forward in names]
        for layer in layers:
            if method.variant == "houlsby":
                found.append(layer + attention)
            found.append(layer + feed_forward)
    if not found:
        if method.places:
            shown = " and ".join(method.places)
            ends = sorted(linear_names(model))
            raise MethodRefused(
                f"No layer of {type(model).__name__} has both {shown}.",
                f"paths within a layer, ending in some of: {', '.join(ends)}",
            )
        raise MethodRefused(
            f"Adapters are not known for {type(model).__name__}: none of its layers has output "
            "projections under a usual name.",
            'lora, or Adapter(places=("self_attn.o_proj", "mlp.down_proj")) with its own names',
        )
    return sorted(set(found), key=names.__getitem__)


def width(module: nn.Module) -> int:
    """Output features of a projection: nn.Linear, GPT-2's Conv1D, bitsandbytes' layers."""
    width = getattr(module, "out_features", getattr(module, "nf", None))
    if not isinstance(width, int):
        raise MethodRefused(
            f"{type(module).__name__} is no projection an adapter can follow.",
            "places that name linear layers",
        )
    return width


def inner_width(method: Adapter, d: int, where: str) -> int:
    inner = max(d // method.reduction, 1) if method.reduction else method.bottleneck
    if inner > d:
        raise BadRank(
            f"bottleneck={inner} is wider than the hidden states it would narrow ({d}, {where}).",
            f"a bottleneck of at most {d}; 8 to 256 is usual",
        )
    return inner
