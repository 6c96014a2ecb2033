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
INSIDE = {
    "no network": """
import socket
seen = []
for kind, where in ((socket.AF_INET, ("127.0.0.1", {port})), (socket.AF_INET, ("1.1.1.1", 53)),
                    (socket.AF_UNIX, "\\0{abstract}")):
    with socket.socket(kind) as s:
        s.settimeout(1)
        try:
            s.connect(where); seen.append(f"reached {{where}}")
        except OSError as err:
            pass
names = [n for _, n in socket.if_nameindex() if n != "lo"]
kept = not seen and not names
seen = "; ".join(seen) or f"interfaces besides loopback: {{names}}"
""",
    "own processes only": """
import os
pids = [int(p) for p in os.listdir("/proc") if p.isdigit()]
kept = len(pids) < 10 and not os.path.exists("/proc/{examiner}/fd")
seen = f"{{len(pids)}} processes visible"
""",
    "no host files": """
import os
paths = {secrets!r}
seen = [p for p in paths if os.path.exists(p) or os.path.exists(p + "/.")]
for p in paths:
    try:
        os.listdir(p); seen.append(p)
    except OSError:
        pass
kept = not seen
seen = f"visible: {{seen}}" if seen else "home, course, solutions and canary are not there"
""",
    "no judges": """
import importlib.util, pkgutil, sys
import fttools.checks
found = [m.name for m in pkgutil.iter_modules(fttools.checks.__path__)]
loaded = [m for m in sys.modules if m.startswith("fttools.checks.")
          and m.split(".")[2] not in ("core", "run", "remote", "probes")]
kept = set(found) <= {{"core", "run", "remote", "probes"}} and not loaded
try:
    spec = importlib.util.find_spec("autograder.examiner")
except ModuleNotFoundError:
    spec = None
kept = kept and spec is None
seen = f"fttools.checks holds {{sorted(found)}}"
""",
    "read-only system": """
import os, sys
seen = []
for folder in ("/usr", "/etc", "/dev", "/", "/run", sys.prefix, sys.base_prefix, {fttools!r}):
    try:
        open(os.path.join(folder, ".sandbox-probe"), "w").close(); seen.append(folder)
    except OSError:
        pass
kept = not seen
seen = f"writable: {{seen}}" if seen else "nothing outside the work folder can be written"
""",
    "no privileges": """
import ctypes, os
status = dict(l.split(":", 1) for l in open("/proc/self/status") if ":" in l)
caps = {{k: int(status[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapAmb")}}
new = ctypes.CDLL(None).unshare(0x10000000)
kept = (os.getuid() == 1000 and not any(caps.values()) and status["NoNewPrivs"].strip() == "1"
        and status["Seccomp"].strip() == "2" and new == -1)
seen = f"uid {{os.getuid()}}, capabilities {{caps}}, new user namespace: {{new == 0}}"
""",
    "cleared environment": """
import os
extra = sorted(set(os.environ) - set({environment!r}))
text = open("/proc/self/environ", "rb").read()
kept = not extra and b"{canary}" not in text and "{canary}" not in str(os.environ)
seen = f"beyond the allow-list: {{extra}}"
""",
    "disk quota": """
import errno, os
seen = []
for folder in ({work!r}, "/tmp", "/dev/shm"):
    try:
        for n in range(9):
            with open(f"{{folder}}/fill{{n}}", "wb") as f:
                for _ in range(15):
                    f.write(bytes(1 << 20))
        seen.append(folder)
    except OSError as err:
        if err.errno not in (errno.ENOSPC, errno.EDQUOT):
            seen.append(f"{{folder}}: {{err}}")
    for n in range(9):
        if os.path.exists(f"{{folder}}/fill{{n}}"):
            os.remove(f"{{folder}}/fill{{n}}")
kept = not seen
seen = f"no limit in {{seen}}" if seen else "work folder, /tmp and /dev/shm have an end"
""",
    "file size": """
import errno
kept, seen = False, "a larger file was written"
try:
    with open("big", "wb") as f:
        f.seek({file_size} + 4096); f.write(b"x"); f.flush()
except OSError as err:
    kept, seen = err.errno == errno.EFBIG, str(err)
""",
    "memory": """
kept, seen = False, "the limit was passed"
try:
    blob = bytearray({memory} * 2)
except MemoryError:
    kept, seen = True, "MemoryError"
blob = None
""",
    "process count": """
import os, signal
children, seen = [], "no limit"
try:
    for _ in range({processes} + 64):
        children.append(os.posix_spawn("/bin/sleep", ["sleep", "60"], {{}}))
except OSError as err:
    seen = f"{{len(children)}} processes, then {{err.strerror}}"
kept = len(children) < {processes}
for pid in children:
    os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
""",
}  # fmt: skip


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


def gpu_code(gpus: tuple[int, ...]) -> str:
    """CUDA works on the assigned GPUs, and no other device is there."""
    return f"""
import os, torch
x = torch.randn(256, 256, device="cuda")
right = bool(torch.isfinite(x @ x).all())
devices = sorted(n for n in os.listdir("/dev") if n.startswith("nvidia") and n[6:].isdigit())
kept = right and torch.cuda.device_count() == {len(gpus)} and len(devices) == {len(gpus)}
seen = f"devices {{devices}}, {{torch.cuda.get_device_name(0)}}"
"""
