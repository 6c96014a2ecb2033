"""What a learner's process may see and use: mounts, environment, limits.

One `Policy` describes the sandbox whichever way the kernel gets into it (`sandbox`); nothing here
starts a process. Judges, solutions, the grader and the course folder are left out by naming what
is in, so a file added later is not in by accident.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

WORK = "/home/learner"  # the learner's private folder, home and working directory
INSIDE_UID = 1000
# Of fttools.checks the sandbox holds these; judges are in the other files.
BESIDE_LEARNERS = ("__init__.py", "core.py", "run.py", "remote.py", "probes")
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime",
       "mime.types", "nsswitch.conf", "ssl/certs")  # fmt: skip
GPU_DEVICES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-caps")
MB = 2**20
# Of the host's memory that a GPU takes: CUDA's own, and weights on their way to the device.
GPU_MEMORY = 8192 * MB


@dataclass(frozen=True)
class Limits:
    """Bytes, counts and seconds a submission may use."""

    memory: int = 4096 * MB
    processes: int = 512  # threads count, and torch and BLAS start some
    forks: int = 128  # processes alone; more of them end the submission
    file_size: int = 512 * MB
    folder: int = 1024 * MB
    shared_memory: int = 512 * MB
    output: int = 16 * MB  # all outputs of all cells
    cell_output: int = 1 * MB  # what is kept of one cell's outputs
    cell_seconds: float = 600.0
    probe_seconds: float = 60.0
    seconds: float = 1800.0  # the whole submission, by the wall clock

    @property
    def cpu_seconds(self) -> int:
        """CPU time of one process, over all its threads."""
        return int(self.seconds * max(2, os.cpu_count() or 1))


@dataclass(frozen=True)
class Policy:
    """Read-only binds, environment, limits, threads and GPU indices of a sandbox."""

    binds: tuple[str, ...]
    masks: tuple[str, ...]
    shown: tuple[str, ...]
    environment: dict[str, str]
    limits: Limits = field(default_factory=Limits)
    threads: int = 1
    gpus: tuple[int, ...] = ()

    def mounts(self) -> list[str]:
        """bubblewrap's arguments for the file system, in the order it applies them."""
        sizes = self.limits
        args = ["--ro-bind", "/usr", "/usr"]
        for name in SYSTEM:
            path = Path(name)
            if path.is_symlink():
                args += ["--symlink", os.readlink(path), name]
            elif path.is_dir():
                args += ["--ro-bind", name, name]
        for name in ETC:
            args += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        args += ["--proc", "/proc", "--dev", "/dev"]
        for name in parents((*self.binds, WORK, "/run/kernel/autograder/x", "/etc/x")):
            args += ["--perms", "0755", "--dir", name]  # the learner's user passes through
        # Before the binds, so that a checkout under /tmp stays visible.
        for where, size in (("/dev/shm", sizes.shared_memory), ("/tmp", sizes.folder),
                            (WORK, sizes.folder)):  # fmt: skip
            args += ["--perms", "1777", "--size", str(size), "--tmpfs", where]
        for name in parents(self.binds):
            if name.startswith("/tmp/"):  # the folder above is new
                args += ["--perms", "0755", "--dir", name]
        # torch counts cores there, CUDA looks for its devices.
        for name in ("/sys/devices", "/sys/bus", "/sys/module") if self.gpus else (
            "/sys/devices/system",):  # fmt: skip
            args += ["--ro-bind-try", name, name]
        for bound in self.binds:
            args += ["--ro-bind", bound, bound]
        for mask in self.masks:
            args += ["--tmpfs", mask]
        for shown in self.shown:
            args += ["--ro-bind", shown, shown]
        for mask in self.masks:
            args += ["--remount-ro", mask]
        for name in self.devices():
            args += ["--dev-bind-try", name, name]
        return [*args, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK]

    def devices(self) -> tuple[str, ...]:
        """Device files of the assigned GPUs."""
        if not self.gpus:
            return ()
        return tuple(f"/dev/{name}" for name in (*GPU_DEVICES, *(f"nvidia{i}" for i in self.gpus)))

    def with_limits(self, **changes: Any) -> Policy:
        """The same with some limits changed."""
        return replace(self, limits=replace(self.limits, **changes))


def parents(paths: Iterable[str]) -> list[str]:
    """Every folder above `paths`, outermost first."""
    above = {str(folder) for path in paths for folder in Path(path).parents}
    return sorted(above - {"/"})


def package(name: str) -> Path:
    """The folder of an installed package, links resolved."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name)
    return Path(spec.origin).resolve().parent


def environment(threads: int = 1) -> dict[str, str]:
    """The learner's environment: nothing of the instructor's but the course's own switches."""
    names = ("FT_SCALE", "FT_DATA", "LANG")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {
        "LANG": "C.UTF-8", **kept, "PATH": f"{Path(sys.prefix) / 'bin'}:/usr/bin:/bin",
        "HOME": WORK, "USER": "learner", "LOGNAME": "learner", "SHELL": "/bin/sh",
        "TMPDIR": "/tmp", "MPLCONFIGDIR": f"{WORK}/.matplotlib", "IPYTHONDIR": "/tmp/.ipython",
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false",
        "NBGRADER_EXECUTION": "autograde", "OMP_NUM_THREADS": str(threads),
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1",
        # pyarrow's allocator would start a thread, and a process that forks must have one.
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        # is_available() must not initialise CUDA in a process that forks.
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    }  # fmt: skip


def hub_cache() -> Path | None:
    """The model hub's cache, where there is one; learners' code reads models there, offline."""
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    return home / "hub" if (home / "hub").is_dir() else None


@lru_cache(maxsize=8)
def make(threads: int = 1, gpus: tuple[int, ...] = (), limits: Limits | None = None) -> Policy:
    """The policy for this installation: Python, its packages, fttools with probes only."""
    fttools = package("fttools")
    prefixes = {Path(p).resolve() for p in (sys.prefix, sys.base_prefix)}
    # A virtual environment is found by its own path, so that path is bound too.
    binds = {str(p) for p in prefixes} | {sys.prefix, sys.base_prefix}
    binds = {b for b in binds if not b.startswith("/usr/") and b not in ("/", "/usr")}
    inside = any(fttools.is_relative_to(p) for p in prefixes)
    if not inside and not str(fttools).startswith("/usr/"):
        binds.add(str(fttools))
    env = environment(threads)
    if not inside:
        env["PYTHONPATH"] = str(fttools.parent)
    checks = fttools / "checks"
    masks = [str(checks)]
    for name in ("autograder", "tests"):  # beside fttools, when both are in site-packages
        if (fttools.parent / name).is_dir() and inside:
            masks.append(str(fttools.parent / name))
    if (cache := hub_cache()) is not None:
        binds.add(str(cache))
        env["HF_HUB_CACHE"] = str(cache)
    if "FT_DATA" in env and Path(env["FT_DATA"]).is_dir():
        env["FT_DATA"] = str(Path(env["FT_DATA"]).resolve())
        binds.add(env["FT_DATA"])
    limits = limits or Limits()
    if gpus:
        limits = replace(limits, memory=limits.memory + len(gpus) * GPU_MEMORY)
        env["CUDA_VISIBLE_DEVICES"] = ",".join(str(i) for i in range(len(gpus)))
        env["CUDA_CACHE_DISABLE"] = "1"
    return Policy(
        binds=tuple(sorted(binds)),
        masks=tuple(masks),
        shown=tuple(str(checks / name) for name in BESIDE_LEARNERS),
        environment=env,
        limits=limits,
        threads=threads,
        gpus=gpus,
    )
