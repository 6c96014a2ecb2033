"""Journal, gradebook, carried adapters and cleaning, without running anything of a learner's."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from autograder import adapter, cluster, grade, gradebook, journal, returns, sanitize, submissions
from autograder.layout import Course
from autograder.rebuild import cell_id, template
from fttools.checks.core import Answer, BadAnswer, pack, unpack


def result(student: str, outcome: str = "graded", score: float = 1.0) -> dict[str, Any]:
    ids = [i for c in template("lora").cells if (i := cell_id(c, "grade"))]
    checks = [] if outcome == "infrastructure" else [
        {"id": i, "points": 3.0, "score": score, "message": "m", "kind": "right"} for i in ids
    ]  # fmt: skip
    return {"outcome": outcome, "message": "", "checks": checks, "seconds": 1.0}


def run_of(course: Course, force: bool = False) -> tuple[grade.Run, Any]:
    book = gradebook.open_gradebook(course, "lora")
    return grade.Run(course, "lora", book, force, lambda r: None), book


def submit(course: Course, student: str, text: str = "{}") -> None:
    path = course.notebook("submitted", student, "lora")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def finish(run: grade.Run, student: str, **options: Any) -> None:
    order = next(iter(run.orders([student])))[0]
    run.finish(order, result(student, **options), "{}")


def test_a_run_resumes_and_grades_nothing_twice(tmp_path: Path) -> None:
    course = Course(tmp_path)
    for student in ("ada", "ben", "cem"):
        submit(course, student)
    run, book = run_of(course)
    assert run.resume(["ada", "ben", "cem"]) == ["ada", "ben", "cem"]
    finish(run, "ada")
    finish(run, "ben", outcome="infrastructure")
    book.close()
    run, book = run_of(course)
    assert run.resume(["ada", "ben", "cem"]) == ["ben", "cem"]  # failed is not graded
    submit(course, "ada", '{"changed": 1}')
    assert run.resume(["ada"]) == ["ada"]
    book.close()
    run, book = run_of(course, force=True)
    assert run.resume(["ada"]) == ["ada"]
    book.close()


def test_killed_between_journal_and_gradebook(tmp_path: Path, monkeypatch: Any) -> None:
    course = Course(tmp_path)
    submit(course, "ada")
    run, book = run_of(course)

    def killed(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(gradebook, "record", killed)
    with pytest.raises(KeyboardInterrupt):
        finish(run, "ada")
    book.close()
    monkeypatch.undo()
    run, book = run_of(course)
    assert run.resume(["ada"]) == []
    assert book.find_submission("lora", "ada").score == run.results["ada"]["score"] > 0
    book.close()


def test_a_line_cut_by_a_crash_is_cut_off(tmp_path: Path) -> None:
    book = journal.Journal(tmp_path)
    book.append("graded", student="ada", exercise="lora", id="1", key={}, result={"a": 1})
    with book.path.open("a") as stream:
        stream.write('{"event": "graded", "stud')
    again = journal.Journal(tmp_path)
    again.append("recorded", student="ada", exercise="lora", id="1")
    assert again.latest("lora")["ada"]["recorded"] is True
    assert len(list(again.lines())) == 2
    assert again.path.stat().st_mode & 0o077 == 0


def test_one_grader_a_course(tmp_path: Path) -> None:
    with (
        journal.lock(tmp_path),
        pytest.raises(journal.Busy, match="Another autograder"),
        journal.lock(tmp_path),
    ):
        pass


def test_infrastructure_is_no_zero_and_csv_agrees(tmp_path: Path) -> None:
    course = Course(tmp_path)
    submit(course, "ada")
    submit(course, "ben")
    run, book = run_of(course)
    finish(run, "ada", score=2.0)
    finish(run, "ben", outcome="infrastructure")
    book.close()
    assert run.results["ben"]["score"] is None and "seed" not in run.results["ada"]
    returns.export(course, tmp_path / "g.csv")
    rows = {r["student"]: r for r in csv.DictReader((tmp_path / "g.csv").open())}
    assert float(rows["ada"]["score"]) == run.results["ada"]["score"]
    assert rows["ben"]["score"] == "" and rows["ben"]["outcome"] == "infrastructure"


def test_what_failed_by_no_fault_of_its_own_is_tried_again_at_the_end(
    tmp_path: Path, monkeypatch: Any
) -> None:
    course, asked = Course(tmp_path), []
    for student in ("ada", "ben", "cem"):
        submit(course, student)

    def grade_task(order: Any, files: Any, settings: Any) -> tuple[dict[str, Any], str]:
        asked.append(order["student"])
        fails = order["student"] == "cem" or asked == ["ada"]
        return result(order["student"], "infrastructure" if fails else "graded"), "{}"

    monkeypatch.setattr(cluster, "grade_task", grade_task)
    monkeypatch.setattr(cluster, "soon", lambda settings: None)
    shown: list[str] = []
    found = grade.grade_class(
        course, "lora", workers=1, progress=lambda r: shown.append(r["student"])
    )
    assert asked == ["ada", "ben", "cem", "ada", "cem"]
    assert [r["outcome"] for r in found] == ["graded", "graded", "infrastructure"]
    assert sorted(shown) == ["ada", "ben", "cem"]  # each once, for the progress bar
    assert [line["student"] for line in journal.Journal(course.root).lines()
            if line["event"] == "graded"] == ["ben", "ada", "cem"]  # fmt: skip


def test_a_hand_given_score_stays(tmp_path: Path) -> None:
    course = Course(tmp_path)
    submit(course, "ada")
    run, book = run_of(course)
    finish(run, "ada", score=1.0)
    mark = book.find_grade("lora-forward", "lora", "lora", "ada")
    mark.manual_score = 2.5
    book.db.commit()
    finish(run, "ada", score=0.0)
    mark = book.find_grade("lora-forward", "lora", "lora", "ada")
    assert mark.score == 2.5 and mark.needs_manual_grade
    book.close()


def test_submissions_are_read_without_following(tmp_path: Path) -> None:
    course = Course(tmp_path)
    submit(course, "ada")
    secret = tmp_path / "secret"
    secret.write_text("{}")
    place = course.notebook("submitted", "eve", "lora")
    place.parent.mkdir(parents=True)
    place.symlink_to(secret)
    taken = submissions.take(course, "eve", "lora")
    assert not taken.files and "link" in taken.refused
    assert submissions.take(course, "ada", "lora").files == {"lora.ipynb": b"{}"}


CONFIG = {
    "peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["query"],
    "auto_mapping": {"base_model_class": "os.system"}, "base_model_name_or_path": "/etc",
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [{"peft_type": "X"}, {"r": -1}, {"r": True}, {"lora_alpha": "8"}, {"target_modules": "q.*"},
     {"target_modules": [1]}, {"use_dora": True}, {"peft_type": ["LORA"]}],
)  # fmt: skip
def test_adapter_config_is_allow_listed(change: dict[str, Any]) -> None:
    good = adapter.settings(json.dumps(CONFIG).encode())
    assert good == {"r": 4, "alpha": 8.0, "targets": ["query"]}
    with pytest.raises(adapter.BadAdapter):
        adapter.settings(json.dumps({**CONFIG, **change}).encode())


def test_adapter_tensors_are_plain_and_finite() -> None:
    files = {adapter.CONFIG: json.dumps(CONFIG).encode()}
    weights = {"lora_A": torch.ones(2, 2)}
    found = adapter.answer({**files, adapter.WEIGHTS: save(weights, {"format": "pt"})})
    assert torch.equal(found.tensors["lora_A"], weights["lora_A"])
    for bad in (save({"a": torch.tensor([float("nan")])}), save({"a": torch.ones(2).int()}),
                b"\x80\x04pickle", b"", b"\xff" * 64):  # fmt: skip
        with pytest.raises(adapter.BadAdapter):
            adapter.answer({**files, adapter.WEIGHTS: bad})


@pytest.mark.parametrize(
    "blob",
    [b"", b"\x80\x04.", (10**9).to_bytes(8, "little") + b"{}",
     save({"a": torch.ones(1)}, {"values": '{"x": NaN}'}),
     save({"a": torch.ones(1)}, {"values": "[1]"}), save({"a": torch.ones(1)})],
)  # fmt: skip
def test_answers_are_read_strictly(blob: bytes) -> None:
    with pytest.raises(BadAnswer):
        unpack(blob)


def test_an_answer_survives_the_way() -> None:
    sent = Answer({"x": torch.randn(2, 3)}, {"n": 1, "s": "é"})
    got = unpack(pack(sent))
    assert torch.equal(got.tensors["x"], sent.tensors["x"]) and got.values == sent.values


@pytest.mark.parametrize(
    "html",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href='javascript:alert(1)'>",
     "<svg onload=alert(1)>", "<iframe src=x>", "<style>*{}</style>", "<div style='x'>",
     "<form action=x><input></form>", "<<script>script>alert(1)", "<b onclick=alert(1)>x</b>"],
)  # fmt: skip
def test_html_is_reduced(html: str) -> None:
    found = sanitize.html(html).lower()
    for word in ("<script", "onerror", "onload", "onclick", "javascript", "<iframe", "<svg",
                 "<style", "style=", "<form", "<input", "<img"):  # fmt: skip
        assert word not in found


def test_other_types_are_dropped() -> None:
    data = {"application/javascript": "alert(1)", "image/svg+xml": "<svg/>", "text/latex": "x",
            "text/markdown": "x", "image/png": "bm90IGEgcG5n"}  # fmt: skip
    assert sanitize.bundle(data) == {"text/plain": sanitize.LEFT_OUT}
    assert sanitize.text("a\x1b]0;title\x07b\x1b[2Jc") == "abc"
    assert "<script" not in sanitize.markdown("<script>alert(1)</script>")


def test_csv_cells_are_no_formulas() -> None:
    assert returns.harmless("=1+1").startswith("'") and returns.harmless(-1.0) == -1.0
