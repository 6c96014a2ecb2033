"""A worker's side of grading: keep a warm process, hand it submissions, deal with its deaths.

    warm = Warm(Settings())
    warm.start()                                    # ahead of time, if there is something to do
    doctor.ensure(warm)                             # or raises Refused
    result, notebook = warm.grade(order, files)
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

from autograder import cgroups, policy, wire
from fttools.errors import FTError

TRIES = 3
PRELOAD_SECONDS = 300.0
PARTING = 5.0  # seconds in which a warm process ends by itself
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
        self.tried = False  # whether this machine's sandbox was (`doctor.ensure`)

    def start(self) -> None:
        """Start it, and do not wait: whoever connects waits until everything is imported.

        Raises Broken after `close`, Refused where it cannot be started at all.
        """
        self._running()

    def _running(self) -> tuple[subprocess.Popen[bytes], str]:
        """The process, started if need be, and its private folder."""
        with self.starting:
            if self.closed:
                raise Broken("grading was stopped")
            if self.process is None or self.process.poll() is not None:
                self._end()
                try:
                    self._begin()
                except OSError as err:
                    self._end()
                    raise Refused(f"The warm process cannot be started: {err}.",
                                  "a TMPDIR with room, and with a short path") from err  # fmt: skip
            assert self.process is not None and self.folder is not None
            return self.process, self.folder.name

    def _begin(self) -> None:
        settings = self.settings
        made = policy.make(settings.threads, settings.gpus, settings.limits)
        # One thread while it warms up: only a process without a pool of threads can fork. Its
        # children set their own number.
        environment = {**made.environment, "PYTHONPATH": str(Path(__file__).parents[1]),
                       "OMP_NUM_THREADS": "1"}  # fmt: skip
        if settings.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, settings.gpus))
        self.folder = tempfile.TemporaryDirectory(prefix="autograder-")  # nobody else's
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(f"{self.folder.name}/warm")
            listener.listen(1024)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "autograder.template", str(listener.fileno()),
                 self.folder.name, "unsafe" if settings.unsafe else "sandbox"],
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
            if self.process.stdin is not None:
                self.process.stdin.close()  # it ends its examiners, and takes away their groups
            try:
                self.process.wait(PARTING if self.tried else 0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            cgroups.sweep(self.process.pid)
        if self.folder is not None:
            self.folder.cleanup()
        self.process = self.folder = None

    def _connect(self) -> tuple[socket.socket, int, str]:
        """A connection to an examiner, its process id, a folder for it. Raises Broken, Refused."""
        process, folder = self._running()
        conn = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        conn.settimeout(PRELOAD_SECONDS)
        try:
            conn.connect(f"{folder}/warm")
            said, _ = wire.receive(conn)
            return conn, int(said["process"]), tempfile.mkdtemp(dir=folder)
        except (OSError, wire.Ended) as err:
            conn.close()
            if isinstance(err, TimeoutError):
                process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1.0)  # it may be about to end
            why = Path(folder, "error")
            last = why.read_text().strip().splitlines()[-1] if why.is_file() else str(err)
            raise Broken(f"the warm process is gone ({last})") from err

    def grade(self, order: Mapping[str, Any], files: Mapping[str, bytes]) -> tuple[Result, str]:
        """Grade one submission; the grader's own failures are retried, then reported as such.

        With `order["last"]` there is one try. A sandbox that cannot be made is such a failure too:
        that this machine can make them was tried before (`doctor.ensure`).
        """
        message, again, overdue = "", False, False
        tries = 1 if order.get("last") else TRIES + 1
        attempt = 0
        while attempt < tries and not overdue:
            attempt += 1
            try:
                result, notebook = self._once({**order, "judge_only": again}, files)
            except (Broken, Refused) as err:
                message, overdue = str(err), isinstance(err, Overdue)
                time.sleep(0.2 * attempt)
                continue
            if result["outcome"] == "again" and not again:
                again, attempt = True, attempt - 1
                continue
            if result["outcome"] == "infrastructure":
                message = result["message"]
                continue
            return {**result, "attempts": attempt}, notebook
        return {"outcome": "infrastructure", "message": message, "checks": [], "seconds": 0.0,
                "attempts": attempt, "overdue": overdue}, ""  # fmt: skip

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
        ours, examiner, folder = self._connect()
        try:
            ours.settimeout(limits.seconds + BEYOND)
            wire.send(ours, {"threads": settings.threads, "gpus": list(settings.gpus),
                             "limits": asdict(limits), "warm": settings.warm,
                             "folder": folder})  # fmt: skip
            sent = {**order, "files": list(files), "folder": folder,
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
