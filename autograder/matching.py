"""Find a learner's solution texts in what they handed in, however the cells were moved about.

Order of trust: the grade_id; then what a cell defines and which released lines it keeps; then its
cell id; then its place between cells that are known. `match` says in notes what it had to guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from autograder.parts import NAME, Part, defined, imported, lines, significant, untouched
from autograder.reading import Cell

MOVED = "Your solution of {0} stood in a cell of its own; it was graded in the place of {0}."
SPLIT = "{0} was split over {1} cells; they were joined."
COPIES = "{0} was there {1} times with different answers; the last one was graded."
MERGED = "{0} and {1} stood in one cell; it was graded as one."
GUESSED = "{0} had lost its grade_id and was found by its content."
OUTSIDE = (
    "`{0}` is defined in a cell that is not graded (only the solution cells are). If {1} needs "
    "it, put it into that cell."
)


@dataclass
class Matched:
    """Solution text by part name, what was never there, and notes for the learner."""

    sources: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def share(text: str, part: Part) -> float:
    """How many of the lines that only this part has are in `text`, 0 to 1."""
    return len(part.own & set(significant(text))) / len(part.own) if part.own else 0.0


def looks_like(cell: Cell, part: Part) -> float:
    """How much a cell looks like a solution of `part`; 0 is not at all."""
    if part.kind != "code" or cell.kind == "markdown":
        return 0.0
    defines = bool(part.answers) and part.answers <= defined(cell.source)
    kept = share(cell.source, part)
    return (2.0 if defines else 0.0) + kept if defines or kept >= 0.6 else 0.0


def owners(cells: list[Cell], parts: list[Part], given: set[tuple[str, ...]]) -> dict[int, str]:
    """Which submitted cell (by index) belongs to which part."""
    known = {part.name: part for part in parts}
    owner = {i: c.grade_id for i, c in enumerate(cells) if c.grade_id in known}
    found: dict[int, str] = {i: name for i, name in owner.items() if name is not None}

    def free(index: int) -> bool:
        return index not in found and tuple(lines(cells[index].source)) not in given

    lost = [part for part in parts if part.name not in found.values()]
    scores = sorted(
        ((looks_like(cell, part), -number, i, part.name)
         for i, cell in enumerate(cells) if free(i)
         for number, part in enumerate(lost) if looks_like(cell, part)),
        reverse=True,
    )  # fmt: skip
    for _, _, index, name in scores:
        found.setdefault(index, name)
    for part in lost:
        same = [i for i, c in enumerate(cells) if c.id == part.cell_id is not None and free(i)]
        if part.name not in found.values() and same and found and cells[same[0]].kind == part.kind:
            found[same[0]] = part.name
    return found


def by_place(
    cells: list[Cell], found: dict[int, str], around: dict[str, tuple[str, str]],
    given: set[tuple[str, ...]], parts: list[Part],
) -> None:  # fmt: skip
    """Give a lost part the one unknown cell between the two given cells that stand around it."""
    texts = [tuple(lines(cell.source)) for cell in cells]
    for part in parts:
        if part.name in found.values():
            continue
        before, after = (tuple(lines(text)) for text in around[part.name])
        if before not in texts or not before:
            continue
        start = texts.index(before) + 1
        stop = texts.index(after, start) if after and after in texts[start:] else len(cells)
        between = [i for i in range(start, stop)
                   if i not in found and texts[i] not in given and texts[i]
                   and cells[i].kind == part.kind]  # fmt: skip
        if len(between) == 1:
            found[between[0]] = part.name


def match(
    cells: list[Cell], parts: list[Part], given: list[str], around: dict[str, tuple[str, str]]
) -> Matched:
    """The learner's text for each part. `given` are the template's other cells."""
    known = {tuple(lines(text)) for text in given}
    found = owners(cells, parts, known)
    by_place(cells, found, around, known, parts)
    own = {
        i for i, c in enumerate(cells) if c.kind == "code" and tuple(lines(c.source)) not in known
    }
    extra = sorted(own - set(found))
    result, used = Matched(), set[int]()
    for part in parts:
        mine = [i for i, name in found.items() if name == part.name]
        mine.sort()
        if mine and not any(cells[i].grade_id == part.name for i in mine):
            result.notes.append(GUESSED.format(part.name))
        _one(part, mine, cells, extra, used, result)
    _merged(parts, result)
    _outside([cells[i] for i in extra if i not in used], given, parts, result)
    return result


def _one(
    part: Part, mine: list[int], cells: list[Cell], extra: list[int], used: set[int],
    result: Matched,
) -> None:  # fmt: skip
    """Settle one part from the cells that are its own, or from a cell beside it."""
    texts = [cells[i].source for i in mine]
    written: list[str] = []
    for text in texts:
        if not untouched(text, part.blank) and lines(text) not in map(lines, written):
            written.append(text)
    if len(written) > 1:
        copies = any(
            set(significant(a)) & set(significant(b)) & part.own
            for n, a in enumerate(written) for b in written[n + 1 :]
        )  # fmt: skip
        if copies:
            result.notes.append(COPIES.format(part.name, len(written)))
            written = written[-1:]
        else:
            result.notes.append(SPLIT.format(part.name, len(written)))
    elif written and len(texts) > 1 and part.own and not share(written[0], part):
        # A cell split so that its first piece is the released text up to the solution.
        result.notes.append(SPLIT.format(part.name, len(texts)))
        written = [part.blank.replace("raise NotImplementedError()", "pass"), *written]
    if written:
        result.sources[part.name] = "\n\n".join(written)
        return
    beside = _beside(part, mine, cells, extra)
    if beside:
        used.update(beside)
        result.notes.append(MOVED.format(part.name))
        blank = part.blank.replace("raise NotImplementedError()", "pass")
        moved = [cells[i].source for i in beside]
        result.sources[part.name] = "\n\n".join([blank, *moved])
    elif texts:
        result.sources[part.name] = texts[-1]
    else:
        result.missing.append(part.name)


def _beside(part: Part, mine: list[int], cells: list[Cell], extra: list[int]) -> list[int]:
    """Cells that hold the solution of a part left blank: those right under it, or the last one
    anywhere that defines what the part asks for."""
    if part.kind != "code" or not part.answers:
        return []
    under = []
    if mine:
        for index in range(mine[-1] + 1, len(cells)):
            if index not in extra:
                break
            under.append(index)
    names = set().union(*(defined(cells[i].source) for i in under))
    if under and part.answers <= names:
        return under
    # Elsewhere a plain variable of the same name proves nothing; a function or class does.
    asked = "def " in part.blank or "class " in part.blank
    last = [i for i in extra if part.answers <= defined(cells[i].source)]
    return last[-1:] if asked else []


def _merged(parts: list[Part], result: Matched) -> None:
    """A part that is not there, but whose answer stands in another part's cell."""
    order = [part.name for part in parts]
    for part in parts:
        own = result.sources.get(part.name)
        if part.kind != "code" or not part.answers:
            continue
        if own is not None and not untouched(own, part.blank):
            continue
        asked = "def " in part.blank or "class " in part.blank
        for host in parts:
            text = result.sources.get(host.name, "")
            if host.name == part.name or not part.answers <= defined(text):
                continue
            if not asked and (own is not None or not share(text, part)):
                continue
            first, second = sorted((part.name, host.name), key=order.index)
            result.sources[second] = f"# Stands in the cell of {first}."
            result.sources[first] = text
            result.missing = [name for name in result.missing if name != part.name]
            result.notes.append(MERGED.format(first, second))
            break


def _outside(cells: list[Cell], given: list[str], parts: list[Part], result: Matched) -> None:
    """Say which names a solution uses that only a dropped cell defines."""
    inside = set().union(*(defined(t) | imported(t) for t in [*given, *result.sources.values()]))
    lost = set().union(*(defined(c.source) | imported(c.source) for c in cells)) - inside
    for part in parts:
        words = set(NAME.findall(result.sources.get(part.name, "")))
        for name in sorted(lost & words)[:5]:
            result.notes.append(OUTSIDE.format(name, part.name))
