"""Many submissions on many workers: Dask distributed, on this machine or any scheduler's.

Each worker process keeps one warm process (`worker`), made again when a nanny restarts the worker.
This machine's own workers are threads, which share one; where each has a GPU they are processes.
A submission is one task; a task whose worker dies goes to another. Few submissions are in flight
at a time, so a class with large adapters does not have to fit into the scheduler's memory.
"""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autograder import provenance
from autograder.worker import Broken, Refused, Settings, Warm
from fttools.errors import FTError

WARM_MEMORY, EXAMINER_MEMORY = 2**30, 2**30  # beside the learners' kernels
PATIENCE = 1800.0  # seconds until the first worker of a scheduler must have come
LOSSES = 10  # deaths of a local worker that one submission survives; a scheduler has its own
Order = dict[str, Any]
Files = dict[str, bytes]
Done = tuple[Order, dict[str, Any], str]

_WARM: dict[Settings, Warm] = {}
_SHARE: list[int] = []  # the GPU of a local worker
_ONE = threading.Lock()  # a scheduler's worker grades one at a time, with all it was given
_TRYING = threading.Lock()


class NoScheduler(FTError, RuntimeError):
    """A scheduler that cannot be reached, or has no worker for the exercise."""


@dataclass(frozen=True)
class Tls:
    """Certificate files for a scheduler at a `tls://` address."""

    ca: Path
    cert: Path
    key: Path


def grade_task(
    order: Order, files: Files, settings: Settings, beside: bool = False
) -> tuple[dict[str, Any], str]:
    """One submission, on a worker; `beside` others of this process. Raises Refused where this
    machine has no sandbox."""
    with nullcontext() if beside else _ONE:
        warm = ready(replace(settings, gpus=own_gpus() if order.get("gpu") else ()))
        result, notebook = warm.grade(order, files)
    settings = warm.settings
    found = {**provenance.machine(), "threads": settings.threads, "gpus": list(settings.gpus),
             "sandbox": "none" if settings.unsafe else "bubblewrap"}  # fmt: skip
    return {**result, "provenance": found}, notebook


def warm_up(settings: Settings) -> None:
    """Start and try this worker's warm process, and wait for both."""
    ready(settings)


def ready(settings: Settings) -> Warm:
    """This process's warm process for `settings`, tried once."""
    from autograder import doctor

    warm = soon(settings)
    with _TRYING:
        doctor.ensure(warm)
    return warm


def soon(settings: Settings) -> Warm:
    """The same, started but not yet tried: it warms up while other things are done."""
    settings = replace(settings, threads=settings.threads or own_threads())
    warm = _WARM.setdefault(settings, Warm(settings))
    with suppress(Broken):  # it was stopped: whoever grades with it is told
        warm.start()
    return warm


def own_threads() -> int:
    """Processors that this worker may use: what its job was given, not what the machine has."""
    return len(os.sched_getaffinity(0))


def own_gpus() -> tuple[int, ...]:
    """The GPUs this worker may use: one of its own where this run's workers share a machine, else
    CUDA_VISIBLE_DEVICES' (numbers or UUIDs), else every one of the machine."""
    if _SHARE:
        return (_SHARE[0],)
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        wanted = [i.strip() for i in listed.split(",") if i.strip()]
        by_name = gpu_numbers() if any(not i.isdigit() for i in wanted) else {}
        return tuple(int(i) if i.isdigit() else by_name[i] for i in wanted
                     if i.isdigit() or i in by_name)  # fmt: skip
    return tuple(sorted(int(p.name[6:]) for p in Path("/dev").glob("nvidia[0-9]*")))


def worker_count(memory: int, gpu: bool = False) -> int:
    """Local workers: one a core (or a GPU), as many as may use `memory` bytes each at once."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gpus = len(own_gpus()) if gpu else 0
    if gpus:  # each is a process of its own, and has a warm one
        return max(1, min(gpus, there // (memory + EXAMINER_MEMORY + WARM_MEMORY)))
    return max(1, min(own_threads(), (there - WARM_MEMORY) // (memory + EXAMINER_MEMORY)))


def gpu_numbers() -> dict[str, int]:
    """This machine's GPUs by UUID, from the driver's own tool; empty where there is none."""
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=uuid,index", "--format=csv,noheader"],
                              capture_output=True, text=True, timeout=30, check=True)  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return {}
    rows = (line.split(",") for line in done.stdout.splitlines() if "," in line)
    return {uuid.strip(): int(index) for uuid, index in rows}


def share(client: Any, gpus: tuple[int, ...]) -> None:
    """Give each local worker a GPU of its own, by its name, also when a nanny restarts it."""
    from distributed import WorkerPlugin

    class OwnGpu(WorkerPlugin):  # type: ignore[misc]
        def setup(self, worker: Any) -> None:
            from autograder import cluster

            cluster._SHARE[:] = [gpus[int(worker.name) % len(gpus)]]

    client.register_plugin(OwnGpu())


@contextmanager
def connect(
    workers: int | None, scheduler: str | None, tls: Tls | None, gpu: bool
) -> Iterator[Any]:
    """A Dask client of local workers, or of the scheduler at an address. Raises NoScheduler."""
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    options = {"distributed.scheduler.allowed-failures": LOSSES,
               "distributed.worker.daemon": False, "distributed.admin.log-length": 0,
               "distributed.comm.timeouts.connect": "30s"}  # fmt: skip
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(options):
        if scheduler is None:
            gpus = own_gpus() if gpu else ()
            count = workers or 1
            with LocalCluster(
                n_workers=min(count, len(gpus)) if gpus else count,
                threads_per_worker=1, processes=bool(gpus), memory_limit=0,
                dashboard_address=None, silence_logs=logging.CRITICAL,
                host="127.0.0.1" if gpus else None, resources={"GPU": 1} if gpus else None,
            ) as cluster, Client(cluster) as client:  # fmt: skip
                if gpus:
                    share(client, gpus)
                try:
                    yield client
                finally:
                    stop()  # first, so that no thread waits for what nobody wants any more
            return
        if scheduler.startswith("tls://") and tls is None:
            raise NoScheduler(
                f"{scheduler} talks over TLS and wants certificates.",
                "--tls-ca FILE --tls-cert FILE --tls-key FILE, as its workers have them",
            )
        security = None
        if tls is not None:
            security = Security(
                tls_ca_file=str(tls.ca),
                tls_client_cert=str(tls.cert),
                tls_client_key=str(tls.key),
                require_encryption=True,
            )
        try:
            client = Client(scheduler, security=security, timeout=30)
        except (OSError, TimeoutError, ValueError) as err:
            raise NoScheduler(f"No scheduler answers at {scheduler}.", "its address") from err
        with client:
            yield client


def workers_of(client: Any) -> dict[str, Any]:
    """The scheduler's workers, once there is one: jobs of a cluster may wait in its queue."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as err:
        raise NoScheduler(
            f"The scheduler has had no worker for {PATIENCE / 60:.0f} minutes.",
            "squeue (or the like) to see whether its jobs run, then the same command",
        ) from err
    found: dict[str, Any] = client.scheduler_info(n_workers=-1)["workers"]
    return found


def run(
    orders: Iterator[tuple[Order, Files]],
    client: Any,
    settings: Settings,
    gpu: bool = False,
    remote: bool = False,
) -> Iterator[Done]:
    """Grade on the client's workers; results as they are done. `remote`: not this machine's own.

    Raises NoScheduler when no worker comes, or none has the GPU that the exercise asks for.
    """
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    info = workers_of(client)
    if remote and gpu and not any(w["resources"].get("GPU") for w in info.values()):
        raise NoScheduler(
            "The exercise asks for a GPU, and no worker of this scheduler has one.",
            "dask worker … --resources GPU=1 on machines with one",
        )
    # On a machine without a GPU the exercise runs at the lab scale, on processors.
    gpu = gpu and any(w["resources"].get("GPU") for w in info.values())
    resources = {"GPU": 1} if gpu else {}
    held: dict[str, Order] = {}

    def submit(order: Order, files: Files) -> Any:
        order = {**order, "gpu": gpu}
        name = f"grade-{order['exercise']}-{secrets.token_hex(12)}"  # nobody else's, ever
        future = client.submit(grade_task, order, files, settings, not (remote or gpu), key=name,
                               pure=False, resources=resources, retries=1)  # fmt: skip
        held[name] = order
        return future

    # Two a worker keep each one busy while results travel; workers may join on the way.
    first = [submit(*item) for item in itertools.islice(orders, 2 * len(info))]
    if not first:
        return
    done = as_completed(first)
    for future in done:
        order = held.pop(future.key)
        error = future.exception() if future.status != "finished" else None
        if isinstance(error, Refused):
            raise error
        if error is None:
            result, notebook = future.result()
        else:
            killed = isinstance(error, KilledWorker)
            why = "its workers died, again and again" if killed else f"{error!r:.300}"
            result, notebook = failed(why), ""
        future.release()
        more = 2 * len(client.scheduler_info(n_workers=-1)["workers"]) - len(held)
        for item in itertools.islice(orders, max(1, more)):
            done.add(submit(*item))
        yield order, result, notebook


def run_here(orders: Iterator[tuple[Order, Files]], settings: Settings) -> Iterator[Done]:
    """Grade in this process, one after the other: for a single submission Dask is not worth it."""
    for order, files in orders:
        yield (order, *grade_task(order, files, settings))


def stop() -> None:
    """End this process's warm processes; who still grades with them is told so."""
    for warm in list(_WARM.values()):
        warm.close()


def close() -> None:
    """The same, and forget them: the next run has its own."""
    stop()
    _WARM.clear()


def failed(why: str) -> dict[str, Any]:
    """The result of a submission that the grader could not grade; it is no zero."""
    return {"outcome": "infrastructure", "message": why, "checks": [], "seconds": 0.0}
