"""The grader's figures: throughput against plain nbgrader, recovery, scaling, attacks."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from autograder import cluster, grade, layout, provenance, returns
from autograder.layout import Course
from autograder.policy import Limits
from autograder.worker import Settings
from benchmarks import grader_class as classes
from benchmarks.grader_class import course
from benchmarks.grader_recovery import recovery

Result = dict[str, Any]
# Submissions here and in plain nbgrader; the same for a quick look.
PLANS = {"light": (60, 12, 8, 2), "training": (10, 3, 2, 1), "carrying": (10, 0, 2, 0)}
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
    for library in ("OMP", "MKL", "OPENBLAS"):  # it has the machine to itself
        environment.pop(f"{library}_NUM_THREADS", None)

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


def throughput(quick: bool, wanted: list[str], stored: Result) -> Result:
    """The `wanted` of PLANS' classes, both graders on the same submissions; the others of them
    stay as `stored`."""
    found: Result = dict(stored)
    with tempfile.TemporaryDirectory() as folder:
        adapter = classes.trained_adapter(Path(folder)) if "carrying" in wanted else None
    for name in wanted:
        size, sample, few, fewer = PLANS[name]
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
        cluster.close()
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
    parts = {"recovery": recovery, "scaling": scaling, "attacks": attacks}
    wanted = [n for n in os.environ.get("GRADER_BENCH", "").split(",") if n]
    some = [n for n in PLANS if n in wanted] or list(PLANS)
    found: Result = {}
    stored = Path(__file__).parent / "results" / "grader.json"
    if wanted and stored.exists():  # parts measured earlier stay
        found = json.loads(stored.read_text())["figures"]
    found["machine"] = provenance.machine()
    for name in dict.fromkeys("throughput" if n in PLANS else n
                              for n in wanted or ("throughput", *parts)):  # fmt: skip
        started = time.monotonic()
        if name == "throughput":
            found[name] = throughput(quick, some, found.get(name, {}))
        else:
            found[name] = parts[name](quick)
        found[name]["bench_seconds"] = time.monotonic() - started
    return found


if __name__ == "__main__":
    print(json.dumps(run("--quick" in sys.argv), indent=1))
