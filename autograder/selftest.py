"""Try every promise of the sandbox, from inside it and from outside, on the host it is needed on.

Runs in an examiner's process with a kernel that was started as a submission's is, but with small
limits. Each trial does what a hostile submission would do, and says what happened.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import watch
from autograder.policy import WORK, Limits, Policy
from autograder.promises import INSIDE, gpu_code
from autograder.sandbox import Sandbox
from autograder.session import KernelSession, Lost, NotReady, Ran, TooLong

MB = 2**20
SMALL = Limits(memory=1024 * MB, processes=96, file_size=16 * MB, folder=32 * MB,
               shared_memory=16 * MB, output=8 * MB, cell_output=64 * 1024, cell_seconds=20,
               probe_seconds=20, seconds=120)  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """A promise, whether it was kept, and what was seen."""

    promise: str
    kept: bool
    seen: str
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"promise": self.promise, "kept": self.kept, "seen": self.seen,
                "seconds": round(self.seconds, 3)}  # fmt: skip


# Each is code that leaves True in `kept` and a few words in `seen`.
@contextmanager
def bait(policy: Policy) -> Iterator[dict[str, Any]]:
    """Things outside that nothing inside may reach: a listener, files, a name in the environment.

    Yields what the trials' code is filled in with.
    """
    from autograder import layout
    from autograder.policy import package

    canary = f"canary{os.getpid()}{time.monotonic_ns()}"
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(f"\0{canary}")
        unix.listen()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        (Path(folder) / canary).write_text(canary)
        secrets = [folder, str(Path.home()), str(Path(__file__).parent)]
        with contextlib.suppress(Exception):
            secrets.append(str(layout.sources() / "solutions"))
        binds = policy.binds
        # A home that holds Python itself is there as a folder with nothing else in it.
        secrets = [s for s in secrets if not any(b.startswith(s) for b in (*binds, WORK))]
        limits = policy.limits
        yield {
            "port": server.getsockname()[1], "abstract": canary, "examiner": os.getpid(),
            "secrets": secrets, "fttools": str(package("fttools")), "canary": canary,
            "environment": [*policy.environment, "PWD", "LC_CTYPE", "JPY_PARENT_PID", "CLICOLOR",
                            "FORCE_COLOR", "CLICOLOR_FORCE", "PAGER", "GIT_PAGER", "TERM",
                            "MPLBACKEND", "KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK",
                            "PYDEVD_USE_FRAME_EVAL", "TORCHINDUCTOR_CACHE_DIR"],
            "work": WORK, "file_size": limits.file_size, "memory": limits.memory,
            "processes": limits.processes,
        }  # fmt: skip


def trials(box: Sandbox, policy: Policy) -> list[Trial]:
    """Try every promise on a kernel just started; it is killed in the end."""
    started = time.monotonic()
    limits = policy.limits

    def look() -> Lost | None:
        if not box.alive():
            return box.why_dead()
        if time.monotonic() - started > limits.seconds:
            return Lost("timeout", "the self-test took too long")
        return None

    session = KernelSession(
        box.folder, box.key, look, box.interrupt, limits.output, limits.cell_output
    )
    found: list[Trial] = []
    try:
        session.wait_ready()
        with bait(policy) as names:
            for promise, code in INSIDE.items():
                found.append(inside(session, promise, code.format(**names)))
        if policy.gpus:
            found.append(inside(session, "assigned GPUs only", gpu_code(policy.gpus)))
        found.append(attempt("output", lambda: output(session, limits)))
        found.append(attempt("time", lambda: too_long(session)))
        found.append(attempt("nothing survives", lambda: survivors(box, session)))
    except (NotReady, Lost) as err:
        found.append(Trial("the kernel answers", False, str(err)))
    finally:
        box.kill()
        session.close()
    return found


def inside(session: KernelSession, promise: str, code: str) -> Trial:
    """Run a trial's code in the kernel."""
    started = time.monotonic()
    ran = session.run(code, 20.0, None)
    if ran.status != "ok":
        return Trial(promise, False, f"{ran.error[0]}: {ran.error[1][:200]}")
    said = session.run("", 20.0, {"kept": "kept", "seen": "str(seen)[:300]"})
    kept, seen = plain(said, "kept") == "True", plain(said, "seen").strip("'\"")
    return Trial(promise, kept, seen, time.monotonic() - started)


def plain(ran: Ran, name: str) -> str:
    """A value's text."""
    return str(ran.values.get(name, {}).get("data", {}).get("text/plain", ""))


def attempt(promise: str, do: Callable[[], tuple[bool, str]]) -> Trial:
    """A trial seen from outside."""
    started = time.monotonic()
    try:
        kept, seen = do()
    except (Lost, TooLong) as err:
        return Trial(promise, False, str(err))
    return Trial(promise, kept, seen, time.monotonic() - started)


def output(session: KernelSession, limits: Limits) -> tuple[bool, str]:
    """Far more than a cell may write."""
    ran = session.run(f"for _ in range(64): print('x' * {limits.cell_output // 8})", 20.0)
    kept = sum(len(str(o)) for o in ran.outputs)
    return ran.cut and kept < 2 * limits.cell_output, f"{kept:,} characters kept"


def too_long(session: KernelSession) -> tuple[bool, str]:
    """A cell that never ends, and a kernel that goes on after it."""
    try:
        session.run("while True: pass", 0.5)
    except TooLong:
        ran = session.run("", 20.0, {"x": "6 * 7"})
        return plain(ran, "x") == "42", "interrupted, and the kernel goes on"
    return False, "it was not stopped"


def survivors(box: Sandbox, session: KernelSession) -> tuple[bool, str]:
    """A daemon that leaves its session, and an end that it must not outlive."""
    session.run(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        while True: time.sleep(1)\n    os._exit(0)\n", 20.0,
    )  # fmt: skip
    time.sleep(0.05)
    before = watch.descendants(box.roots())
    box.kill()
    until = time.monotonic() + 5
    left = before
    while left and time.monotonic() < until:
        left = [p for p in before if running(p)]
        time.sleep(0.01)
    return len(before) >= 2 and not left, f"{len(before)} processes before, {len(left)} after"


def running(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")
