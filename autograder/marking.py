"""Grade one submission whose kernel is started: rebuild, run, examine, write down."""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
import torch

from autograder import adapter, sanitize, watch
from autograder.examiner import Examiner, asked, rows, show
from autograder.policy import Limits, Policy
from autograder.rebuild import Rebuilt, Rejected, cell_id, rebuild, template
from autograder.sandbox import Sandbox
from autograder.session import KernelSession, Lost, NotReady
from fttools.checks import find

Result = dict[str, Any]


class Watchdog:
    """Looks at a sandbox now and then; says why it must end."""

    def __init__(self, box: Sandbox, limits: Limits, started: float) -> None:
        self.box, self.limits, self.started = box, limits, started
        self.peak = 0

    def look(self) -> Lost | None:
        """The reason to end the submission, or None."""
        limits = self.limits
        if not self.box.alive():
            found = self.box.why_dead()
            # An allocation that C++ could not make ends the process before anyone can say so.
            if found.outcome == "student_error" and self.peak > 0.8 * limits.memory:
                return Lost(
                    "out_of_memory", f"it died near {limits.memory // 2**20:,} MB of memory"
                )
            return found
        used = self.box.usage()
        self.peak = max(self.peak, used.resident)
        # Processes first: what many of them hold together says less than that they are many.
        if used.processes > limits.forks:
            return Lost("student_error", f"more than {limits.forks} processes")
        if used.threads > limits.processes + 8:
            return Lost("student_error", f"more than {limits.processes} threads")
        if used.resident > limits.memory:
            return Lost("out_of_memory", f"more than {limits.memory // 2**20:,} MB of memory")
        if watch.free_memory() < watch.LEAST_FREE:
            # Whoever looks first would pay for what all use: nobody's fault, so it is tried again.
            return Lost("infrastructure", "the machine's memory was nearly used up: fewer workers")
        if time.monotonic() - self.started > limits.seconds:
            return Lost("timeout", f"the submission ran for more than {limits.seconds:g} s")
        return None


def mark(
    box: Sandbox, policy: Policy, order: Mapping[str, Any], parts: list[bytes], started: float
) -> tuple[Result, str]:
    """The result of a submission, and its executed notebook as text."""
    os.environ.update(order["environment"])
    torch.set_num_threads(policy.threads)
    files = dict(zip(order["files"], parts, strict=True))
    exercise = str(order["exercise"])
    try:
        if order["refused"]:
            return rejected(exercise, order["refused"], time.monotonic() - started)
        built = rebuilt(Path(order["folder"]), exercise, files)
    except Rejected as err:
        return rejected(exercise, str(err), time.monotonic() - started)
    dog = Watchdog(box, policy.limits, started)
    session = KernelSession(box.folder, box.key, dog.look, box.interrupt,
                            policy.limits.output, policy.limits.cell_output)  # fmt: skip
    examiner = Examiner(session, policy.limits, int(order["seed"]))
    try:
        session.wait_ready()
        ready = time.monotonic() - started
        bring(session, files)
        examiner.run(built, files, bool(order.get("judge_only")))
    except NotReady as err:
        return {"outcome": "infrastructure", "message": str(err)}, ""
    finally:
        box.kill()
        session.close()
    if not order.get("judge_only") and spoilt(built, examiner, files):
        return {"outcome": "again"}, ""
    checks = rows(built.notebook, examiner)
    notes = [examiner.message, *built.notes]
    if built.missing:
        notes.append(f"missing from the submission: {', '.join(built.missing)}")
    finish(built, [n for n in notes if n])
    seconds = time.monotonic() - started
    spent = {"start": ready, **examiner.spent}
    spent["other"] = seconds - sum(spent.values())
    result = {
        "outcome": examiner.outcome, "message": "; ".join(n for n in notes if n),
        "notes": list(built.notes), "missing": list(built.missing),
        "checks": checks, "seconds": seconds, "spent": spent, "peak_memory": dog.peak,
    }  # fmt: skip
    return result, nbformat.writes(built.notebook)


def rebuilt(folder: Path, exercise: str, files: Mapping[str, bytes]) -> Rebuilt:
    """The trusted notebook with the learner's text. Raises Rejected."""
    place = folder / "submission" / exercise / f"{exercise}.ipynb"
    place.parent.mkdir(parents=True)
    place.write_bytes(files[place.name])
    return rebuild(place, exercise)


def bring(session: KernelSession, files: Mapping[str, bytes]) -> None:
    """Put the other allow-listed files into the learner's folder, before any cell."""
    extra = {n: b for n, b in files.items() if not n.endswith(".ipynb")}
    for name, blob in extra.items():
        data = base64.b64encode(blob).decode()
        code = (
            f"import base64 as _b, pathlib as _p\n_f = _p.Path({name!r})\n"
            f"_f.parent.mkdir(exist_ok=True)\n_f.write_bytes(_b.b64decode({data!r}))\n"
            "del _b, _p, _f"
        )
        session.run(code, 60.0)


def spoilt(built: Rebuilt, examiner: Examiner, files: Mapping[str, bytes]) -> bool:
    """Whether leaving out a training cell may have left a later one without what it needs."""
    if not adapter.carried(files) or not any(adapter.trains(c) for c in built.notebook.cells):
        return False
    lacking = any(v.kind == "missing" for v in examiner.verdicts.values())
    return lacking or examiner.outcome == "student_error"


def finish(built: Rebuilt, notes: list[str]) -> None:
    """Learners' Markdown without raw HTML, and on top what the learner has to know."""
    for cell in built.notebook.cells:
        if cell.cell_type == "markdown" and cell_id(cell, "solution"):
            cell["source"] = sanitize.markdown(cell.source)
    if notes:
        built.notebook.cells.insert(0, note(notes))


def note(lines: list[str]) -> Any:
    """A Markdown cell with sentences as plain text."""
    shown = [re.sub(r"([\\`*_{}\[\]()#+!|>~$-])", r"\\\1", " ".join(n.split())) for n in lines]
    text = "\n".join(f"- {line}" for line in shown)
    return nbformat.v4.new_markdown_cell(f"**From the grader**\n\n{sanitize.markdown(text)}")


def rejected(exercise: str, why: str, seconds: float) -> tuple[Result, str]:
    """A submission that cannot be read: no points, and a page that says why."""
    notebook = template(exercise)
    found = []
    for cell in notebook.cells:
        if cell_id(cell, "solution"):
            cell["source"] = "# The submission could not be read.\n"
        if cell.cell_type == "code":
            cell["outputs"], cell["execution_count"] = [], None
        if (check_id := asked(cell)) is None:
            continue
        check = find(check_id)
        message = f"Not graded: {why}"
        show(cell, check.title, "missing", message, 0.0, check.points)
        found.append({"id": check.id, "points": check.points, "score": 0.0,
                      "message": message, "kind": "missing"})  # fmt: skip
    result = {"outcome": "rejected", "message": why, "checks": found, "seconds": seconds,
              "spent": {}, "peak_memory": 0}  # fmt: skip
    notebook.cells.insert(0, note([why]))
    return result, nbformat.writes(notebook)
