"""exercises/ is what solutions/ generates, and no solution leaks."""

from __future__ import annotations

import nbformat
import pytest

from autograder import layout, release


@pytest.mark.parametrize("exercise", layout.EXERCISES)
def test_exercises_are_generated(exercise: str) -> None:
    stored = layout.sources() / "exercises" / exercise / f"{exercise}.ipynb"
    fresh = release.student_version(exercise)
    assert nbformat.read(stored, as_version=4) == fresh, "run `make exercises`"


@pytest.mark.parametrize("exercise", layout.EXERCISES)
def test_no_solution_line_leaks(exercise: str) -> None:
    given = "\n".join(c.source for c in release.student_version(exercise).cells)
    inside = False
    for cell in nbformat.read(layout.solution(exercise), as_version=4).cells:
        for line in cell.source.splitlines():
            if "END SOLUTION" in line:
                inside = False
            if inside and len(line.strip()) > 12:
                assert line.strip() not in given, line
            if "BEGIN SOLUTION" in line:
                inside = True


def test_unknown_exercise() -> None:
    with pytest.raises(layout.UnknownExercise, match="Did you mean 'lora'"):
        layout.solution("lorra")
