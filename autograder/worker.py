"""A worker's side of grading: keep a warm process, hand it submissions, deal with its deaths.

    warm = Warm(Settings())
    warm.start()                                    # ahead of time, if there is something to do
    result, notebook = warm.grade(order, files)     # or raises Refused
    warm.close()

Light to import: torch and the judges live in the warm process and in its examiners.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder import policy, wire
from fttools.errors import FTError

TRIES = 3
PRELOAD_SECONDS = 300.0
BEYOND = 120.0  # seconds an examiner may take past its submission's limit

Result = dict[str, Any]


class Refused(FTError, RuntimeError):
    """This machine offers no sandbox, or a kept promise of it failed."""


class Broken(Exception):
    """The grader's own processes failed; the submission is tried again."""


class Overdue(Broken):
    """An examiner ran far past its submission's limit; trying again would take as long."""


@dataclass(frozen=True)
class Settings:
    """How submissions are run: threads, limits, GPUs, and whether anything protects the host."""

    threads: int = 1
    limits: policy.Limits = field(default_factory=policy.Limits)
    gpus: tuple[int, ...] = ()
    unsafe: bool = False
    warm: bool = True


class Warm:
    """The warm process (`template`) of this worker. Threads may grade with it side by side."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        self.starting, self.closed = threading.Lock(), False

    def start(self) -> None:
        """Start it, and do not wait: whoever connects waits until everything is imported."""
        with self.starting:
            if self.closed:
                raise Broken("grading was stopped")
            if self.process is None or self.process.poll() is not None:
                self._end()
                self._begin()

    def _begin(self) -> None:
        settings = self.settings
        made = policy.make(settings.threads, settings.gpus, settings.limits)
        # One thread while it warms up: only a process without a pool of threads can fork. Its
        # children set their own number.
        environment = {**made.environment, "PYTHONPATH": str(Path(__file__).parents[1]),
                       "OMP_NUM_THREADS": "1"}  # fmt: skip
        if settings.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, settings.gpus))
        self.folder = tempfile.TemporaryDirectory(prefix="autograder-warm-")  # nobody else's
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(f"{self.folder.name}/warm")
            listener.listen(128)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "autograder.template", str(listener.fileno())],
                stdin=subprocess.PIPE, env=environment, pass_fds=(listener.fileno(),),
                stdout=subprocess.DEVNULL, stderr=None, start_new_session=True,
            )  # fmt: skip

    def close(self) -> None:
        """End it for good, and with it every examiner and sandbox it has."""
        with self.starting:
            self.closed = True
            self._end()

    def _end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            if self.process.stdin is not None:
                self.process.stdin.close()
        if self.folder is not None:
            self.folder.cleanup()
        self.process = self.folder = None

    def _connect(self) -> tuple[socket.socket, int]:
        """A connection to an examiner, and its process id. Raises Broken."""
        self.start()
        conn = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        conn.settimeout(PRELOAD_SECONDS)
        try:
            if self.folder is None:
                raise OSError("it was closed")
            conn.connect(f"{self.folder.name}/warm")
            said, _ = wire.receive(conn)
        except (OSError, wire.Ended) as err:
            conn.close()
            if isinstance(err, TimeoutError):
                with self.starting:
                    self._end()
            raise Broken(f"the warm process is gone ({err})") from err
        return conn, int(said["process"])

    def grade(self, order: Mapping[str, Any], files: Mapping[str, bytes]) -> tuple[Result, str]:
        """Grade one submission; the grader's own failures are retried, then reported as such."""
        message, again = "", False
        for attempt in range(TRIES + 1):
            try:
                result, notebook = self._once({**order, "judge_only": again}, files)
            except Broken as err:
                message = str(err)
                if isinstance(err, Overdue):
                    break
                time.sleep(0.2 * attempt)
                continue
            if result["outcome"] == "again":
                again = True
                continue
            if result["outcome"] == "infrastructure":
                message = result["message"]
                continue
            return {**result, "attempts": attempt + 1}, notebook
        return {"outcome": "infrastructure", "message": message, "checks": [], "seconds": 0.0,
                "attempts": TRIES + 1}, ""  # fmt: skip

    def selftest(self) -> list[dict[str, Any]]:
        """Every promise of the sandbox, tried (`selftest`). Raises Broken, Refused."""
        from autograder.selftest import SMALL

        result, _ = self._once({"selftest": True}, {}, SMALL)
        if "trials" not in result:
            raise Broken(str(result.get("message")))
        return list(result["trials"])

    def _once(
        self,
        order: Mapping[str, Any],
        files: Mapping[str, bytes],
        limits: policy.Limits | None = None,
    ) -> tuple[Result, str]:
        settings = self.settings
        limits = limits or settings.limits
        ours, examiner = self._connect()
        folder = Path(tempfile.mkdtemp(prefix="autograder-"))
        try:
            ours.settimeout(limits.seconds + BEYOND)
            wire.send(ours, {"threads": settings.threads, "gpus": list(settings.gpus),
                             "limits": asdict(limits), "unsafe": settings.unsafe,
                             "warm": settings.warm, "folder": str(folder)})  # fmt: skip
            sent = {**order, "files": list(files), "folder": str(folder),
                    "environment": shared_environment()}  # fmt: skip
            wire.send(ours, sent, tuple(files.values()))
            result, parts = wire.receive(ours)
        except wire.Ended as err:
            raise Broken(f"the examiner ended without a result ({err})") from err
        except TimeoutError as err:
            with contextlib.suppress(ProcessLookupError):
                os.kill(examiner, signal.SIGKILL)  # its sandbox goes with it
            raise Overdue("the examiner did not finish in time") from err
        finally:
            ours.close()
            shutil.rmtree(folder, ignore_errors=True)
        if "refused" in result:
            raise Refused(*result["refused"])
        return result, parts[0].decode() if parts else ""


def shared_environment() -> dict[str, str]:
    """Variables of this process that the examiner needs, and the sandbox does not get."""
    names = ("FT_COURSE_ROOT", "HOME")
    return {name: os.environ[name] for name in names if name in os.environ}
