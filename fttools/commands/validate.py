"""`fttools validate MEASURED.jsonl`: how far estimates are from measured peaks."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("validate", help="compare estimates with measured peaks")
    parser.add_argument("measured", type=Path, help="JSON lines of fttools measure")
    parser.add_argument("--plot", type=Path, help="write a picture here (png, pdf, svg)")
    parser.add_argument("--workers", type=int, help="processes (as many as cores)")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Validate and print; exits with 1 when a case failed."""
    from fttools.memory.validate import plot, validate

    document = validate(args.measured, workers=args.workers)
    if args.plot:
        plot(document, args.plot)
    if args.json:
        print(json.dumps(document))
        return 1 if document["failed"] else 0
    from rich.console import Console

    from fttools.memory.show import errors

    Console().print(errors(document))
    if args.plot:
        print(f"Plot: {args.plot}")
    return 1 if document["failed"] else 0
