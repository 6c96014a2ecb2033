"""Put the learner's solution text into the trusted template; nothing else of theirs runs.

built = rebuild(Path("submitted/ada/lora/lora.ipynb"), "lora")
built.notebook    the authors' notebook with Ada's solutions
built.missing     parts that were not handed in, by name and heading
built.notes       what had to be guessed, and what was left out, in words for Ada
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat

from autograder import layout
from autograder.matching import match
from autograder.parts import cell_id, lines, parts, untouched
from autograder.reading import LIMITS, Cell, Rejected, Unreadable, bytes_of, notebook
from fttools.errors import FTError

__all__ = ["Rebuilt", "Rejected", "cell_id", "exercise_of", "fill", "progress", "read", "rebuild"]

MISSING = {
    "code": "raise NotImplementedError('missing from the submission')",
    "markdown": "*(missing from the submission)*",
}


@dataclass(frozen=True)
class Rebuilt:
    """The notebook to run, the parts the submission lacked, and notes for its author."""

    notebook: Any
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=16)
def _parsed(exercise: str, changed: float) -> Any:
    return nbformat.read(layout.solution(exercise), as_version=4)


def template(exercise: str) -> Any:
    """The authors' notebook, a fresh copy. Raises UnknownExercise."""
    found = layout.solution(exercise)
    return copy.deepcopy(_parsed(exercise, found.stat().st_mtime))


def read(path: Path) -> list[Cell]:
    """The submitted cells. Raises Rejected for anything that is no notebook, or behind a link."""
    folders = path.parents[:2]  # submitted/STUDENT/EXERCISE
    linked = next((p for p in (path, *folders) if p.is_symlink()), None)
    if linked is not None:
        raise Rejected(f"{linked.name} is a link.", "handing in the file itself")
    if not path.is_file():
        inside = path.parent.glob("*") if path.parent.is_dir() else ()
        found = ", ".join(sorted(p.name for p in inside)[:5]) or "nothing"
        raise Rejected(
            f"There is no {path.name} in the submission (found: {found}).",
            f"handing in the file under its own name, {path.name}",
        )
    try:
        return notebook(bytes_of(path, LIMITS.notebook), path.name)
    except Unreadable as err:
        raise Rejected(f"{path.name}: {err.message}.", err.remedy) from err


def exercise_of(cells: list[Cell], prefer: str | None = None) -> str | None:
    """Which exercise a notebook is: by its grade_ids, else by cells that it shares with one.

    Where two fit equally, `prefer`."""
    ids = {c.grade_id for c in cells if c.grade_id}
    texts = Counter(tuple(lines(c.source)) for c in cells)
    scores = {}
    for exercise in layout.EXERCISES:
        try:
            known = template(exercise)
        except (FTError, OSError):  # an exercise that this checkout does not have yet
            continue
        named = {
            i for c in known.cells for kind in ("solution", "grade") if (i := cell_id(c, kind))
        }
        same = sum(1 for c in known.cells if texts[tuple(lines(c.source))] and c.source.strip())
        if ids & named or same:
            scores[exercise] = (len(named & ids), same, exercise == prefer)
    return max(scores, key=lambda name: scores[name], default=None)


def fill(trusted: Any, cells: list[Cell]) -> Rebuilt:
    """`trusted` (changed in place) with the solutions found in `cells`. Raises Rejected when there
    is none."""
    asked = parts(trusted)
    given = [c.source for c in trusted.cells if cell_id(c, "solution") is None]
    result = match(cells, asked, given, _around(trusted))
    if not result.sources:
        raise Rejected(
            "The notebook has no solution cells.",
            "starting from the released notebook and writing into its solution cells",
        )
    graded = [c.source.strip() for c in trusted.cells
              if cell_id(c, "grade") and not cell_id(c, "solution")]  # fmt: skip
    by_name = {part.name: part for part in asked}
    notes = list(result.notes)
    for cell in trusted.cells:
        if cell.cell_type == "code":
            cell["outputs"], cell["execution_count"] = [], None
        name = cell_id(cell, "solution")
        if name is None:
            continue
        text = result.sources.get(name)
        if text is not None and len(text) > LIMITS.source:
            notes.append(f"{name} has {len(text):,} characters; {LIMITS.source:,} are accepted.")
            text = None
        if text is None and name not in result.missing:
            result.missing.append(name)
        cell["source"] = MISSING[cell.cell_type] if text is None else without(text, graded)
    missing = tuple(by_name[n].shown for n in by_name if n in result.missing)
    return Rebuilt(trusted, missing, tuple(dict.fromkeys(notes)))


def without(text: str, graded: list[str]) -> str:
    """A solution's text without the check calls that a merged cell brought along."""
    return "\n".join(line for line in text.split("\n") if line.rstrip() not in graded)


def _around(trusted: Any) -> dict[str, tuple[str, str]]:
    """The texts of the nearest given cells before and after each part."""
    texts = [None if cell_id(c, "solution") else c.source for c in trusted.cells]
    found = {}
    for index, cell in enumerate(trusted.cells):
        if name := cell_id(cell, "solution"):
            before = next((t for t in reversed(texts[:index]) if t), "")
            found[name] = (before, next((t for t in texts[index + 1 :] if t), ""))
    return found


def rebuild(path: Path, exercise: str) -> Rebuilt:
    """The authors' notebook with this submission's solution text; nothing else of it runs.

    Raises Rejected where the file is no notebook, is another exercise's, or has no solution.
    """
    cells = read(path)
    trusted = template(exercise)
    other = exercise_of(cells, exercise)
    ids = sorted({c.grade_id for c in cells if c.grade_id and c.solution})
    if other != exercise and (other is not None or ids):
        raise Rejected(
            f"This is another exercise's notebook (it has {', '.join(ids[:5]) or other}).",
            f"handing in {exercise}.ipynb",
        )
    try:
        return fill(trusted, cells)
    except Rejected as err:
        raise Rejected(err.message, f"starting from the released {exercise}.ipynb") from err


def progress(cells: list[Cell], exercise: str) -> int:
    """How many parts have something written in them."""
    trusted = template(exercise)
    asked = parts(trusted)
    given = [c.source for c in trusted.cells if cell_id(c, "solution") is None]
    result = match(cells, asked, given, _around(trusted))
    return sum(not untouched(result.sources.get(p.name, ""), p.blank) for p in asked)
