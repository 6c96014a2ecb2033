"""A bubblewrap sandbox with one kernel in it, started from cold or forked from a warm process.

    box = Sandbox(policy, folder)     # folder: private to the grader, for the sockets
    box.start(warm=True)              # or False: a new Python under bubblewrap
    ...talk to box.folder / "shell", "iopub", ... (see session)
    box.kill()                        # every process in it, daemons too

Both ways go through the same bubblewrap command. A warm kernel is a fork of this process (which
must have one thread, and nothing secret in memory) that joins the namespaces bubblewrap has made
around a process that only waits; from there on it has what a cold one has.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from autograder import cgroups, inside, namespaces, watch
from autograder.policy import MB, WORK, Policy
from autograder.session import Lost
from fttools.errors import FTError

KERNEL_FILES = ("__init__.py", "inside.py", "namespaces.py", "policy.py", "seccomp.py")
READY = b"ready\n"
COLD = ("import sys; sys.path.insert(0, '/run/kernel'); from autograder.inside import cold; "
        "sys.path.pop(0); cold(sys.argv.pop())")  # fmt: skip


class NoSandbox(FTError, RuntimeError):
    """No sandbox on this machine, so nothing of a stranger's may run."""


def bubblewrap() -> str:
    """The path of `bwrap`. Raises NoSandbox."""
    found = shutil.which("bwrap")
    if found is None:
        raise NoSandbox(
            "bubblewrap is not installed, and submissions run in nothing else.",
            "apt install bubblewrap (dnf, apk and conda-forge have it too), then autograder doctor",
        )
    return found


class Sandbox:
    """Namespaces and mounts from bubblewrap around one kernel."""

    def __init__(self, policy: Policy, folder: Path, unsafe: bool = False) -> None:
        self.policy, self.folder, self.unsafe = policy, folder, unsafe
        self.key = secrets.token_hex(16).encode()
        self.listening: dict[str, socket.socket] = {}
        self.box: subprocess.Popen[bytes] | None = None
        self.kernel = 0  # its process id, as seen from outside
        self.entrance = 0  # a warm kernel's parent, which waits for it
        self.group: cgroups.Group | None = None
        self.first = 0  # process 1 of the PID namespace, as seen from outside

    def start(self, warm: bool, prepare: Callable[[], None] = lambda: None) -> None:
        """Start the kernel; `prepare` runs in a warm one before it serves. Raises NoSandbox."""
        for name in inside.CHANNELS:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(str(self.folder / name))
            listener.listen(8)
            self.listening[name] = listener
        try:
            if not self.unsafe:
                self.group = cgroups.make(self.policy.limits)
            if self.unsafe:
                self._fork(None, prepare)
            elif warm:
                self._fork(self._hold(), prepare)
            else:
                self._cold()
        except NoSandbox:
            self.kill()  # what was made of it
            raise
        finally:
            for listener in self.listening.values():
                listener.close()  # the kernel has its own; its end is then noticed

    def _command(self, userns: int | None, info: int) -> list[str]:
        args = [bubblewrap(), "--die-with-parent", "--new-session", "--unshare-pid",
                "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
                "--hostname", "sandbox", "--info-fd", str(info)]  # fmt: skip
        if userns is None:
            args += ["--unshare-user", "--uid", "1000", "--gid", "1000"]
        else:
            args += ["--userns", str(userns)]
        args += self.policy.mounts()
        # mounts() ends by making the root read-only, so files go before that.
        at = args.index("--remount-ro")
        here = Path(__file__).parent
        files: list[str] = []
        for name in KERNEL_FILES:
            files += ["--ro-bind", str(here / name), f"/run/kernel/autograder/{name}"]
        args[at:at] = files
        for name, value in self.policy.environment.items():
            args += ["--setenv", name, value]
        return args

    def _launch(self, command: list[str], keep: tuple[int, ...], output: int | None) -> None:
        """Run `command` under bubblewrap and learn the process ids it has outside."""
        read, write = os.pipe()
        names = memory_file(f"learner:x:1000:1000:learner:{WORK}:/bin/sh\n")
        groups = memory_file("learner:x:1000:\n")
        try:
            with namespaces.root_user_namespace() as userns:
                args = self._command(userns, write)
                at = args.index("--remount-ro")
                args[at:at] = ["--ro-bind-data", str(names), "/etc/passwd",
                               "--ro-bind-data", str(groups), "/etc/group"]  # fmt: skip
                kept = (write, names, groups, *keep, *(() if userns is None else (userns,)))
                self.box = subprocess.Popen(
                    [*args, "--", *command], pass_fds=kept, stdin=subprocess.DEVNULL,
                    stdout=output or subprocess.DEVNULL, stderr=subprocess.PIPE, env={},
                )  # fmt: skip
            os.close(write)
            write = -1
            said = b""
            while b"}" not in said:  # it comes in pieces
                if not (piece := os.read(read, 4096)):
                    raise self._refused()
                said += piece
            self.first = int(json.loads(said)["child-pid"])
            if self.group is not None:
                self.group.add(self.first)
        finally:
            for fd in (read, write, names, groups):
                if fd >= 0:
                    os.close(fd)

    def _refused(self) -> NoSandbox:
        assert self.box is not None
        self.box.kill()
        stderr: IO[bytes] | None = self.box.stderr
        why = stderr.read(2000).decode(errors="replace").strip() if stderr else ""
        self.box.wait()
        return NoSandbox(f"bubblewrap could not make a sandbox: {why}", "autograder doctor")

    def _hold(self) -> int:
        """A sandbox with a process that only waits; its process id outside."""
        self._launch(["/bin/sh", "-c", "echo ready; exec sleep infinity"], (), subprocess.PIPE)
        assert self.box is not None and self.box.stdout is not None
        if self.box.stdout.read(len(READY)) != READY:
            raise self._refused()
        children = Path(f"/proc/{self.first}/task/{self.first}/children").read_text().split()
        return int(children[0])

    def _fork(self, holder: int | None, prepare: Callable[[], None]) -> None:
        """Fork a kernel into the holder's namespaces (or, unsafe, into none)."""
        sockets = {name: s.fileno() for name, s in self.listening.items()}
        read, write = os.pipe()
        parent = os.getpid()
        self.entrance = os.fork()
        if self.entrance:
            os.close(write)
            said = b"".join(iter(lambda: os.read(read, 4096), b""))
            os.close(read)
            process, _, failure = said.decode(errors="replace").partition("\n")
            if failure or not process:
                raise NoSandbox(f"No kernel in the sandbox: {failure}", "autograder doctor")
            self.kernel = int(process)
            return
        try:  # in the child; nothing may return from here
            os.setsid()
            if self.group is not None:
                self.group.add(os.getpid())
            if holder is not None:
                namespaces.enter(holder)
            namespaces.die_with_parent(parent)  # after entering, which would clear it
            kernel = os.fork()
            if kernel:
                os.write(write, f"{kernel}\n".encode())
                namespaces.close_all_but(set())
                _, status = os.waitpid(kernel, 0)
                os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
            os.close(read)
            if holder is not None:
                inside.settle(self.policy.limits, [*sockets.values(), write])
            else:
                namespaces.die_with_parent(os.getppid())
                inside.close_inherited([*sockets.values(), write])
                os.chdir(self.folder)
            prepare()
            os.close(write)  # the grader goes on from here
            inside.serve(sockets, self.key)
        except BaseException as err:
            with contextlib.suppress(OSError):
                os.write(write, f"\n{type(err).__name__}: {err}".encode())
        finally:
            os._exit(70)

    def _cold(self) -> None:
        sockets = {name: s.fileno() for name, s in self.listening.items()}
        order: dict[str, Any] = {
            "sockets": sockets, "key": self.key.hex(), "threads": self.policy.threads,
            "limits": asdict(self.policy.limits),
        }  # fmt: skip
        self._launch([sys.executable, "-c", COLD, json.dumps(order)],
                     tuple(sockets.values()), None)  # fmt: skip

    def alive(self) -> bool:
        """Whether the kernel still runs."""
        if self.entrance:
            return os.waitid(os.P_PID, self.entrance,
                             os.WEXITED | os.WNOHANG | os.WNOWAIT) is None  # fmt: skip
        return self.box is not None and self.box.poll() is None

    def why_dead(self) -> Lost:
        """How a kernel that is no longer alive ended."""
        if self.group is not None and self.group.out_of_memory():
            return Lost("out_of_memory", f"more than {self.policy.limits.memory // MB:,} MB")
        return Lost("student_error", "the kernel died: the code ended it, or crashed it")

    def interrupt(self) -> None:
        """Ctrl-C for the kernel."""
        with contextlib.suppress(ProcessLookupError):
            for process in (self.kernel,) if self.kernel else watch.descendants((self.first,)):
                os.kill(process, signal.SIGINT)

    def roots(self) -> tuple[int, ...]:
        """Processes outside whose descendants are in the sandbox."""
        return tuple(p for p in (self.first, self.entrance) if p)

    def usage(self) -> watch.Usage:
        """What it uses: from its control groups, or else from every process of the machine."""
        found = self.group.usage() if self.group is not None else None
        return found or watch.usage(self.roots(), self.policy.limits)

    def kill(self) -> None:
        """End every process in the sandbox: its process 1 goes, and the kernel ends the rest."""
        if self.first:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.first, signal.SIGKILL)
        if self.box is not None:
            self.box.kill()
            self.box.wait()
            for stream in (self.box.stdout, self.box.stderr):
                if stream is not None:
                    stream.close()
        if self.entrance:
            if self.unsafe and self.kernel:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(os.getpgid(self.kernel), signal.SIGKILL)
            os.waitpid(self.entrance, 0)
            self.entrance = 0
        self.box, self.first = None, 0
        if self.group is not None:
            self.group.remove()
            self.group = None


def memory_file(text: str) -> int:
    """A file descriptor to read `text` from."""
    fd = os.memfd_create("data")
    os.write(fd, text.encode())
    os.lseek(fd, 0, os.SEEK_SET)
    os.set_inheritable(fd, True)
    return fd
