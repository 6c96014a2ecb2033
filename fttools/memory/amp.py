"""Autocast and kernels' choices on meta tensors: one TorchFunctionMode around the step.

PyTorch's autocast does nothing for meta tensors, so it is done here, one level above autograd:
operators of CUDA's lower-precision list get their fp32 arguments cast (cast weights are cached
until the region ends, as PyTorch does), those of its fp32 list get half-precision ones cast up.
The same mode replaces dropout (whose mask is one byte an element on CUDA) and attention, and
answers questions about values that meta tensors do not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from fttools.memory.attention import attention

HALF = (torch.float16, torch.bfloat16)
# Lists of aten/src/ATen/autocast_mode.h, as far as language models use them.
LOWER = {
    F.linear, torch.matmul, torch.Tensor.matmul, torch.Tensor.__matmul__, torch.Tensor.__rmatmul__,
    torch.mm, torch.Tensor.mm, torch.bmm, torch.Tensor.bmm, torch.addmm, torch.Tensor.addmm,
    torch.baddbmm, torch.Tensor.baddbmm, torch.mv, torch.Tensor.mv, torch.einsum,
    torch.conv1d, F.conv1d, torch.conv2d, F.conv2d, F.prelu,
}  # fmt: skip
FP32 = {
    torch.layer_norm, F.layer_norm, torch.group_norm, F.group_norm, torch.pow, torch.Tensor.pow,
    torch.Tensor.__pow__, torch.exp, torch.Tensor.exp, torch.log, torch.Tensor.log, torch.softmax,
    torch.Tensor.softmax, F.softmax, torch.log_softmax, torch.Tensor.log_softmax, F.log_softmax,
    torch.sum, torch.Tensor.sum, torch.prod, torch.Tensor.prod, torch.cumsum, torch.Tensor.cumsum,
    torch.norm, torch.Tensor.norm, torch.rsqrt, torch.Tensor.rsqrt, torch.reciprocal,
    F.nll_loss, F.mse_loss, F.l1_loss, F.kl_div, F.softplus,
    F.binary_cross_entropy_with_logits, F.cosine_similarity, torch.logsumexp,
    torch.Tensor.logsumexp, torch.rms_norm, F.rms_norm,
}  # fmt: skip
WIDEST = {torch.cat, torch.stack, torch.addcmul, torch.addcdiv, torch.Tensor.index_put}
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class GpuRules(TorchFunctionMode):
    """Runs a step's Python-level torch calls as a GPU of `capability` would.

    `truth` is the answer to `bool(tensor)`: whether "all tokens are real" holds of the masks.
    """

    def __init__(self, capability: tuple[int, int], truth: bool) -> None:
        super().__init__()
        self.capability = capability
        self.truth = truth
        self.dtype: torch.dtype | None = None  # autocast's, None outside its region
        self.keep_strides = False  # `contiguous()` does nothing
        self._cache: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._special: dict[Any, Callable[..., Any]] = {
            F.dropout: self._dropout,
            torch.dropout: self._dropout,
            F.scaled_dot_product_attention: self._attention,
            F.cross_entropy: self._cross_entropy,
            torch.Tensor.contiguous: self._contiguous,
            torch.Tensor.__bool__: lambda tensor: self._value(tensor, self.truth),
            torch.Tensor.item: lambda tensor: self._value(tensor, 1),
            torch.Tensor.__int__: lambda tensor: int(self._value(tensor, 1)),
            torch.Tensor.__float__: lambda tensor: float(self._value(tensor, 1.0)),
            torch.Tensor.tolist: lambda tensor: torch.zeros(tensor.shape, device="cpu").tolist(),
        }

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        special = self._special.get(func)
        if special is not None:
            return special(*args, **kwargs)
        if self.dtype is not None:
            if func in LOWER:
                # Last to first, as the compiled wrapper evaluates its arguments.
                if kwargs:
                    kwargs = {k: self._lower(kwargs[k]) for k in reversed(kwargs)}
                args = tuple(reversed([self._lower(a) for a in reversed(args)]))
            elif func in FP32:
                if kwargs.get("dtype") is None and not (func is F.softmax and len(args) > 4):
                    args = tuple(_raise(a) for a in args)
                    kwargs = {k: _raise(a) for k, a in kwargs.items()}
            elif func in WIDEST:
                args = _widest(args)
        return func(*args, **kwargs)

    @staticmethod
    def _value(tensor: Any, unknown: Any) -> Any:
        """A tensor's one value: its own where it has one (OPT and BART, up to transformers 5.17,
        draw on the CPU which layers to drop), else `unknown`."""
        if tensor.is_meta:
            return unknown
        with torch._C.DisableTorchFunction():
            return tensor.item()

    # --- autocast -------------------------------------------------------------------------------

    @contextmanager
    def autocast(self, dtype: torch.dtype | None) -> Iterator[None]:
        """The region that accelerate puts around the model's forward pass."""
        if dtype is None:
            yield
            return
        before = self.dtype
        self.dtype = dtype
        # peft asks whether autocast is on; the flag alone changes nothing for meta tensors.
        torch.set_autocast_enabled("cuda", True)
        try:
            yield
        finally:
            self.dtype = before
            torch.set_autocast_enabled("cuda", before is not None)
            if before is None:
                self._cache.clear()

    def _lower(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            if not value.is_floating_point() or value.dtype in (self.dtype, torch.float64):
                return value
            if (
                value.dtype == torch.float32
                and value.requires_grad
                and value.is_leaf
                and not value._is_view()
            ):
                # The cache keeps the cast weight (and hence its gradient's path) for the region.
                known = self._cache.get(id(value))
                if known is not None:
                    return known[1]
                cast = value.to(self.dtype)
                self._cache[id(value)] = (value, cast)
                return cast
            return value.to(self.dtype)
        if isinstance(value, (list, tuple)):
            return type(value)(self._lower(v) for v in value)
        return value

    def _contiguous(self, tensor: Any, *args: Any, **kwargs: Any) -> Any:
        return tensor if self.keep_strides else tensor.contiguous(*args, **kwargs)

    @contextmanager
    def strided_bias(self) -> Iterator[None]:
        """Additive position biases (T5's) go to attention as they lie in memory, heads last, as
        transformers up to 5.17 passed them; since then they are made contiguous."""
        from transformers.integrations import sdpa_attention

        name = "create_position_bias_mask"
        original = getattr(sdpa_attention, name, None)
        if original is None:
            yield
            return

        def strided(*args: Any, **kwargs: Any) -> Any:
            self.keep_strides = True
            try:
                return original(*args, **kwargs)
            finally:
                self.keep_strides = False

        setattr(sdpa_attention, name, strided)
        try:
            yield
        finally:
            setattr(sdpa_attention, name, original)

    # --- kernels --------------------------------------------------------------------------------

    @staticmethod
    def _dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        if not training or p == 0.0:
            return input
        return torch.native_dropout(input, p, True)[0]

    def _cross_entropy(self, input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        """Under autocast, half-precision logits keep their type through the log-softmax (which is
        called with that type), and are cast to fp32 for the loss itself."""
        if self.dtype is None or input.dtype not in HALF:
            return F.cross_entropy(input, target, *args, **kwargs)
        kept = {k: v for k, v in kwargs.items() if k in ("ignore_index", "reduction")}
        return F.nll_loss(torch.log_softmax(input, 1).float(), target, **kept)

    def _attention(
        self,
        query: Any,
        key: Any,
        value: Any,
        attn_mask: Any = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Any:
        if self.dtype is not None:
            attn_mask, value, key, query = (
                self._lower(t) if t is not None and t.dtype != torch.bool else t
                for t in (attn_mask, value, key, query)
            )
        return attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa, self.capability
        )


def _raise(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.dtype in HALF:
        return value.float()
    return value


def _widest(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Operators that need one type: arguments in the widest of theirs."""
    first = args[0]
    if not isinstance(first, (list, tuple)):
        return args
    kinds = {t.dtype for t in first if t.is_floating_point()}
    if len(kinds) > 1 and torch.float32 in kinds:
        return (type(first)(t.float() if t.dtype in HALF else t for t in first), *args[1:])
    return args
