"""Three classification tasks to learn one after another, sharing one two-class head.

    for task in sequence(): ...      # Task(name, labels, rows by split)

Each text begins with the task's name, so a model trained on all three together can tell them apart;
trained one after another without care, it forgets: the texts are alike, and the same two outputs
are given new meanings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from fttools.lab import words, world
from fttools.lab.passages import judged
from fttools.lab.scene import Scene, sentence
from fttools.lab.school import simple_clause
from fttools.lab.world import pick

Row = dict[str, Any]
SIZES = {"train": 600, "validation": 150, "test": 150}


@dataclass(frozen=True)
class Task:
    """One task: what labels 0 and 1 are called, and rows (`text`, `label`, `answer`)."""

    name: str
    labels: tuple[str, str]
    rows: dict[str, list[Row]]


def _feeling(rng: Random, label: int) -> str:
    s, p = Scene(rng), world.people(rng, 1)[0]
    noun, adjectives = judged(s, bool(label))
    r = rng.random()
    if r < 0.4:
        return s.clause("opinion", f"the {noun}", j=pick(rng, adjectives))
    if r < 0.7:
        return s.clause("feel", p.ref, j=pick(rng, words.GLAD if label else words.SAD))
    return s.clause("like" if label else "dislike", p.ref, M=f"the {noun}")


def _time(rng: Random, label: int) -> str:
    return simple_clause(Scene(rng))("fut" if label else "past")


def _place(rng: Random, label: int) -> str:
    s, p = Scene(rng), world.people(rng, 1)[0]
    spot = pick(rng, sorted(world.OUTDOORS if label else world.INDOORS))
    key = pick(rng, ("is_at", "sing", "rest", "work_at"))
    return s.clause(key, p.ref, p=world.at(spot))


TASKS: dict[str, tuple[tuple[str, str], Callable[[Random, int], str]]] = {
    "feeling": (("negative", "positive"), _feeling),
    "time": (("past", "future"), _time),
    "place": (("indoors", "outdoors"), _place),
}


def sequence(seed: int = 0, sizes: dict[str, int] | None = None) -> list[Task]:
    """The three tasks in order, balanced, without a text twice within a task."""
    tasks = []
    for name, (labels, write) in TASKS.items():
        rng = Random(f"sequence/{seed}/{name}")
        taken: set[str] = set()
        rows: dict[str, list[Row]] = {}
        for split, size in (sizes or SIZES).items():
            rows[split] = []
            while len(rows[split]) < size:
                label = len(rows[split]) % 2
                text = f"{name}: {sentence(write(rng, label))}"
                if text not in taken:
                    taken.add(text)
                    rows[split].append({"text": text, "label": label, "answer": labels[label]})
            rng.shuffle(rows[split])
        tasks.append(Task(name, labels, rows))
    return tasks
