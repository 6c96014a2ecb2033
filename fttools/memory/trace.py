"""Allocation histories: record them on a GPU, store them compactly, say what a peak is made of.

start(); ...train...; finish(path, "label")     # on a GPU
trace = load(path); print(summary(trace))       # anywhere
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

LIMIT = 400_000  # events kept; a 7 B step has some 20,000
KINDS = {"alloc": 0, "free_completed": 1, "segment_alloc": 2, "segment_free": 3}


def start() -> None:
    """Begin to record every allocation with the Python lines it came from."""
    import torch

    torch.cuda.memory._record_memory_history(context="alloc", stacks="python", max_entries=LIMIT)


def finish(path: Path, label: str) -> None:
    """Stop, and write the events as [kind, address, bytes, stack number] with a table of stacks."""
    import torch

    snapshot = torch.cuda.memory._snapshot()
    torch.cuda.memory._record_memory_history(enabled=None)
    stacks: dict[str, int] = {}
    events: list[list[int]] = []
    for entry in snapshot["device_traces"][torch.cuda.current_device()]:
        kind = KINDS.get(entry["action"])
        if kind is None:
            continue
        where = _short(entry.get("frames") or [])
        number = stacks.setdefault(where, len(stacks))
        events.append([kind, entry["addr"], entry["size"], number])
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as stream:
        json.dump({"label": label, "stacks": list(stacks), "events": events}, stream)


def _short(frames: list[dict[str, Any]], depth: int = 7) -> str:
    kept = []
    for frame in frames:
        name = str(frame["filename"])
        if "torch/nn/modules/module.py" in name or "_contextlib" in name:
            continue
        kept.append(f"{Path(name).name}:{frame['line']}:{frame['name']}")
        if len(kept) == depth:
            break
    return " < ".join(kept)


def load(path: Path) -> dict[str, Any]:
    """A stored history."""
    with gzip.open(path, "rt") as stream:
        return dict(json.load(stream))


def summary(trace: dict[str, Any], lines: int = 40) -> str:
    """The moment of most allocated bytes (as requested, before rounding): what was alive, by where
    it was allocated, largest first."""
    live: dict[int, tuple[int, int]] = {}
    now = peak = at = 0
    for number, (kind, address, size, stack) in enumerate(trace["events"]):
        if kind == 0:
            live[address] = (size, stack)
            now += size
            if now > peak:
                peak, at = now, number
        elif kind == 1:
            now -= live.pop(address, (0, 0))[0]
    live.clear()
    for kind, address, size, stack in trace["events"][: at + 1]:
        if kind == 0:
            live[address] = (size, stack)
        elif kind == 1:
            live.pop(address, None)
    groups: dict[tuple[int, int], int] = defaultdict(int)
    for size, stack in live.values():
        groups[size, stack] += 1
    text = [f"{trace['label']}: peak {peak:,} bytes at event {at} of {len(trace['events'])}"]
    for (size, stack), count in sorted(groups.items(), key=lambda g: -g[0][0] * g[1])[:lines]:
        text.append(f"{size * count:>15,} = {count:>4} x {size:>13,}  {trace['stacks'][stack]}")
    return "\n".join(text)
