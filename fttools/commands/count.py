"""`fttools count MODEL --method METHOD`: exact parameter counts, without the weights."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from fttools.errors import UnknownModel


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("count", help="exact parameter counts of a model with a method")
    parser.add_argument("model", help="'encoder', a hub id, or a path to a config.json")
    parser.add_argument("--method", required=True)
    parser.add_argument("--task", default="seq-cls", help="seq-cls, causal-lm or seq2seq-lm")
    parser.add_argument("--rank", type=int)
    parser.add_argument("--alpha", type=float)
    parser.add_argument("--targets", help="all-linear, or a comma list of module names")
    parser.add_argument("--tokens", type=int, help="virtual tokens (prefix, prompt, ptuning)")
    parser.add_argument("--hidden", type=int, help="width of P-tuning's network")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def read_config(model: str) -> Any:
    """The transformers config behind a role, a hub id or a path. Raises UnknownModel."""
    from transformers import AutoConfig

    from fttools import models

    path = Path(model)
    source = str(path) if path.suffix == ".json" and path.is_file() else models.resolve(model)
    try:
        return AutoConfig.from_pretrained(source)
    except (ValueError, OSError, KeyError) as err:
        text = " ".join(str(err).split())[:200]
        raise UnknownModel(f"{model} holds no config that transformers knows: {text}",
                           "a config.json with a 'model_type' field") from err  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print the counts."""
    from fttools import methods, params

    targets = args.targets
    if targets and targets != "all-linear":
        targets = tuple(name.strip() for name in targets.split(","))
    method = methods.make(args.method, rank=args.rank, alpha=args.alpha, targets=targets,
                          tokens=args.tokens, hidden=args.hidden)  # fmt: skip
    counts = params.count(read_config(args.model), method, args.task)
    if args.json:
        print(json.dumps({
            "model": args.model, "method": args.method, "total": counts.total,
            "trainable": counts.trainable, "trainable_pct": counts.trainable_pct,
            "by_kind": counts.by_kind,
        }))  # fmt: skip
    else:
        print(f"{args.model} with {methods.label(method)}: {counts}")
        for kind, number in counts.by_kind.items():
            print(f"  {kind:8} {number:>14,}")
    return 0
