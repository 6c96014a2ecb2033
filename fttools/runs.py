"""The record of a run: what was trained on what, with which versions, and what came out."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fttools.errors import BadData, suggest

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
    def parse(cls, text: str) -> Record:
        """A record from its JSON, with the tuples among its options, which JSON has as lists."""
        fields = json.loads(text)
        fields["options"] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in fields["options"].items()
        }
        return cls(**fields)

    @classmethod
    def read(cls, path: Path) -> Record:
        """A stored record. Raises BadData when the file is not one."""
        try:
            return cls.parse(path.read_text())
        except (ValueError, TypeError, KeyError) as err:
            raise BadData(f"{path.name} is not a run record.", "a file Record.save wrote") from err


RECORDED = Path(__file__).parent / "recorded"


def recorded(name: str, study: str | None = None) -> list[Record]:
    """Runs recorded for the lessons (`benchmarks/record.py` makes them), of one study or all.

    Raises BadData naming what there is.
    """
    path = RECORDED / f"{name}.jsonl"
    if not path.is_file():
        raise BadData(f"No runs were recorded as {name!r}.",
                      suggest(name, (p.stem for p in RECORDED.glob("*.jsonl"))))  # fmt: skip
    found = [Record.parse(line) for line in path.read_text().splitlines()]
    studies = {str(r.config["study"]) for r in found}
    if study is not None and study not in studies:
        raise BadData(f"{name} has no study {study!r}.", suggest(study, studies))
    return [r for r in found if study is None or r.config["study"] == study]


@dataclass(frozen=True)
class Summary:
    """Seeds of one setting: mean accuracy and the 95 % t interval of that mean."""

    label: str
    values: tuple[float, ...]
    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"{self.label}: {self.mean:.1%} [{self.low:.1%}, {self.high:.1%}], n={len(self.values)}"
        )


def summarise(values: Iterable[float], label: str = "") -> Summary:
    """Mean and 95 % t interval over seeds (at least two). Raises BadData for fewer."""
    from scipy.stats import t

    found = tuple(float(v) for v in values)
    if len(found) < 2:
        raise BadData(f"{label or 'These runs'}: {len(found)} seed.", "at least two seeds")
    mean = sum(found) / len(found)
    error = (sum((v - mean) ** 2 for v in found) / (len(found) - 1) / len(found)) ** 0.5
    half = float(t.ppf(0.975, len(found) - 1)) * error
    return Summary(label, found, mean, mean - half, mean + half)


def by(
    records: Iterable[Record], key: Callable[[Record], Any], metric: str = "accuracy"
) -> dict[Any, Summary]:
    """Records grouped by `key` (in their order), each group's `metric` summarised over seeds."""
    groups: dict[Any, list[float]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record.metrics[metric])
    return {k: summarise(v, str(k)) for k, v in groups.items()}
