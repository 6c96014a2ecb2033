"""Shapes of the commonest operators without PyTorch's Python implementations for meta tensors.

Those cost some 0.3 ms a call, and a 7 B step has ten thousand of them. A function here returns the
result, or None when the case is not the plain one (then PyTorch works it out).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

aten = torch.ops.aten
Fast = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def _like(x: torch.Tensor, dtype: torch.dtype | None = None) -> torch.Tensor | None:
    """As `empty_like` for tensors without gaps (which itself is implemented in Python, slowly)."""
    shape = x.shape
    kind = dtype or x.dtype
    if x.is_contiguous():
        return torch.empty(shape, dtype=kind, device="meta")
    strides = x.stride()
    if 0 in strides:
        return None
    # Dimensions keep their order in memory; gaps (of slices) close.
    closed, expected = list(strides), 1
    for d in sorted(range(len(shape)), key=lambda d: strides[d]):
        if shape[d] > 1:
            closed[d] = expected
            expected *= shape[d]
    return torch.empty_strided(shape, closed, dtype=kind, device="meta")


def _binary(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs:
        return None
    first, second = args[0], args[1]
    if not first.dtype.is_floating_point:
        return None
    if not isinstance(second, torch.Tensor):
        if isinstance(second, complex):
            return None
        return _like(first)
    if not second.dtype.is_floating_point or first.dim() == 0 or second.dim() == 0:
        return None
    dtype = torch.promote_types(first.dtype, second.dtype)
    # The layout of the result is the first full-sized argument's, as in aten's TensorIterator.
    if _fits(second.shape, first.shape):
        return _like(first, dtype)
    if _fits(first.shape, second.shape):
        return _like(second, dtype)
    return None


def _fits(small: torch.Size, large: torch.Size) -> bool:
    """Whether a tensor of shape `small` broadcasts to `large`."""
    if small == large:
        return True
    if len(small) > len(large):
        return False
    return all(a in (1, b) for a, b in zip(reversed(small), reversed(large), strict=False))


def _unary(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if kwargs or not args[0].dtype.is_floating_point:
        return None
    return _like(args[0])


def _dropout(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    out = _like(args[0])
    return None if out is None else (out, _like(args[0], torch.bool))


def _mm(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    first, second = args
    if kwargs or first.dtype is not second.dtype:
        return None
    shape = (*first.shape[:-1], second.shape[-1])
    return torch.empty(shape, dtype=first.dtype, device="meta")


def _addmm(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return None if kwargs or len(args) != 3 else _mm(args[1:], kwargs)


def _embedding(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    weight, indices = args[0], args[1]
    shape = (*indices.shape, weight.shape[1])
    return torch.empty(shape, dtype=weight.dtype, device="meta")


def _mean(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Over the last dimension, which is kept."""
    if kwargs or len(args) != 3 or not args[2] or list(args[1]) not in ([-1], [args[0].dim() - 1]):
        return None
    if not args[0].is_contiguous() or not args[0].dtype.is_floating_point:
        return None
    return torch.empty((*args[0].shape[:-1], 1), dtype=args[0].dtype, device="meta")


def _cat(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Two halves of equal type and shape, along the last dimension (rotary embeddings)."""
    parts, dim = args[0], args[1] if len(args) > 1 else 0
    first = parts[0]
    if kwargs or len(parts) != 2 or dim not in (-1, first.dim() - 1) or first.dim() != 4:
        return None
    if first.dtype is not parts[1].dtype or first.shape != parts[1].shape or first.stride(1) == 1:
        return None  # a stride of 1 there could mean "channels last"
    shape = (*first.shape[:-1], 2 * first.shape[-1])
    return torch.empty(shape, dtype=first.dtype, device="meta")


def _dropout_backward(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return _like(args[0])


def _same(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Backward of elementwise functions: grad and input of one shape, type and layout."""
    grad, other = args[0], args[1]
    if not isinstance(other, torch.Tensor) or grad.dtype is not other.dtype:
        return None
    if grad.shape != other.shape or grad.stride() != other.stride():
        return None
    return _like(grad)


TABLE: dict[Any, Fast] = {
    **dict.fromkeys(
        (aten.mul.Tensor, aten.add.Tensor, aten.sub.Tensor, aten.div.Tensor, aten.mul.Scalar,
         aten.add.Scalar, aten.div.Scalar), _binary),
    **dict.fromkeys(
        (aten.neg.default, aten.rsqrt.default, aten.tanh.default, aten.silu.default,
         aten.relu.default, aten.sigmoid.default, aten.exp.default, aten.sin.default,
         aten.cos.default), _unary),
    aten.pow.Tensor_Scalar: _binary,
    aten.mm.default: _mm,
    aten.bmm.default: _mm,
    aten.addmm.default: _addmm,
    aten.embedding.default: _embedding,
    aten.mean.dim: _mean,
    aten.cat.default: _cat,
    aten.native_dropout.default: _dropout,
    aten.native_dropout_backward.default: _dropout_backward,
    aten.silu_backward.default: _same,
    aten.tanh_backward.default: _same,
}  # fmt: skip
