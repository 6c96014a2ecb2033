"""What was handed in, as bytes: the notebook and the allow-listed files beside it.

The grader's main process only copies bytes, under limits and following no link; they are parsed in
an examiner, one process a submission.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autograder import layout, rebuild
from autograder.reading import LIMITS, Rejected, Unreadable, bytes_of, extras
from autograder.release import template_hash
from fttools.checks.core import MOST_BYTES


@dataclass(frozen=True)
class Submission:
    """Files by name; or, where nothing can be read, why."""

    student: str
    exercise: str
    files: dict[str, bytes]
    refused: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of every file's name and bytes."""
        whole = hashlib.sha256(self.refused.encode())
        for name, blob in sorted(self.files.items()):
            whole.update(f"{len(name)}:{name}:{len(blob)}:".encode())
            whole.update(blob)
        return whole.hexdigest()


def take(course: layout.Course, student: str, exercise: str) -> Submission:
    """Read one submission from the course folder."""
    path = course.notebook("submitted", student, exercise)
    try:
        if path.is_symlink() or any(p.is_symlink() for p in path.parents[:2]) or not path.is_file():
            rebuild.read(path)  # says what is wrong with it
        files = {path.name: bytes_of(path, LIMITS.notebook)}
        for name, extra in extras(path.parent).items():
            files[name] = bytes_of(extra, MOST_BYTES)
    except (Rejected, Unreadable) as err:
        return Submission(student, exercise, {}, str(err))
    return Submission(student, exercise, files)


def tree_hash(folder: Path, pattern: str = "*.py") -> str:
    """SHA-256 over the files of a folder, by path and content."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        whole.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()


@lru_cache(maxsize=1)
def checks_hash() -> str:
    """SHA-256 of the checks: cases, probes and judges."""
    from fttools import checks

    return tree_hash(Path(checks.__file__).parent)


def key(submission: Submission) -> dict[str, str]:
    """What a grade depends on; where one of the three changes, it is out of date."""
    return {
        "submission": submission.digest,
        "template": template_hash(submission.exercise),
        "checks": checks_hash(),
    }
