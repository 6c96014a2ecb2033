"""A class with broken submissions: each gets its outcome, and nothing stops the others."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder import cli, layout, release

OTHER = nbformat.writes(
    nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "def loop(n):\n    return sum(range(n))",
                metadata={"nbgrader": {"grade_id": "loops", "solution": True, "grade": False,
                                       "locked": False, "schema_version": 3}},
            )
        ]
    )
)  # fmt: skip


pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")


def submit(course: Path, student: str, text: str, name: str = "lora.ipynb") -> None:
    path = course / "submitted" / student / "lora" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_a_class_with_broken_submissions(tmp_path: Path) -> None:
    blank = nbformat.writes(release.student_version("lora"))
    submit(tmp_path, "blank", blank)
    submit(tmp_path, "not_json", "not a notebook")
    submit(tmp_path, "other", OTHER)
    submit(tmp_path, "no_cells", nbformat.writes(nbformat.v4.new_notebook()))
    submit(tmp_path, "misnamed", blank, "homework.ipynb")
    (tmp_path / "submitted" / "wrong_folder").mkdir()
    assert cli.main(["grade", "lora", "--course", str(tmp_path), "--json",
                     str(tmp_path / "out.json")]) == 0  # fmt: skip
    results = {r["student"]: r for r in json.loads((tmp_path / "out.json").read_text())}
    assert {s: r["outcome"] for s, r in results.items()} == {
        "blank": "graded", "not_json": "rejected", "other": "rejected", "no_cells": "rejected",
        "misnamed": "rejected",
    }  # fmt: skip
    assert {c["kind"] for c in results["blank"]["checks"]} <= {"blank", "missing"}
    assert all(r["score"] == 0 and r["max_score"] == 40 for r in results.values())
    assert "homework.ipynb" in results["misnamed"]["message"]
    assert cli.main(["feedback", "lora", "--course", str(tmp_path)]) == 0
    assert "Not attempted" in (tmp_path / "feedback/blank/lora/lora.html").read_text()
    assert cli.main(["export", "--course", str(tmp_path), "--to", str(tmp_path / "g.csv")]) == 0
    rows = {r["student"]: r for r in csv.DictReader((tmp_path / "g.csv").open())}
    assert rows["blank"]["score"] == "0.0" and rows["blank"]["state"] == "graded"
    assert rows["not_json"]["outcome"] == "rejected" and rows["not_json"]["score"] == "0.0"
    assert "not JSON" in (tmp_path / "feedback/not_json/lora/lora.html").read_text()


def test_no_submissions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["grade", "lora", "--course", str(tmp_path)]) == 2
    assert "submitted/" in capsys.readouterr().err
    with pytest.raises(layout.UnknownExercise):
        layout.solution("loar")
