"""Measure the project's figures and write them to benchmarks/results/NAME.json.

python -m benchmarks                # all (`make bench`)
python -m benchmarks lora memory    # some
python -m benchmarks --quick        # fewer repetitions, to see that they run
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
TOOLS = {"__main__", "record", "grader_class", "grader_recovery"}


def main(argv: list[str]) -> int:
    """Run benchmarks one after another; one that fails is named at the end, the others go on."""
    known = sorted(
        m.name for m in pkgutil.iter_modules([str(HERE)]) if m.name not in TOOLS and not m.ispkg
    )
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args(argv)
    if unknown := sorted(set(args.names) - set(known)):
        parser.error(f"no benchmark {unknown[0]!r}; known: {', '.join(known)}")
    failed = []
    for name in args.names or known:
        module = importlib.import_module(f"benchmarks.{name}")
        if not hasattr(module, "run"):
            continue
        print(f"{name}: running", flush=True)
        started = time.perf_counter()
        try:
            figures = module.run(quick=args.quick)
        except Exception as err:
            failed.append(name)
            print(f"{name}: failed, {type(err).__name__}: {err}", file=sys.stderr)
            continue
        result = {
            "benchmark": name,
            "quick": args.quick,
            "machine": {"cpus": os.cpu_count(), "processor": platform.machine(),
                        "python": platform.python_version()},
            "seconds": round(time.perf_counter() - started, 1),
            "figures": figures,
        }  # fmt: skip
        folder = HERE / "results"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
        print(json.dumps(figures, indent=1), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
