"""`fttools estimate MODEL --method METHOD --batch B --seq S`: a training step's GPU memory."""

from __future__ import annotations

import argparse
import json
from typing import Any

from fttools.commands.count import add_method_options, method_from


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("estimate", help="memory of a training step, without a GPU")
    parser.add_argument("model", help="catalogue name, hub id or path of a config.json")
    parser.add_argument("--method", default="full", help="full, head, lora, qlora, adapter, …")
    parser.add_argument("--task", help="seq-cls, causal-lm or seq2seq-lm (what the model is for)")
    parser.add_argument("--batch", type=int, default=1, help="rows on the device (1)")
    parser.add_argument("--seq", type=int, default=512, help="tokens a row (512)")
    parser.add_argument("--accumulate", type=int, default=1, help="batches a step (1)")
    parser.add_argument("--weights", choices=("fp32", "bf16", "fp16"),
                        help="the base's dtype (bf16 with qlora, else fp32)")  # fmt: skip
    parser.add_argument("--amp", choices=("none", "bf16", "fp16"),
                        help="mixed precision (bf16 with qlora, else none)")  # fmt: skip
    parser.add_argument("--optim", default="adamw_torch_fused", help="transformers' name")
    parser.add_argument("--checkpointing", action="store_true", help="recompute activations")
    parser.add_argument("--attention", default="sdpa", choices=("sdpa", "eager"))
    parser.add_argument("--padded", action="store_true", help="rows of different lengths")
    parser.add_argument("--labels", type=int, default=2, help="classes of a classifier (2)")
    parser.add_argument("--gpu", default="H200", help="whose kernels to assume (H200)")
    add_method_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Estimate and print."""
    from fttools.memory import lean

    return lean.run(lambda: _run(args), args.words)


def _run(args: argparse.Namespace) -> int:
    from fttools import catalogue, methods
    from fttools.memory import estimate, formula

    config = catalogue.read_config(args.model)
    method = method_from(args)
    quantized = isinstance(method, methods.QLoRA)
    options: dict[str, Any] = {
        "task": args.task or catalogue.default_task(config),
        "batch": args.batch,
        "seq": args.seq,
        "accumulate": args.accumulate,
        "weights": args.weights or ("bf16" if quantized else "fp32"),
        "amp": args.amp or ("bf16" if quantized else "none"),
        "optim": args.optim,
        "checkpointing": args.checkpointing,
        "attention": args.attention,
        "padded": args.padded,
        "labels": args.labels,
        "gpu": args.gpu,
    }
    found = estimate(config, method, **options)
    if args.json:
        print(json.dumps({
            "peak_allocated": found.peak_allocated,
            "peak_reserved": found.peak_reserved,
            "context": found.context,
            "device_total": found.device_total,
            "breakdown": found.breakdown,
            "fits": found.fits,
            "margin": found.margin,
            "peak": {"phase": found.peak_phase, "module": found.peak_module},
            "assumptions": list(found.assumptions),
            "warnings": list(found.warnings),
        }))  # fmt: skip
        return 0
    from rich.console import Console

    from fttools.memory.show import report

    closed = formula(config, method, **options)
    Console().print(report(args.model, method, options, found, closed))
    return 0
