"""Run real training steps and record their peak memory: `fttools measure CASES.json OUT.jsonl`.

Each case is built from its config with random weights (memory does not depend on their values),
wrapped with peft and trained for three optimizer steps by transformers' Trainer. One JSON record is
appended a case, as soon as it is known; cases already in OUT are skipped, so a run can be resumed.
Running out of memory is a result (`"oom": true`), any other failure too (`"error"`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fttools.errors import BadData, FTError
from fttools.memory.cases import Case
from fttools.memory.train_case import run_case

WARM_UP = {
    "model": "warm-up", "method": "full", "batch": 2, "seq": 16, "task": "causal-lm", "amp": "bf16",
    "config": {"model_type": "gpt2", "n_embd": 64, "n_layer": 1, "n_head": 1, "vocab_size": 128},
}  # fmt: skip


class NoGpu(FTError):
    """There is no CUDA GPU to measure on."""


def versions() -> dict[str, Any]:
    """What the records depend on: library versions and the GPU."""
    from importlib.metadata import PackageNotFoundError, version

    import torch

    found: dict[str, Any] = {"torch": torch.__version__}
    for name in ("transformers", "peft", "bitsandbytes", "accelerate"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        found["gpu"] = properties.name
        found["gpu_memory"] = properties.total_memory
        found["cuda"] = torch.version.cuda
        found["cudnn"] = torch.backends.cudnn.version()
    return found


def read_cases(path: Path) -> list[dict[str, Any]]:
    """Cases from a JSON list, {"cases": [...]}, or JSON lines (bare cases or measured records)."""
    try:
        text = path.read_text()
    except OSError as err:
        raise BadData(f"{path} cannot be read: {err.strerror}.", "a JSON list of cases") from err
    try:
        data = json.loads(text)
        rows = data.get("cases", [data]) if isinstance(data, dict) else data
    except json.JSONDecodeError:
        try:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as err:
            raise BadData(
                f"{path} is neither JSON nor JSON lines: {err}", "a JSON list of cases"
            ) from err
    return [row.get("case", row) for row in rows if isinstance(row, dict) and "meta" not in row]


def measure(
    cases: list[dict[str, Any]],
    out: Path,
    *,
    device: str = "cuda",
    traces: Path | None = None,
    report: Callable[[str], None] = print,
) -> list[dict[str, Any]]:
    """Run `cases`, appending to `out`; returns the new records. Raises NoGpu without a GPU.

    `traces`: a folder for each case's allocation history. `device="cpu"` trains all the same, to
    try a list of cases, and records no memory.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise NoGpu("There is no CUDA GPU here.", "fttools estimate, which needs none")
    done = set()
    if out.exists():
        done = {
            key(r["case"]) for r in map(json.loads, out.read_text().splitlines()) if "case" in r
        }
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        _append(out, {"meta": versions()})
    todo = [case for case in cases if key(case) not in done]
    records: list[dict[str, Any]] = []
    if todo:
        run_case(Case.from_json(WARM_UP), device)  # every case then finds cuBLAS' workspaces there
    for number, fields in enumerate(todo, 1):
        record: dict[str, Any] = {"case": fields}
        fatal = False
        try:
            case = Case.from_json(fields)
            trace = traces / f"{number:03d}.json.gz" if traces else None
            record["result"] = run_case(case, device, trace)
        except torch.cuda.OutOfMemoryError:
            record["result"] = {"oom": True}
        except Exception as err:
            record["result"] = {
                "error": f"{type(err).__name__}: {' '.join(str(err).split())[:300]}"
            }
            fatal = type(err).__name__ == "AcceleratorError"
        _append(out, record)
        records.append(record)
        result = record["result"]
        shown = (
            f"{result['peak_allocated'] / 2**20:,.0f} MiB" if "peak_allocated" in result else result
        )
        report(f"{number}/{len(todo)} {fields.get('model')} {fields.get('method')}: {shown}")
        if fatal:
            raise FTError(
                "The GPU's state is broken after an error in a kernel.",
                "the same command, to resume",
            )
    return records


def key(case: dict[str, Any]) -> str:
    """What makes a case the same case: all its fields, in order of their names."""
    return json.dumps(case, sort_keys=True)


def _append(out: Path, record: dict[str, Any]) -> None:
    with out.open("a") as stream:
        stream.write(json.dumps(record) + "\n")
