"""Find a check, run its probe on the learner's names, judge, and show the verdict."""

from __future__ import annotations

import importlib
import os
import pkgutil
from pathlib import Path
from typing import Any

import torch

from fttools.checks.core import Answer, BadAnswer, Case, Check, Namespace, Verdict, unpack
from fttools.checks.remote import answer
from fttools.errors import FTError, suggest


class UnknownCheck(FTError, ValueError):
    """No check of that name."""


class CheckFailed(AssertionError):
    """Raised by a failing check while a grader runs the notebook, so that the cell fails."""


def registry() -> dict[str, Check]:
    """All checks by id: those of every package beside `probes`. Empty where no judge is mounted."""
    found = {}
    for entry in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if entry.ispkg and entry.name != "probes":
            package = importlib.import_module(f"fttools.checks.{entry.name}")
            found.update({check.id: check for check in package.CHECKS})
    return found


def find(check_id: str) -> Check:
    """The check called `check_id`. Raises UnknownCheck with the nearest names."""
    known = registry()
    if check_id not in known:
        raise UnknownCheck(f"There is no check {check_id!r}.", suggest(check_id, known))
    return known[check_id]


def verdict(check: Check, case: Case, given: Answer) -> Verdict:
    """Judge an answer; a failed probe is never right."""
    failed, error = given.values.get("failed"), str(given.values.get("error", ""))[:400]
    if failed == "blank":
        return Verdict("blank", "Not attempted yet: replace `raise NotImplementedError()`.")
    if failed == "missing":
        return Verdict("missing", f"{error} is not defined. Run the cell that defines it.")
    if failed is not None:
        return Verdict("crashed", f"Your code raised {error}. Run it on one small input to see.")
    try:
        return check.judge(case, given)
    except (OSError, ImportError, MemoryError):  # the examiner's own trouble, not the answer's
        raise
    except Exception as err:
        # Only a hand-made answer lacks what the probe always sends; it earns nothing.
        return Verdict("wrong", f"The answer is malformed ({type(err).__name__}).")


def examine(check: Check, names: Namespace, seed: int) -> Verdict:
    """Run every case drawn from `seed`; the first that fails decides.

    Answers go through bytes here as they do when grading, so that both see the same thing.
    """
    last = Verdict("missing", "This check drew no case.")
    for case in check.cases(torch.Generator().manual_seed(seed)):
        try:
            last = verdict(check, case, unpack(answer(check.probe, check.needs, names, case)))
        except BadAnswer as err:
            last = Verdict("wrong", str(err))
        if not last.passed:
            return last
    return last


def check(check_id: str, *objects: Any, hint: int = 0, seed: int = 0) -> None:
    """Check the learner's `objects` (in the order the check names) and print the verdict.

    `hint=1`, `hint=2`, … prints that many hints. While a grader runs the notebook a failing check
    raises CheckFailed. In the grading sandbox, where no judge is, it only says so: the examiner
    asks by itself.
    """
    if os.environ.get("NBGRADER_EXECUTION") and not registry():
        print(f"{check_id}: the examiner asks this when grading.")
        return
    found = find(check_id)
    if len(objects) != len(found.needs):
        raise UnknownCheck(f"{check_id} takes {len(found.needs)} objects, got {len(objects)}.",
                           f"check({check_id!r}, {', '.join(found.needs)})")  # fmt: skip
    result = examine(found, dict(zip(found.needs, objects, strict=True)), seed)
    mark = {"right": "✓ right", "blank": "· not attempted"}.get(result.kind, f"✗ {result.kind}")
    print(f"{mark}: {found.title} ({found.points:g} points)\n  {result.message}")
    for number, text in enumerate(found.hints[:hint], 1):
        print(f"  Hint {number}: {text}")
    if not result.passed and found.hints and not hint:
        print("  Stuck? Add hint=1 to this call.")
    if not result.passed and os.environ.get("NBGRADER_EXECUTION"):
        raise CheckFailed(result.message)
