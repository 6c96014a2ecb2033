"""The record of a run: what was trained on what, with which versions, and what came out."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fttools.errors import BadData

PACKAGES = ("torch", "transformers", "peft", "accelerate", "datasets")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages a result depends on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def hardware() -> dict[str, Any]:
    """The device a run would use, and the number of CPU threads."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {"gpu": gpu, "cpu": platform.machine(), "threads": torch.get_num_threads()}


@dataclass(frozen=True)
class Record:
    """One run, as it is stored: a JSON object with its provenance.

    `seconds` is training time; `peak_bytes` is torch's peak allocation on a GPU, and the growth of
    the process's peak resident memory on a CPU (0 if earlier work had needed more).
    """

    model: str
    method: str
    options: dict[str, Any]
    data: str
    data_sha256: str
    seed: int
    config: dict[str, Any]
    trainable: int
    total: int
    steps: int
    seconds: float
    peak_bytes: int
    metrics: dict[str, float]
    history: list[dict[str, float]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=versions)
    hardware: dict[str, Any] = field(default_factory=hardware)

    def save(self, path: Path) -> None:
        """Write as JSON, creating the folder."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Record:
        """A stored record. Raises BadData when the file is not one."""
        try:
            return cls(**json.loads(path.read_text()))
        except (ValueError, TypeError) as err:
            raise BadData(f"{path.name} is not a run record.", "a file Record.save wrote") from err
