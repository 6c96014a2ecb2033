"""Record the runs that lessons compare with: several seeds of each setting, one JSON line a run.

    python -m benchmarks.record lora --out fttools/recorded/lora.jsonl --workers 12

Each line is a `runs.Record`. Times are of runs side by side, so lessons quote them from their own
cells instead. `--model` names a folder that holds the lab encoder, where its package is not
installed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fttools.methods import Full, Head, LoRA, Method

Setting = dict[str, Any]


def setting(study: str, method: Method, lr: float, **more: Any) -> Setting:
    """One setting of a study: a method, its learning rate, and what differs from the usual."""
    return {"study": study, "method": method, "lr": lr, **more}


def lora_studies() -> Iterator[Setting]:
    """What lesson 04 shows: reference points, rank, learning rate, alpha and target sweeps."""
    everywhere = "all-linear"
    yield setting("reference", Full(), 1e-4)
    yield setting("reference", LoRA(rank=8, targets=everywhere), 1.5e-3)
    yield setting("reference", LoRA(rank=8, targets=everywhere), 1.5e-3, epochs=4)
    yield setting("reference", LoRA(rank=8, targets=everywhere), 2e-3, epochs=2)
    yield setting("reference", LoRA(rank=1, targets=everywhere), 2e-3, epochs=2)
    yield setting("reference", Head(), 5e-3)
    yield setting("random weights", LoRA(rank=8, targets=everywhere), 1.5e-3, pretrained=False)
    yield setting("random weights", Full(), 1e-4, pretrained=False)
    for rank in (1, 2, 4, 8, 16, 32):
        yield setting("rank", LoRA(rank=rank, targets=everywhere), 1e-3)
    for lr in (1e-4, 3e-4, 1e-3, 2e-3, 5e-3):
        yield setting("learning rate", LoRA(rank=8, targets=everywhere), lr)
    for lr in (1e-5, 3e-5, 1e-4, 3e-4, 1e-3):
        yield setting("learning rate", Full(), lr)
    for alpha in (0, 4, 8, 16, 32, 64):
        yield setting("alpha", LoRA(rank=8, alpha=alpha, targets=everywhere), 1e-3)
    for targets in (("query",), ("query", "value"), ("query", "key", "value")):
        yield setting("targets", LoRA(rank=8, targets=targets), 1e-3)


def sst2_studies() -> Iterator[Setting]:
    """Real sentences (`FT_DATA`): 1,000 of them and all, LoRA beside full fine-tuning."""
    for limit, epochs in ((1000, 3), (None, 3)):
        more = {"data": "sst2", "limit": limit, "epochs": epochs, "batch": 32 if not limit else 16}
        yield setting("sst2", LoRA(rank=8, targets="all-linear"), 1e-3, **more)
        yield setting("sst2", Full(), 1e-4, **more)


STUDIES = {"lora": lora_studies, "sst2": sst2_studies}


def record(job: tuple[Setting, int, str]) -> dict[str, Any]:
    """Run one setting with one seed."""
    import torch

    from fttools import data, evaluate, models, train

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    chosen, seed, name = job
    model, tokenizer = models.load(name, pretrained=chosen.get("pretrained", True), seed=seed)
    splits = data.load(chosen.get("data", "reviews"), limit=chosen.get("limit"), seed=seed)
    config = train.Config(epochs=chosen.get("epochs", 3), lr=chosen["lr"],
                          batch=chosen.get("batch", 16), seed=seed)  # fmt: skip
    run = train.fine_tune(model, tokenizer, splits, chosen["method"], config)
    line = asdict(run.record)
    line["metrics"]["hard"] = evaluate.accuracy(
        evaluate.predict(run.model, tokenizer, data.load("hard").test)
    )
    line["config"]["study"] = chosen["study"]
    line["history"] = [h for h in line["history"] if "eval_accuracy" in h]
    line["model"] = "all-MiniLM-L6-v2" if chosen.get("pretrained", True) else "random weights"
    return line


def main(argv: list[str]) -> int:
    """Record every run of a study, in order, with progress."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=sorted(STUDIES))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--model", default="encoder")
    args = parser.parse_args(argv)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    jobs = [(s, seed, args.model) for s in STUDIES[args.study]() for seed in range(args.seeds)]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with context.Pool(args.workers) as pool, args.out.open("w") as stream:
        runs = tqdm(pool.imap(record, jobs, chunksize=1), total=len(jobs), desc=args.study)
        for line in runs:
            line["hardware"]["side_by_side"] = args.workers
            stream.write(json.dumps(line) + "\n")
            stream.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
