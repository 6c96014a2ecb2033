"""What one training step needs on a GPU, worked out without one.

    from fttools.memory import estimate, formula
    from fttools.methods import QLoRA

    result = estimate(config, QLoRA(rank=16), batch=4, seq=1024, checkpointing=True, amp="bf16")
    result.peak_allocated, result.fits["T4"], result.breakdown["activations"]      # bytes
    print(result)                                                     # a sentence, then the parts
    formula(config, QLoRA(rank=16), batch=4, seq=1024)  # the closed form, term by term

`estimate` runs the model's own code on meta tensors (shapes without data), keeps a ledger of every
storage that is born and dies, corrects each operation to what its CUDA kernel saves and needs, and
replays the ledger through a model of PyTorch's caching allocator.

Modules: estimate (public) · build (model, method and batch on meta tensors) · simulate (two
training steps) · peak (the ledger read) · attention and kernels (what CUDA kernels save and need) ·
amp (autocast) · quant (4-bit layers) ·
optim (optimizer states) · allocator (the caching allocator) · formula (closed form) ·
gpus (hardware) · measure, train_case and validate (real peaks, and how far off we are) · lean (a
short start).
"""

from __future__ import annotations

from fttools.memory.estimate import estimate
from fttools.memory.formula import Formula, formula
from fttools.memory.gpus import GPUS, Gpu
from fttools.memory.peak import Estimate

__all__ = ["GPUS", "Estimate", "Formula", "Gpu", "estimate", "formula"]
