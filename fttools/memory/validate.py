"""Compare estimates with measured records: `fttools validate MEASURED.jsonl`.

Records are of processes that had trained before, so cuBLAS workspaces were there before the case
and are not in its allocated peak (they are in the reserved one). What earlier cases of the same
process left behind is in the reserved peak too: transformers' Trainer registers embedding modules
with bitsandbytes' global manager when an 8-bit optimizer is used, which keeps their weights alive.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from fttools.errors import BadData
from fttools.memory.cases import Case, read_config

BASELINE = 66 * 2**20  # workspaces before a case, as `allocated_before` shows them
FRESH = 10 * 2**20  # a fall of the device's use by so much means a new process


def read_records(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(versions, records) of a measured file. Raises BadData for a file that holds none."""
    if not path.is_file():
        raise BadData(f"There is no file {path}.", "fttools measure CASES.json OUT.jsonl, on a GPU")
    meta: dict[str, Any] = {}
    records = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as err:
            raise BadData(f"Line {number} of {path} is not JSON: {err}", "JSON lines") from err
        if isinstance(row, dict) and "meta" in row:
            meta = row["meta"]
        elif isinstance(row, dict) and "case" in row:
            records.append(row)
    if not records:
        raise BadData(f"{path} holds no measured case.", "lines with a case and a result")
    return meta, records


def predict(fields: dict[str, Any], gpu: str, version: str | None = None) -> dict[str, Any]:
    """One case's prediction, or {"error": why}."""
    from fttools.memory.estimate import estimate

    try:
        case = Case.from_json(fields)
        found = estimate(
            read_config(case.config), case.to_method(), task=case.task, batch=case.batch,
            seq=case.seq, accumulate=case.accumulate, weights=case.weights, amp=case.amp,
            optim=case.optim, checkpointing=case.checkpointing, attention=case.attention,
            padded=case.padded, labels=case.labels, gpu=gpu, transformers_version=version,
        )  # fmt: skip
        return {
            "label": case.label(),
            "allocated": found.peak_allocated - found.details["workspaces_before"],
            "reserved": found.peak_reserved,
            "ignored": list(case.unknown),
        }
    except Exception as err:  # a failed case is a result here
        return {"error": f"{type(err).__name__}: {' '.join(str(err).split())[:300]}"}


def _work(job: tuple[dict[str, Any], str, str | None]) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    return predict(*job)


def carried(records: list[dict[str, Any]]) -> list[int]:
    """Bytes that earlier cases of the same process left in each record's reserved peak.

    Known where a record says what was allocated before it; else worked out from the file's order:
    embeddings of fully fine-tuned models with a bitsandbytes optimizer stay until a new process,
    whose device use starts lower, begins.
    """
    from fttools.memory.optim import uses_bitsandbytes

    left, used, found = 0, None, []
    for record in records:
        case, result = record["case"], record.get("result") or {}
        now = result.get("device_used_minus_reserved")
        if now is not None and used is not None and now < used - FRESH:
            left = 0
        used = now if now is not None else used
        before = result.get("allocated_before")
        found.append(max(0, before - BASELINE) if before is not None else left)
        if uses_bitsandbytes(str(case.get("optim"))) and case.get("method") == "full":
            left += embedding_bytes(case)
    return found


def embedding_bytes(fields: dict[str, Any]) -> int:
    """Bytes of a case's embedding weights; 0 when they cannot be worked out."""
    import torch
    from torch import nn

    from fttools.memory.amp import DTYPES
    from fttools.memory.build import model_class

    try:
        case = Case.from_json(fields)
        with torch.device("meta"):
            model = model_class(case.task).from_config(
                read_config(case.config), dtype=DTYPES[case.weights]
            )
    except Exception:
        return 0
    weights = {id(m.weight): m.weight for m in model.modules() if isinstance(m, nn.Embedding)}
    return sum(w.numel() * w.element_size() for w in weights.values())


def gpu_of(meta: dict[str, Any]) -> str:
    """The GPU whose kernels to assume for a file's records."""
    from fttools.memory import gpus

    name = str(meta.get("gpu", "H200"))
    for token in (name, *name.replace("-", " ").split()):
        try:
            return gpus.find(token).name
        except gpus.UnknownGpu:
            continue
    return "H200"


def validate(path: Path, *, workers: int | None = None, limit: int | None = None) -> dict[str, Any]:
    """Predict every record and compare; the document of `fttools validate --json`.

    A case counts as failed when nothing could be predicted for it; records that hold no measured
    peak (out of memory, an error) are left out and counted as "skipped".
    """
    meta, records = read_records(path)
    measured = [r for r in records if "peak_allocated" in (r.get("result") or {})]
    if not measured:
        raise BadData(f"No record of {path} holds a measured peak.", "fttools measure, on a GPU")
    left = carried(measured)
    if limit is not None:
        measured, left = measured[:limit], left[:limit]
    gpu = gpu_of(meta)
    jobs = [(r["case"], gpu, meta.get("transformers")) for r in measured]
    workers = min(workers or os.cpu_count() or 1, len(jobs))
    if workers == 1:
        found = [_work(job) for job in jobs]
    else:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            found = list(pool.map(_work, jobs))
    cases = []
    for record, prediction, extra in zip(measured, found, left, strict=True):
        cases.append(_compare(record, prediction, extra))
    good = [c for c in cases if "error" not in c]
    return {
        "n": len(cases),
        "failed": len(cases) - len(good),
        "skipped": len(records) - len(measured),
        "allocated": _errors([c["allocated"]["ape"] for c in good]),
        "reserved": _errors([c["reserved"]["ape"] for c in good if c["reserved"] is not None]),
        "gpu": gpu,
        "meta": meta,
        "cases": cases,
    }


def _compare(record: dict[str, Any], prediction: dict[str, Any], extra: int) -> dict[str, Any]:
    case, result = record["case"], record["result"]
    if "error" in prediction:
        return {"label": str(case.get("model", "?")), "case": case, "error": prediction["error"]}
    row: dict[str, Any] = {"label": prediction["label"], "case": case}
    for name, key in (("allocated", "peak_allocated"), ("reserved", "peak_reserved")):
        true = result.get(key)
        guess = prediction[name] + (extra if name == "reserved" else 0)
        row[name] = None
        if true:
            row[name] = {
                "measured": true,
                "predicted": guess,
                "ape": 100 * abs(guess - true) / true,
                "error_pct": 100 * (guess - true) / true,
            }
    if extra:
        row["carried"] = extra
    return row


def _errors(apes: list[float]) -> dict[str, float | None]:
    """Median, 90th percentile (linear) and maximum of absolute errors in percent."""
    if not apes:
        return {"median_ape": None, "p90_ape": None, "max_ape": None}
    ordered = sorted(apes)
    place = 0.9 * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    p90 = ordered[low] + (place - low) * (ordered[high] - ordered[low])
    return {"median_ape": statistics.median(ordered), "p90_ape": p90, "max_ape": ordered[-1]}


def plot(document: dict[str, Any], path: Path) -> None:
    """Predicted against measured peaks, and the errors case by case."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    good = [c for c in document["cases"] if "error" not in c]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for name, color, mark in (("reserved", "#999999", "x"), ("allocated", "#1f6f8b", "o")):
        rows = [c[name] for c in good if c[name] is not None]
        left.plot([r["measured"] / 2**30 for r in rows], [r["predicted"] / 2**30 for r in rows],
                  mark, color=color, markersize=5, label=f"peak {name}", alpha=0.8)  # fmt: skip
        right.plot([r["error_pct"] for r in rows], range(len(rows)), mark, color=color,
                   markersize=4, label=name)  # fmt: skip
    ends = left.get_xlim()
    left.plot(ends, ends, color="black", linewidth=0.7)
    left.set(xscale="log", yscale="log", xlabel="measured (GiB)", ylabel="predicted (GiB)",
             title=f"{len(good)} cases, {document['meta'].get('gpu', '')}")  # fmt: skip
    left.legend()
    right.axvline(0, color="black", linewidth=0.7)
    right.set(xlabel="error (% of the measured)", ylabel="case")
    right.legend()
    figure.savefig(path, dpi=130)
    plt.close(figure)
