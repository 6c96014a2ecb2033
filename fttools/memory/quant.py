"""4-bit layers on meta tensors, with bitsandbytes' storage and lifetimes.

NF4 keeps two weights a byte, in blocks of 64 with one absmax each; with double quantization the
absmax are one byte each, in blocks of 256 with a fp32 absmax. A layer's product first rebuilds the
weight in the compute type (fused kernels take over for a few rows only); backward rebuilds it
again. bitsandbytes itself is not needed (nor imported: it takes seconds).
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from fttools.memory.ledger import Ledger

BLOCK, NESTED_BLOCK = 64, 256
# Rows up to which bitsandbytes' fused product beats rebuilding the weight (it depends on the GPU
# and on the shape; this is the common bound for large weights).
FUSED_ROWS = 16


def _empty(size: int, dtype: torch.dtype = torch.uint8) -> torch.Tensor:
    return torch.empty(size, dtype=dtype, device="meta")


class Packed:
    """One weight's 4-bit storage: n weights of a (rows, columns) matrix."""

    def __init__(self, shape: tuple[int, int], double_quant: bool) -> None:
        self.shape = shape
        self.double_quant = double_quant
        n = shape[0] * shape[1]
        blocks = ceil(n / BLOCK)
        self.blocks = blocks
        self.weight = nn.Parameter(_empty(ceil(n / 2)).view(-1, 1), requires_grad=False)
        self.code = _empty(16, torch.float32)
        self.state: list[torch.Tensor] = []
        if double_quant:
            self.state = [
                _empty(1, torch.float32),  # offset, the mean absmax
                _empty(ceil(blocks / NESTED_BLOCK), torch.float32),
                _empty(blocks),  # absmax in a byte each
                _empty(256, torch.float32),  # its code
            ]
        else:
            self.state = [_empty(blocks, torch.float32)]

    def rebuild(self, dtype: torch.dtype, forward: bool) -> torch.Tensor:
        """The weight in `dtype`, as a temporary."""
        absmax = None
        if self.double_quant:
            absmax = _empty(self.blocks, torch.float32)
            if forward:
                absmax = _empty(self.blocks, torch.float32)  # absmax_dq + offset, out of place
        weight = torch.empty(self.shape, dtype=dtype, device="meta")
        del absmax
        return weight


class _Product(torch.autograd.Function):
    """x · Wᵀ with the weight rebuilt, and forgotten, on both ways; x is not saved."""

    @staticmethod
    def forward(ctx: Any, x: Any, packed: Packed, bias: Any) -> Any:
        ctx.packed = packed
        rows = x.numel() // x.shape[-1]
        if rows <= FUSED_ROWS:
            return torch.empty((*x.shape[:-1], packed.shape[0]), dtype=x.dtype, device="meta")
        return nn.functional.linear(x, packed.rebuild(x.dtype, True), bias)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:  # type: ignore[override]
        return torch.matmul(grad, ctx.packed.rebuild(grad.dtype, False)), None, None


class Linear4bit(nn.Linear):
    """Stands in for bitsandbytes' layer of the same name. in_features -> out_features."""

    def __init__(self, packed: Packed, bias: nn.Parameter | None, compute: torch.dtype) -> None:
        nn.Module.__init__(self)  # no weight of full size, unlike nn.Linear's
        self.packed = packed
        self.out_features, self.in_features = packed.shape
        self.weight = packed.weight
        self.bias = bias  # type: ignore[assignment]
        self.compute_dtype = compute

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, in) -> (…, out), computed in the compute type, in x's type."""
        given = x.dtype
        x = x.to(self.compute_dtype)
        bias: torch.Tensor | None = self.bias
        if bias is not None:
            if bias.dtype != x.dtype:
                bias.data = bias.data.to(x.dtype)  # bitsandbytes casts it once, for good
            bias = bias.to(self.compute_dtype)
        if torch.is_grad_enabled() and x.requires_grad:
            out: torch.Tensor = _Product.apply(x, self.packed, bias)  # type: ignore[no-untyped-call]
        else:
            rows = x.numel() // x.shape[-1]
            if rows <= FUSED_ROWS:
                out = torch.empty((*x.shape[:-1], self.out_features), dtype=x.dtype, device="meta")
            else:
                out = nn.functional.linear(x, self.packed.rebuild(x.dtype, True), bias)
        return out.to(given)


def lora_forward(layer: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    """What peft's LoRA does around a 4-bit layer: it copies the base's result first."""
    result = layer.base_layer(x).clone()
    for name in layer.active_adapters:
        if name not in layer.lora_A:
            continue
        down, up = layer.lora_A[name], layer.lora_B[name]
        convert = not torch.is_autocast_enabled("cuda")
        expected = result.dtype
        if convert:
            x = layer._cast_input_dtype(x, down.weight.dtype)
        variant = layer.lora_variant.get(name) if hasattr(layer, "lora_variant") else None
        if variant is not None:
            result = variant.forward(layer, active_adapter=name, x=x, result=result)
            result = result.to(expected) if convert else result
            continue
        output = up(down(layer.lora_dropout[name](x))) * layer.scaling[name]
        if convert:
            output = output.to(expected)
        result = result + output
    return result


def quantized_names(model: nn.Module) -> list[str]:
    """Linear layers that transformers quantizes: all but tied ones, the output embeddings and the
    last module."""
    from transformers.pytorch_utils import Conv1D

    keep = set()
    tied = getattr(model, "all_tied_weights_keys", None) or {}
    keep |= set(tied.values()) | set(tied.keys())
    keep.add(list(model.named_parameters())[-1][0])
    out = getattr(model, "get_output_embeddings", lambda: None)()
    keep |= {n for n, m in model.named_modules() if out is not None and m is out}
    keep = {k.removesuffix(".weight") for k in keep}
    return [
        name
        for name, module in model.named_modules()
        if (type(module) is nn.Linear or isinstance(module, Conv1D))
        and not any(name == k or name.startswith(k + ".") for k in keep)
    ]


def quantize(model: nn.Module, ledger: Ledger, double_quant: bool) -> None:
    """Replace linear layers by 4-bit ones and load everything else, in the order and with the
    temporaries of `from_pretrained`: first one block as large as the whole model (transformers
    warms the allocator up), then weight by weight, each in bf16 before it is quantized; then
    peft's k-bit preparation, which casts what is left to fp32."""
    names = set(quantized_names(model))
    shapes = {}
    total = 0
    for name, module in list(model.named_modules()):
        if name in names:
            weight = module.weight
            assert isinstance(weight, torch.Tensor)
            conv = type(module).__name__ == "Conv1D"
            rows, columns = weight.shape[::-1] if conv else weight.shape
            shapes[name] = (int(rows), int(columns), module.bias)
    for name, parameter in model.named_parameters():
        owner = name.rpartition(".")[0]
        packed = owner in names and name.endswith(".weight")
        total += parameter.numel() // 2 if packed else parameter.numel() * 2
    ledger.brief(total)
    order = sorted(n for n, _ in model.named_parameters())
    parameters = dict(model.named_parameters())
    for name in order:
        owner = name.rpartition(".")[0]
        if owner in names and name.endswith(".weight"):
            rows, columns, bias = shapes[owner]
            raw = ledger.born(2 * rows * columns)
            layer = Linear4bit(Packed((rows, columns), double_quant), bias, torch.bfloat16)
            if double_quant:
                ledger.brief(4 * ceil(rows * columns / BLOCK), 4 * ceil(rows * columns / BLOCK))
            ledger.dies(raw)
            model.set_submodule(owner, layer)
        else:
            parameters[name].data = torch.empty_like(parameters[name])
    parameters.clear()
    shapes.clear()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
        if parameter.dtype in (torch.bfloat16, torch.float16):
            parameter.data = parameter.data.to(torch.float32)
    model.is_loaded_in_4bit = True  # type: ignore[assignment]


def adapt(model: nn.Module) -> None:
    """After peft wrapped the layers: run its LoRA layers over 4-bit bases as peft does."""
    for module in model.modules():
        base = getattr(module, "base_layer", None)
        if isinstance(base, Linear4bit) and hasattr(module, "lora_A"):
            module.forward = lora_forward.__get__(module)  # type: ignore[method-assign]
