"""All attacks, and a class made of them.

    canaries = lay(course)                  # what must stay as it is
    write_class(course, canaries)           # every attack, with honest submissions among them
    ...grade...
    unearned(results)                       # {} when nobody got a point too many

`plain.count(folder, ATTACKS)` grades those that plain nbgrader can be given with plain nbgrader.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograder.layout import Course
from tests.attacks import breaking, files, forgery, pages, skipping, spying
from tests.attacks.kinds import Attack, Canaries, Submission, blank, earned, reference, solve

ATTACKS: tuple[Attack, ...] = (
    *skipping.ATTACKS, *forgery.ATTACKS, *spying.ATTACKS, *breaking.ATTACKS, *pages.ATTACKS,
    *files.ATTACKS,
)  # fmt: skip
# Seconds and bytes that let the bombs meet their limits soon; an honest light submission needs
# far less.
LIMITS = {"cell_seconds": 8.0, "probe_seconds": 6.0, "seconds": 60.0, "memory": 2 * 2**30,
          "folder": 64 * 2**20, "shared_memory": 64 * 2**20, "file_size": 64 * 2**20}  # fmt: skip
LAYER = ("LoRALinear",)
LIGHT = ("LoRALinear", "inject", "config", "count_parameters", "accuracy_with_interval")
HONEST: dict[str, tuple[str, ...]] = {
    "honest_light": LIGHT, "honest_layer": LAYER, "honest_blank": (),
    "honest_count": ("count_parameters",),
}  # fmt: skip


def lay(course: Path, root: Path, port: int = 9) -> Canaries:
    """Canary files in and beside the course folder, with secrets in them."""
    mark = secrets.token_hex(4)
    course.mkdir(parents=True, exist_ok=True)
    outside = course.parent / f"canary-{mark}.txt"
    hidden = f"FILESECRET-{mark}"
    for path in (outside, course / "canary.txt"):
        path.write_text(f"{hidden}\n")
    return Canaries(f"ATTACK{mark}", str(course.resolve()), str(root.resolve()), str(outside), port,
                    f"canary-{mark}", (hidden, f"ENVSECRET-{mark}"))  # fmt: skip


def place(course: Course, student: str, submission: Submission) -> None:
    """Write one submission as it would lie in submitted/ after a careless copy."""
    target = course.notebook("submitted", student, "lora")
    target.parent.mkdir(parents=True, exist_ok=True)
    if "lora.ipynb" not in submission.links:
        target.write_bytes(submission.blob())
    for name, blob in submission.files.items():
        (target.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (target.parent / name).write_bytes(blob)
    for name, to in submission.links.items():
        (target.parent / name).symlink_to(to)


def write_class(course: Course, canaries: Canaries, attacks: Iterable[Attack] = ATTACKS) -> None:
    """The attacks as a class, each a student of its name, and honest students among them."""
    for attack in attacks:
        place(course, attack.name, attack.build(canaries))
    for student, parts in HONEST.items():
        place(course, student, Submission(solve(blank(), parts)))


def honest_score(student: str) -> float:
    """What a student of the class honestly earns."""
    if student in HONEST:
        return earned(HONEST[student])
    return next(a for a in ATTACKS if a.name == student).honest


def unearned(results: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Points too many, by student."""
    over = {r["student"]: (r["score"] or 0) - honest_score(r["student"]) for r in results}
    return {student: points for student, points in over.items() if points > 0}


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures for the bench: how many attacks, kinds, outcomes, and what was unearned."""
    known = {a.name: a for a in ATTACKS}
    hostile = [r for r in results if r["student"] in known]
    outcomes: dict[str, int] = {}
    for r in hostile:
        outcomes[r["outcome"]] = outcomes.get(r["outcome"], 0) + 1
    honest = [r for r in results if r["student"] in HONEST]
    return {
        "attacks": len(hostile), "kinds": len({known[r["student"]].kind for r in hostile}),
        "outcomes": outcomes, "unearned": unearned(hostile),
        "wrong_type": {r["student"]: r["outcome"] for r in hostile
                       if r["outcome"] not in known[r["student"]].outcomes},
        "honest_right": all(r["score"] == honest_score(r["student"]) for r in honest),
        "honest": len(honest),
    }  # fmt: skip


def as_table(attacks: Iterable[Attack] = ATTACKS) -> str:
    """The catalogue as JSON, for reading."""
    rows = [{"name": a.name, "kind": a.kind, "tries": a.tries, "honest": a.honest,
             "plain": a.plain is not None} for a in attacks]  # fmt: skip
    return json.dumps(rows, indent=1)


if __name__ == "__main__":
    reference()
    print(as_table())
