"""Messages between the grader's own processes: a JSON object and binary parts, never pickle.

The examiner has read a stranger's bytes, so what it sends back is data too.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

MOST_PART = 512 * 2**20
MOST_PARTS = 256
HEAD = struct.Struct("<II")  # length of the JSON text, number of parts
LENGTH = struct.Struct("<Q")


class Ended(Exception):
    """The other side is gone."""


def send(conn: socket.socket, header: dict[str, Any], parts: tuple[bytes, ...] = ()) -> None:
    """Send one message. Raises Ended."""
    text = json.dumps(header).encode()
    try:
        conn.sendall(HEAD.pack(len(text), len(parts)) + text)
        for part in parts:
            conn.sendall(LENGTH.pack(len(part)))
            conn.sendall(part)
    except OSError as err:
        raise Ended(str(err)) from err


def receive(conn: socket.socket) -> tuple[dict[str, Any], list[bytes]]:
    """The next message. Raises Ended at the end, TimeoutError past the socket's timeout."""
    length, count = HEAD.unpack(exactly(conn, HEAD.size))
    if length > MOST_PART or count > MOST_PARTS:
        raise Ended("a message out of bounds")
    header = json.loads(exactly(conn, length))
    parts = []
    for _ in range(count):
        (size,) = LENGTH.unpack(exactly(conn, LENGTH.size))
        if size > MOST_PART:
            raise Ended("a message out of bounds")
        parts.append(exactly(conn, size))
    return header, parts


def exactly(conn: socket.socket, size: int) -> bytes:
    """That many bytes."""
    found = bytearray()
    while len(found) < size:
        try:
            chunk = conn.recv(min(size - len(found), 1 << 20))
        except TimeoutError:
            raise
        except OSError as err:
            raise Ended(str(err)) from err
        if not chunk:
            raise Ended("the other side closed")
        found += chunk
    return bytes(found)
