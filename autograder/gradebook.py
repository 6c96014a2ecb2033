"""nbgrader's gradebook of a course: one process writes it, the grader's main one."""

from __future__ import annotations

from typing import Any

from autograder.layout import Course
from autograder.rebuild import cell_id, template

Result = dict[str, Any]


def max_score(exercise: str) -> float:
    """Points of an exercise, from the authors' notebook."""
    cells = template(exercise).cells
    return float(sum(c.metadata.nbgrader.points for c in cells if cell_id(c, "grade")))


def open_gradebook(course: Course, exercise: str) -> Any:
    """The course's gradebook, with the exercise's cells as the authors' notebook has them now."""
    course.config()
    from nbgrader.api import Gradebook

    book = Gradebook(course.database, course_id="fine-tuning")
    book.update_or_create_assignment(exercise)
    notebook = book.update_or_create_notebook(exercise, exercise)
    current = set()
    for cell in template(exercise).cells:
        name = cell_id(cell, "grade") or cell_id(cell, "solution")
        if name is None:
            continue
        current.add(name)
        kind = cell.cell_type
        if cell_id(cell, "grade"):
            points = cell.metadata.nbgrader.points
            book.update_or_create_grade_cell(name, exercise, exercise, max_score=points,
                                             cell_type=kind)  # fmt: skip
        if cell_id(cell, "solution"):
            book.update_or_create_solution_cell(name, exercise, exercise)
        book.update_or_create_source_cell(
            name, exercise, exercise, source=cell.source, cell_type=kind,
            locked=not cell_id(cell, "solution"),
        )  # fmt: skip
    for cells in (notebook.grade_cells, notebook.solution_cells, notebook.source_cells):
        for cell in [c for c in cells if c.name not in current]:
            book.db.delete(cell)  # with what submissions had for it
    book.db.commit()
    return book


def record(book: Any, result: Result) -> None:
    """Write a result. One that failed for the grader's own reasons gets a student and no score.

    A score that a person gave stays, and is marked for another look.
    """
    student, exercise = result["student"], result["exercise"]
    with book.db.no_autoflush:  # nbgrader's API fills objects before it adds them
        write(book, result, student, exercise)


def write(book: Any, result: Result, student: str, exercise: str) -> None:
    """`record`, inside a session that flushes when told."""
    from nbgrader.api import MissingEntry

    book.update_or_create_student(student)
    if result["outcome"] == "infrastructure":
        return
    scores = {row["id"]: float(row["score"]) for row in result["checks"]}
    known = {c.name for c in book.find_notebook(exercise, exercise).grade_cells}
    try:
        submission = book.find_submission(exercise, student)
        held = {g.name for n in submission.notebooks for g in n.grades}
        if held != known:  # the exercise has gained cells since
            book.remove_submission(exercise, student)
            raise MissingEntry
    except MissingEntry:
        submission = book.add_submission(exercise, student)
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            if grade.name in scores:
                changed = grade.auto_score != scores[grade.name]
                grade.auto_score = scores[grade.name]
                grade.needs_manual_grade = grade.manual_score is not None and changed
            else:
                grade.needs_manual_grade = grade.manual_score is None
    book.db.commit()
