"""Linux system calls that Python 3.11 lacks: enter a sandbox's namespaces, give up privileges.

Used between fork and the first line of learners' code, in a process with one thread.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import resource
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from autograder.policy import INSIDE_UID, Limits

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWUSER = 0x10000000
NAMESPACES = {"ipc": 0x08000000, "uts": 0x04000000, "net": 0x40000000, "pid": 0x20000000,
              "cgroup": 0x02000000, "mnt": 0x00020000}  # fmt: skip
NS_GET_USERNS = 0xB701  # ioctl_ns(2): the user namespace that owns a namespace
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
PR_SET_SECCOMP, PR_SET_SECUREBITS, PR_CAP_AMBIENT = 22, 28, 47
LAST_CAPABILITY = 63
NOBODY = 65534


def call(function: str, *args: object) -> int:
    """A libc call that raises OSError where it fails."""
    result: int = getattr(LIBC, function)(*args)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
    return result


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent` ends; leave if it has already."""
    call("prctl", PR_SET_PDEATHSIG, 9, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


@contextmanager
def root_user_namespace() -> Iterator[int | None]:
    """For root only: a user namespace where inside 0 is root and inside 1000 is nobody.

    bubblewrap by itself maps a single user, so root's sandbox would run as root's own user, whose
    number of processes the kernel does not limit. Yields None for an ordinary user.
    """
    if os.geteuid() != 0:
        yield None
        return
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            call("unshare", CLONE_NEWUSER)
            os.write(ready[1], b"x")
            os.close(go[1])
            os.read(go[0], 1)
        finally:
            os._exit(0)
    try:
        os.close(ready[1])
        if os.read(ready[0], 1) != b"x":
            raise OSError("No user namespace could be made.")
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{child}/{name}", "w") as stream:
                stream.write(f"0 0 1\n{INSIDE_UID} {NOBODY} 1\n")
        handle = os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        for end in (ready[0], *go):
            os.close(end)
        os.waitpid(child, 0)
    try:
        yield handle
    finally:
        os.close(handle)


def enter(process: int) -> None:
    """Join the namespaces of `process`; children made after this are in its PID namespace.

    The owner of its namespaces is joined first, because bubblewrap nests a second user namespace
    when an ordinary user runs it.
    """

    def handle(name: str) -> int:
        return os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)

    handles = {name: handle(name) for name in NAMESPACES}
    user = handle("user")
    owner = fcntl.ioctl(handles["mnt"], NS_GET_USERNS)
    call("setns", owner, CLONE_NEWUSER)
    for name, flag in NAMESPACES.items():
        call("setns", handles[name], flag)
    if os.fstat(user).st_ino != os.fstat(owner).st_ino:
        call("setns", user, CLONE_NEWUSER)


def limit(limits: Limits, already: int = 0) -> None:
    """Limits a process keeps across exec; the watchdog sees to what these cannot express.

    `already` is the private memory the process has, which the memory limit is on top of.
    """
    # Writable private memory; address space cannot be limited, CUDA and torch reserve a lot.
    bounds = {
        # A little less than the whole, so that Python hears of it before the kernel must kill.
        resource.RLIMIT_DATA: limits.memory * 7 // 8 + already,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_CPU: limits.cpu_seconds,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_MEMLOCK: 64 * 2**20,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, bound in bounds.items():
        hard = resource.getrlimit(kind)[1]
        value = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (value, value))


def become_learner() -> None:
    """Take the learner's user id and drop every capability, for good."""
    for capability in range(LAST_CAPABILITY + 1):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails past the kernel's last one
    # Root inside is an ordinary number from here on, and these bits are locked.
    # (Refused to a process without capabilities, which has nothing left to give up.)
    LIBC.prctl(PR_SET_SECUREBITS, 0b101111, 0, 0, 0)
    # An ordinary user's namespace has setgroups denied, and no groups.
    with contextlib.suppress(PermissionError):
        os.setgroups([])
    os.setresgid(INSIDE_UID, INSIDE_UID, INSIDE_UID)
    os.setresuid(INSIDE_UID, INSIDE_UID, INSIDE_UID)
    LIBC.prctl(PR_CAP_AMBIENT, 4, 0, 0, 0)  # clear all
    header = struct.pack("Ii", 0x20080522, 0)
    call("capset", header, bytes(24))
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self belongs to root


def filter_calls(program: bytes) -> None:
    """Install a seccomp filter (`seccomp.program`); it holds for every process from here on."""

    class Filter(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    call("prctl", PR_SET_SECCOMP, 2, ctypes.byref(Filter(len(program) // 8, program)), 0, 0)


def close_all_but(keep: set[int]) -> None:
    """Close every file descriptor except `keep` (and 0, 1, 2)."""
    last = 2
    for fd in sorted(keep):
        if fd > last + 1:
            os.closerange(last + 1, fd)
        last = max(last, fd)
    os.closerange(last + 1, 65536)
