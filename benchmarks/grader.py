"""The grader's figures: throughput against plain nbgrader, recovery, scaling, attacks."""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder import cluster, grade, layout, provenance, returns
from autograder.layout import Course
from autograder.policy import Limits
from autograder.worker import Settings
from benchmarks import grader_class as classes

Result = dict[str, Any]
PLAIN = """
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = "plain"
c.CourseDirectory.source_directory = "source"
c.CourseDirectory.db_url = "sqlite:///{root}/plain.db"
c.Execute.timeout = 900
c.ExecutePreprocessor.timeout = 900
c.ClearSolutions.enforce_metadata = False
"""


@contextmanager
def course() -> Iterator[Course]:
    """A course folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as folder:
        yield Course(Path(folder))


def plain_nbgrader(made: Course, sample: int) -> Result:
    """Seconds a submission of `nbgrader autograde`, on the first `sample` of the class.

    It works through a class one by one, so a sample gives its pace.
    """
    root = made.root / "plain"
    (root / "source" / "lora").mkdir(parents=True)
    (root / "source" / "lora" / "lora.ipynb").write_bytes(layout.solution("lora").read_bytes())
    (root / "nbgrader_config.py").write_text(PLAIN.format(root=str(root)))
    for student in made.students("lora")[:sample]:
        folder = root / "submitted" / student / "lora"
        folder.mkdir(parents=True)
        name = "lora.ipynb"
        (folder / name).write_bytes(made.notebook("submitted", student, "lora").read_bytes())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "FT_SCALE": "lab", "PATH": path}
    environment.pop("OMP_NUM_THREADS", None)  # it has the whole machine to itself

    def run(*command: str) -> float:
        started = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=root,
                              env=environment, capture_output=True, text=True)  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        return time.monotonic() - started

    run("generate_assignment", "lora")
    seconds = run("autograde", "lora")
    return {"submissions": sample, "seconds": seconds, "each": seconds / sample}


def hardened(made: Course, workers: int = 2, **options: Any) -> tuple[Result, list[Result]]:
    """Seconds of a whole run of `grade_class`, workers' start included."""
    started = time.monotonic()
    results = grade.grade_class(made, "lora", workers=workers, **options)
    seconds = time.monotonic() - started
    return {
        "submissions": len(results),
        "seconds": seconds,
        "each": seconds / len(results),
    }, results


def overhead(results: list[Result]) -> Result:
    """Where the time of a submission goes beyond the learner's own code, medians in seconds."""
    parts: dict[str, list[float]] = {}
    for result in results:
        spent = dict(result["spent"])
        spent["overhead"] = spent["start"] + spent["judges"] + spent["other"]
        for name, seconds in spent.items():
            parts.setdefault(name, []).append(seconds)
    return {name: statistics.median(values) for name, values in parts.items()}


def throughput(quick: bool) -> Result:
    """Light, training and carrying classes, both graders on the same submissions."""
    found: Result = {}
    with tempfile.TemporaryDirectory() as folder:
        adapter = classes.trained_adapter(Path(folder))
    plans = {"light": (60, 12, 8, 2), "training": (10, 3, 2, 1), "carrying": (10, 0, 2, 0)}
    for name, (size, sample, few, fewer) in plans.items():
        with course() as made:
            count = few if quick else size
            if name == "light":
                classes.light(made, count)
            else:
                classes.training(made, count, adapter if name == "carrying" else None)
            ours, results = hardened(made)
            scores = [r["score"] for r in results]
            entry = {"ours": ours, "scores": [min(scores), max(scores)], "spent": overhead(results)}
            if name == "carrying":  # plain nbgrader trains all the same
                entry["plain"] = found["training"]["plain"]
            else:
                entry["plain"] = plain_nbgrader(made, fewer if quick else sample)
            entry["speedup"] = entry["plain"]["each"] / ours["each"]
            if name == "light":
                entry["agreement"] = agreement(made, results)
            found[name] = entry
    return found


def agreement(made: Course, results: list[Result]) -> Result:
    """Gradebook (what formgrader shows), CSV and feedback pages against the JSON."""
    from nbgrader.api import Gradebook

    pages = {p.parent.parent.name: p.read_text() for p in returns.feedback(made, "lora")}
    rows = {r["student"]: r for r in returns.grades(made)}
    wrong = []
    with Gradebook(made.database, course_id=layout.COURSE_ID) as book:
        for result in results:
            student, score = result["student"], result["score"]
            submission = book.find_submission("lora", student)
            checks = {g.name: g.score for n in submission.notebooks for g in n.grades}
            said = {row["id"]: row["score"] for row in result["checks"]}
            total = f"(Score: {score:g} / {result['max_score']:g})"
            shown = f"{score:g}" in pages.get(student, "") and all(
                row["message"].split("\n")[0][:30].replace("'", "&#39;")[:20] in pages[student]
                or row["kind"] in pages[student] for row in result["checks"]
            )  # fmt: skip
            if submission.score != score or checks != said or rows[student]["score"] != score:
                wrong.append(f"{student}: gradebook or CSV, {total}")
            elif not shown:
                wrong.append(f"{student}: feedback page")
    return {"submissions": len(results), "disagree": wrong}


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


def scaling(quick: bool) -> Result:
    """The same load a worker on 1, 2, 4, 8 workers, of cells that sleep; workers started before."""
    sizes, each, nap = ((1, 2), 2, 2.0) if quick else ((1, 2, 4, 8), 3, 12.0)
    found: Result = {}
    for workers in sizes:
        with course() as made, cluster.connect(workers, None, None, False) as client:
            classes.sleeping(made, each * workers, nap)
            settings = Settings(threads=1, limits=Limits())
            client.run(cluster.warm_up, settings)
            run = grade.Run(made, "lora", None, True, lambda result: None)
            started = time.monotonic()
            orders = run.orders(made.students("lora"))
            outcomes = [r["outcome"] for _, r, _ in cluster.run(orders, client, settings)]
            seconds = time.monotonic() - started
            found[str(workers)] = {"submissions": len(outcomes), "seconds": seconds,
                                   "graded": outcomes.count("graded")}  # fmt: skip
    base = found[str(sizes[0])]["seconds"]
    for entry in found.values():
        entry["efficiency"] = base / entry["seconds"]
    return found


def attacks(quick: bool) -> Result:
    """The catalogue of hostile submissions: what they earn here, and in plain nbgrader."""
    from tests.attacks import catalogue, plain, world

    chosen = catalogue.ATTACKS[::8] if quick else catalogue.ATTACKS
    with tempfile.TemporaryDirectory() as folder:
        made = world.World.make(Path(folder))
        catalogue.write_class(made.course, made.canaries, chosen)
        made.grade()
        ours = catalogue.summary(made.results)
        theirs = plain.count(Path(folder) / "plain", chosen)
    return {"ours": {**ours, "seconds": made.seconds}, "plain": theirs}


def run(quick: bool = False) -> Result:
    """All figures; `quick` for a few minutes with small classes."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("FT_SCALE", "lab")
    parts = {"throughput": throughput, "recovery": recovery, "scaling": scaling, "attacks": attacks}
    chosen = os.environ.get("GRADER_BENCH", ",".join(parts)).split(",")
    found: Result = {"machine": provenance.machine()}
    for name in chosen:
        started = time.monotonic()
        found[name] = parts[name](quick)
        found[name]["bench_seconds"] = time.monotonic() - started
    return found


if __name__ == "__main__":
    print(json.dumps(run("--quick" in sys.argv), indent=1))
