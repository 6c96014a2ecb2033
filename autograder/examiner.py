"""The trusted side of grading one submission: draw cases, ask the kernel, judge what it says.

Runs in a process of its own for each submission (see `template`), so that a submission that
upsets it upsets nobody else's. Seeds and judges exist here and not in the sandbox.
"""

from __future__ import annotations

import base64
import hashlib
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import nbformat
import torch

from autograder import adapter, sanitize
from autograder.policy import Limits
from autograder.rebuild import Rebuilt, cell_id
from autograder.session import KernelSession, Lost, Ran, TooLong
from fttools.checks import Case, Check, Verdict, find
from fttools.checks.core import Answer, BadAnswer, pack, unpack
from fttools.checks.remote import place
from fttools.checks.run import verdict

NO_MEMORY = ("MemoryError", "OutOfMemoryError")
NO_MEMORY_TEXT = ("can't allocate memory", "cannot allocate memory", "out of memory")

QUOTED = re.compile(r"'([A-Za-z0-9+/=]*)'")  # base64 as Python prints it
JUDGE_SECONDS = 300.0


class TookTooLong(BaseException):
    """A judge ran past its time; not an Exception, so that no judge's own handler takes it."""


def seed_for(seed: int, check_id: str) -> int:
    """The check's own seed, so that checks do not share draws and can be repeated singly."""
    blob = hashlib.sha256(f"{seed}:{check_id}".encode()).digest()
    return int.from_bytes(blob[:8], "little") >> 1


class Examiner:
    """Examines one submission in one kernel."""

    def __init__(self, session: KernelSession, limits: Limits, seed: int) -> None:
        self.session, self.limits, self.seed = session, limits, seed
        self.outcome, self.message = "graded", ""
        self.lost: Lost | None = None
        self.verdicts: dict[str, Verdict] = {}
        self.spent = {"cells": 0.0, "probes": 0.0, "judges": 0.0}

    def timed(self, what: str, do: Callable[[], Any]) -> Any:
        """`do()`, its seconds added to `what`."""
        started = time.monotonic()
        try:
            return do()
        finally:
            self.spent[what] += time.monotonic() - started

    def fail(self, outcome: str, message: str) -> None:
        """Note what went wrong; the first thing that did names the outcome."""
        if self.outcome == "graded":
            self.outcome, self.message = outcome, message

    def run_cell(self, cell: Any) -> None:
        """Run a cell of the rebuilt notebook and keep its outputs, made safe."""
        try:
            ran: Ran = self.timed(
                "cells", lambda: self.session.run(cell.source, self.limits.cell_seconds)
            )
        except TooLong as err:
            self.fail("timeout", str(err))
            cell["outputs"] = as_outputs([stream(f"Stopped: {err}.\n")])
            return
        cell["outputs"] = as_outputs(sanitize.outputs(ran.outputs))
        name, value = ran.error
        if ran.status != "ok" and name and name != "NotImplementedError":
            line = f"{name}: {value[:300]}"
            short = name in NO_MEMORY or any(t in value.lower() for t in NO_MEMORY_TEXT)
            self.fail("out_of_memory" if short else "student_error", line)

    def examine(self, check: Check) -> Verdict:
        """The first case that fails decides; no answer is never a pass."""
        generator = torch.Generator().manual_seed(seed_for(self.seed, check.id))
        last = Verdict("missing", "This check drew no case.")
        for case in check.cases(generator):
            try:
                given = self.timed("probes", partial(self.ask, check, case))
            except TooLong:
                seconds = self.limits.probe_seconds
                self.fail("timeout", f"{check.title} ran for more than {seconds:g} s")
                return Verdict("crashed", f"Your code ran over {seconds:g} s on one input.")
            except BadAnswer as err:
                return Verdict("missing", f"No answer came back from your code. {err.message}")
            last = self.judge(check, case, given)
            if not last.passed:
                return last
        return last

    def judge(self, check: Check, case: Case, given: Answer) -> Verdict:
        """The verdict on one answer; one that cannot be judged in time is none."""

        def bounded() -> Verdict:
            with in_time(JUDGE_SECONDS):
                return verdict(check, case, given)

        try:
            return self.timed("judges", bounded)  # type: ignore[no-any-return]
        except TookTooLong:
            return Verdict("wrong", "The answer could not be judged in time.")

    def ask(self, check: Check, case: Case) -> Answer:
        """Send a probe's place and a case into the kernel. Raises BadAnswer, TooLong, Lost."""
        sent = base64.b64encode(pack(Answer(case.tensors, case.values))).decode()
        call = (
            f"__import__('fttools.checks.remote', fromlist=['x']).reply("
            f"{place(check.probe)!r}, {check.needs!r}, {sent!r}, globals())"
        )
        ran = self.session.run("", self.limits.probe_seconds, {"answer": call})
        return unpack(said(ran.values.get("answer")))

    def run(self, built: Rebuilt, files: Mapping[str, bytes], judge_only: bool = False) -> None:
        """Run and examine the whole notebook; what was found before a crash counts.

        A carried adapter decides the check it is for; with `judge_only` its cell is run all the
        same, because a later cell needs what it makes.
        """
        for cell in built.notebook.cells:
            check_id = adapter.trains(cell)
            if check_id is not None and adapter.carried(files):
                self.verdicts[check_id] = self.carried(find(check_id), files)
                if not judge_only:
                    cell["source"] = adapter.instead(cell)
        for cell in built.notebook.cells:
            if cell.cell_type != "code":
                continue
            check_id = asked(cell)
            try:
                if check_id is None:
                    self.run_cell(cell)
                elif check_id not in self.verdicts:
                    self.verdicts[check_id] = self.examine(find(check_id))
            except Lost as lost:
                self.lost = lost
                self.outcome, self.message = lost.outcome, lost.message
                return

    def carried(self, check: Check, files: Mapping[str, bytes]) -> Verdict:
        """The verdict on an adapter that was handed in."""
        try:
            given = adapter.answer(files)
        except adapter.BadAdapter as err:
            return Verdict("wrong", f"The adapter handed in cannot be examined: {err.message}")
        seeded = torch.Generator().manual_seed(seed_for(self.seed, check.id))
        found = Verdict("missing", "This check drew no case.")
        for case in check.cases(seeded):
            found = self.judge(check, case, given)
            if not found.passed:
                break
        return Verdict(found.kind, f"{found.message} (The adapter handed in was examined.)")


def said(value: Any) -> bytes:
    """The bytes in a kernel's answer to a `user_expressions` request. Raises BadAnswer."""
    try:
        found = QUOTED.fullmatch(value["data"]["text/plain"])
        if found is None:
            raise TypeError("no base64")
        return base64.b64decode(found[1], validate=True)
    except Exception as err:  # whatever a kernel may make up
        raise BadAnswer("Nothing readable was sent.", "running the check again") from err


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Raise TookTooLong after `seconds`: an answer may be made to be slow to judge."""

    def stop(*_: Any) -> None:
        raise TookTooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def asked(cell: Any) -> str | None:
    """The check a cell asks; None for an answer that a person grades, and for other cells."""
    return None if cell_id(cell, "solution") else cell_id(cell, "grade")


def as_outputs(outputs: list[dict[str, Any]]) -> list[Any]:
    """Outputs as nbformat's own objects."""
    return [nbformat.from_dict(output) for output in outputs]


def stream(text: str) -> dict[str, Any]:
    """A notebook's stdout output."""
    return {"output_type": "stream", "name": "stdout", "text": text}


def rows(notebook: Any, examiner: Examiner) -> list[dict[str, Any]]:
    """A row for each check, and its verdict written under its cell for feedback and formgrader.

    nbgrader reads the number after the text as the cell's score.
    """
    found = []
    for cell in notebook.cells:
        check_id = asked(cell)
        if check_id is None:
            continue
        check = find(check_id)
        why = examiner.lost.message if examiner.lost else "nothing was run"
        got = examiner.verdicts.get(check_id, Verdict("missing", f"Not reached: {why}."))
        score = check.points if got.passed else 0.0
        show(cell, check.title, got.kind, got.message, score, check.points)
        found.append({"id": check.id, "points": check.points, "score": score,
                      "message": got.message, "kind": got.kind})  # fmt: skip
    return found


def show(cell: Any, title: str, kind: str, message: str, score: float, points: float) -> None:
    """Write a verdict under its cell."""
    text = sanitize.text(f"{title}: {kind}, {score:g} of {points:g} points\n{message}\n")
    number = {"output_type": "execute_result", "execution_count": None, "metadata": {},
              "data": {"text/plain": repr(float(score))}}  # fmt: skip
    cell["outputs"] = as_outputs([stream(text), number])
