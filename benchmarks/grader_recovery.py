"""A class graded while its grader's processes are killed: nothing lost, nobody graded twice.

As on a cluster: a scheduler, two workers (processes that a nanny starts again), and the grader.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from autograder.layout import Course
from benchmarks import grader_class as classes
from benchmarks.grader_class import course

Result = dict[str, Any]


@contextmanager
def scheduler(folder: Path, workers: int) -> Iterator[tuple[str, int]]:
    """A Dask scheduler with worker processes; its address, and the nannies' process."""
    from distributed.utils import json_load_robust

    said = folder / "scheduler.json"
    commands = (
        ["dask_scheduler", "--host", "127.0.0.1", "--port", "0"],
        ["dask_worker", "--nworkers", str(workers), "--nthreads", "1", "--memory-limit", "0"],
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", *options, "--no-dashboard",
             "--scheduler-file", str(said)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) for name, *options in commands
    ]  # fmt: skip
    try:
        yield json_load_robust(str(said))["address"], processes[1].pid
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def offspring(nannies: int) -> list[tuple[str, int]]:
    """What a killer may hit below the nannies: workers, warm processes, examiners.

    Not what runs in the sandboxes: whoever ends a learner's kernel from outside does not kill the
    grader.
    """
    from autograder.watch import table

    children = table()
    found = []
    waiting = [(nannies, "nanny")]
    while waiting:
        process, kind = waiting.pop()
        for child in children.get(process, []):
            if kind == "warm process":
                found.append(("examiner", child))
                continue
            try:
                words = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            below = "warm process" if b"autograder.template" in words else "worker"
            if below == "warm process" or b"--multiprocessing-fork" in words:
                found.append((below, child))
            waiting.append((child, below))
    return found


def recovery(quick: bool) -> Result:
    """A class with broken and hostile submissions, the grader's processes killed at random."""
    count, kills, rng = (20, 3, random.Random(1)) if quick else (300, 24, random.Random(1))
    with course() as made, scheduler(made.root, 2) as (address, nannies):
        kinds = classes.mixed(made, count)
        out = made.root / "results.json"
        command = [sys.executable, "-m", "autograder.cli", "grade", "lora", "--course",
                   str(made.root), "--scheduler", address, "--threads", "1", "--json", str(out),
                   "--memory", "1536", "--cell-seconds", "6", "--seconds", "60"]  # fmt: skip
        killed: Counter[str] = Counter()
        started, done, restarts = time.monotonic(), 0, 0
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        due = time.monotonic() + 15
        while process.poll() is None:
            time.sleep(0.2)
            if done >= kills or time.monotonic() < due:
                continue
            due = time.monotonic() + rng.uniform(4, 12)
            if done in (kills // 3, 2 * kills // 3):  # the grader itself, and a new one
                process.kill()
                process.wait()
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL)  # fmt: skip
                killed["grader"] += 1
                restarts, done, due = restarts + 1, done + 1, due + 10
            elif targets := offspring(nannies):
                what, target = rng.choice(targets)
                with suppress(ProcessLookupError):
                    os.kill(target, signal.SIGKILL)
                    done, killed = done + 1, killed + Counter([what])
        seconds = time.monotonic() - started
        results = {r["student"]: r for r in json.loads(out.read_text())}
        honest = [s for s, kind in kinds.items() if kind == "honest"]
        times = graded_times(made)
        right = [s for s in honest if s in results and results[s]["outcome"] == "graded"
                 and {c["id"] for c in results[s]["checks"] if not c["score"]}
                 == classes.UNTRAINED]  # fmt: skip
        outcomes: dict[str, int] = {}
        for result in results.values():
            outcomes[result["outcome"]] = outcomes.get(result["outcome"], 0) + 1
        return {
            "submissions": count, "kills": done, "grader_killed": restarts, "seconds": seconds,
            "honest": len(honest), "honest_right": len(right),
            "recorded_twice": sorted(s for s, n in times.items() if n > 1),
            "infrastructure": {s: r["message"] for s, r in results.items()
                               if r["outcome"] == "infrastructure"},
            "killed": dict(killed),
            "missing": sorted(set(kinds) - set(results)), "outcomes": outcomes,
            "unearned": {s: results[s]["score"] for s, k in kinds.items()
                         if k != "honest" and s in results and results[s]["score"]},
        }  # fmt: skip


def graded_times(made: Course) -> dict[str, int]:
    """How often the journal has each student's grade."""
    from autograder.journal import Journal

    found: dict[str, int] = {}
    for line in Journal(made.root).lines():
        if line["event"] == "graded" and line["result"]["outcome"] != "infrastructure":
            found[line["student"]] = found.get(line["student"], 0) + 1
    return found
