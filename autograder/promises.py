"""What a sandbox promises, each with the code that tries to break it, run as a submission's is.

Each leaves `kept` (whether the promise held) and `seen` (what happened) behind; names in braces
are filled in by `selftest`.
"""

from __future__ import annotations

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
