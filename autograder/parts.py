"""What a learner fills in: the parts of an exercise, read from the authors' notebook.

Texts are compared by lines and regular expressions, never parsed: a parser can be crashed by the
text that it is given, and this runs in the grader's own process.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from typing import Any

CODE_STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")
TEXT_STUB = ("YOUR ANSWER HERE",)
HEADING = re.compile(r"^#{1,6}\s+(.+)$", re.MULTILINE)
DEFINED = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
UNFILLED = re.compile(r"^(\w+)[ \t]*(?::[^=\n]{1,200})?=[ \t]*None[ \t]*$", re.MULTILINE)
NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Part:
    """One solution cell: its grade_id, heading, kind, released text, and what it must define."""

    name: str
    title: str
    kind: str
    blank: str
    answers: frozenset[str]
    own: frozenset[str]  # lines that this part's released text has and no other cell
    cell_id: str | None

    @property
    def shown(self) -> str:
        """The name and the heading above it, for a report."""
        return f"{self.name} ({self.title})" if self.title else self.name


def cell_id(cell: Any, kind: str) -> str | None:
    """The grade_id of a cell whose nbgrader metadata says `kind` (solution, grade)."""
    meta = cell.get("metadata", {}).get("nbgrader", {})
    return meta.get("grade_id") if isinstance(meta, dict) and meta.get(kind) else None


def lines(text: str) -> list[str]:
    """A text's lines, without blank ones and trailing space."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def released(source: str, kind: str = "code") -> str:
    """A solution cell as learners get it: what nbgrader's ClearSolutions makes of `source`."""
    stub = CODE_STUB if kind == "code" else TEXT_STUB
    kept: list[str] = []
    inside = cut = False
    for line in source.split("\n"):
        if "BEGIN SOLUTION" in line:
            indent = line[: len(line) - len(line.lstrip())]
            inside = cut = True
            kept += [indent + one for one in stub]
        elif "END SOLUTION" in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept if cut else stub)


def untouched(text: str, blank: str) -> bool:
    """Nothing was written: the released text, or comments and blank lines only."""
    found = lines(text)
    return found == lines(blank) or all(line.lstrip().startswith("#") for line in found)


def defined(text: str) -> set[str]:
    """Names that a text's unindented lines define or assign. Linear in the text's length."""
    names = set(DEFINED.findall(text))
    for line in text.split("\n"):
        head, sign, tail = line[:300].partition("=")
        target = head.partition(":")[0].strip()
        plain = target.replace(",", " ").replace("_", "a").replace(" ", "").strip("()")
        if sign and not tail.startswith("=") and line[:1].strip() and plain.isalnum():
            names.update(NAME.findall(target))
    return names - set(keyword.kwlist)


def imported(text: str) -> set[str]:
    """Names that a text's unindented imports bind, also over several lines in parentheses."""
    names: set[str] = set()
    rows = iter(text.split("\n"))
    for row in rows:
        if not row.startswith(("import ", "from ")):
            continue
        group = row.partition("import ")[2]
        while "(" in group and ")" not in group and (more := next(rows, None)) is not None:
            group += more.partition("#")[0]
        for item in group.partition("#")[0].strip("() \t").split(","):
            words = NAME.findall(item)
            if words:
                names.add(words[-1] if " as " in item else words[0])
    return names


def answers(blank: str) -> frozenset[str]:
    """What a part must define: its functions and classes, else what is None as released."""
    return frozenset(DEFINED.findall(blank) or UNFILLED.findall(blank) or defined(blank))


def parts(template: Any) -> list[Part]:
    """The parts of the authors' notebook, in order."""
    found, title, texts = [], "", []
    for cell in template.cells:
        heads = HEADING.findall(cell.source) if cell.cell_type == "markdown" else []
        title = heads[-1] if heads else title
        if name := cell_id(cell, "solution"):
            blank = released(cell.source, cell.cell_type)
            found.append((name, title, cell.cell_type, blank, cell.get("id")))
            texts.append(set(significant(blank)))
        else:
            texts.append(set(significant(cell.source)))
    made = []
    for name, head, kind, blank, own_id in found:
        mine = set(significant(blank))
        shared = {line for line in mine if sum(line in text for text in texts) > 1}
        head = re.sub(r"\s*\([^()]*\)\s*$", "", head)  # points and minutes
        made.append(Part(name, head, kind, blank, answers(blank) if kind == "code" else frozenset(),
                         frozenset(mine - shared), own_id))  # fmt: skip
    return made


def significant(text: str) -> list[str]:
    """Lines that can tell one cell from another."""
    found = [line.strip() for line in lines(text)]
    return [line for line in found if len(line) > 10 and line not in CODE_STUB + TEXT_STUB]
