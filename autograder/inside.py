"""The kernel's side of the sandbox: give up privileges, then serve Jupyter on given sockets.

Runs after the namespaces are entered, and is mounted in the sandbox (with `policy`, `namespaces`
and `seccomp`) for kernels started from cold. The five sockets are listening already, made outside,
so the sandbox needs no folder that both sides write.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
from collections.abc import Sequence
from typing import Any

from autograder import namespaces, seccomp
from autograder.policy import WORK, Limits

CHANNELS = ("shell", "control", "stdin", "iopub", "hb")


def settle(limits: Limits, keep: Sequence[int]) -> None:
    """Close what is inherited, apply the limits, drop privileges, filter system calls."""
    close_inherited(keep)
    os.umask(0o077)
    namespaces.limit(limits, already=private_memory())
    namespaces.become_learner()
    if program := seccomp.program():
        namespaces.filter_calls(program)
    os.chdir(WORK)


def close_inherited(keep: Sequence[int]) -> None:
    """Leave open what is in `keep`; input and outputs lead nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    namespaces.close_all_but(set(keep))


def private_memory() -> int:
    """Bytes of writable private memory this process has now (`VmData`)."""
    with open("/proc/self/status") as stream:
        for line in stream:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fresh_state(threads: int, torch_state: Any = None) -> None:
    """What a forked kernel must not share with its siblings: random states, thread counts."""
    random.seed()
    os.environ["OMP_NUM_THREADS"] = str(threads)  # the warm process has 1, to be able to fork
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)
        if torch_state is not None:  # where a new process starts
            torch.set_rng_state(torch_state)
    for name in [n for n in sys.modules if n.partition(".")[0] in ("autograder", "__main__")]:
        if name.startswith("autograder"):
            del sys.modules[name]


def serve(sockets: dict[str, int], key: bytes) -> None:
    """Run an IPython kernel on listening Unix sockets (file descriptors by channel)."""
    import zmq
    from ipykernel.heartbeat import Heartbeat
    from ipykernel.kernelapp import IPKernelApp
    from traitlets.config import Config

    def bind(name: str, socket: Any) -> int:
        socket.setsockopt(zmq.USE_FD, sockets[name])
        socket.bind(f"ipc:///{name}")
        return 1

    # The order in which IPKernelApp binds.
    order = iter(("shell", "stdin", "control", "iopub"))

    class Kernel(IPKernelApp):  # type: ignore[misc]
        def _try_bind_socket(self, s: Any, port: int) -> int:
            return bind(next(order), s)

        def write_connection_file(self, **options: Any) -> None:
            """The other side knows the sockets."""

        def log_connection_info(self) -> None:
            """Nobody reads it."""

    Heartbeat._try_bind_socket = lambda self: bind("hb", self.socket)  # type: ignore[method-assign]
    config = Config()
    config.Session.key = key
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    kernel = Kernel.instance(transport="ipc", ip="/k", shell_port=1, iopub_port=2, stdin_port=3,
                             hb_port=4, control_port=5, config=config,
                             connection_file="/tmp/kernel.json")  # fmt: skip
    kernel.initialize([])
    kernel.start()


def cold(text: str) -> None:
    """Entry of a kernel that bubblewrap started: limits, key and sockets as JSON."""
    order = json.loads(text)
    sockets = {name: int(fd) for name, fd in order["sockets"].items()}
    settle(Limits(**order["limits"]), list(sockets.values()))
    fresh_state(order["threads"])
    serve(sockets, bytes.fromhex(order["key"]))
