"""Find a check, run its probe on the learner's names, judge, and show the verdict."""

from __future__ import annotations

import os
from typing import Any

import torch

from fttools.checks.core import Answer, Case, Check, Namespace, Verdict, pack, unpack
from fttools.errors import FTError, suggest


class UnknownCheck(FTError, ValueError):
    """No check of that name."""


class CheckFailed(AssertionError):
    """Raised by a failing check while a grader runs the notebook, so that the cell fails."""


def registry() -> dict[str, Check]:
    """All checks by id."""
    from fttools.checks import lora

    return {check.id: check for check in lora.CHECKS}


def find(check_id: str) -> Check:
    """The check called `check_id`. Raises UnknownCheck with the nearest names."""
    known = registry()
    if check_id not in known:
        raise UnknownCheck(f"There is no check {check_id!r}.", suggest(check_id, known))
    return known[check_id]


def answer(check: Check, names: Namespace, case: Case) -> bytes:
    """The probe's answer, packed; what it raises becomes an answer that says so."""
    lacking = [name for name in check.needs if name not in names]
    if lacking:
        return pack(Answer(values={"failed": "missing", "error": ", ".join(lacking)}))
    blank = Answer(values={"failed": "blank", "error": ""})
    if any(names[name] is None for name in check.needs):
        return pack(blank)
    try:
        return pack(check.probe(names, case))
    except NotImplementedError:
        return pack(blank)
    except Exception as err:  # whatever a learner's code raises is an answer
        line = " ".join(str(err).split())[:300]
        failed = {"failed": "crashed", "error": f"{type(err).__name__}: {line}"}
        return pack(Answer(values=failed))


def verdict(check: Check, case: Case, given: Answer) -> Verdict:
    """Judge an answer; a failed probe is never right."""
    failed, error = given.values.get("failed"), given.values.get("error", "")
    if failed == "blank":
        return Verdict("blank", "Not attempted yet: replace `raise NotImplementedError()`.")
    if failed == "missing":
        return Verdict("missing", f"{error} is not defined. Run the cell that defines it.")
    if failed is not None:
        return Verdict("crashed", f"Your code raised {error}. Run it on one small input to see.")
    try:
        return check.judge(case, given)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        # Only a hand-made answer lacks what the probe always sends; it earns nothing.
        return Verdict("wrong", f"The answer is malformed ({type(err).__name__}).")


def examine(check: Check, names: Namespace, seed: int) -> Verdict:
    """Run every case drawn from `seed`; the first that fails decides.

    Answers go through bytes here as they do when grading, so that both see the same thing.
    """
    last = Verdict("missing", "This check drew no case.")
    for case in check.cases(torch.Generator().manual_seed(seed)):
        last = verdict(check, case, unpack(answer(check, names, case)))
        if not last.passed:
            return last
    return last


def check(check_id: str, *objects: Any, hint: int = 0, seed: int = 0) -> None:
    """Check the learner's `objects` (in the order the check names) and print the verdict.

    `hint=1`, `hint=2`, … prints that many hints. While a grader runs the notebook a failing check
    raises CheckFailed.
    """
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
