"""What an attack is, and how its submission is made from the released exercise."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import nbformat

from autograder import layout, release
from autograder.parts import cell_id, parts

ANY = frozenset({"graded", "student_error", "timeout", "out_of_memory", "rejected"})
ALIVE = frozenset({"graded", "student_error"})
REJECTED = frozenset({"rejected"})


@dataclass(frozen=True)
class Canaries:
    """What must stay as it is, or never be seen: its places and marks are known to the payloads.

    `token` marks everything a payload leaves behind; `secrets` are texts that only the host knows.
    """

    token: str
    course: str
    root: str  # the course's checkout
    file: str
    port: int
    socket: str  # an abstract Unix socket's name
    secrets: tuple[str, ...] = ()

    def fill(self, code: str) -> str:
        """Payload text with its marks replaced."""
        for name in ("token", "course", "root", "file", "port", "socket"):
            code = code.replace(f"@{name.upper()}@", str(getattr(self, name)))
        return code


# Before a payload that would harm a host: it looks first whether it is on one.
SAFE = """
import os
if os.path.exists("@ROOT@/solutions") or os.path.exists("@FILE@"):
    print("@TOKEN@" + "-FOUND host")
    raise SystemExit
"""
NOWHERE = Canaries("ATTACK0", "/nowhere", "/nowhere", "/nowhere/canary", 9, "nowhere")


@dataclass(frozen=True)
class Submission:
    """A notebook (JSON values, text or bytes) and the files beside it."""

    notebook: Any
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def blob(self) -> bytes:
        """The notebook's bytes."""
        if isinstance(self.notebook, bytes):
            return self.notebook
        return json.dumps(self.notebook).encode()


@dataclass(frozen=True)
class Attack:
    """A hostile submission: what it tries, what it honestly earns, and how it may end.

    `solved` are the parts that the submission really solves; `exact` means that these points must
    be credited despite the attack. `plain` is the same attack on a small assignment of plain
    nbgrader's (see `plain`), if it can be made there.
    """

    name: str
    kind: str
    tries: str
    build: Callable[[Canaries], Submission]
    solved: tuple[str, ...] = ()
    right: tuple[str, ...] = ()  # checks that the payload's own code honestly passes
    outcomes: frozenset[str] = ALIVE
    exact: bool = True
    plain: Callable[[Any], None] | None = None
    heavy: bool = False  # meets a limit of time, memory or disk

    @property
    def honest(self) -> float:
        """The points that this submission honestly earns."""
        return earned(self.solved, self.right)


@lru_cache(maxsize=1)
def _released() -> Any:
    return release.student_version("lora")


@lru_cache(maxsize=1)
def reference() -> Any:
    """The authors' notebook."""
    return nbformat.read(layout.solution("lora"), as_version=4)


def blank() -> Any:
    """The released exercise, nothing filled in."""
    return copy.deepcopy(_released())


def at(notebook: Any, grade_id: str) -> Any:
    """The cell with that grade_id."""
    return next(c for c in notebook.cells
                if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)  # fmt: skip


def solve(notebook: Any, names: tuple[str, ...]) -> Any:
    """`notebook` with the reference's text in the named parts."""
    for name in names:
        at(notebook, name).source = at(reference(), name).source
    return notebook


def earned(solved: tuple[str, ...], right: tuple[str, ...] = ()) -> float:
    """Points of the checks that need nothing but what the named parts define, and of `right`."""
    from fttools.checks.run import find

    known = {p.name: p.answers for p in parts(reference())}
    names: set[str] = set().union(*(known[name] for name in solved))
    total = 0.0
    for cell in reference().cells:
        check_id = cell_id(cell, "grade")
        if check_id and not cell_id(cell, "solution"):
            check = find(check_id)
            total += check.points * (set(check.needs) <= names or check_id in right)
    return total


def code(
    name: str, kind: str, tries: str, text: str, *, solved: tuple[str, ...] = (),
    before: bool = False, rest: bool = False, **options: Any,
) -> Attack:  # fmt: skip
    """An attack by code in the first solution cell, before or after what the cell holds.

    With `rest` the other parts do nothing, so that what the payload defined for them stays.
    """

    def build(canaries: Canaries) -> Submission:
        notebook = solve(blank(), solved)
        if rest:
            for other in notebook.cells:
                if cell_id(other, "solution") and cell_id(other, "solution") not in solved:
                    other.source = "pass"
        cell = at(notebook, parts(reference())[0].name)
        if rest and not solved:
            cell.source = ""
        payload = canaries.fill(text)
        pieces = (payload, cell.source) if before else (cell.source, payload)
        cell.source = "\n\n".join(pieces)
        return Submission(notebook)

    return Attack(name, kind, tries, build, solved, **options)


def edit(
    name: str, kind: str, tries: str, change: Callable[[Any], None], *,
    solved: tuple[str, ...] = (), **options: Any,
) -> Attack:  # fmt: skip
    """An attack by an edit of the notebook."""

    def build(canaries: Canaries) -> Submission:
        notebook = solve(blank(), solved)
        change(notebook)
        return Submission(notebook)

    return Attack(name, kind, tries, build, solved, **options)
