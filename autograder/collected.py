"""What a collection did: a report of every file, and a record of who each student is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autograder import layout, names
from autograder.entries import Entry, printable


@dataclass(frozen=True)
class Row:
    """One file: `what` is taken, replaced, unchanged, kept, or left out; `why` in words."""

    path: str
    student: str
    what: str
    why: str = ""


@dataclass
class Report:
    """What happened to every file."""

    exercise: str
    rows: list[Row] = field(default_factory=list)

    @property
    def students(self) -> list[str]:
        """Students who have a submission now."""
        return sorted({r.student for r in self.rows if r.student and r.what != "left out"})

    def as_json(self) -> dict[str, Any]:
        """JSON values."""
        return {"exercise": self.exercise, "students": self.students,
                "files": [asdict(row) for row in self.rows]}  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A file that belongs to someone, and where in time it stands."""

    owner: names.Owner
    entry: Entry

    @property
    def folder(self) -> tuple[str, ...]:
        """The folder it was found in."""
        return self.entry.parts[:-1]


@dataclass(frozen=True)
class Notebook:
    """A candidate read: its bytes, whether it has work in it, and a warning."""

    candidate: Candidate
    blob: bytes
    rank: tuple[float, int, bool, int, float]
    warning: str


Extras = dict[str, tuple[Candidate, bytes]]


class Record:
    """collected/EXERCISE.json: who each student is on their platform, and what was taken."""

    def __init__(self, course: layout.Course, exercise: str) -> None:
        self.course, self.exercise = course, exercise
        self.folder = course.root / "collected"
        self.path = self.folder / f"{exercise}.json"
        self.taken: dict[str, dict[str, Any]] = self._load(self.path)
        everyone = {
            s: row for p in sorted(self.folder.glob("*.json")) for s, row in self._load(p).items()
        }
        self.known = {str(row.get("key")): student for student, row in everyone.items()}

    @staticmethod
    def _load(path: Path) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def students(self, people: dict[str, names.Owner]) -> dict[str, str]:
        """A folder name for each person; two people never share one, whatever they are called.

        Someone collected before keeps the name. Names that differ only in letter case count as
        the same, since some disks cannot hold both.
        """
        result = {key: self.known[key] for key in people if key in self.known}
        fresh = {key: names.folder_name(o.who) for key, o in people.items() if key not in result}
        used = [name.casefold() for name in (*fresh.values(), *result.values())]
        others = {n.casefold() for k, n in self.known.items() if not k.startswith("folder:")}
        for key, name in fresh.items():
            ident = key.rpartition(":")[2]
            platform = not key.startswith("folder:")
            clash = used.count(name.casefold()) > 1 or (platform and name.casefold() in others)
            if clash:
                mark = (
                    ident
                    if platform
                    else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:8]
                )
                name = f"{name}_{mark}"
            result[key] = name
        return result

    def put(self, student: str, best: Notebook, extras: Extras) -> tuple[str, str]:
        """Copy a submission into place, keeping what it replaces; what was done, and why."""
        target = self.course.notebook("submitted", student, self.exercise).parent
        digest = hashlib.sha256(best.blob)
        for name in sorted(extras):
            digest.update(name.encode() + extras[name][1])
        c, before = best.candidate, self.taken.get(student, {})
        if target.exists() and before.get("sha256") == digest.hexdigest():
            return "unchanged", ""
        earlier = (before.get("when") or 0, before.get("number") or 0)
        if target.exists() and best.rank[:2] != (0, 0) and best.rank[:2] < earlier:
            return "kept", "an earlier one than the one collected before, which stays"
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".incoming-") as room:
            fresh = Path(room) / "submission"
            files = {f"{self.exercise}.ipynb": best.blob, **{n: b for n, (_, b) in extras.items()}}
            for name, blob in files.items():
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                (fresh / name).write_bytes(blob)
            what, why = "taken", ""
            if target.exists():
                old = self.folder / "replaced" / student / self.exercise
                old = old / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
                old.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(target, old)
                what, why = "replaced", f"the one before is in {old.relative_to(self.course.root)}"
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(fresh, target)
        self.taken[student] = {
            "key": c.owner.key, "original": printable(c.owner.who), "platform": c.owner.platform,
            "from": printable(c.entry.path), "when": best.rank[0], "number": best.rank[1],
            "late": c.owner.late, "sha256": digest.hexdigest(), "files": sorted(files),
        }  # fmt: skip
        return what, why

    def write(self) -> None:
        """Store the record, whole or not at all."""
        if not self.taken:
            return
        fresh = self.path.with_suffix(".tmp")
        fresh.write_text(json.dumps(self.taken, indent=1, ensure_ascii=False) + "\n")
        os.replace(fresh, self.path)
