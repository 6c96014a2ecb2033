"""What a sandbox uses: its processes and their memory, found from outside through /proc.

A process may hide its maps, but not its parent or its resident pages, so both are read from files
that are open to everybody. Where cgroups can be written they do the same exactly (`cgroups`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.policy import Limits

PAGE = os.sysconf("SC_PAGE_SIZE")
# A sandbox may fill the machine with pages that belong to no process (files in memory).
LEAST_FREE = 256 * 2**20


@dataclass(frozen=True)
class Usage:
    """Processes and threads in a sandbox, and their resident bytes."""

    processes: int
    threads: int
    resident: int


def table() -> dict[int, list[int]]:
    """Children by parent of every process on the machine."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stream:
                    # The name in brackets may hold anything, brackets too.
                    parent = int(stream.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(name))
    return children


def descendants(roots: Iterable[int]) -> list[int]:
    """Every process below `roots`, roots left out."""
    children = table()
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def resident(process: int) -> int:
    """Bytes of memory a process holds; what it shares with its siblings counts in part."""
    try:
        with open(f"/proc/{process}/smaps_rollup", "rb") as stream:
            for line in stream:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        with open(f"/proc/{process}/statm", "rb") as stream:
            return int(stream.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def quick_resident(process: int) -> int:
    """An upper bound of `resident`, at a fraction of its cost."""
    try:
        with open(f"/proc/{process}/statm", "rb") as stream:
            return int(stream.read().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def threads(process: int) -> int:
    """Threads of a process."""
    try:
        with open(f"/proc/{process}/stat", "rb") as stream:
            return int(stream.read().rpartition(b")")[2].split()[17])
    except (OSError, IndexError, ValueError):
        return 0


def usage(roots: Iterable[int], limits: Limits) -> Usage:
    """What the processes below `roots` use; shared pages are told apart only near the limit."""
    found = descendants(roots)
    bytes_held = sum(quick_resident(p) for p in found)
    if bytes_held > limits.memory and len(found) <= limits.forks:
        bytes_held = sum(resident(p) for p in found)
    return Usage(len(found), sum(threads(p) for p in found), bytes_held)


def free_memory() -> int:
    """Bytes the machine could still give (`MemAvailable`)."""
    with open("/proc/meminfo") as stream:
        for line in stream:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return LEAST_FREE + 1
