"""What has been graded, on disk before anything else is done with it.

An append-only file of JSON lines in the course folder, each line forced to disk. A result is there
before the gradebook has it, and a second line says when the gradebook has. Whatever is killed, and
whenever, the next run reads the file, records what was not recorded, and grades only what was not
graded. Seeds are in it, so it is the instructor's alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fttools.errors import FTError

FOLDER = ".autograder"


class Busy(FTError, RuntimeError):
    """Another grader is at work in this course folder."""


class Journal:
    """The journal of a course folder; use it under `lock`."""

    def __init__(self, course: Path) -> None:
        self.folder = course / FOLDER
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.path = self.folder / "journal.jsonl"
        self._mend()

    def _mend(self) -> None:
        """Cut a last line that a crash left half written."""
        if not self.path.is_file():
            return
        blob = self.path.read_bytes()
        whole = blob.rfind(b"\n") + 1
        if whole < len(blob):
            with self.path.open("r+b") as stream:
                stream.truncate(whole)

    def append(self, event: str, **values: Any) -> None:
        """Add one line and force it to disk."""
        line = json.dumps({"event": event, "time": time.time(), **values}) + "\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every readable line, oldest first."""
        if self.path.is_file():
            with self.path.open() as stream:
                for line in stream:
                    try:
                        found = json.loads(line)
                    except ValueError:
                        continue
                    if isinstance(found, dict):
                        yield found

    def latest(self, exercise: str) -> dict[str, dict[str, Any]]:
        """Each student's last result of an exercise: `{"key", "result", "recorded"}`."""
        found: dict[str, dict[str, Any]] = {}
        for line in self.lines():
            if line.get("exercise") != exercise:
                continue
            if line["event"] == "graded":
                found[line["student"]] = {"key": line["key"], "result": line["result"],
                                          "id": line["id"], "recorded": False}  # fmt: skip
            elif line["event"] == "recorded" and line["student"] in found:
                entry = found[line["student"]]
                entry["recorded"] = entry["recorded"] or line["id"] == entry["id"]
        return found


@contextmanager
def lock(course: Path) -> Iterator[None]:
    """Hold the course folder for one grader. Raises Busy when another has it."""
    folder = course / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise Busy(
                f"Another autograder is grading in {course}.", "waiting until it is done"
            ) from err
        yield


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(beside, path)
