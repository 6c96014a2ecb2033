"""Read a submission defensively, and put the learner's solution text into the trusted template."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from autograder.layout import solution
from fttools.errors import FTError

MOST_BYTES = 5 * 2**20


class Rejected(FTError, ValueError):
    """A submission that cannot be graded, and why."""


@dataclass(frozen=True)
class Rebuilt:
    """The notebook to run, and the solution cells the submission lacked."""

    notebook: Any
    missing: tuple[str, ...]


def cell_id(cell: Any, kind: str) -> str | None:
    """The grade_id of a cell whose nbgrader metadata says `kind` (solution, grade)."""
    meta = cell.get("metadata", {}).get("nbgrader", {})
    return meta.get("grade_id") if isinstance(meta, dict) and meta.get(kind) else None


def read(path: Path) -> Any:
    """The submitted notebook. Raises Rejected for anything that is not one."""
    if not path.is_file():
        found = ", ".join(sorted(p.name for p in path.parent.glob("*"))[:5]) or "nothing"
        raise Rejected(
            f"There is no {path.name} in the submission (found: {found}).",
            f"handing in the file under its own name, {path.name}",
        )
    if path.is_symlink() or path.stat().st_size > MOST_BYTES:
        raise Rejected(
            f"{path.name} is a link or larger than {MOST_BYTES // 2**20} MB.",
            "clearing all outputs before saving",
        )
    try:
        text = path.read_text(encoding="utf-8")
        json.loads(text)
    except ValueError as err:  # UnicodeDecodeError is one
        raise Rejected(
            f"{path.name} is not a notebook (not JSON: {err}).",
            "downloading it again from Jupyter or Colab as .ipynb",
        ) from err
    try:
        return nbformat.reads(text, as_version=4)
    except Exception as err:  # nbformat raises many kinds for many faults
        raise Rejected(
            f"{path.name} is JSON, but no notebook ({type(err).__name__}).",
            "downloading it again as .ipynb",
        ) from err


def rebuild(path: Path, exercise: str) -> Rebuilt:
    """The authors' notebook with this submission's solution text; nothing else of it runs.

    A solution is found by its grade_id (the last one where it is there twice). Raises Rejected
    where the file is no notebook, is another exercise's, or has no solution cell at all.
    """
    submitted = read(path)
    template = nbformat.read(solution(exercise), as_version=4)
    wanted = [i for c in template.cells if (i := cell_id(c, "solution"))]
    found: dict[str, str] = {}
    for cell in submitted.cells:
        name = cell_id(cell, "solution")
        if name is not None:
            found[name] = str(cell.get("source", ""))
    if not found:
        raise Rejected(
            "The notebook has no solution cells.",
            f"starting from the released {exercise}.ipynb; its cells carry the marks "
            "that grading needs",
        )
    if not set(found) & set(wanted):
        raise Rejected(
            f"This is another exercise's notebook (it has {', '.join(sorted(found))}).",
            f"handing in {exercise}.ipynb",
        )
    missing = []
    for cell in template.cells:
        cell["outputs"] = [] if cell.cell_type == "code" else cell.get("outputs", [])
        if cell.cell_type != "code":
            cell.pop("outputs", None)
        name = cell_id(cell, "solution")
        if name is None:
            continue
        if name not in found:
            missing.append(name)
        cell["source"] = found.get(name, "raise NotImplementedError('missing from the submission')")
    return Rebuilt(template, tuple(missing))
