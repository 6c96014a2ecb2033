"""Make the learners' version of an exercise from the authors' notebook."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import nbformat

from autograder.layout import EXERCISES, solution
from fttools.errors import FTError

MARKS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN", "END HIDDEN")


class SolutionLeak(FTError):
    """A released notebook would hold part of a solution."""


def student_version(exercise: str) -> Any:
    """The notebook learners get: solutions cut, outputs cleared, grade cells locked.

    Raises SolutionLeak if a solution's mark or an output is left.
    """
    from nbgrader import preprocessors as nbg

    notebook = nbformat.read(solution(exercise), as_version=4)
    resources: dict[str, Any] = {"nbgrader": {"notebook": exercise}}
    for step in (
        nbg.LockCells,
        nbg.ClearSolutions,
        nbg.ClearOutput,
        nbg.CheckCellMetadata,
        nbg.ComputeChecksums,
        nbg.ClearHiddenTests,
    ):
        notebook, resources = step().preprocess(notebook, resources)
    text = nbformat.writes(notebook)
    for mark in MARKS:
        if mark in text:
            raise SolutionLeak(f"{mark} is still in {exercise}.", "closing every solution region")
    if any(cell.get("outputs") for cell in notebook.cells):
        raise SolutionLeak(f"{exercise} has stored outputs.", "clearing the outputs")
    return notebook


def release(exercises: list[str], out: Path) -> list[Path]:
    """Write each exercise to `out`/EXERCISE/EXERCISE.ipynb and return the paths."""
    written = []
    for exercise in exercises or EXERCISES:
        path = out / exercise / f"{exercise}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(student_version(exercise), path)
        written.append(path)
    return written


def template_hash(exercise: str) -> str:
    """SHA-256 of the authors' notebook, for a grade's provenance."""
    return hashlib.sha256(solution(exercise).read_bytes()).hexdigest()
