"""A class graded while its grader's processes are killed: nothing lost, nobody graded twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from autograder.layout import Course
from benchmarks import grader_class as classes
from benchmarks.grader_class import course

Result = dict[str, Any]


def offspring(root: int) -> list[int]:
    """The grader's own processes below `root` that a killer may hit: workers, warm, examiners."""
    from autograder.watch import descendants

    found = []
    for process in descendants((root,)):
        try:
            words = Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue
        if b"autograder.template" in words or b"--multiprocessing-fork" in words:
            found.append(process)
    return found


def recovery(quick: bool) -> Result:
    """A class with broken and hostile submissions, the grader's processes killed at random."""
    count, kills, rng = (20, 3, random.Random(1)) if quick else (300, 24, random.Random(1))
    with course() as made:
        kinds = classes.mixed(made, count)
        out = made.root / "results.json"
        command = [sys.executable, "-m", "autograder.cli", "grade", "lora", "--course",
                   str(made.root), "--workers", "2", "--json", str(out), "--memory", "1536",
                   "--cell-seconds", "6", "--seconds", "60"]  # fmt: skip
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
                restarts, done, due = restarts + 1, done + 1, due + 10
            elif targets := offspring(process.pid):
                try:
                    os.kill(rng.choice(targets), signal.SIGKILL)
                    done += 1
                except ProcessLookupError:
                    pass
        seconds = time.monotonic() - started
        results = {r["student"]: r for r in json.loads(out.read_text())}
        honest = [s for s, kind in kinds.items() if kind == "honest"]
        times = graded_times(made)
        right = [s for s in honest if results[s]["outcome"] == "graded"
                 and {c["id"] for c in results[s]["checks"] if not c["score"]}
                 == classes.UNTRAINED]  # fmt: skip
        outcomes: dict[str, int] = {}
        for result in results.values():
            outcomes[result["outcome"]] = outcomes.get(result["outcome"], 0) + 1
        return {
            "submissions": count, "kills": done, "grader_killed": restarts, "seconds": seconds,
            "honest": len(honest), "honest_right": len(right),
            "recorded_twice": sorted(s for s, n in times.items() if n > 1),
            "missing": sorted(set(kinds) - set(results)), "outcomes": outcomes,
            "unearned": {s: results[s]["score"] for s, k in kinds.items()
                         if k != "honest" and results[s]["score"]},
        }  # fmt: skip


def graded_times(made: Course) -> dict[str, int]:
    """How often the journal has each student's grade."""
    from autograder.journal import Journal

    found: dict[str, int] = {}
    for line in Journal(made.root).lines():
        if line["event"] == "graded" and line["result"]["outcome"] != "infrastructure":
            found[line["student"]] = found.get(line["student"], 0) + 1
    return found
