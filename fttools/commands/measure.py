"""`fttools measure CASES.json OUT.jsonl`: real training steps on this GPU, one record a case."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("measure", help="measure real peaks of memory on this GPU")
    parser.add_argument("cases", type=Path, help="JSON list of cases, or records to repeat")
    parser.add_argument("out", type=Path, help="JSON lines; appended to, cases in it are skipped")
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"),
                        help="cpu: only try whether the cases run")  # fmt: skip
    parser.add_argument("--traces", type=Path, help="folder for each case's allocation history")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure, and say how many ran."""
    from fttools.memory.measure import measure, read_cases

    records = measure(
        read_cases(args.cases),
        args.out,
        device=args.device,
        traces=args.traces,
        report=lambda line: print(line, file=sys.stderr, flush=True),
    )
    failed = sum("error" in r["result"] for r in records)
    oom = sum("oom" in r["result"] for r in records)
    counts = {"measured": len(records) - failed - oom, "out_of_memory": oom, "failed": failed}
    if args.json:
        print(json.dumps({**counts, "out": str(args.out)}))
    else:
        print(f"{counts['measured']} measured, {oom} out of memory, {failed} failed: {args.out}")
    return 1 if failed else 0
