"""Classes for the grader's figures: light, training, carrying, sleeping, broken and hostile."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from autograder.layout import Course, solution
from autograder.release import student_version

IMPORTS = "import matplotlib.pyplot as plt\nimport transformers, peft, datasets\n"
# Wall time on one thread, the same for every grader.
SPIN = (
    "import time as _t\n_end = _t.perf_counter() + {seconds}\n"
    "while _t.perf_counter() < _end: pass\n"
)
BLANK = ("training", "report")
# So many of its rows train for half a minute in plain nbgrader's kernel, with two processors.
TRAIN_ROWS = 650
UNTRAINED = {"lora-train", "lora-report"}  # what a submission without training does not earn
HOSTILE = {
    "kills_itself": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "exits": "import os; os._exit(0)",
    "forks": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    "memory": "x = []\nwhile True: x.append(bytearray(1 << 26))",
    "output": "while True: print('x' * 100000)",
    "sleeps": "import time\nwhile True:\n    try: time.sleep(99)\n    except BaseException: pass",
    "forges": ("import fttools.checks.remote as _r, fttools.checks.core as _c, base64\n"
               "_r.reply = lambda *a: base64.b64encode(_c.pack(_c.Answer(values={'kind': 'right',"
               " 'passed': True, 'score': 5}))).decode()"),
    "kills_all": "import os, signal\nos.kill(-1, signal.SIGKILL)",
}  # fmt: skip
BROKEN = {
    "no_json": "not a notebook", "empty": "", "other": '{"cells": [], "nbformat": 4}',
    "cut": None, "list": "[1, 2]",
}  # fmt: skip


@contextmanager
def course() -> Iterator[Course]:
    """A course folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="grader-bench-") as folder:
        yield Course(Path(folder))


def solved(extra: str = "", blank: tuple[str, ...] = ()) -> Any:
    """The reference solution; `extra` runs in its last part, parts in `blank` are left open."""
    notebook = nbformat.read(solution("lora"), as_version=4)
    given = {c.metadata.nbgrader.grade_id: c.source for c in student_version("lora").cells
             if "nbgrader" in c.metadata}  # fmt: skip
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in blank:
            cell.source = given[name] if name != "training" else "model = None"
        if name == "accuracy_with_interval":
            cell.source = IMPORTS + cell.source + "\n" + extra
    return notebook


def put(course: Course, student: str, text: str, files: dict[str, bytes] | None = None) -> None:
    """Write one submission."""
    path = course.notebook("submitted", student, "lora")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    for name, blob in (files or {}).items():
        (path.parent / name).write_bytes(blob)


def light(course: Course, count: int, seconds: float = 1.0) -> None:
    """Submissions with a second of the learner's own compute and no training."""
    text = nbformat.writes(solved(SPIN.format(seconds=seconds), BLANK))
    for n in range(count):
        put(course, f"light{n:03d}", text)


def training(course: Course, count: int, adapter: dict[str, bytes] | None = None) -> None:
    """The whole reference, training for some 30 s; with `adapter`, the trained files come along."""
    notebook = solved()
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "training":
            cell.source = cell.source.replace('load("reviews")',
                                              f'load("reviews", limit={TRAIN_ROWS})')  # fmt: skip
            assert str(TRAIN_ROWS) in cell.source
    text = nbformat.writes(notebook)
    for n in range(count):
        put(course, f"train{n:03d}", text, adapter)


def sleeping(course: Course, count: int, seconds: float) -> None:
    """Submissions whose cells sleep, `seconds` in all, and need no processor."""
    notebook = student_version("lora")
    cells = [c for c in notebook.cells if c.cell_type == "code"
             and c.metadata.get("nbgrader", {}).get("solution")]  # fmt: skip
    for cell in cells:
        cell.source = f"import time; time.sleep({seconds / len(cells)})"
    text = nbformat.writes(notebook)
    for n in range(count):
        put(course, f"sleep{n:03d}", text)


def mixed(course: Course, count: int, seed: int = 0) -> dict[str, str]:
    """A class with 10 % broken and 5 % hostile submissions; each student's kind."""
    rng = random.Random(seed)
    kinds = ["broken"] * (count // 10) + ["hostile"] * (count // 20)
    kinds += ["honest"] * (count - len(kinds))
    rng.shuffle(kinds)
    honest = nbformat.writes(solved(SPIN.format(seconds=0.5), BLANK))
    found = {}
    for n, kind in enumerate(kinds):
        student = f"{kind}{n:03d}"
        found[student] = kind
        if kind == "honest":
            text = honest
        elif kind == "broken":
            name = sorted(BROKEN)[n % len(BROKEN)]
            text = BROKEN[name] if BROKEN[name] is not None else honest[: len(honest) // 2]
        else:
            name = sorted(HOSTILE)[n % len(HOSTILE)]
            notebook = student_version("lora")
            for cell in notebook.cells:
                if cell.metadata.get("nbgrader", {}).get("grade_id") == "LoRALinear":
                    cell.source = HOSTILE[name]
            text = nbformat.writes(notebook)
        put(course, student, text)
    return found


def trained_adapter(folder: Path) -> dict[str, bytes]:
    """The reference's adapter, trained once here and saved as learners save theirs."""
    from fttools import data, models, train
    from fttools.methods import LoRA

    encoder, tokenizer = models.load("encoder")
    method, config = LoRA(rank=8, targets="all-linear"), train.Config(epochs=2, lr=2e-3)
    run = train.fine_tune(encoder, tokenizer, data.load("reviews"), method, config)
    run.model.save_pretrained(folder)
    names = ("adapter_model.safetensors", "adapter_config.json")
    return {name: (folder / name).read_bytes() for name in names}
