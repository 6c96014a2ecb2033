"""Control groups where they can be written: exact limits on a sandbox's memory and processes.

A group of its own also weighs as much as any other's on a busy processor, however many processes
it starts: a fork bomb does not starve the next sandbox, or the grader.

Version 2 (a delegated subtree, as under `systemd-run --user --scope -p Delegate=yes`, or root) or
version 1 (root). Without them the watchdog looks at `/proc` four times a second instead.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autograder.policy import Limits
from autograder.watch import Usage

ROOT = Path("/sys/fs/cgroup")


@dataclass
class Group:
    """The control groups of one sandbox: one folder (version 2) or one a controller (version 1)."""

    memory: Path | None
    pids: Path | None
    cpu: Path | None = None

    @property
    def folders(self) -> set[Path]:
        """Every folder of it."""
        return {f for f in (self.memory, self.pids, self.cpu) if f is not None}

    def add(self, process: int) -> None:
        """Put a process in; its children follow. One that is gone is no error."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                (folder / "cgroup.procs").write_text(str(process))

    def out_of_memory(self) -> bool:
        """Whether the kernel had to kill something for its memory."""
        if self.memory is None:
            return False
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                for line in (self.memory / name).read_text().splitlines():
                    words = line.split()
                    if words[0] == "oom_kill" and int(words[1]) > 0:
                        return True
        return False

    def remove(self) -> None:
        """Delete the groups once their processes are gone."""
        for folder in self.folders:
            remove(folder)

    def usage(self) -> Usage | None:
        """Processes, tasks and resident bytes in it; None where it does not count all of them."""
        if self.memory is None or self.pids is None:
            return None
        try:
            processes = (self.pids / "cgroup.procs").read_text().count("\n")
            tasks = int((self.pids / "pids.current").read_text())
            rows = (line.split() for line in (self.memory / "memory.stat").read_text().splitlines())
            found = {row[0]: int(row[1]) for row in rows}
        except (OSError, ValueError, IndexError):
            return None
        return Usage(processes, tasks, sum(found.get(n, 0) for n in ("anon", "rss", "shmem")))


def remove(folder: Path) -> None:
    """Delete a group, within a second, once its processes are gone."""
    for _ in range(50):
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)


def sweep(process: int) -> None:
    """Delete the groups that a warm process' examiners made and were killed before deleting."""
    for base in {b for b in parents() if b is not None}:
        for folder in base.glob(f"autograder-{process}-*"):
            remove(folder)


@lru_cache(maxsize=1)
def parents() -> tuple[Path | None, Path | None, Path | None]:
    """Folders to make groups in: memory, processes, processors. None where it cannot be."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = {controllers: path for _, controllers, path in (line.split(":", 2) for line in lines)}
    if (ROOT / "cgroup.controllers").is_file() and "" in own:
        # Processes may not be beside groups in version 2: the parent of ours must be writable.
        for base in (ROOT / own[""].lstrip("/"), (ROOT / own[""].lstrip("/")).parent):
            with contextlib.suppress(OSError):
                control = (base / "cgroup.subtree_control").read_text().split()
                if {"memory", "pids"} <= set(control) and os.access(base, os.W_OK):
                    return base, base, base if "cpu" in control else None
        return None, None, None

    def first_version(name: str) -> Path | None:
        for controllers, path in own.items():
            if name in controllers.split(","):
                for base in (ROOT / name / path.lstrip("/"), ROOT / name):
                    if base.is_dir() and os.access(base, os.W_OK):
                        return base
        return None

    return first_version("memory"), first_version("pids"), first_version("cpu")


def make(limits: Limits) -> Group | None:
    """A group with these limits, or None where none can be made."""
    found: list[Path | None] = []
    name = f"autograder-{os.getppid()}-{secrets.token_hex(4)}"  # by the warm process
    for base in parents():
        folder = None
        if base is not None:
            with contextlib.suppress(OSError):
                (base / name).mkdir(exist_ok=True)
                folder = base / name
        found.append(folder)
    memory, pids, cpu = found
    if memory is None and pids is None and cpu is None:
        return None
    for folder, file, value in (
        (memory, "memory.max", limits.memory),
        (memory, "memory.swap.max", 0),
        (memory, "memory.limit_in_bytes", limits.memory),
        (pids, "pids.max", limits.processes),
    ):
        if folder is not None and (folder / file).exists():
            with contextlib.suppress(OSError):
                (folder / file).write_text(str(value))
    return Group(memory, pids, cpu)


def how() -> dict[str, str]:
    """What limits memory and processes on this machine, in words."""
    memory, pids, cpu = parents()
    watchdog = "rlimits and a watchdog"
    return {
        "memory": "cgroup" if memory else watchdog,
        "processes": "cgroup" if pids else watchdog,
        "processors": "cgroup" if cpu else "nobody",
    }
