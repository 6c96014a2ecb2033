"""The same attacks on plain nbgrader: a small assignment with asserts and hidden tests.

`count` grades them with `nbgrader autograde` as it comes, and says which got full marks unearned.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat

NAME = "plain"
FULL = 5.0
GIVEN = "import torch\nfrom torch import nn"
DOUBLE = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
SCALED = (
    "def scaled(layer, x, factor):\n    ### BEGIN SOLUTION\n"
    "    return factor * layer(x)\n    ### END SOLUTION"
)
INTEGERS = (
    "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nassert double(7) == 14\n### END HIDDEN TESTS"
)
CLOSE = (
    "layer, x = nn.Linear(3, 2), torch.randn(4, 3)\n### BEGIN HIDDEN TESTS\n"
    "assert torch.allclose(scaled(layer, x, 0.5), 0.5 * layer(x))\n### END HIDDEN TESTS"
)
CONFIG = """
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = "plain"
c.CourseDirectory.db_url = "sqlite:///{root}/gradebook.db"
c.ExecutePreprocessor.timeout = 60
"""


def marked(source: str, grade_id: str, points: float | None = None) -> Any:
    """A code cell as nbgrader marks it: a solution, or a test worth points."""
    meta: dict[str, Any] = {"grade_id": grade_id, "schema_version": 3, "task": False,
                            "grade": points is not None, "locked": points is not None,
                            "solution": points is None}  # fmt: skip
    if points is not None:
        meta["points"] = points
    return nbformat.v4.new_code_cell(source, metadata={"nbgrader": meta})


def source() -> Any:
    """The authors' notebook of the plain assignment."""
    cells = [nbformat.v4.new_code_cell(GIVEN), marked(DOUBLE, "double"),
             marked(INTEGERS, "integers", 2), marked(SCALED, "scaled"),
             marked(CLOSE, "close", 3)]  # fmt: skip
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def plainly(text: str, after: bool = True) -> Callable[[Any], None]:
    """An attack on the plain assignment: code in the first solution cell, nothing solved."""

    def change(notebook: Any) -> None:
        cell = next(c for c in notebook.cells if "def double" in c.source)
        other = next(c for c in notebook.cells if "def scaled" in c.source)
        stub = "def double(x):\n    return None"
        cell.source = f"{stub}\n{text}" if after else f"{text}\n{stub}"
        other.source = "" if "scaled" in text else "def scaled(layer, x, factor):\n    return None"

    return change


def prepare(course: Path) -> Any:
    """A course with the plain assignment generated; the released notebook."""
    folder = course / "source" / NAME
    folder.mkdir(parents=True)
    nbformat.write(source(), folder / f"{NAME}.ipynb")
    (course / "nbgrader_config.py").write_text(CONFIG.format(root=str(course.resolve())))
    run(course, "generate_assignment", NAME)
    return nbformat.read(course / "release" / NAME / f"{NAME}.ipynb", as_version=4)


def run(course: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """One nbgrader command in the course folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *command], cwd=course, text=True, capture_output=True,
        env={**os.environ, "PATH": path}, timeout=600,
    )  # fmt: skip


def submit(course: Path, student: str, released: Any, change: Callable[[Any], None]) -> None:
    """One student's submission of the plain assignment."""
    notebook = copy.deepcopy(released)
    change(notebook)
    notebook = nbformat.from_dict(notebook)  # an attack may have put plain dicts in
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{NAME}.ipynb")


def scores(course: Path) -> dict[str, float]:
    """Each student's score in the gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course.resolve()}/gradebook.db", course_id="plain") as book:
        return {s.student.id: float(s.score) for s in book.assignment_submissions(NAME)}


def count(course: Path, attacks: Iterable[Any]) -> dict[str, Any]:
    """Grade the attacks that plain nbgrader can be given, each in a course of its own.

    Of its own, because one broken submission stops nbgrader's whole run.
    """
    earned: dict[str, float | None] = {}
    harmed = []
    for number, attack in enumerate(a for a in attacks if a.plain is not None):
        folder = course / f"{number:02d}"
        released = prepare(folder)
        submit(folder, attack.name, released, attack.plain)
        submit(folder, "honest", released, solved)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run(folder, "autograde", NAME)
        found = scores(folder)
        earned[attack.name] = found.get(attack.name)
        if found.get("honest") != FULL:
            harmed.append(attack.name)
    full = sorted(name for name, score in earned.items() if score is not None and score >= FULL)
    return {"tried": len(earned), "full_marks": full, "scores": earned,
            "honest_beside_not_graded_right": harmed}  # fmt: skip


def solved(notebook: Any) -> None:
    """An honest solution of the plain assignment."""
    for cell in notebook.cells:
        if "def double" in cell.source:
            cell.source = DOUBLE.replace("### BEGIN SOLUTION\n    ", "")
        if "def scaled" in cell.source:
            cell.source = SCALED.replace("### BEGIN SOLUTION\n    ", "")


if __name__ == "__main__":
    from tests.attacks.catalogue import ATTACKS

    print(json.dumps(count(Path(sys.argv[1]), ATTACKS), indent=1))
