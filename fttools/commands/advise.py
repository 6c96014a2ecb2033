"""`fttools advise MODEL --gpu GPU`: methods ranked, with memory, margin and the reason."""

from __future__ import annotations

import argparse
import json


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("advise", help="which method for a model on a GPU, and why")
    parser.add_argument("model", help="catalogue name, hub id or path of a config.json")
    parser.add_argument("--gpu", required=True, help="T4, A100-40GB, RTX-4090, …")
    parser.add_argument("--task", help="seq-cls, causal-lm or seq2seq-lm (what the model is for)")
    parser.add_argument("--batch", type=int, default=8, help="rows on the device (8)")
    parser.add_argument("--seq", type=int, help="tokens a row (512, or half the limit)")
    parser.add_argument("--examples", type=int, help="training examples: for time and ranking")
    parser.add_argument("--epochs", type=int, default=3, help="passes over them (3)")
    parser.add_argument("--labels", type=int, default=2, help="classes of a classifier (2)")
    parser.add_argument(
        "--limits", type=int, default=2, help="options to find the largest batch and row for (2)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the advice."""
    from fttools.memory import lean

    return lean.run(lambda: _run(args), args.words)


def _run(args: argparse.Namespace) -> int:
    from fttools.advise import advise

    advice = advise(
        args.model, args.gpu, task=args.task, batch=args.batch, seq=args.seq,
        examples=args.examples, epochs=args.epochs, labels=args.labels, limits=args.limits,
    )  # fmt: skip
    if args.json:
        print(json.dumps(advice.to_json()))
        return 0
    from rich.console import Console

    Console().print(advice)
    return 0
