"""Which student each collected file belongs to, by a platform's naming or by its folder."""

from __future__ import annotations

import re
from pathlib import Path

from autograder import names
from autograder.collected import Report, Row
from autograder.entries import Entry
from fttools.errors import BadData

OTHER_KINDS = {".py": "a script: hand in the notebook, .ipynb", ".html": "a page, no notebook",
               ".pdf": "a PDF, no notebook", ".zip": "a zip in a zip; hand in the files",
               ".docx": "a document, no notebook"}  # fmt: skip
EXAMPLE = r"--pattern '(?P<student>[^/]+)/hand_in/.*\.ipynb'"
ATTEMPT = re.compile(r"(?i)(attempt|try|version|v|old|new|submission|backup)[ _-]?\d*$")
STAGES = {"autograded", "feedback", "release", "source", "solutions", "exercises", "collected"}


def compiled(pattern: str) -> re.Pattern[str]:
    """The instructor's pattern for paths. Raises BadData unless it is one and names the student."""
    try:
        found = re.compile(pattern)
    except re.error as err:
        raise BadData(f"--pattern {pattern!r} is no regular expression: {err}.", EXAMPLE) from err
    if "student" not in found.groupindex:
        raise BadData(f"--pattern {pattern!r} does not say which part is the student.", EXAMPLE)
    return found


def owners(
    entries: list[Entry], exercise: str, pattern: str | None, report: Report
) -> list[tuple[names.Owner, Entry]]:  # fmt: skip
    """Whose each file is. What has no owner, or is no notebook and no extra, is left out."""
    result, plain = [], []
    wanted = compiled(pattern) if pattern else None
    for entry in entries:
        kind = kind_of(entry)
        owner = names.by_platform(entry.parts)
        if wanted and (m := wanted.search(entry.path)) and m["student"]:
            owner = names.Owner(m["student"], entry.parts[-1], f"folder:{m['student']}")
        if owner and owner.exercise and owner.exercise != exercise:
            report.rows.append(Row(entry.path, "", "left out", f"of exercise {owner.exercise}"))
        elif owner:
            result.append((owner, entry))
        else:
            plain.append((entry, kind))
    strip = wrapper([e for e, kind in plain if kind == "notebook"], exercise)
    deeper = sections(
        [
            e.parts[len(strip) :]
            for e, k in plain
            if k == "notebook" and e.parts[: len(strip)] == strip
        ],
        exercise,
    )
    for entry, kind in plain:
        inside = entry.parts[len(strip) :] if entry.parts[: len(strip)] == strip else ()
        if not inside or (strip[-1:] != ("submitted",) and inside[0] in STAGES):
            report.rows.append(Row(entry.path, "", "left out", "not among the submissions"))
        elif len(inside) > 1:
            who = inside[1 if inside[0] in deeper and len(inside) > 2 else 0]
            result.append((names.Owner(who, inside[-1], f"folder:{who}"), entry))
        elif kind == "notebook" and names.plain_stem(inside[0])[0].lower() != exercise:
            who, _ = names.flat_stem(inside[0])
            result.append((names.Owner(who, inside[0], f"folder:{who}"), entry))
        else:
            why = reason(entry) if kind == "other" else (
                f"whose is it? Name it STUDENT.ipynb or STUDENT/{exercise}.ipynb")  # fmt: skip
            report.rows.append(Row(entry.path, "", "left out", why))
    return result


def wrapper(entries: list[Entry], exercise: str) -> tuple[str, ...]:
    """Folders around the students' own: submitted/, or the one folder that a zip was made of."""
    paths = [entry.parts for entry in entries]
    for parts in paths:
        if "submitted" in parts[:-2]:
            return parts[: parts.index("submitted") + 1]
    strip: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    while paths and len({p[0] for p in paths}) == 1 and all(len(p) > 1 for p in paths):
        above, paths = (*above, paths[0][0]), [p[1:] for p in paths]
        loose = {names.flat_stem(p[0])[0] for p in paths if len(p) == 1}
        folders = {p[0] for p in paths if len(p) > 1}
        if any(names.plain_stem(name)[0].lower() == exercise for name in loose):
            break
        if any(name == exercise or ATTEMPT.match(name) for name in folders):
            break
        if len(loose) + len(folders) > 1:
            strip = above
    return strip


def sections(paths: list[tuple[str, ...]], exercise: str) -> set[str]:
    """Top folders that hold several students' folders, rather than one student's notebook.

    Two folders in it with a notebook of the exercise each, that are not called attempts, are two
    students: better one too many in the report than one lost.
    """
    inner: dict[str, set[str]] = {}
    for parts in paths:
        named = names.plain_stem(parts[-1])[0].lower() == exercise
        if len(parts) > 2 and named and parts[1] != exercise and not ATTEMPT.match(parts[1]):
            inner.setdefault(parts[0], set()).add(parts[1])
    return set(inner) if any(len(folders) > 1 for folders in inner.values()) else set()


def kind_of(entry: Entry) -> str:
    """notebook, adapter, config, run, stamp (nbgrader's timestamp.txt) or other."""
    name = entry.parts[-1]
    owner = names.by_platform(entry.parts)
    own = (owner.file if owner else "") or name
    stem = names.plain_stem(own)[0]
    if names.is_notebook(own):
        return "notebook"
    if own.lower().endswith(".safetensors"):
        return "adapter" if stem == "adapter_model" else "other"
    if own.lower().endswith(".json"):
        return "config" if stem == "adapter_config" else "run"
    return "stamp" if own == "timestamp.txt" else "other"


def reason(entry: Entry) -> str:
    """Why a file of a kind that is not taken is left out."""
    return OTHER_KINDS.get(Path(entry.parts[-1]).suffix.lower(), "not a file that grading uses")
