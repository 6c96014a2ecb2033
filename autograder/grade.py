"""Grade a class: workers run submissions side by side, one writer keeps the gradebook."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import nbformat

from autograder.layout import Course, solution
from autograder.rebuild import cell_id
from fttools.errors import FTError, suggest

CELL_TIMEOUT = 600
TRIES = 2
Result = dict[str, Any]


class UnknownStudent(FTError, ValueError):
    """No submission of that student."""


def max_score(exercise: str) -> float:
    """Points of an exercise, from the authors' notebook."""
    cells = nbformat.read(solution(exercise), as_version=4).cells
    return float(sum(c.metadata.nbgrader.points for c in cells if cell_id(c, "grade")))


def grade_one(course: Course, student: str, exercise: str, threads: int) -> Result:
    """Run the worker on one submission; a worker that fails is tried again, then reported as
    infrastructure, which is not a zero."""
    environment = {
        **os.environ,
        "NBGRADER_EXECUTION": "autograde",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": str(threads),
    }
    message = ""
    for _ in range(TRIES):
        with tempfile.TemporaryDirectory() as folder:
            out, executed = Path(folder) / "result.json", Path(folder) / "executed.ipynb"
            command = [
                sys.executable,
                "-m",
                "autograder.worker",
                str(course.notebook("submitted", student, exercise).absolute()),
                exercise,
                str(secrets.randbits(31)),
                str(CELL_TIMEOUT),
                str(out),
                str(executed),
            ]
            done = subprocess.run(command, env=environment, capture_output=True, text=True)
            if out.is_file():
                result = json.loads(out.read_text())
                if executed.is_file():
                    target = course.notebook("autograded", student, exercise)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(executed, target)
                break
            message = done.stderr.strip()[-500:]
    else:
        result = {"outcome": "infrastructure", "message": message, "checks": [], "seconds": 0.0}
    score = float(sum(row["score"] for row in result["checks"]))
    return {
        "student": student,
        "exercise": exercise,
        **result,
        "score": score,
        "max_score": max_score(exercise),
    }


def grade_class(
    course: Course,
    exercise: str,
    student: str | None = None,
    workers: int = 2,
    progress: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Grade every submission (or one student's), record each as it is done, return all results.

    Raises BadCourse for a folder without submissions, UnknownStudent, UnknownExercise.
    """
    solution(exercise)
    students = course.students(exercise)
    if student is not None:
        if student not in students:
            raise UnknownStudent(
                f"{student} has not submitted {exercise}.", suggest(student, students)
            )
        students = [student]
    threads = max(1, (os.cpu_count() or 1) // workers)
    with open_gradebook(course, exercise) as book, ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(grade_one, course, name, exercise, threads) for name in students]
        results = []
        for job in as_completed(jobs):
            result = job.result()
            record(book, result)
            progress(result)
            results.append(result)
    return sorted(results, key=lambda r: str(r["student"]))


def ignored(course: Course, exercise: str) -> Iterator[str]:
    """Folders in submitted/ that hold no submission of `exercise`, with what they hold."""
    for folder in sorted((course.root / "submitted").iterdir()):
        if folder.is_dir() and not (folder / exercise).is_dir():
            inside = ", ".join(sorted(p.name for p in folder.iterdir())[:3]) or "nothing"
            yield f"submitted/{folder.name} has no {exercise}/ folder (it holds {inside})"


def open_gradebook(course: Course, exercise: str) -> Any:
    """nbgrader's gradebook of the course, with the exercise's cells in it."""
    course.config()
    from nbgrader.api import Gradebook

    book = Gradebook(course.database, course_id="fine-tuning")
    book.update_or_create_assignment(exercise)
    book.update_or_create_notebook(exercise, exercise)
    for cell in nbformat.read(solution(exercise), as_version=4).cells:
        if name := cell_id(cell, "grade"):
            points = cell.metadata.nbgrader.points
            book.update_or_create_grade_cell(
                name, exercise, exercise, max_score=points, cell_type="code"
            )
        elif name := cell_id(cell, "solution"):
            book.update_or_create_solution_cell(name, exercise, exercise)
        else:
            continue
        book.update_or_create_source_cell(
            name,
            exercise,
            exercise,
            source=cell.source,
            cell_type="code",
            locked=bool(cell_id(cell, "grade")),
        )
    return book


def record(book: Any, result: Result) -> None:
    """Write a result; a rejected or failed submission gets a student but no score."""
    student, exercise = result["student"], result["exercise"]
    book.update_or_create_student(student)
    if not result["checks"]:
        return
    submission = book.update_or_create_submission(exercise, student)
    for row in result["checks"]:
        cell = book.find_grade(row["id"], exercise, exercise, student)
        cell.auto_score, cell.needs_manual_grade = row["score"], False
    submission.needs_manual_grade = False
    book.db.commit()
