"""The demo's sample class through the whole grader: each mistake costs exactly its points.

Training is left out of every submission (it costs its two checks, 8 points, everywhere), so that
the test takes seconds; `make demo` trains.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder import cli, demo, layout

LOST = {
    "ada_full": set(),
    "ben_another_way": set(),
    "dan_forgot_scaling": {"lora-forward"},
    "eve_b_not_zero": {"lora-identity", "lora-inject"},
}
UNTRAINED = {"lora-train", "lora-report"}


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_mistakes_cost_their_own_points(tmp_path: Path) -> None:
    course = demo.prepare(tmp_path / "demo")
    for student in ("fay_untrained", "cem_blank"):
        shutil.rmtree(course.root / "submitted" / student)
    for student in LOST:
        path = course.notebook("submitted", student, "lora")
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "training":
                cell.source = "raise NotImplementedError()"
        nbformat.write(notebook, path)
    out = tmp_path / "out.json"
    assert cli.main(["grade", "lora", "--course", str(course.root), "--json", str(out)]) == 0
    results = {r["student"]: r for r in json.loads(out.read_text())}
    assert set(results) == set(LOST)
    for student, result in results.items():
        failed = {c["id"] for c in result["checks"] if c["score"] < c["points"]}
        assert failed == LOST[student] | UNTRAINED, student
        lost = sum(c["points"] for c in result["checks"] if c["id"] in failed)
        assert result["score"] == 40 - lost
    messages = {c["id"]: c["message"] for c in results["dan_forgot_scaling"]["checks"]}
    assert "not scaled" in messages["lora-forward"]

    assert cli.main(["feedback", "lora", "--course", str(course.root)]) == 0
    page = (course.root / "feedback/dan_forgot_scaling/lora/lora.html").read_text()
    assert "not scaled" in page
    table = tmp_path / "grades.csv"
    assert cli.main(["export", "--course", str(course.root), "--to", str(table)]) == 0
    rows = {r["student"]: r for r in csv.DictReader(table.open())}
    assert {s: float(r["score"]) for s, r in rows.items()} == {
        s: r["score"] for s, r in results.items()
    }


def test_sample_class_is_six(tmp_path: Path) -> None:
    course = demo.prepare(tmp_path / "demo")
    assert len(course.students("lora")) == 6
    assert (course.root / "exercises" / "lora" / "lora.ipynb").is_file()
    assert layout.solution("lora").is_file()
