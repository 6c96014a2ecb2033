"""Stored lessons are current, quiet and small; the builder notices when they are not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "course").glob("*.ipynb"))


def builder() -> Any:
    spec = importlib.util.spec_from_file_location("build", ROOT / "course" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_outputs_are_current(path: Path) -> None:
    assert builder().problems(path) == []


def small(tmp_path: Path, source: str) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    path = tmp_path / "small.ipynb"
    nbformat.write(notebook, path)
    return path


def test_stale_outputs_are_noticed(tmp_path: Path) -> None:
    build, path = builder(), small(tmp_path, "print(1)")
    build.execute(path)
    assert build.problems(path) == []
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "print(2)"
    nbformat.write(notebook, path)
    assert "older than its code" in build.problems(path)[0]


def test_stderr_and_unrun_cells_are_noticed(tmp_path: Path) -> None:
    build, path = builder(), small(tmp_path, "import sys; print('noise', file=sys.stderr)")
    assert any("not run" in p for p in build.problems(path))
    build.execute(path)
    assert any("stderr" in p for p in build.problems(path))


def test_a_failing_cell_leaves_the_file(tmp_path: Path) -> None:
    from nbclient.exceptions import CellExecutionError

    path = small(tmp_path, "1 / 0")
    before = path.read_bytes()
    with pytest.raises(CellExecutionError):
        builder().execute(path)
    assert path.read_bytes() == before


def test_unknown_lesson() -> None:
    with pytest.raises(SystemExit, match="04_lora"):
        builder().lessons(["05_lroa"])
