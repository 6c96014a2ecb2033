"""Temporaries of single CUDA operators that meta tensors do not show: what each allocates and frees
within its own call, by PyTorch's sources. Attention, the largest case, is in `attention`.
"""

from __future__ import annotations

from math import ceil, prod
from typing import Any

import torch

from fttools.memory.gpus import Gpu
from fttools.memory.ledger import Scratch

aten = torch.ops.aten


def _embedding_backward(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, ...]:
    """Above 3,072 tokens the CUDA kernel sorts the ids and sums by segment: sorted ids and their
    places (int64), segments' offsets, and partial sums in fp32."""
    grad, indices = args[0], args[1]
    n = indices.numel()
    if n <= 3072:
        return ()
    rows = args[2]
    width = grad.shape[-1]
    segments = min(n, rows)
    partial = n // 10 + segments
    return (
        8 * n,
        8 * n,
        8 * segments,
        8 * segments,
        8 * segments,
        8 * partial,
        4 * partial * width,
    )


def reduction(
    sizes: list[int], strides: list[int], dims: set[int], item: int, gpu: Gpu
) -> tuple[int, ...]:
    """Temporaries of a sum over `dims`: long sums over few outputs are split over blocks, which
    leave partial sums (fp32) and a counter each in memory (aten's Reduce.cuh, setReduceConfig).

    A bias's gradient is such a sum: over all tokens, for each output feature.
    """
    reduced = _merge([(strides[d], sizes[d]) for d in dims if sizes[d] > 1])
    kept = _merge(
        [(strides[d], sizes[d]) for d in range(len(sizes)) if d not in dims and sizes[d] > 1]
    )
    inputs = prod(n for _, n in reduced)
    outputs = prod(n for _, n in kept)
    fastest = not kept or (bool(reduced) and reduced[0][0] < kept[0][0])
    dim0, dim1 = (inputs, outputs) if fastest else (outputs, inputs)
    stride = (reduced[0][0] if fastest else kept[0][0]) if reduced or kept else 1
    vector = 1
    if stride == 1:
        if fastest and dim0 > 128 and len(reduced) + len(kept) == 1:
            dim0 //= 4
        elif not fastest:
            vector = 4
            while kept[0][1] % vector or any(s % vector for s, _ in (*reduced, *kept) if s != 1):
                vector //= 2
            dim0 //= vector
    most = 512 // vector
    power0, power1 = _power_of_two(min(dim0, most)), _power_of_two(min(dim1, most))
    width = min(power0, 32)
    height = min(power1, most // width)
    width = min(power0, most // height)
    step_in, step_out = (width, 1) if fastest else (1, width)
    if ceil(inputs / step_in) < min(height * 16, 256):
        return ()
    step_in *= height
    each = ceil(inputs / step_in)
    grid = ceil(outputs // vector / step_out)
    target = gpu.processors * (gpu.threads // (width * height))
    if each < 256 or grid > target:
        return ()
    blocks = max(min(ceil(target / grid), ceil(each / 16)), ceil(each / 256))
    if blocks == 1:
        return ()
    size = 4 * outputs * blocks
    if not fastest:
        size *= width * vector
    return (size, 4 * grid)


def _merge(dims: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(stride, size) from the fastest on, with dimensions that continue each other merged."""
    merged: list[tuple[int, int]] = []
    for stride, size in sorted(dims):
        if merged and merged[-1][0] * merged[-1][1] == stride:
            merged[-1] = (merged[-1][0], merged[-1][1] * size)
        else:
            merged.append((stride, size))
    return merged


def _power_of_two(n: int) -> int:
    return 1 << (max(n, 1).bit_length() - 1)


def scratch_table(gpu: Gpu) -> dict[Any, Scratch]:
    """Temporaries by operator, for kernels of `gpu`."""

    def total(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int, ...]:
        x = args[0]
        if x.numel() < 4096:
            return ()
        dims = args[1] if len(args) > 1 and args[1] else range(x.dim())
        dims = [dims] if isinstance(dims, int) else dims
        wanted = {d % x.dim() for d in dims}
        return reduction(list(x.shape), list(x.stride()), wanted, x.element_size(), gpu)

    return {
        aten.embedding_dense_backward.default: _embedding_backward,
        # It looks for rows that are masked throughout: a byte a score, a byte a row, one result.
        aten._safe_softmax.default: lambda args, kwargs: (
            args[0].numel(),
            args[0].numel() // args[0].shape[-1],
            4,
        ),
        aten.sum.dim_IntList: total,
        aten.sum.default: lambda args, kwargs: total(args[:1], kwargs),
        aten.mean.dim: total,
        aten.mean.default: lambda args, kwargs: total(args[:1], kwargs),
    }
