"""Talk to a kernel that may be hostile: run code, take outputs, never trust a message.

Plain ZeroMQ sockets with bounded message sizes and queues. Every wait has an end, every tick looks
at the clock, the kernel's life and the sandbox's use of memory and processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.session import Session

TICK = 250  # milliseconds between looks at the sandbox
MOST_MESSAGE = 16 * 2**20
MOST_REPLY = 96 * 2**20  # an answer of 64 MiB in base64
QUEUE = 64
SMALL = 4096  # a status, read even when no more output is
GRACE = 5.0  # seconds to stop after an interrupt
STARTUP = 60.0


class Lost(Exception):
    """The kernel is gone for this submission; `outcome` says how."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.outcome, self.message = outcome, message


class NotReady(Exception):
    """The kernel did not start, before any of the learner's code: not the learner's fault."""


class TooLong(Exception):
    """One run reached its time limit and was interrupted; the kernel still answers."""


@dataclass
class Ran:
    """What one run said: its outputs (notebook format), status, and asked-for values."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    status: str = "ok"
    error: tuple[str, str] = ("", "")
    values: dict[str, Any] = field(default_factory=dict)
    cut: bool = False


class KernelSession:
    """The client's side of one kernel."""

    def __init__(
        self,
        folder: Path,
        key: bytes,
        look: Callable[[], Lost | None],
        interrupt: Callable[[], None],
        most_output: int,
        most_cell_output: int,
    ) -> None:
        self.session = Session(key=key)
        self.look, self.interrupt = look, interrupt
        self.left, self.most_cell = most_output, most_cell_output
        self.context = zmq.Context(io_threads=1)
        self.shell = self._connect(zmq.DEALER, folder / "shell", MOST_REPLY)
        self.iopub = self._connect(zmq.SUB, folder / "iopub", MOST_MESSAGE)
        self.iopub.setsockopt(zmq.SUBSCRIBE, b"")
        self.poller = zmq.Poller()
        self.poller.register(self.shell, zmq.POLLIN)
        self.poller.register(self.iopub, zmq.POLLIN)

    def _connect(self, kind: int, path: Path, most: int) -> Any:
        socket = self.context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, most)
        socket.setsockopt(zmq.RCVHWM, QUEUE)
        socket.connect(f"ipc://{path}")
        return socket

    def close(self) -> None:
        """Drop the connections."""
        self.shell.close()
        self.iopub.close()
        self.context.term()

    def wait_ready(self) -> None:
        """Until the kernel answers and its outputs reach us. Raises NotReady, Lost."""
        until = time.monotonic() + STARTUP
        asked, heard, answered = 0.0, False, False
        while not (heard and answered):
            now = time.monotonic()
            if now > until:
                raise NotReady("The kernel did not start in time.")
            if now - asked > 1.0:
                self.session.send(self.shell, "kernel_info_request", {})
                asked = now
            for socket, message in self._messages(50):
                heard = heard or socket is self.iopub
                answered = answered or (message or {}).get("msg_type") == "kernel_info_reply"
            if (lost := self.look()) is not None:
                raise NotReady(f"The kernel ended while starting ({lost.message}).")

    def _messages(self, wait: int) -> list[tuple[Any, dict[str, Any] | None]]:
        """Messages that arrived within `wait` ms; None for one that cannot be read."""
        found: list[tuple[Any, dict[str, Any] | None]] = []
        for socket, _ in self.poller.poll(wait):
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                continue
            if socket is self.iopub:
                length = sum(map(len, frames))
                self.left -= length
                if self.left < 0 and length > SMALL:
                    found.append((socket, {}))  # counted, not read
                    continue
            found.append((socket, self._read(frames)))
        return found

    def _read(self, frames: list[bytes]) -> dict[str, Any] | None:
        try:
            _, parts = self.session.feed_identities(frames)
            message: dict[str, Any] = self.session.deserialize(parts)
            if all(isinstance(message.get(n), dict) for n in ("header", "parent_header",
                                                              "content")):  # fmt: skip
                return message
        except Exception:  # hostile bytes fail in any way they like
            pass
        return None

    def run(self, code: str, seconds: float, values: dict[str, str] | None = None) -> Ran:
        """Run `code`; with `values`, evaluate those expressions after it.

        Raises TooLong where it had to be interrupted, Lost where the kernel is gone.
        """
        content = {"code": code, "silent": False, "store_history": values is None,
                   "user_expressions": values or {}, "allow_stdin": False,
                   "stop_on_error": False}  # fmt: skip
        asked = self.session.msg("execute_request", content)
        self.session.send(self.shell, asked)
        request = asked["header"]["msg_id"]
        ran, collected = Ran(), 0
        until = time.monotonic() + seconds
        interrupted, replied, idle, looked = False, False, False, time.monotonic()
        while not (replied and idle):
            for socket, message in self._messages(TICK):
                if socket is self.iopub and self.left < 0:
                    ran.cut = True
                if not message:
                    if message is not None:
                        continue  # past the limit of output
                    raise Lost("student_error", "the code broke the kernel's messages")
                if message["parent_header"].get("msg_id") != request:
                    continue
                kind, said = message.get("msg_type"), message["content"]
                if socket is self.shell and kind == "execute_reply":
                    replied = True
                    ran.status, ran.values = reply(said)
                    # What is still on its way is worth waiting a moment for, not more.
                    until = min(until, time.monotonic() + 2.0)
                elif kind == "status":
                    idle = said.get("execution_state") == "idle"
                elif not ran.cut:
                    collected += size(said)
                    ran.cut = collected > self.most_cell
                    if not ran.cut:
                        take(ran, str(kind), said)
            now = time.monotonic()
            if self.left < -4 * MOST_MESSAGE:
                raise Lost("student_error", "the code wrote far more output than is allowed")
            if now - looked > TICK / 1000:
                looked = now
                if (lost := self.look()) is not None:
                    raise lost
            if now > until:
                if replied:
                    break
                if interrupted:
                    raise Lost("timeout", f"a cell ran for more than {seconds:g} s")
                self.interrupt()
                interrupted, until = True, now + GRACE
        if interrupted:
            raise TooLong(f"a cell ran for more than {seconds:g} s")
        if ran.cut:
            ran.outputs.append({"output_type": "stream", "name": "stdout",
                                "text": "\n[further output left out]\n"})  # fmt: skip
        return ran


def size(value: Any) -> int:
    """Characters of all texts in a JSON value, and some for what holds them."""
    waiting, total = [value], 0
    while waiting:
        item = waiting.pop()
        total += 16
        if isinstance(item, str):
            total += len(item)
        elif isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
    return total


def reply(said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Status and values of an execute_reply."""
    values = said.get("user_expressions")
    return str(said.get("status")), values if isinstance(values, dict) else {}


def take(ran: Ran, kind: str, said: dict[str, Any]) -> None:
    """Add one iopub message to the outputs, as notebook output of the exact types."""
    if kind == "stream":
        name = "stderr" if said.get("name") == "stderr" else "stdout"
        text = str(said.get("text", ""))
        last = ran.outputs[-1] if ran.outputs else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"] += text
        else:
            ran.outputs.append({"output_type": "stream", "name": name, "text": text})
    elif kind in ("display_data", "execute_result"):
        data = said.get("data")
        if isinstance(data, dict):
            output: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
            if kind == "execute_result":
                output["execution_count"] = None
            ran.outputs.append(output)
    elif kind == "error":
        trace = said.get("traceback")
        lines = [str(line) for line in trace] if isinstance(trace, list) else []
        name, value = str(said.get("ename", ""))[:200], str(said.get("evalue", ""))[:2000]
        ran.error = ran.error if ran.error[0] else (name, value)
        ran.outputs.append({"output_type": "error", "ename": name, "evalue": value,
                            "traceback": lines[:200]})  # fmt: skip
    elif kind == "clear_output":
        ran.outputs.clear()
