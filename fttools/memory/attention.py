"""What CUDA kernels save for backward and need for a moment, where meta tensors show it otherwise.

Attention is the largest such difference: PyTorch picks a kernel by data type, head size, mask and
GPU, and each saves and needs something else. Sizes below follow PyTorch's sources
(aten/src/ATen/native/transformers/cuda) and agree to the byte with `max_memory_allocated` around
single calls on an H200 (PyTorch 2.11, cuDNN 9.19): 148 combinations of type, head size, mask,
grouping and length.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import torch

aten = torch.ops.aten


def attention_kernel(
    dtype: torch.dtype,
    head: int,
    *,
    masked: bool,
    mask_grad: bool,
    grouped: bool,
    capability: tuple[int, int],
    dense: bool = True,
) -> str:
    """Which of PyTorch's attention kernels runs: cudnn, flash, efficient or math.

    In PyTorch 2.11, cuDNN comes first on Hopper (9.0); flash takes no mask; the memory-efficient
    kernel takes any mask but no grouped keys and values; fp32 has neither cuDNN nor flash; before
    Ampere there is no flash, and no bf16 in the memory-efficient kernel. None takes a mask whose
    last dimension is not dense in memory (`dense` False): the plain products run then.
    """
    if masked and not dense:
        return "math"
    half = dtype in (torch.float16, torch.bfloat16)
    if half and capability in ((9, 0), (10, 0)) and head % 8 == 0 and head <= 256 and not mask_grad:
        return "cudnn"
    if half and capability >= (8, 0) and not masked and head <= 256:
        return "flash"
    if not grouped and (dtype != torch.bfloat16 or capability >= (8, 0)):
        return "efficient"
    return "math"


def _like(reference: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """An empty tensor of `shape` whose dimensions lie in memory in the order of `reference`'s."""
    order = sorted(range(len(shape)), key=lambda d: (-int(reference.stride()[d]), d))
    permuted = torch.empty(
        [shape[d] for d in order], dtype=reference.dtype, device=reference.device
    )
    back = [order.index(d) for d in range(len(shape))]
    return permuted.permute(back)


def _rows_first(q: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Empty (B, H, S, D) that lies in memory as (B, S, H, D), as the efficient kernel's outputs."""
    b, h, s, d = shape
    return torch.empty((b, s, h, d), dtype=q.dtype, device=q.device).transpose(1, 2)


def _bytes(device: torch.device, size: int) -> torch.Tensor:
    return torch.empty(size, dtype=torch.uint8, device=device)


class FusedAttention(torch.autograd.Function):
    """Shapes and lifetimes of a fused attention call. q (B, H, S, D); k, v (B, H_kv, T, D)."""

    @staticmethod
    def forward(ctx: Any, q: Any, k: Any, v: Any, mask: Any, kernel: str, dropout: float) -> Any:
        b, h, s, _ = q.shape
        shape = (b, h, s, v.shape[-1])
        device = q.device
        bias = None
        if mask is not None:
            bias = _float_mask(q, mask)
            if kernel == "efficient" and bias.shape[-1] % 8:
                rows = bias.shape[:-1]
                bias = torch.empty(
                    (*rows, ceil(bias.shape[-1] / 8) * 8), dtype=q.dtype, device=device
                )
        if kernel == "efficient":
            out = _rows_first(q, shape)
            lse = _bytes(device, 4 * b * h * ceil(s / 32) * 32)
        else:
            out = _like(q, shape)
            lse = _bytes(device, 4 * b * h * s)
        seeds = () if kernel == "efficient" else (_bytes(device, 8), _bytes(device, 8))
        ctx.save_for_backward(q, k, v, out, lse, bias, *seeds)
        ctx.kernel = kernel
        ctx.mask_grad = None if mask is None or not mask.requires_grad else mask.shape
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:  # type: ignore[override]
        q, k, v, out, _, bias, *_ = ctx.saved_tensors
        b, h, s, d = q.shape
        h_kv, device, item = k.shape[1], q.device, q.element_size()
        if ctx.kernel == "efficient":
            dq, dk, dv = (_rows_first(t, tuple(t.shape)) for t in (q, k, v))
            db = None
            if ctx.mask_grad is not None:
                db = torch.empty((b, h, s, bias.shape[-1]), dtype=q.dtype, device=device)
            small = 4 * b * h * s
            if q.dtype == torch.float32:
                # delta = (grad.float() * out.float()).sum(-1).transpose().contiguous()
                product = _bytes(device, 4 * out.numel())
                rows = _bytes(device, small)
                delta = _bytes(device, small)
                del rows
                del product
            else:
                delta = _bytes(device, small)
            workspace = _bytes(device, _efficient_workspace(b * h, s, d))
            del delta, workspace
            if db is not None:
                db = db.sum(0, keepdim=True) if ctx.mask_grad[0] == 1 and b > 1 else db
                db = db[..., : ctx.mask_grad[-1]]
            return dq, dk, dv, db, None, None
        dq, dk, dv = (_like(t, tuple(t.shape)) for t in (q, k, v))
        scratch = []
        if ctx.kernel == "flash":
            rounded = ceil(s / 128) * 128
            width = ceil(d / 32) * 32
            scratch = [
                _bytes(device, 4 * b * h * rounded),
                _bytes(device, 4 * b * rounded * h * width),
            ]
            if h_kv != h:
                scratch += [_bytes(device, k.shape[2] * b * h * d * item) for _ in range(2)]
        else:
            # cuDNN: one workspace with dQ in fp32, the rows' sums, and dK, dV of all heads.
            size = 4 * b * h * s * d + 4 * b * h * s
            if h_kv != h:
                size += 2 * k.shape[2] * b * h * d * item
            scratch = [_bytes(device, size + 256)]
        del scratch
        return dq, dk, dv, None, None, None


def _efficient_workspace(heads: int, s: int, d: int) -> int:
    """Bytes of the efficient kernel's partial dQ: blocks of 64 x 64, or 128 x 128 for heads of 65
    to 128, each with a lock."""
    side = 128 if 64 < d <= 128 else 64
    blocks = ceil(s / side) * ceil(d / side)
    return heads * blocks * (side * side * 4 + side // 4)


def _float_mask(q: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Boolean masks become additive ones of q's type, in full size; others are used as they are."""
    if mask.dtype != torch.bool:
        return mask
    return torch.empty(mask.shape, dtype=q.dtype, device=q.device)


def attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    mask: torch.Tensor | None,
    dropout: float,
    causal: bool,
    scale: float | None,
    grouped: bool,
    capability: tuple[int, int],
) -> torch.Tensor:
    """`scaled_dot_product_attention` as the GPU would run it."""
    kernel = attention_kernel(
        q.dtype,
        q.shape[-1],
        masked=mask is not None,
        mask_grad=mask is not None and mask.requires_grad,
        grouped=grouped and k.shape[1] != q.shape[1],
        capability=capability,
        dense=mask is None or mask.shape[-1] == 1 or mask.stride(-1) == 1 or mask.stride(-1) == 0,
    )
    if kernel == "math":
        return _plain(q, k, v, mask, dropout, causal, grouped)
    result: torch.Tensor = FusedAttention.apply(q, k, v, mask, kernel, dropout)  # type: ignore[no-untyped-call]
    return result


def _plain(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    mask: torch.Tensor | None,
    dropout: float,
    causal: bool,
    grouped: bool,
) -> torch.Tensor:
    """Attention as products and a softmax, step by step as aten's math path (attention.cpp of
    PyTorch 2.11: query and key scaled each, the mask added in place)."""
    if grouped and k.shape[1] != q.shape[1]:
        times = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(times, 1), v.repeat_interleave(times, 1)
    if causal:
        mask = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril()
    if mask is not None:
        mask = _float_mask(q, mask)
    half = q.dtype in (torch.float16, torch.bfloat16)
    # Half precision is computed in fp32, unless half-precision sums are allowed (by default not).
    # As in the original, intermediate results keep their names, and memory, until the end.
    query, key, value = (q.float(), k.float(), v.float()) if half else (q, k, v)
    query_scaled = query * 0.5
    key_scaled = key.transpose(-2, -1) * 0.5
    scores = torch.matmul(query_scaled, key_scaled)
    if mask is not None:
        scores.add_(mask)
    weights = aten._safe_softmax.default(scores, -1)
    del scores
    if dropout > 0:
        weights = torch.native_dropout(weights, dropout, True)[0]
    if half:
        value_copy = value.clone()  # seen in allocation histories; freed with the other names
        return torch.matmul(weights, value_copy).to(q.dtype)
    return torch.matmul(weights, value)
