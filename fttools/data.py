"""Labelled text from the bundle, a local folder or the hub, with one call and the same result.

    load("reviews")              # written for this course: 1,000 / 250 / 250
    load("hard")                 # 100 contrast pairs: the smallest edit flips the label
    load("sst2")                 # $FT_DATA/sst2 if there, else stanfordnlp/sst2 from the hub
    load("path/to/folder")       # train.tsv, dev.tsv: text<TAB>label, no header

    instructions()               # {"train": rows, "test": rows} for instruction tuning
    domain("clinic", "train")    # texts of a register: clinic, contracts, general
    sequence()                   # three tasks to learn one after another, as Splits

Every result has `text` and `label` columns in the splits train, validation and test. Sources with
one labelled held-out part (SST-2's dev) give it as test, and validation is cut from train, so that
a model is never chosen on the data it is judged by.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fttools.errors import BadData, FTError, suggest
from fttools.scale_ import hub_reachable

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

BUNDLE = Path(__file__).parent / "reviews"
HUB_IDS = {"sst2": "stanfordnlp/sst2", "imdb": "stanfordnlp/imdb"}
NAMES = ("reviews", "hard", *HUB_IDS, *HUB_IDS.values())
VALIDATION_SHARE, VALIDATION_MOST = 0.1, 500
Row = dict[str, Any]


class UnknownData(FTError, ValueError):
    """No dataset of that name here."""


@dataclass(frozen=True)
class Splits:
    """Three labelled splits. `sha256` is over every text and label, for a run's record."""

    name: str
    source: str
    train: Dataset
    validation: Dataset
    test: Dataset
    sha256: str

    def __str__(self) -> str:
        sizes = f"{len(self.train):,} / {len(self.validation):,} / {len(self.test):,}"
        return f"{self.name} ({self.source}): {sizes} train / validation / test"


def load(name: str = "reviews", *, limit: int | None = None, seed: int = 0) -> Splits:
    """The dataset `name`; `limit` keeps that many training rows, balanced and drawn from `seed`.

    Raises UnknownData (with the nearest names) and BadData (empty, unlabelled, one class, labels
    out of range).
    """
    folder = Path(name)
    local = Path(os.environ["FT_DATA"]) / name if os.environ.get("FT_DATA") else None
    if name == "reviews":
        parts, source = {s: read_tsv(BUNDLE / f"{s}.tsv") for s in SPLITS}, "bundled"
    elif name == "hard":
        rows = read_tsv(BUNDLE / "hard.tsv")
        parts, source = {"train": [], "validation": [], "test": rows}, "bundled"
    elif local is not None and local.is_dir():
        parts, source = _folder(local), f"FT_DATA/{name}"
    elif folder.is_dir():
        parts, source = _folder(folder), str(folder)
    elif name in NAMES or ("/" in name and hub_reachable()):
        parts, source = _hub(HUB_IDS.get(name, name)), "hub"
    else:
        raise UnknownData(f"No dataset {name!r} here.", suggest(name, NAMES))
    for split, rows in parts.items():
        if rows or name != "hard":
            validate(rows, f"{name} {split}")
    if limit is not None:
        parts["train"] = balanced(parts["train"], limit, seed)
    return _build(name, source, parts)


def instructions(
    *, train: int = 6000, test: int = 600, seed: int | None = None
) -> dict[str, list[Row]]:
    """Rows (family, seen, instruction, input, output) about the lab world; see fttools.lab.tasks.

    `seed=None` is the course's own set, the one its figures are about.
    """
    from fttools.lab import tasks

    return tasks.instructions(tasks.SEED if seed is None else seed, train, test)


def domain(name: str, split: str = "train", size: int | None = None) -> list[str]:
    """Texts of a register: "clinic" and "contracts" were not in the lab model's pretraining,
    "general" is its held-out register. Raises UnknownData."""
    from fttools.lab import domains

    return domains.texts(name, split, size)


def sequence(seed: int = 0) -> list[Splits]:
    """Three two-class tasks on lab-world sentences, to be learned in this order with one head."""
    from fttools.lab.sequence import sequence as tasks

    return [_build(task.name, "generated", task.rows) for task in tasks(seed)]


SPLITS = ("train", "validation", "test")


def read_tsv(path: Path) -> list[Row]:
    """Rows of a tab-separated file: with a header naming `text` and `label`, or without one."""
    if not path.is_file():
        raise BadData(
            f"There is no {path.name} in {path.parent}.",
            "a folder with train.tsv and dev.tsv, each line text<TAB>label",
        )
    with path.open(encoding="utf-8", newline="") as stream:
        # Quotes are ordinary characters in these files.
        table = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not table:
        raise BadData(f"{path.name} is empty.", "a file with at least one line text<TAB>label")
    header = table[0] if table[0][:2] == ["text", "label"] else ["text", "label"]
    body = table[1:] if header is table[0] else table
    rows = []
    for number, cells in enumerate(body, 2 if header is table[0] else 1):
        row: Row = dict(zip(header, cells, strict=False))
        label = row.get("label", "")
        if not label.lstrip("-").isdigit():
            raise BadData(
                f"{path.name}, line {number}: no label ({label!r}).",
                "a whole number after a tab on every line, 0 or 1",
            )
        row["label"] = int(label)
        rows.append(row)
    return rows


def _folder(folder: Path) -> dict[str, list[Row]]:
    train, held_out = read_tsv(folder / "train.tsv"), folder / "test.tsv"
    if held_out.is_file() and (folder / "validation.tsv").is_file():
        return {
            "train": train,
            "validation": read_tsv(folder / "validation.tsv"),
            "test": read_tsv(held_out),
        }
    return _cut(train, read_tsv(folder / "dev.tsv"))


def _hub(hub_id: str) -> dict[str, list[Row]]:
    if not hub_reachable():
        raise UnknownData(
            f"{hub_id} is on the hub, which cannot be reached from here.",
            "FT_DATA=folder with the files, or the bundled 'reviews'",
        )
    import datasets

    from fttools.quiet import quietly

    with quietly():
        found = datasets.load_dataset(hub_id)
    column = "sentence" if "sentence" in found["train"].column_names else "text"
    held_out = "validation" if "validation" in found else "test"

    def rows(split: str) -> list[Row]:
        part = found[split]
        return [{"text": t, "label": y} for t, y in zip(part[column], part["label"], strict=True)]

    return _cut(rows("train"), rows(held_out))


def _cut(train: list[Row], test: list[Row]) -> dict[str, list[Row]]:
    """Cut validation from train, chosen by a hash of the text so that order does not matter."""
    size = min(VALIDATION_MOST, int(len(train) * VALIDATION_SHARE))
    ranked = sorted(
        range(len(train)), key=lambda i: hashlib.sha256(train[i]["text"].encode()).digest()
    )
    chosen = set(ranked[:size])
    return {
        "train": [r for i, r in enumerate(train) if i not in chosen],
        "validation": [train[i] for i in sorted(chosen)],
        "test": test,
    }


def validate(rows: Sequence[Row], where: str, labels: int = 2) -> None:
    """Raise BadData unless `rows` are non-empty, labelled 0..labels-1, with every class."""
    if not rows:
        raise BadData(f"{where} is empty.", "a file or list with labelled texts")
    bad = [r for r in rows if not str(r.get("text", "")).strip()]
    if bad:
        raise BadData(f"{where}: {len(bad)} rows have no text.", "removing the empty rows")
    found = {r.get("label") for r in rows}
    if found & {None, -1}:
        raise BadData(
            f"{where} is not labelled (labels {sorted(map(str, found))}).",
            "a labelled split; hubs often hide the labels of 'test'",
        )
    wrong = sorted(str(y) for y in found if not isinstance(y, int) or not 0 <= y < labels)
    if wrong:
        raise BadData(
            f"{where}: labels out of range: {', '.join(wrong[:5])}.",
            f"labels 0 to {labels - 1}, or labels={len(found)} for the model",
        )
    if len(found) < 2:
        raise BadData(
            f"{where} has one class only (label {found.pop()}).",
            "data with both classes: accuracy would be 100 % for a constant answer",
        )


def balanced(rows: list[Row], limit: int, seed: int) -> list[Row]:
    """`limit` rows with as equal classes as there are, drawn from `seed`, in shuffled order."""
    import random

    if limit < 2 or limit > len(rows):
        raise BadData(f"limit={limit} of {len(rows):,} rows.", f"a number from 2 to {len(rows)}")
    rng = random.Random(seed)
    by_class: dict[int, list[Row]] = {}
    for row in rng.sample(rows, len(rows)):
        by_class.setdefault(row["label"], []).append(row)
    picked: list[Row] = []
    while len(picked) < limit:
        picked += [group.pop() for group in by_class.values() if group][: limit - len(picked)]
    return picked


def _build(name: str, source: str, parts: dict[str, list[Row]]) -> Splits:
    from datasets import Dataset

    digest = hashlib.sha256()
    made = {}
    for split in SPLITS:
        for row in parts[split]:
            digest.update(f"{split}\t{row['text']}\t{row['label']}\n".encode())
        extra = sorted({k for row in parts[split] for k in row} - {"text", "label"})
        columns = {k: [row[k] for row in parts[split]] for k in ("text", "label", *extra)}
        made[split] = Dataset.from_dict(columns)
    return Splits(name, source, made["train"], made["validation"], made["test"], digest.hexdigest())


def tokenise(rows: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int = 128) -> Dataset:
    """`rows` with input_ids and attention_mask beside `labels`; not padded (a collator pads)."""
    from fttools.quiet import quietly

    encoded = tokenizer(list(rows["text"]), truncation=True, max_length=max_length)
    from datasets import Dataset

    with quietly():
        return Dataset.from_dict({**dict(encoded.items()), "labels": list(rows["label"])})
