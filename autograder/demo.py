"""`autograder demo`: release the exercise, grade a sample class of six, and return everything."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat

from autograder.layout import Course, solution
from autograder.release import release, student_version

# Edits of the reference: another correct solution, and three typical mistakes.
OTHER_FORWARD = "delta = torch.nn.functional.linear(x, self.B @ self.A)\n        return "
EDITS: dict[str, list[tuple[str, str]]] = {
    "ada_full": [],
    "ben_another_way": [
        (
            "return self.base(x) + self.scaling * (x @ self.A.T @ self.B.T)",
            OTHER_FORWARD + "delta * self.scaling + self.base(x)",
        ),
        ("nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))", "nn.init.normal_(self.A, std=0.02)"),
    ],
    "dan_forgot_scaling": [("self.scaling * (x", "(x")],
    "eve_b_not_zero": [
        ("torch.zeros(base.out_features, rank)", "torch.randn(base.out_features, rank)")
    ],
    "fay_untrained": [("epochs=2, lr=2e-3", "epochs=1, lr=1e-7")],
}


def sample_class(course: Course, exercise: str = "lora") -> None:
    """Write the six submissions of the sample class into `course`."""
    reference = nbformat.writes(nbformat.read(solution(exercise), as_version=4))
    texts = {"cem_blank": nbformat.writes(student_version(exercise))}
    for student, edits in EDITS.items():
        notebook = nbformat.reads(reference, as_version=4)
        for old, new in edits:
            hits = [cell for cell in notebook.cells if old in cell.source]
            if not hits:
                raise ValueError(f"{student}: the reference has no {old!r}")
            for cell in hits:
                cell.source = cell.source.replace(old, new)
        texts[student] = nbformat.writes(notebook)
    for student, text in texts.items():
        path = course.notebook("submitted", student, exercise)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def prepare(folder: Path) -> Course:
    """A fresh course folder with the released exercise and the sample class."""
    if (folder / "gradebook.db").is_file() and (folder / "submitted" / "cem_blank").is_dir():
        shutil.rmtree(folder)  # an earlier demo's, and nothing else's
    release(["lora"], folder / "exercises")
    course = Course(folder)
    sample_class(course)
    return course
