"""What an estimate assumes, where it is outside of what was validated, and what is unwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fttools.methods import Full, OtherPeft, QLoRA, label

if TYPE_CHECKING:
    from fttools.memory.build import Setup
    from fttools.memory.gpus import Gpu
    from fttools.memory.simulate import Simulation

# Families, methods and optimizers with measured cases (see the README's table of errors).
FAMILIES = {
    "bert", "distilbert", "roberta", "xlm-roberta", "electra", "albert", "deberta-v2", "modernbert",
    "gpt2", "opt", "llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "phi", "phi3",
    "gpt_neox", "gpt_neo", "bloom", "falcon", "stablelm", "olmo2", "t5", "bart",
}  # fmt: skip
METHODS = {"full", "lora", "dora", "qlora", "prefix", "prompt", "ptuning", "ia3", "bitfit"}
OPTIMIZERS = {
    "adamw_torch_fused", "adamw_torch", "adafactor", "sgd", "adamw_8bit", "paged_adamw_8bit",
}  # fmt: skip


def remarks(
    config: Any, setup: Setup, card: Gpu, run: Simulation, accumulate: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(assumptions, warnings) of an estimate."""
    notes = [
        "transformers' Trainer, two optimizer steps of full-length rows; gradient clipping at 1.0",
        f"kernels of PyTorch 2.11 on {card.name}: attention through {run.attention}, "
        f"{card.cublas_workspace / 2**20:.0f} MiB of cuBLAS workspace a thread",
        f"whether other GPUs fit: by the kernels of {card.name} (--gpu NAME: its own)",
        "nothing else on the GPU: no other process, no display, no evaluation with larger batches",
    ]
    if isinstance(setup.method, QLoRA):
        notes.append("base in NF4, loaded in bf16 and prepared by prepare_model_for_kbit_training: "
                     "embeddings, norms and head in fp32")  # fmt: skip
    if run.attention != setup.attention:
        notes.append(f"this architecture has no {setup.attention} attention: {run.attention}")
    if run.outside:
        notes.append(f"{run.outside / 2**20:,.0f} MiB of paged optimizer state lie outside "
                     "PyTorch's memory and can move to the host")  # fmt: skip
    if accumulate > 2:
        notes.append(f"accumulating {accumulate} batches needs no more than accumulating 2")
    return tuple(notes), tuple(_warnings(config, setup, card, run))


def _warnings(config: Any, setup: Setup, card: Gpu, run: Simulation) -> list[str]:
    found = []
    bf16 = "bf16" in (setup.weights if not isinstance(setup.method, QLoRA) else "", setup.amp)
    if bf16 and not card.bf16:
        found.append(f"{card.name} does not compute in bf16 (compute capability "
                     f"{card.capability[0]}.{card.capability[1]}; bf16 needs 8.0): it would run "
                     "slowly by emulation, or not at all. Use --amp fp16.")  # fmt: skip
    if setup.weights == "fp16" and isinstance(setup.method, Full):
        why = (
            "Trainer stops with 'Attempting to unscale FP16 gradients'"
            if setup.amp == "fp16"
            else "updates smaller than fp16 resolves are lost, and gradients underflow"
        )
        found.append(f"Training fp16 weights in full with an optimizer in fp16: {why}. "
                     "Use --weights fp32 --amp fp16, or bf16.")  # fmt: skip
    outside = []
    if getattr(config, "model_type", "") not in FAMILIES:
        outside.append(f"models of type {getattr(config, 'model_type', '?')}")
    if setup.method.name not in METHODS or isinstance(setup.method, OtherPeft):
        outside.append(f"method {label(setup.method)}")
    if setup.optim not in OPTIMIZERS:
        outside.append(f"optimizer {setup.optim}")
    if card.capability != (9, 0):
        outside.append(f"kernels of {card.name} (measured: H200; others follow PyTorch's sources)")
    if setup.seq > 2048:
        outside.append(f"rows of {setup.seq:,} tokens (measured: up to 2,048)")
    if run.total > 7_300_000_000:
        outside.append(f"{run.total / 1e9:.1f} B parameters (measured: up to 7.2 B)")
    if outside:
        found.append("Not validated against measurements: " + "; ".join(outside) + ".")
    return found
