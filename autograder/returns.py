"""What goes back: feedback pages for learners, a CSV of grades, the state of a course."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from autograder.journal import Journal
from autograder.layout import Course, solution
from fttools.errors import FTError


class NoFeedback(FTError, RuntimeError):
    """Some feedback pages could not be made; the others are there."""


def feedback(course: Course, exercise: str) -> list[Path]:
    """nbgrader's feedback page for every graded submission of `exercise`."""
    from nbgrader.apps import NbGraderAPI

    solution(exercise)
    api = NbGraderAPI(config=course.config())
    written, failed = [], []
    for folder in sorted((course.root / "autograded").glob(f"*/{exercise}")):
        student = folder.parent.name
        result = api.generate_feedback(exercise, student, force=True)
        page = course.notebook("feedback", student, exercise).with_suffix(".html")
        if not result["success"] or not page.is_file():
            failed.append(f"{student}: {str(result.get('error', ''))[-300:].strip()}")
            continue
        written.append(page)
    if failed:
        raise NoFeedback(
            f"{len(written)} pages are written, {len(failed)} could not be: {'; '.join(failed)}",
            f"autograder grade {exercise} --student NAME --force, then feedback again",
        )
    return written


def grades(course: Course) -> list[dict[str, Any]]:
    """A row for each student and exercise: gradebook's score, and the outcome behind it.

    The score is None where there is none: not submitted, or the grader failed, which is no zero.
    `state` is graded, not graded, or `needs review` where a person has to look.
    """
    course.config()
    from nbgrader.api import Gradebook, MissingEntry

    rows = []
    with Gradebook(course.database, course_id="fine-tuning") as book:
        for assignment in book.assignments:
            known = Journal(course.root).latest(assignment.name)
            for student in sorted(book.students, key=lambda s: str(s.id)):
                result = known.get(student.id, {}).get("result", {})
                try:
                    found = book.find_submission(assignment.name, student.id)
                    score = found.score
                    state = "needs review" if found.needs_manual_grade else "graded"
                except MissingEntry:
                    score, state = None, "not graded"
                rows.append(
                    {
                        "student": student.id,
                        "exercise": assignment.name,
                        "score": score,
                        "max_score": assignment.max_score,
                        "state": state,
                        "outcome": result.get("outcome", ""),
                        "message": str(result.get("message", "")).partition("\n")[0],
                    }
                )
    return rows


COLUMNS = ("student", "exercise", "score", "max_score", "state", "outcome", "message")


def export(course: Course, path: Path) -> int:
    """Write the grades as CSV; the number of rows."""
    rows = grades(course)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows({k: harmless(v) for k, v in row.items()} for row in rows)
    return len(rows)


def harmless(value: Any) -> Any:
    """A cell that a spreadsheet shows and does not run: a leading = + - @ starts a formula."""
    if isinstance(value, str) and value[:1] in tuple("=+-@\t\r"):
        return "'" + value
    return value
