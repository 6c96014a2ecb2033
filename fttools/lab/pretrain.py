# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""Pretrain the lab language model from random weights.

    python -m fttools.lab.pretrain --out build/lab --compile --batch 128 --lr 3e-3 --steps 8442
                                                                     # one GPU; the shipped run
    python -m fttools.lab.pretrain --smoke                           # a minute on a CPU
    python -m fttools.lab.pretrain --out build/lab --resume          # go on from the checkpoint

AdamW, linear warm-up and cosine decay, bf16 autocast over fp32 weights on a GPU. Every token is
seen once: the corpus is generated while the model trains. Writes the model (bf16 safetensors),
pretraining.json (settings, loss curve, held-out loss, SHA-256) and, on the way, a checkpoint with
optimizer and random state.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fttools.lab import model as lab
from fttools.lab import stream
from fttools.lab.corpus import HELD_OUT_SEED

if TYPE_CHECKING:
    import torch

SEED = 1  # of the corpus and of the weights


@dataclass(frozen=True)
class Plan:
    """How to train. `batch` is in blocks of lab.CONTEXT tokens; `minutes` ends the run early with
    the schedule intact: the number of steps is fixed from the speed of the first hundred."""

    steps: int = 6000
    batch: int = 128
    lr: float = 3e-3
    warmup: int = 300
    weight_decay: float = 0.1
    seed: int = SEED
    minutes: float = 0.0
    workers: int = 1
    compiled: bool = False


SMOKE = Plan(steps=400, batch=2, lr=2e-3, warmup=5, minutes=1.0)


def rate(step: int, steps: int, peak: float, warmup: int) -> float:
    """Learning rate: linear warm-up, then a cosine down to a twentieth of `peak`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / max(1, steps - warmup)
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def optimizer_of(model: torch.nn.Module, plan: Plan) -> torch.optim.AdamW:
    """AdamW; matrices are decayed, norms and embeddings are not."""
    import torch

    decayed = [p for n, p in model.named_parameters() if p.ndim > 1 and "embed" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim < 2 or "embed" in n]
    groups = [{"params": decayed, "weight_decay": plan.weight_decay},
              {"params": rest, "weight_decay": 0.0}]  # fmt: skip
    fused = next(model.parameters()).is_cuda
    return torch.optim.AdamW(groups, lr=plan.lr, betas=(0.9, 0.95), fused=fused)


def loss_of(model: Any, ids: torch.Tensor) -> torch.Tensor:
    """Mean next-token cross-entropy of `ids` (batch, CONTEXT), in nats."""
    import torch
    from torch.nn.functional import cross_entropy

    with torch.autocast("cuda", torch.bfloat16, enabled=ids.is_cuda):
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1]
    return cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())


def held_out_loss(model: Any, blocks: int = 256, size: int = 32) -> float:
    """Loss in nats a token on documents of a seed that training never uses."""
    import torch

    device = next(model.parameters()).device
    data = stream.blocks(HELD_OUT_SEED, 0, 6 * blocks)[:blocks].astype("int64")
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(data), size):
            part = torch.from_numpy(data[start : start + size]).to(device)
            total += float(loss_of(model, part)) * len(part)
    return total / len(data)


def train(
    plan: Plan, out: Path, *, resume: bool = False, checkpoint_every: int = 1000
) -> dict[str, Any]:
    """Run `plan`, write model and record into `out`, return the record."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda":
        torch.backends.cuda.matmul.fp32_precision = "tf32"
    model: Any = lab.fresh(plan.seed)
    model.to(device)
    optimizer = optimizer_of(model, plan)
    steps, done, spent, curve = plan.steps, 0, 0.0, []
    checkpoint = out / "checkpoint.pt"
    if resume and checkpoint.is_file():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["rng"].cpu())
        steps, done, spent, curve = (saved[k] for k in ("steps", "done", "spent", "curve"))
    forward: Any = torch.compile(model) if plan.compiled else model
    feed: Iterator[Any] = stream.batches(plan.seed, plan.batch, done, workers=plan.workers,
                                         size=stream.SHARD if plan.workers > 1 else 400)  # fmt: skip
    bar = _bar(steps, done)
    started, timed_from = time.perf_counter() - spent, (done, 0.0)
    running: list[torch.Tensor] = []
    while done < steps:
        for group in optimizer.param_groups:
            group["lr"] = rate(done, steps, plan.lr, plan.warmup)
        ids = torch.from_numpy(next(feed)).to(device, non_blocking=True)
        loss = loss_of(forward, ids)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        running.append(loss.detach())
        done += 1
        bar(done, running)
        warm = 20 if device.type == "cuda" else 3
        if plan.minutes and done - timed_from[0] == warm and not timed_from[1]:
            float(loss.detach())
            timed_from = (done, time.perf_counter())
        if plan.minutes and timed_from[1] and done == timed_from[0] + 4 * warm:
            float(loss.detach())  # wait for the GPU before the clock is read
            pace = (time.perf_counter() - timed_from[1]) / (4 * warm)
            left = plan.minutes * 60 - (time.perf_counter() - started)
            steps = min(plan.steps, max(done + 1, done + int(left / pace)))
            _say(f"{pace * 1000:.0f} ms a step: {steps:,} steps")
        if done % (20 if device.type == "cuda" else 1) == 0 or done == steps:
            curve.append([done, round(float(torch.stack(running).mean()), 4)])
            running = []
        if done % checkpoint_every == 0 and done < steps:
            out.mkdir(parents=True, exist_ok=True)
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(),
                     "rng": torch.get_rng_state(), "steps": steps, "done": done, "curve": curve,
                     "spent": time.perf_counter() - started}  # fmt: skip
            torch.save(state, checkpoint.with_suffix(".part"))
            os.replace(checkpoint.with_suffix(".part"), checkpoint)
    seconds = time.perf_counter() - started
    feed.close()  # type: ignore[attr-defined]
    return write(model, out, plan, steps, seconds, curve)


def write(
    model: Any, out: Path, plan: Plan, steps: int, seconds: float, curve: list[list[float]]
) -> dict[str, Any]:
    """Save bf16 weights, config, tokenizer and the record of the run."""
    import shutil

    import torch

    from fttools.models import sha256
    from fttools.runs import hardware, versions

    held_out = held_out_loss(model, blocks=512 if next(model.parameters()).is_cuda else 16)
    out.mkdir(parents=True, exist_ok=True)
    model.to(torch.bfloat16).save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (lab.WEIGHTS / name).resolve() != (out / name).resolve():
            shutil.copy(lab.WEIGHTS / name, out / name)
    tokens = steps * plan.batch * lab.CONTEXT
    n = sum(p.numel() for p in model.parameters())
    record = {
        "sha256": sha256(out / "model.safetensors"), "parameters": n, "tokens": tokens,
        "steps": steps, "plan": asdict(plan), "seconds": round(seconds, 1),
        "flops": 6 * n * tokens, "held_out_loss": round(held_out, 4),
        "held_out_perplexity": round(math.exp(held_out), 3), "versions": versions(),
        "hardware": hardware(), "curve": curve,
    }  # fmt: skip
    (out / "pretraining.json").write_text(json.dumps(record) + "\n")
    return record


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _bar(steps: int, done: int) -> Any:
    """tqdm on a terminal, a line every 200 steps elsewhere."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        bar = tqdm(total=steps, initial=done, desc="pretraining")

        def show(step: int, running: list[Any]) -> None:
            bar.update()
            if step % 20 == 0:
                bar.set_postfix(loss=f"{float(running[-1]):.3f}")

        return show

    def line(step: int, running: list[Any]) -> None:
        if step % 200 == 0:
            _say(f"step {step:,} of {steps:,}: loss {float(running[-1]):.3f}")

    return line


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("build/lab"))
    parser.add_argument("--smoke", action="store_true", help="a minute on a CPU")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--compile", action="store_true", help="torch.compile (a GPU)")
    parser.add_argument("--steps", type=int, default=Plan.steps)
    parser.add_argument("--batch", type=int, default=Plan.batch, help="blocks of 512 tokens")
    parser.add_argument("--lr", type=float, default=Plan.lr)
    parser.add_argument("--minutes", type=float, default=0.0, help="stop in about this time")
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    a = parser.parse_args()
    plan = SMOKE if a.smoke else Plan(
        a.steps, a.batch, a.lr, minutes=a.minutes, workers=a.workers, compiled=a.compile
    )  # fmt: skip
    record = train(plan, a.out, resume=a.resume)
    curve = record["curve"]
    print(
        f"{record['parameters']:,} parameters, {record['tokens']:,} tokens in {record['seconds']:.0f} s\n"
        f"loss {curve[0][1]:.2f} -> {curve[-1][1]:.2f}, held out {record['held_out_loss']:.2f} "
        f"(perplexity {record['held_out_perplexity']:.2f})\nwritten to {a.out}"
    )


if __name__ == "__main__":
    main()
