"""The warm process of a worker: imports everything once, then forks an examiner per submission.

    python -m autograder.template FD FOLDER sandbox|unsafe

FD is a listening socket in FOLDER, which only its owner opens; only its parent may connect. When
standard input ends, the parent is gone: examiners, groups and FOLDER go too.

It holds no secret and never sees a submission. It has one thread, so its forks are whole. For each
connection it forks an examiner; that forks the kernel's process into a sandbox *before* it is told
the seed or loads a judge, so neither can be in the memory the kernel inherits.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder import cgroups, namespaces, wire
from autograder.policy import Limits, make
from autograder.sandbox import NoSandbox, Sandbox

# What exercises import, and what IPython and its kernel load lazily on their first cells.
PRELOAD = (
    "torch", "torch.utils.data", "numpy", "scipy.stats", "matplotlib.pyplot", "pandas", "datasets",
    "transformers", "peft", "accelerate", "safetensors.torch", "ipywidgets", "tqdm.auto",
    "IPython.core.completer", "IPython.core.magics", "IPython.core.payloadpage",
    "IPython.core.async_helpers", "IPython.core.completerlib", "IPython.core.debugger",
    "IPython.core.oinspect", "IPython.extensions.storemagic", "tornado.platform.asyncio",
    "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell",
    "ipykernel.heartbeat", "ipykernel.debugger", "ipykernel.iostream",
    "ipykernel.pylab.backend_inline",
    "matplotlib_inline.backend_inline", "matplotlib.backends.backend_agg", "PIL.PngImagePlugin",
    "zmq.eventloop.zmqstream", "tornado.ioloop", "jupyter_client.session", "nbformat.v4",
    "comm", "fttools", "fttools.checks", "fttools.data", "fttools.evaluate",
    "fttools.methods", "fttools.models", "fttools.scale_", "fttools.train", "fttools.runs",
    "transformers.models.bert.modeling_bert", "transformers.trainer", "torch._dynamo",
    "torch.profiler._cupti_monitor", "peft.tuners.lora.bnb",
    "peft.utils.transformers_weight_conversion",
    # What shows a traceback.
    "stack_data", "asttokens.asttokens", "executing", "pure_eval", "pygments.console",
    "pygments.formatters.terminal256",
)  # fmt: skip
# Optional to those who import them, slow, and of no use here: a kernel's debugger (a tenth of a
# second in each kernel), and a grammar of addresses that jsonschema compiles (two seconds).
UNUSED = ("debugpy", "rfc3987_syntax")
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
    with without(UNUSED):
        for name in (*PRELOAD, *EXAMINER):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    from fttools import data, models

    # The first load also checks the weights' SHA-256.
    with contextlib.suppress(Exception), without_gpu(torch):
        models.load("encoder", scale="lab")
        data.load("reviews")
    os.environ["MPLCONFIGDIR"] = kept
    judges = [n for n in sys.modules if is_judge(n)]
    if judges:
        raise RuntimeError(f"judges are loaded in the warm process: {judges}")
    gc.collect()
    gc.freeze()  # forks then share these pages instead of touching each object's header
    return state


@contextlib.contextmanager
def without(names: tuple[str, ...]) -> Iterator[None]:
    """Let imports of `names` fail meanwhile, as where they are not installed."""
    hidden = {n: None for n in names if n not in sys.modules}
    sys.modules.update(hidden)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


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


def examine(conn: socket.socket, state: Any, unsafe: bool) -> None:
    """The examiner's process: start the kernel, then learn what it is for, grade, answer."""
    wire.send(conn, {"process": os.getpid()})
    header, _ = wire.receive(conn)
    gpus = tuple(header["gpus"])
    policy = make(header["threads"], gpus, Limits(**header["limits"]))
    box = Sandbox(policy, Path(header["folder"]), unsafe=unsafe)
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


def serve(listener: socket.socket, state: Any, unsafe: bool) -> None:
    """Fork an examiner for every connection, until the worker is gone."""
    owner, examiners = os.getppid(), set[int]()
    while True:
        if 0 in select.select([listener.fileno(), 0], [], [])[0]:
            break  # nothing is ever written there: its other end is closed
        conn, _ = listener.accept()
        for process in [p for p in examiners if os.waitpid(p, os.WNOHANG)[0]]:
            examiners.discard(process)
        peer = conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        if struct.unpack("3i", peer)[0] != owner:
            conn.close()
            continue
        parent = os.getpid()
        try:
            child = os.fork()
        except OSError:  # no more processes just now; the worker asks again
            conn.close()
            continue
        if child:
            examiners.add(child)
            conn.close()
            continue
        code = 1
        try:
            namespaces.die_with_parent(parent)
            listener.close()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            examine(conn, state, unsafe)
            code = 0
        except wire.Ended:
            pass
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    for process in examiners:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)  # sandboxes die with them
    for process in examiners:
        os.waitpid(process, 0)
    cgroups.sweep(os.getpid())


def main() -> None:
    """Preload and serve. Raises RuntimeError with more than one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener, folder = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    try:
        state = preload()
        if (threads := len(os.listdir("/proc/self/task"))) != 1:  # its forks would not be whole
            raise RuntimeError(f"the warm process has {threads} threads, so it cannot fork")
    except Exception as err:
        (folder / "error").write_text(f"{type(err).__name__}: {err}")
        raise
    serve(listener, state, sys.argv[3] == "unsafe")
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
