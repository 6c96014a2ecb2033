"""The files in a folder or zip, one by one, or why one is left out.

Nothing is ever extracted under a name that comes from a submission: an entry is read into memory,
under a limit, by whoever wants it.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from autograder.reading import LIMITS, MIB, Limits, Unreadable, bytes_of
from fttools.errors import FTError


@dataclass(frozen=True)
class Entry:
    """A regular file found: its path's parts, size, time, and how to read at most `n` bytes."""

    parts: tuple[str, ...]
    size: int
    modified: float
    read: Callable[[int], bytes]

    @property
    def path(self) -> str:
        """The path as it is shown."""
        return printable("/".join(self.parts))


@dataclass(frozen=True)
class LeftOut:
    """A file that is not taken, and why."""

    path: str
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", printable(self.path))


def walk(path: Path, limits: Limits = LIMITS) -> Iterator[Entry | LeftOut]:
    """Every file below a folder or in a zip (also zips lying in the folder, not zips in zips)."""
    if path.is_dir():
        yield from _folder(path, (), limits, [limits.entries])
    elif zipfile.is_zipfile(path):
        yield from archive(path, (), limits)
    elif path.is_file():
        yield _file(path, (path.name,))
    else:
        raise FTError(f"There is no {path}.", "a folder, a zip or a notebook")


def _file(path: Path, parts: tuple[str, ...]) -> Entry:
    found = path.lstat()
    return Entry(parts, found.st_size, found.st_mtime, lambda most: bytes_of(path, most))


def _folder(
    folder: Path, above: tuple[str, ...], limits: Limits, left: list[int]
) -> Iterator[Entry | LeftOut]:
    shown = "/".join(above)
    try:
        found = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError as err:
        yield LeftOut(shown, f"not readable ({err.strerror})")
        return
    for item in found:
        parts = (*above, item.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        name = "/".join(parts)
        left[0] -= 1
        if left[0] < 0:
            yield LeftOut(name, f"more than {limits.entries:,} files")
            return
        here = Path(item.path)
        if item.is_symlink():
            yield LeftOut(name, "a symbolic link")
        elif item.is_dir(follow_symlinks=False):
            if len(parts) > limits.depth:
                yield LeftOut(name, f"more than {limits.depth} folders deep")
            else:
                yield from _folder(here, parts, limits, left)
        elif not item.is_file(follow_symlinks=False):
            yield LeftOut(name, "a device, pipe or socket")
        elif name.lower().endswith(".zip"):
            yield from archive(here, (*above, item.name[:-4]), limits)
        else:
            yield _file(here, parts)


def archive(path: Path, above: tuple[str, ...], limits: Limits) -> Iterator[Entry | LeftOut]:
    """The files of a zip, which stays open for as long as one of its entries is kept."""
    shown = "/".join(above) or path.name
    try:
        if path.is_symlink():
            raise zipfile.BadZipFile("a symbolic link")
        opened = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RecursionError) as err:
        yield LeftOut(shown, f"not a readable zip ({err})")
        return
    budget = [limits.archive]
    infos = opened.infolist()
    if len(infos) > limits.entries:
        yield LeftOut(shown, f"a zip of {len(infos):,} files; {limits.entries:,} are accepted")
        return
    for info in infos:
        parts = inner_parts(info.filename)
        if reason := parts if isinstance(parts, str) else refusal(info, limits):
            yield LeftOut(f"{shown}/{info.filename}", reason)
        elif not info.is_dir():
            assert isinstance(parts, tuple)
            yield Entry(
                (*above, *parts),
                info.file_size,
                zip_time(info),
                lambda most, info=info: _unpack(opened, info, most, budget),  # type: ignore[misc]
            )


def printable(name: str) -> str:
    """A name for a report: no control characters, no bidirectional tricks, not endless."""
    return "".join(c if c.isprintable() else "?" for c in name[:300])


def inner_parts(name: str) -> tuple[str, ...] | str:
    """The parts of a path in a zip, or why it is refused."""
    path = name.replace("\\", "/")
    if path.startswith("/") or (len(path) > 1 and path[1] == ":"):
        return "an absolute path"
    parts = tuple(p for p in PurePosixPath(path).parts if p != ".")
    if ".." in parts:
        return "a path that leaves the archive"
    if not parts or len(path) > 1000 or any(len(p) > 255 for p in parts):
        return "an empty or endless name"
    if len(parts) > LIMITS.depth:
        return f"more than {LIMITS.depth} folders deep"
    return parts


def refusal(info: zipfile.ZipInfo, limits: Limits) -> str | None:
    """Why an entry of a zip is not read, judged by its header alone."""
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return "a device, pipe or socket"
    if info.flag_bits & 0x1:
        return "encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed by an unusual method"
    if info.filename.lower().endswith(".zip"):
        return "a zip in a zip; hand in the files themselves"
    if info.file_size > MIB and info.file_size > limits.ratio * max(1, info.compress_size):
        return f"unpacks to {info.file_size:,} bytes from {info.compress_size:,}: a zip bomb"
    return None


def zip_time(info: zipfile.ZipInfo) -> float:
    """When a zipped file was changed, in seconds since 1970; 0 for an impossible date."""
    try:
        return (datetime(*info.date_time) - datetime(1970, 1, 1)).total_seconds()
    except ValueError:
        return 0.0


def _unpack(opened: zipfile.ZipFile, info: zipfile.ZipInfo, most: int, budget: list[int]) -> bytes:
    if info.file_size > most:
        raise Unreadable(f"{info.file_size:,} bytes; {most:,} are accepted", "a smaller file")
    try:
        with opened.open(info) as stream:
            blob = stream.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError,
            ValueError) as err:  # fmt: skip
        raise Unreadable(f"corrupt ({printable(str(err))})", "packing it again") from err
    budget[0] -= len(blob)
    if len(blob) > most or budget[0] < 0:
        raise Unreadable("unpacks to more than it says, or the archive to too much", "less of it")
    return blob
