"""What goes back: feedback pages for learners, a CSV of grades, the state of a course."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from autograder.layout import Course


def feedback(course: Course, exercise: str) -> list[Path]:
    """nbgrader's feedback page for every graded submission of `exercise`."""
    from nbgrader.apps import NbGraderAPI

    api = NbGraderAPI(config=course.config())
    written = []
    for folder in sorted((course.root / "autograded").glob(f"*/{exercise}")):
        student = folder.parent.name
        result = api.generate_feedback(exercise, student, force=True)
        page = course.notebook("feedback", student, exercise).with_suffix(".html")
        if not result["success"] or not page.is_file():
            raise RuntimeError(f"No feedback for {student}: {result.get('error', '')[-300:]}")
        written.append(page)
    return written


def grades(course: Course) -> list[dict[str, Any]]:
    """A row for each student and exercise in the gradebook; score is None where not graded."""
    course.config()
    from nbgrader.api import Gradebook, MissingEntry

    rows = []
    with Gradebook(course.database, course_id="fine-tuning") as book:
        for assignment in book.assignments:
            for student in book.students:
                try:
                    found = book.find_submission(assignment.name, student.id)
                    score, state = found.score, "graded"
                except MissingEntry:
                    score, state = None, "not graded"
                rows.append(
                    {
                        "student": student.id,
                        "exercise": assignment.name,
                        "score": score,
                        "max_score": assignment.max_score,
                        "state": state,
                    }
                )
    return rows


def export(course: Course, path: Path) -> int:
    """Write the grades as CSV; the number of rows."""
    rows = grades(course)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["student", "exercise", "score", "max_score", "state"])
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)
