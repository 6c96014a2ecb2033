"""`autograder collect`: from whatever a platform hands out to submitted/STUDENT/EXERCISE/.

Every file is taken, replaced by a later one, or left out with a reason; one bad file stops nothing.
What is taken is copied as it is; it is read as a notebook only to see whose exercise it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder import layout, names
from autograder.collected import Candidate, Extras, Notebook, Record, Report, Row
from autograder.entries import Entry, LeftOut, walk
from autograder.reading import ADAPTER, CONFIG, LIMITS, RUNS, Rejected, Unreadable, notebook
from autograder.rebuild import exercise_of, progress
from autograder.submitters import kind_of, owners, reason


def collect(
    path: Path, course: layout.Course, exercise: str, pattern: str | None = None
) -> Report:  # fmt: skip
    """Take `exercise` from a folder, zip or notebook into `course`; the report names every file.

    `pattern` is a regular expression with a group `student` for paths that no rule here knows.
    Raises UnknownExercise, FTError where there is no such path.
    """
    layout.solution(exercise)
    report = Report(exercise)
    found: list[Entry] = []
    system = 0
    for item in walk(path):
        if isinstance(item, LeftOut):
            report.rows.append(Row(item.path, "", "left out", item.reason))
        elif any(names.SYSTEM.match(part) for part in item.parts):
            system += 1
        else:
            found.append(item)
    if system:
        report.rows.append(Row(f"{system} files", "", "left out", "hidden or system files"))
    groups: dict[str, list[Candidate]] = {}
    for owner, entry in owners(found, exercise, pattern, report):
        groups.setdefault(owner.key, []).append(Candidate(owner, entry))
    record = Record(course, exercise)
    chosen = record.students({key: files[0].owner for key, files in groups.items()})
    for key, files in sorted(groups.items(), key=lambda item: chosen[item[0]]):
        try:
            _student(chosen[key], files, record, report)
        except OSError as err:  # a name or a disk that cannot hold this one
            why = f"could not be written: {err.strerror}"
            report.rows.append(Row(files[0].entry.path, chosen[key], "left out", why))
    record.write()
    return report


def _student(student: str, files: list[Candidate], record: Record, report: Report) -> None:
    """Choose one student's latest notebook and what comes with it, and put it in place."""

    def left_out(c: Candidate, why: str) -> None:
        report.rows.append(Row(c.entry.path, student, "left out", why))

    stamps = _stamps(files)
    read: list[Notebook] = []
    for c in files:
        kind = kind_of(c.entry)
        if kind == "notebook":
            try:
                read.append(_read(c, record.exercise, stamps.get(c.folder, 0.0)))
            except Unreadable as err:
                left_out(c, err.message)
        elif kind == "other":
            left_out(c, reason(c.entry))
    if not read:
        for c in files:
            if kind_of(c.entry) in ("adapter", "config", "run"):
                left_out(c, f"no notebook of {record.exercise} with it")
        return
    read.sort(key=lambda n: n.rank)
    best = read[-1]
    for older in read[:-1]:
        same = older.blob == best.blob
        left_out(older.candidate, "the same notebook again" if same else
                 f"an earlier one; {best.candidate.entry.path} is the latest")  # fmt: skip
    extras = _extras(best.candidate, files, len(read) == 1, left_out)
    what, why = record.put(student, best, extras)
    notes = "; ".join(
        filter(None, (why, best.warning, "late" if best.candidate.owner.late else ""))
    )
    report.rows.append(Row(best.candidate.entry.path, student, what, notes))
    for name, (c, _) in extras.items():
        report.rows.append(Row(c.entry.path, student, what, f"as {name}"))


def _stamps(files: list[Candidate]) -> dict[tuple[str, ...], float]:
    """What nbgrader's timestamp.txt files say, by folder."""
    found = {}
    for c in files:
        if kind_of(c.entry) == "stamp":
            try:
                found[c.folder] = names.moment(c.entry.read(200).decode("utf-8", "replace").strip())
            except Unreadable:
                continue
    return found


def _read(c: Candidate, exercise: str, stamp: float) -> Notebook:
    """Read a candidate. Raises Unreadable for what cannot be taken or is another exercise's."""
    blob = c.entry.read(LIMITS.notebook)
    stem, copy = names.plain_stem(c.owner.file)
    named = stem.lower() == exercise
    flat = len(c.entry.parts) == 1 or c.owner.platform != "folder"
    warning, worked = "", False
    try:
        cells = notebook(blob, c.entry.parts[-1])
        found = exercise_of(cells, exercise)
        if found not in (None, exercise):
            raise Unreadable(f"is exercise {found}", f"collecting it with --exercise {found}")
        if found is None and not (named or flat):
            raise Unreadable(f"not the exercise {exercise}", "the released notebook")
        worked = progress(cells, exercise) > 0
        if found is None:
            warning = f"does not look like {exercise}; grading will say"
        elif not named and not flat:
            warning = "found by its content, not its name"
    except Rejected as err:
        if not (named or flat):
            raise Unreadable("not a notebook", "the released notebook") from err
        warning = f"will be rejected: {err.message}"
    rank = (c.owner.when or stamp, c.owner.number, worked, copy, c.entry.modified)
    return Notebook(c, blob, rank, warning)


def _extras(best: Candidate, files: list[Candidate], only: bool, left_out: Any) -> Extras:
    """Adapter, configuration and run records that belong to the chosen notebook, by target name."""
    found: Extras = {}
    order = sorted(files, key=lambda c: (c.owner.number, c.entry.modified, -len(c.entry.parts)))
    for c in reversed(order):  # the latest first
        kind = kind_of(c.entry)
        if kind not in ("adapter", "config", "run"):
            continue
        if not only and c.folder[: len(best.folder)] != best.folder:
            left_out(c, "belongs to an earlier submission")
            continue
        file = names.folder_name(c.owner.file.removesuffix(".json"))
        target = {"adapter": ADAPTER, "config": CONFIG}.get(kind, f"{RUNS}/{file}.json")
        most = LIMITS.adapter if kind == "adapter" else LIMITS.document
        if target in found:
            left_out(c, f"a second {target}; {found[target][0].entry.path} was taken")
        elif kind == "run" and sum(n.startswith(RUNS) for n in found) >= LIMITS.documents:
            left_out(c, f"more than {LIMITS.documents} JSON files")
        else:
            try:
                found[target] = (c, checked(c.entry.read(most), kind))
            except Unreadable as err:
                left_out(c, err.message)
    return found


def checked(blob: bytes, kind: str) -> bytes:
    """An extra file's bytes, if they are what the name says. Raises Unreadable."""
    if kind == "adapter":
        size = int.from_bytes(blob[:8], "little")
        if not 2 <= size <= min(len(blob) - 8, LIMITS.document) or blob[8:9] != b"{":
            raise Unreadable("not a safetensors file", "adapter.save_pretrained(folder)")
        return blob
    try:
        if not isinstance(json.loads(blob), dict):
            raise ValueError("no object")
    except (ValueError, RecursionError) as err:
        raise Unreadable("not a JSON object", "the file that fttools or peft wrote") from err
    return blob
