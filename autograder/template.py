"""The warm process of a worker: imports everything once, then forks an examiner per submission.

    python -m autograder.template      (its end of a socket is standard input)

It holds no secret and never sees a submission. It has one thread, so its forks are whole. For each
request it forks an examiner; that forks the kernel's process into a sandbox *before* it is told
the seed or loads a judge, so neither can be in the memory the kernel inherits.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder import namespaces, wire
from autograder.policy import Limits, make
from autograder.sandbox import NoSandbox, Sandbox

# What exercises import, and what IPython and its kernel load lazily on their first cells.
PRELOAD = (
    "torch", "torch.utils.data", "numpy", "scipy.stats", "matplotlib.pyplot", "pandas", "datasets",
    "transformers", "peft", "accelerate", "safetensors.torch", "ipywidgets", "tqdm.auto",
    "IPython.core.completer", "IPython.core.magics", "IPython.core.payloadpage",
    "IPython.core.async_helpers", "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell",
    "ipykernel.heartbeat", "ipykernel.iostream", "ipykernel.pylab.backend_inline",
    "matplotlib_inline.backend_inline", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin",
    "zmq.eventloop.zmqstream", "tornado.ioloop", "jupyter_client.session", "nbformat.v4",
    "comm", "debugpy", "fttools", "fttools.checks", "fttools.data", "fttools.evaluate",
    "fttools.methods", "fttools.models", "fttools.scale_", "fttools.train", "fttools.runs",
    "transformers.models.bert.modeling_bert", "transformers.trainer", "torch._dynamo",
)  # fmt: skip
# The examiner's own; no judge among them.
EXAMINER = ("autograder.session", "autograder.rebuild", "autograder.sanitize", "autograder.watch",
            "bleach", "nbformat")  # fmt: skip


def preload() -> Any:
    """Import what submissions import; torch's random state as a new process has it."""
    # A new process would write matplotlib's list of fonts into the learner's folder each time.
    kept, shared = os.environ.get("MPLCONFIGDIR", ""), cache_folder()
    os.environ["MPLCONFIGDIR"] = str(shared)
    import torch

    torch.set_num_threads(1)  # a pool of threads would be missing in every fork
    state = torch.get_rng_state()
    for name in (*PRELOAD, *EXAMINER):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from fttools import models

    # The first load also checks the weights' SHA-256.
    with contextlib.suppress(Exception), without_gpu(torch):
        models.load("encoder", scale="lab")
    os.environ["MPLCONFIGDIR"] = kept
    judges = [n for n in sys.modules if is_judge(n)]
    if judges:
        raise RuntimeError(f"judges are loaded in the warm process: {judges}")
    gc.collect()
    gc.freeze()  # forks then share these pages instead of touching each object's header
    return state


@contextlib.contextmanager
def without_gpu(torch: Any) -> Iterator[None]:
    """Leave the GPU's driver alone: it starts a thread, and a process that forks must have one.
    What was remembered meanwhile is forgotten, for the kernels, which may have a GPU."""
    from transformers.utils import import_utils

    ask = torch.cuda.is_available
    torch.cuda.is_available = lambda: False
    try:
        yield
    finally:
        torch.cuda.is_available = ask
        for function in list(vars(import_utils).values()):
            if "cuda" in getattr(function, "__name__", "") and hasattr(function, "cache_clear"):
                function.cache_clear()


def is_judge(module: str) -> bool:
    """Whether a module may not be in a learner's process."""
    parts = module.split(".")
    beside = ("core", "run", "remote", "probes")
    return parts[:2] == ["fttools", "checks"] and len(parts) > 2 and parts[2] not in beside


def cache_folder() -> Path:
    """A folder of this user's for matplotlib's list of fonts; a temporary one if it is not ours."""
    folder = Path(tempfile.gettempdir()) / f"autograder-fonts-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
        return Path(tempfile.mkdtemp())
    return folder


def examine(conn: socket.socket, state: Any) -> None:
    """The examiner's process: start the kernel, then learn what it is for, grade, answer."""
    header, _ = wire.receive(conn)
    gpus = tuple(header["gpus"])
    policy = make(header["threads"], gpus, Limits(**header["limits"]))
    box = Sandbox(policy, Path(header["folder"]), unsafe=header["unsafe"])
    started = time.monotonic()
    try:
        box.start(warm=header["warm"], prepare=lambda: fresh(header["threads"], state))
    except NoSandbox as err:
        wire.send(conn, {"refused": [err.message, err.remedy]})
        return
    result: dict[str, Any]
    try:
        order, parts = wire.receive(conn)
        if order.get("selftest"):
            from autograder.selftest import trials

            found = [trial.as_json() for trial in trials(box, policy)]
            result, text = {"outcome": "tried", "trials": found}, ""
        else:
            from autograder.marking import mark  # judges, from here on

            result, text = mark(box, policy, order, parts, started)
    except wire.Ended:
        raise
    except Exception:  # the grader's own fault: the submission is tried again, and this is shown
        result, text = {"outcome": "infrastructure", "message": traceback.format_exc()[-1500:]}, ""
    finally:
        box.kill()
    wire.send(conn, result, (text.encode(),))


def fresh(threads: int, state: Any) -> None:
    """In a kernel just forked."""
    from autograder.inside import fresh_state

    gc.unfreeze()
    fresh_state(threads, state)


def serve(conn: socket.socket, state: Any) -> None:
    """Fork an examiner for every socket that comes in, until the worker is gone."""
    while True:
        data, handles, _, _ = socket.recv_fds(conn, 1, 1)
        if not data or not handles:
            return
        while True:  # examiners that are done
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                break
        parent, child = os.getpid(), os.fork()
        if child:
            os.close(handles[0])
            continue
        code = 1
        try:
            namespaces.die_with_parent(parent)
            conn.close()
            examine(socket.socket(fileno=handles[0]), state)
            code = 0
        except wire.Ended:
            pass
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)


def main() -> None:
    """Preload, say so, serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    conn = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    started = time.monotonic()
    state = preload()
    threads = len(os.listdir("/proc/self/task"))
    wire.send(conn, {"ready": True, "seconds": time.monotonic() - started, "threads": threads})
    serve(conn, state)


if __name__ == "__main__":
    main()
