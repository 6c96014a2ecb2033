"""What surrounds a class while it is graded, and whether it is still as it was afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.layout import Course, sources
from tests.attacks.catalogue import LIMITS, lay
from tests.attacks.kinds import Canaries
from tests.attacks.pages import active

RUN = """
import json, sys
from pathlib import Path
from autograder import grade
from autograder.layout import Course
from autograder.policy import Limits
course, out, limits, workers = sys.argv[1:]
if __name__ == "__main__":
    results = grade.grade_class(Course(Path(course)), "lora", workers=int(workers),
                                limits=Limits(**json.loads(limits)))
    Path(out).write_text(json.dumps(results))
"""


def running() -> dict[int, bytes]:
    """Every other process of the machine with its command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                found[int(entry.name)] = (entry / "cmdline").read_bytes()
    return found


def ours(process: int, line: bytes) -> bool:
    """Whether a process is in one of the grader's sandboxes, a warm process or bubblewrap."""
    if b"autograder.template" in line or line.startswith((b"bwrap", b"/usr/bin/bwrap")):
        return True
    with contextlib.suppress(OSError):
        return "/run/kernel/autograder" in Path(f"/proc/{process}/mountinfo").read_text()
    return False


class Listener:
    """Sockets that nobody has a reason to talk to: TCP, UDP and an abstract Unix socket."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        threading.Thread(target=self._accept, args=(self.tcp,), daemon=True).start()
        threading.Thread(target=self._read, daemon=True).start()

    def open_unix(self, name: str) -> None:
        """Listen on the abstract socket `name` too."""
        self.unix.bind(f"\0{name}")
        self.unix.listen()
        threading.Thread(target=self._accept, args=(self.unix,), daemon=True).start()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                conn, _ = server.accept()
            except OSError:
                return
            conn.settimeout(1)
            try:
                self.heard.append(b"connection " + conn.recv(100))
            except OSError:
                self.heard.append(b"connection")
            conn.close()

    def _read(self) -> None:
        while True:
            try:
                self.heard.append(self.udp.recv(100))
            except OSError:
                return

    def close(self) -> None:
        """Stop listening."""
        for s in (self.tcp, self.udp, self.unix):
            s.close()


@dataclass
class World:
    """A course with canaries, and what was seen of it before."""

    course: Course
    canaries: Canaries
    listener: Listener
    results: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    already: frozenset[int] = field(default_factory=lambda: frozenset(running()))

    @classmethod
    def make(cls, folder: Path) -> World:
        """Canaries laid, sockets open."""
        listener = Listener()
        canaries = lay(folder / "course", sources(), listener.port)
        listener.open_unix(canaries.socket)
        return cls(Course(folder / "course"), canaries, listener)

    def grade(self, workers: int = 2, limits: dict[str, float] | None = None) -> None:
        """Grade the class in a process of its own that has a secret in its environment."""
        out = self.course.root.parent / "results.json"
        environment = {**os.environ, "CANARY_SECRET": self.canaries.secrets[1]}
        script = self.course.root.parent / "run.py"
        script.write_text(RUN)
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, str(script), str(self.course.root), str(out),
             json.dumps(LIMITS if limits is None else limits), str(workers)],
            env={**environment, "PYTHONPATH": str(sources())}, cwd=self.course.root.parent,
            capture_output=True, text=True,
        )  # fmt: skip
        self.seconds = time.monotonic() - started
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        self.results = json.loads(out.read_text())

    def before(self) -> dict[str, bytes]:
        """The bytes of what nobody may change: submissions and canaries."""
        found = {str(p): p.read_bytes() for p in sorted((self.course.root / "submitted").rglob("*"))
                 if p.is_file() and not p.is_symlink()}  # fmt: skip
        for path in (self.canaries.file, f"{self.canaries.course}/canary.txt"):
            found[path] = Path(path).read_bytes()
        return found

    def litter(self) -> list[str]:
        """Files of the host that bear the token in their name."""
        token = self.canaries.token
        places = ["/tmp", "/dev/shm", "/var/tmp", "/etc", "/usr/local", "/root", str(sources()),
                  sys.prefix, str(self.course.root), os.path.expanduser("~")]  # fmt: skip
        found = []
        for place in places:
            depth = 2 if place in ("/etc", "/usr/local", "/root") else 6
            for folder, folders, files in os.walk(place):
                if folder[len(place) :].count("/") >= depth:
                    folders.clear()
                found += [os.path.join(folder, n) for n in (*files, *folders) if token in n]
        return [p for p in found if not p.startswith(str(self.course.root / "submitted"))] + [
            p for p in ("/tmp/ATTACK-pickle",) if os.path.exists(p)]  # fmt: skip

    def processes(self) -> list[str]:
        """Running processes that bear the token, and what is left of sandboxes or the grader."""
        token, found = self.canaries.token.encode(), []
        for process, line in running().items():
            try:
                marked = token in (Path("/proc") / str(process) / "environ").read_bytes()
            except OSError:
                marked = False
            left = process not in self.already and ours(process, line)
            if marked or left or token in line:
                found.append(f"{process}: " + line.replace(b"\0", b" ").decode("utf-8", "replace"))
        return found

    def leaks(self) -> list[str]:
        """Where a secret of the host, or the mark of something found, stands in what comes back."""
        marks = (*self.canaries.secrets, f"{self.canaries.token}-FOUND")
        found = []
        for path in sorted(self.course.root.rglob("*")):
            inside = path.relative_to(self.course.root).parts
            if not path.is_file() or path.name == "canary.txt" or inside[0] == "submitted":
                continue
            text = path.read_bytes()
            found += [f"{path}: {mark}: {context(text, mark)}" for mark in marks
                      if mark.encode() in text]  # fmt: skip
        return found

    def active(self) -> list[str]:
        """What would run in the feedback pages."""
        found = []
        for page in sorted(self.course.root.glob("feedback/*/*/*.html")):
            for what in active(page.read_text(errors="replace"), self.canaries.token):
                found.append(f"{page.parent.parent.name}: {what}")
        return found

    def recorded(self) -> dict[str, float]:
        """Scores in the gradebook, by student."""
        with sqlite3.connect(self.course.root / "gradebook.db") as book:
            rows = book.execute(
                "select student.id, coalesce(sum(case when grade.needs_manual_grade then 0 else "
                "coalesce(grade.manual_score, grade.auto_score) end), 0) from student "
                "join submitted_assignment on submitted_assignment.student_id = student.id "
                "join submitted_notebook on submitted_notebook.assignment_id = "
                "submitted_assignment.id join grade on grade.notebook_id = submitted_notebook.id "
                "group by student.id"
            ).fetchall()
        return {student: float(score) for student, score in rows}


def context(text: bytes, mark: str) -> str:
    """Some characters around a mark."""
    at = text.index(mark.encode())
    return text[max(0, at - 60) : at + 160].decode("utf-8", "replace")
