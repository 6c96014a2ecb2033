"""Execute lessons and store their outputs, or check that the stored ones are current.

    python course/build.py                  # all lessons (`make lessons`)
    python course/build.py 04_lora          # some
    python course/build.py --check          # stored outputs belong to the code; nothing on stderr

A lesson's metadata holds a hash of its code cells and the seconds they took.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any

import nbformat

COURSE = Path(__file__).parent
TIMEOUT = 900
MOST_BYTES = 10**6


def code_hash(notebook: Any) -> str:
    """SHA-256 over the code cells, so that an edit of prose keeps the outputs valid."""
    text = "\0".join(c.source for c in notebook.cells if c.cell_type == "code")
    return hashlib.sha256(text.encode()).hexdigest()


def problems(path: Path) -> list[str]:
    """What is wrong with a stored lesson: stale or missing outputs, stderr, errors, its size."""
    notebook = nbformat.read(path, as_version=4)
    found = []
    if notebook.metadata.get("fttools", {}).get("code_sha256") != code_hash(notebook):
        found.append("its outputs are older than its code: run `make lessons`")
    if path.stat().st_size > MOST_BYTES:
        found.append(f"{path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
    for number, cell in enumerate(c for c in notebook.cells if c.cell_type == "code"):
        if cell.execution_count is None:
            found.append(f"code cell {number} was not run")
        for output in cell.outputs:
            if output.get("name") == "stderr" or output.output_type == "error":
                text = str(output.get("text") or output.get("evalue"))[:200]
                found.append(f"code cell {number} wrote to stderr or failed: {text}")
    return found


def execute(path: Path, store: bool = True) -> float:
    """Run a lesson from its first cell in a fresh kernel; the seconds it took.

    Raises nbclient's CellExecutionError for a failing cell; the file is then left as it was.
    """
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", record_timing=False,
        store_widget_state=False, resources={"metadata": {"path": str(COURSE)}},
    )  # fmt: skip
    started = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - started
    if store:
        notebook.metadata["fttools"] = {
            "code_sha256": code_hash(notebook), "scale": "lab", "seconds": round(seconds),
        }  # fmt: skip
        nbformat.write(notebook, path)
    return seconds


def lessons(names: list[str]) -> list[Path]:
    """The notebooks of some lessons, or of all. Exits naming the known ones for a wrong name."""
    known = {p.stem: p for p in sorted(COURSE.glob("*.ipynb"))}
    unknown = [n for n in names if n.removesuffix(".ipynb") not in known]
    if unknown:
        sys.exit(f"There is no lesson {unknown[0]!r}. Known: {', '.join(known)}")
    return [known[n.removesuffix(".ipynb")] for n in names] or list(known.values())


def main(argv: list[str]) -> int:
    """Execute (or check) lessons one after another."""
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lessons", nargs="*")
    parser.add_argument("--check", action="store_true", help="look, do not run")
    parser.add_argument("--dry", action="store_true", help="run, do not store")
    args = parser.parse_args(argv)
    os.environ.setdefault("FT_SCALE", "lab")
    failed = 0
    for path in tqdm(lessons(args.lessons), disable=args.check or not sys.stderr.isatty()):
        if args.check:
            found = problems(path)
            failed += bool(found)
            print("\n".join(f"{path.name}: {line}" for line in found or ["current"]))
        else:
            print(f"{path.name}: {execute(path, store=not args.dry):.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
