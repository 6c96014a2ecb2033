"""A worker's side of grading: keep a warm process, hand it submissions, deal with its deaths.

    warm = Warm(Settings())
    result, notebook = warm.grade(order, files)     # or raises Refused
    warm.close()

Light to import: torch and the judges live in the warm process and in its examiners.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
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
    """The warm process (`template`) of this worker, started when first needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None
        self.conn: socket.socket | None = None
        self.seconds = 0.0

    def start(self) -> None:
        """Start it and wait until everything is imported. Raises Broken."""
        if self.process is not None and self.process.poll() is None:
            return
        self.close()
        ours, theirs = socket.socketpair()
        settings = self.settings
        made = policy.make(settings.threads, settings.gpus, settings.limits)
        # One thread while it warms up: only a process without a pool of threads can fork. Its
        # children set their own number.
        environment = {**made.environment, "PYTHONPATH": str(Path(__file__).parents[1]),
                       "OMP_NUM_THREADS": "1"}  # fmt: skip
        if settings.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, settings.gpus))
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "autograder.template"],
                stdin=theirs.fileno(), env=environment,
                stdout=subprocess.DEVNULL, stderr=None, start_new_session=True,
            )  # fmt: skip
        ours.settimeout(PRELOAD_SECONDS)
        self.conn = ours
        try:
            said, _ = wire.receive(ours)
        except (wire.Ended, TimeoutError) as err:
            self.close()
            raise Broken(f"the warm process did not start ({err})") from err
        self.seconds = float(said["seconds"])
        if said["threads"] != 1:
            self.close()
            raise Broken(f"the warm process has {said['threads']} threads, so it cannot fork")

    def close(self) -> None:
        """End it, and with it every examiner and sandbox it has."""
        if self.conn is not None:
            self.conn.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = self.conn = None

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
        self.start()
        assert self.conn is not None
        settings = self.settings
        limits = limits or settings.limits
        folder = Path(tempfile.mkdtemp(prefix="autograder-"))
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                try:
                    socket.send_fds(self.conn, [b"x"], [theirs.fileno()])
                except OSError as err:
                    self.close()
                    raise Broken(f"the warm process is gone ({err})") from err
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
            self.close()
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
