"""Read what a stranger hands in, under limits and following no link.

bytes_of(path, LIMITS.notebook)   a regular file's bytes
notebook(blob, name)              the cells of any nbformat, as plain text
extras(folder)                    the allow-listed files beside a collected notebook
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fttools.errors import FTError

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What is accepted, in bytes and counts."""

    notebook: int = 16 * MIB
    adapter: int = 64 * MIB
    document: int = 1 * MIB  # a JSON beside the notebook
    documents: int = 20
    cells: int = 2_000
    source: int = 200_000  # characters of one solution cell
    entries: int = 50_000
    archive: int = 4096 * MIB  # bytes read out of one archive
    ratio: int = 250  # of unpacked to packed size, above 1 MiB
    depth: int = 12


LIMITS = Limits()


class Rejected(FTError, ValueError):
    """A submission that cannot be graded, and why."""


class Unreadable(FTError, ValueError):
    """One file that is not taken, and why."""


def bytes_of(path: Path, most: int) -> bytes:
    """A regular file's bytes. Raises Unreadable for links, devices, pipes and what is too large.

    Opened without following a link and without waiting (a pipe would hang), then looked at.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as err:
        why = "a link" if path.is_symlink() else f"not readable ({err.strerror})"
        raise Unreadable(why, "handing in the file itself") from err
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("a device, pipe or socket", "handing in a file")
        if found.st_size > most:
            raise Unreadable(
                f"{found.st_size:,} bytes; {most:,} are accepted",
                "clearing all outputs before saving",
            )
        blob = stream.read(most + 1)  # it may have grown since
    if len(blob) > most:
        raise Unreadable("too large", "clearing all outputs before saving")
    return blob


@dataclass(frozen=True)
class Cell:
    """A submitted cell: kind (code, markdown, raw), text, and the ids it carries."""

    kind: str
    source: str
    grade_id: str | None = None
    solution: bool = False
    id: str | None = None


def text_of(value: Any) -> str:
    """A notebook's text: a string, or a list of strings; anything else is none."""
    if isinstance(value, list):
        value = "".join(line for line in value if isinstance(line, str))
    # Lone surrogates are legal JSON, and cannot be written as UTF-8.
    text = value if isinstance(value, str) else ""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\0", "")


def notebook(blob: bytes, name: str, limits: Limits = LIMITS) -> list[Cell]:
    """The cells of a notebook of nbformat 3 or 4. Raises Rejected for anything else."""
    again = "downloading it again from Jupyter or Colab as .ipynb"
    try:
        found = json.loads(blob.decode("utf-8-sig"))
    except (ValueError, RecursionError) as err:  # UnicodeDecodeError is a ValueError
        raise Rejected(f"{name} is not a notebook (not JSON: {str(err)[:200]}).", again) from err
    cells = found.get("cells") if isinstance(found, dict) else None
    sheets = found.get("worksheets") if isinstance(found, dict) else None
    if cells is None and isinstance(sheets, list):  # nbformat 3
        inside = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for part in inside if isinstance(part, list) for cell in part]
    if not isinstance(cells, list):
        raise Rejected(f"{name} is JSON, but no notebook.", "downloading it again as .ipynb")
    if len(cells) > limits.cells:
        raise Rejected(
            f"{name} has {len(cells):,} cells; {limits.cells:,} are accepted.",
            "handing in the exercise's own cells",
        )
    return [_cell(c) for c in cells if isinstance(c, dict)]


def _cell(cell: dict[str, Any]) -> Cell:
    meta = cell.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    marks = meta.get("nbgrader")
    marks = marks if isinstance(marks, dict) else {}
    own = cell.get("id", meta.get("id"))
    grade_id = marks.get("grade_id")
    kind = cell.get("cell_type")
    return Cell(
        kind if kind in ("code", "markdown", "raw") else "markdown",
        text_of(cell.get("source", cell.get("input"))),  # `input` is nbformat 3's
        grade_id[:200] if isinstance(grade_id, str) else None,
        marks.get("solution") is True,
        own[:200] if isinstance(own, str) else None,
    )


# What may come along beside the notebook, and its largest size.
ADAPTER, CONFIG, RUNS = "adapter_model.safetensors", "adapter_config.json", "runs"


def extras(folder: Path, limits: Limits = LIMITS) -> dict[str, Path]:
    """The allow-listed files beside a collected notebook, by name: adapter, its config, runs.

    Links, devices and what is too large are not there. Read them with `bytes_of`.
    """
    found: dict[str, Path] = {}
    if folder.is_symlink() or not folder.is_dir():
        return found
    for name, most in ((ADAPTER, limits.adapter), (CONFIG, limits.document)):
        if _regular(folder / name, most):
            found[name] = folder / name
    runs = folder / RUNS
    if runs.is_dir() and not runs.is_symlink():
        for path in sorted(runs.iterdir())[: limits.documents]:
            if path.suffix == ".json" and _regular(path, limits.document):
                found[f"{RUNS}/{path.name}"] = path
    return found


def _regular(path: Path, most: int) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size <= most
