"""nbgrader's own commands with this grader behind them.

    autograder init --course DIR      writes nbgrader_config.py, fills the gradebook
    cd DIR; nbgrader autograde lora   grades in the sandbox, by the examiner

`Examine` takes the place of nbgrader's execution, so an instructor who runs the stock command gets
the same verdicts. The number it leaves under each check is what nbgrader's SaveAutoGrades reads.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder import cluster, journal, layout, sanitize, submissions
from autograder.gradebook import open_gradebook
from autograder.rebuild import cell_id
from autograder.worker import Settings
from fttools.errors import FTError

CONFIG = '''"""nbgrader's configuration of this course folder: written by `autograder init`."""

from autograder.steps import configure

configure(get_config(), __file__)  # noqa: F821
'''


class NotGraded(FTError, RuntimeError):
    """The grader itself failed on a submission; it gets no score, and no zero."""


class Examine(NbGraderPreprocessor):  # type: ignore[misc]
    """Replaces a submitted notebook by the rebuilt one, run in a sandbox and examined outside."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Grade the file, whatever nbgrader read from it. Raises NotGraded, Refused."""
        names = resources["nbgrader"]
        course = layout.Course(Path(resources["metadata"]["path"]).resolve().parents[2])
        student, exercise = names["student"], names["assignment"]
        taken = submissions.take(course, student, exercise)
        key = submissions.key(taken)
        order = {"student": student, "exercise": exercise, "refused": taken.refused, "gpu": False,
                 "seed": secrets.randbits(62), "key": key}  # fmt: skip
        result, text = cluster.grade_task(order, taken.files, Settings())
        if result["outcome"] == "infrastructure":
            raise NotGraded(f"{student} was not graded: {result['message']}", "grading it again")
        score = float(sum(row["score"] for row in result["checks"]))
        entry = {"student": student, "exercise": exercise, **result, "score": score,
                 "seed": order["seed"], "key": key}  # fmt: skip
        with journal.lock(course.root):
            book, name = journal.Journal(course.root), secrets.token_hex(8)
            book.append("graded", student=student, exercise=exercise, id=name, key=key,
                        result=entry)  # fmt: skip
            # nbgrader's next step writes the gradebook, from the notebook returned here.
            book.append("recorded", student=student, exercise=exercise, id=name)
        return nbformat.reads(text, as_version=4), resources


class Clean(NbGraderPreprocessor):  # type: ignore[misc]
    """Takes out of outputs and of learners' Markdown what a browser would run."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Stored notebooks are clean already; one that somebody else made may not be."""
        for cell in nb.cells:
            if cell.cell_type == "code":
                found = sanitize.outputs([dict(o) for o in cell.get("outputs", [])])
                cell["outputs"] = [nbformat.from_dict(o) for o in found]
            elif cell_id(cell, "solution"):
                cell["source"] = sanitize.markdown(cell.source)
        return nb, resources


def configure(config: Any, config_file: str | None = None) -> Any:
    """Set nbgrader's steps; with a course's `nbgrader_config.py`, its folders too."""
    from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
    from nbgrader.preprocessors import (
        AssignLatePenalties,
        CheckCellMetadata,
        GetGrades,
        SaveAutoGrades,
    )

    config.Autograde.sanitize_preprocessors = [Examine]
    config.Autograde.autograde_preprocessors = [
        Clean, SaveAutoGrades, AssignLatePenalties, CheckCellMetadata,
    ]  # fmt: skip
    config.GenerateFeedback.preprocessors = [Clean, GetGrades, CSSHTMLHeaderPreprocessor]
    config.HTMLExporter.preprocessors = [Clean]  # formgrader's pages
    if config_file is not None:
        course = layout.Course(Path(config_file).resolve().parent)
        config.CourseDirectory.root = str(course.root)
        config.CourseDirectory.course_id = layout.COURSE_ID
        config.CourseDirectory.db_url = course.database
        config.CourseDirectory.source_directory = "solutions"
        config.CourseDirectory.release_directory = "exercises"
        # Files that stay out of autograded/: only the notebook and its own are graded.
        config.CourseDirectory.ignore = [".autograder", ".ipynb_checkpoints", "__pycache__"]
    return config


def init(course: layout.Course) -> Path:
    """Make a course folder nbgrader's commands and formgrader work in; its configuration file."""
    for name in ("submitted", "autograded", "feedback"):
        (course.root / name).mkdir(parents=True, exist_ok=True)
    # formgrader lists the exercises that it finds there, and no others.
    link = course.root / "solutions"
    if link.is_symlink():  # perhaps to a checkout that has moved
        link.unlink()
    if not link.exists():
        link.symlink_to(layout.sources() / "solutions")
    for exercise in layout.EXERCISES:
        with open_gradebook(course, exercise):
            pass
    path = course.root / "nbgrader_config.py"
    if not path.exists():
        journal.replace(path, CONFIG)
    return path
