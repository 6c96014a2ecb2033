"""Learners' texts reach the trusted template however the cells were treated; nothing else does."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import layout, parts, release
from autograder.reading import LIMITS, Rejected, notebook
from autograder.rebuild import cell_id, exercise_of, fill, rebuild, template

REFERENCE = nbformat.read(layout.solution("lora"), as_version=4)
BLANK = release.student_version("lora")
SOLUTIONS = {i: c.source for c in REFERENCE.cells if (i := cell_id(c, "solution"))}
Edit = Callable[[Any], None]


def index(nb: Any, grade_id: str) -> int:
    return next(i for i, c in enumerate(nb.cells)
                if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)  # fmt: skip


def built(edit: Edit, start: Any = REFERENCE) -> Any:
    nb = copy.deepcopy(start)
    edit(nb)
    return fill(template("lora"), notebook(json.dumps(nb).encode(), "lora.ipynb"))


def sources(result: Any) -> dict[str, str]:
    return {i: c.source for c in result.notebook.cells if (i := cell_id(c, "solution"))}


def trusted(nb: Any) -> list[Any]:
    return [c for c in nb.cells if cell_id(c, "solution") is None]


def strip(nb: Any) -> None:
    for cell in nb.cells:
        cell.metadata.pop("nbgrader", None)


def strip_ids(nb: Any) -> None:
    strip(nb)
    for cell in nb.cells:
        cell.pop("id", None)


def renamed(nb: Any) -> None:
    for cell in nb.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.grade_id = "x-" + cell.metadata.nbgrader.grade_id


def backwards(nb: Any) -> None:
    nb.cells.reverse()


def stripped_and_backwards(nb: Any) -> None:
    strip_ids(nb)
    nb.cells.reverse()


def no_checks(nb: Any) -> None:
    nb.cells = [c for c in nb.cells if not cell_id(c, "grade")]


def only_code(nb: Any) -> None:
    strip_ids(nb)
    nb.cells = [c for c in nb.cells if c.cell_type == "code"]


def hostile_metadata(nb: Any) -> None:
    for cell in nb.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(points=10_000, locked=False, grade=True)


def solution_to_markdown(nb: Any) -> None:
    nb.cells[index(nb, "inject")].cell_type = "markdown"


@pytest.mark.parametrize("edit", [
    strip, strip_ids, renamed, backwards, stripped_and_backwards, no_checks, only_code,
    hostile_metadata, solution_to_markdown, lambda nb: None,
])  # fmt: skip
def test_every_solution_is_found(edit: Edit) -> None:
    result = built(edit)
    assert result.missing == ()
    assert sources(result) == SOLUTIONS
    assert trusted(result.notebook) == trusted(template("lora"))


def test_old_formats() -> None:
    for version in (3, 4):
        nb = nbformat.convert(copy.deepcopy(REFERENCE), version)
        if version == 4:
            nb.nbformat_minor = 0
            for cell in nb.cells:
                cell.pop("id", None)
        blob = nbformat.writes(nb, version=version).encode()
        assert sources(fill(template("lora"), notebook(blob, "old"))) == SOLUTIONS


def test_deleted_and_renamed_cells_are_missing_by_title() -> None:
    result = built(lambda nb: nb.cells.pop(index(nb, "inject")))
    assert result.missing == ("inject (2. Into a real model)",)
    assert "missing from the submission" in sources(result)["inject"]
    assert sources(result)["LoRALinear"] == SOLUTIONS["LoRALinear"]


def test_a_renamed_function_is_found_by_its_place() -> None:
    def edit(nb: Any) -> None:
        strip_ids(nb)
        cell = next(c for c in nb.cells if "def count_parameters" in c.source)
        cell.source = "def zaehle(m):\n    return 1, 2"

    result = built(edit)
    assert result.missing == () and "zaehle" in sources(result)["count_parameters"]


def test_duplicates() -> None:
    at = index(REFERENCE, "count_parameters")
    untouched = BLANK.cells[at]

    result = built(lambda nb: nb.cells.insert(at + 1, copy.deepcopy(untouched)))
    assert sources(result) == SOLUTIONS and not result.notes  # the blank copy counts for nothing

    def second(nb: Any) -> None:
        cell = copy.deepcopy(nb.cells[at])
        cell.source = cell.source.replace("return trainable, total", "return total, trainable")
        nb.cells.insert(at + 1, cell)

    result = built(second)
    assert "return total, trainable" in sources(result)["count_parameters"]
    assert any("2 times" in note for note in result.notes)


@pytest.mark.parametrize("stub", [False, True])
def test_a_split_cell_is_joined(stub: bool) -> None:
    def edit(nb: Any) -> None:
        at = index(nb, "training")
        first, second = nb.cells[at], copy.deepcopy(nb.cells[at])
        given, _, own = first.source.partition("### BEGIN SOLUTION\n")
        first.source = given + ("# YOUR CODE HERE\nraise NotImplementedError()" if stub else "")
        second.source = own
        nb.cells.insert(at + 1, second)

    text = sources(built(edit))["training"]
    assert text.index("encoder, tokenizer") < text.index("train.fine_tune(") < len(text)
    assert "raise NotImplementedError" not in text


@pytest.mark.parametrize("keep", ["LoRALinear", "inject"])
def test_merged_cells(keep: str) -> None:
    def edit(nb: Any) -> None:
        a, b = index(nb, "LoRALinear"), index(nb, "inject")
        checks = "\n".join(c.source for c in nb.cells[a + 1 : b] if c.cell_type == "code")
        text = "\n".join((nb.cells[a].source, checks, nb.cells[b].source))
        nb.cells[a if keep == "LoRALinear" else b].source = text
        del nb.cells[a + 1 : b]
        del nb.cells[a + 1 if keep == "LoRALinear" else a]

    result = built(edit)
    assert result.missing == ()
    text = sources(result)["LoRALinear"]
    assert "class LoRALinear" in text and "def inject" in text and "check(" not in text
    assert sources(result)["inject"].startswith("# Stands in")
    assert any("one cell" in note for note in result.notes)


def test_solution_in_a_new_cell() -> None:
    def edit(nb: Any) -> None:
        for name in ("LoRALinear", "training"):
            at = index(nb, name)
            text = SOLUTIONS[name]
            if name == "training":
                text = text.partition("### BEGIN SOLUTION\n")[2]
            nb.cells.insert(at + 1, nbformat.v4.new_code_cell(text))

    result = built(edit, BLANK)
    text = sources(result)
    assert SOLUTIONS["LoRALinear"] in text["LoRALinear"]
    assert "train.fine_tune(" in text["training"] and "encoder, tokenizer" in text["training"]
    assert "raise NotImplementedError" not in text["training"]
    assert sum("cell of its own" in note for note in result.notes) == 2
    assert (
        sources(built(lambda nb: None, BLANK))["inject"]
        == BLANK.cells[index(BLANK, "inject")].source
    )


def test_helpers_elsewhere_are_dropped_and_named() -> None:
    def edit(nb: Any) -> None:
        nb.cells.insert(1, nbformat.v4.new_code_cell(
            "import torch.nn.functional as F\nfrom os import (\n  getcwd,\n  sep as S)\n"
            "def helper(x):\n    return x\nunused = 3"))  # fmt: skip
        at = index(nb, "count_parameters")
        nb.cells[at].source += "\n# uses F, S and helper\n"

    result = built(edit)
    assert all("functional" not in c.source for c in result.notebook.cells)
    named = " ".join(result.notes)
    assert "`F`" in named and "`helper`" in named and "`S`" in named and "unused" not in named


def test_written_answers_are_carried() -> None:
    nb = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell("# Why?"),
        nbformat.v4.new_markdown_cell("YOUR ANSWER HERE", metadata={"nbgrader": {
            "grade_id": "why", "solution": True, "grade": True, "points": 2, "locked": False}}),
    ])  # fmt: skip
    answer = copy.deepcopy(nb)
    answer.cells[1].source = "Because B is zero."
    for edit in (lambda n: None, strip):
        sent = copy.deepcopy(answer)
        edit(sent)
        result = fill(copy.deepcopy(nb), notebook(json.dumps(sent).encode(), "n"))
        assert result.notebook.cells[1].source == "Because B is zero."


def test_what_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "submitted" / "ada" / "lora" / "lora.ipynb"
    path.parent.mkdir(parents=True)
    deep = "[" * 200_000 + "]" * 200_000
    many = json.dumps({"cells": [{}] * (LIMITS.cells + 1)})
    odd = [None, 3, {"cell_type": ["x"], "source": {"a": 1}, "metadata": []}]
    for text, word in [
        ("", "not JSON"),
        ("nothing", "not JSON"),
        ("[]", "no notebook"),
        ('{"cells": 3}', "no notebook"),
        (deep, "not JSON"),
        (many, "cells"),
        ('{"cells": []}', "no solution cells"),
        (json.dumps({"cells": odd}), "no solution cells"),
        ("9" * 100_000, "JSON"),
    ]:
        path.write_text(text)
        with pytest.raises(Rejected, match=word):
            rebuild(path, "lora")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Rejected, match="not JSON"):
        rebuild(path, "lora")
    with path.open("wb") as stream:
        stream.truncate(LIMITS.notebook + 1)
    with pytest.raises(Rejected, match="bytes"):
        rebuild(path, "lora")


def test_links_are_rejected(tmp_path: Path) -> None:
    real = tmp_path / "real" / "lora"
    real.mkdir(parents=True)
    (real / "lora.ipynb").write_text(nbformat.writes(REFERENCE))
    submitted = tmp_path / "submitted"
    for student, link, target in (
        ("a", "a", tmp_path / "real"), ("b", "b/lora", real), ("c", "c/lora/lora.ipynb",
                                                             real / "lora.ipynb")):  # fmt: skip
        place = submitted / link
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        with pytest.raises(Rejected, match="link"):
            rebuild(submitted / student / "lora" / "lora.ipynb", "lora")


def test_long_solutions_are_missing_and_said() -> None:
    def edit(nb: Any) -> None:
        nb.cells[index(nb, "inject")].source = "x = 1\n" * LIMITS.source

    result = built(edit)
    assert result.missing == ("inject (2. Into a real model)",)
    assert any("characters" in note for note in result.notes)


def test_released_is_what_nbgrader_makes() -> None:
    for mine, theirs in zip(REFERENCE.cells, BLANK.cells, strict=True):
        if cell_id(mine, "solution"):
            assert parts.released(mine.source) == theirs.source


def test_another_exercise() -> None:
    cells = notebook(nbformat.writes(REFERENCE).encode(), "n")
    assert exercise_of(cells) == "lora"
    assert exercise_of(notebook(b'{"cells": [{"source": "hello"}]}', "n")) is None


# Anything may happen to a submission; the trusted cells stay as they are.
MARKS = st.fixed_dictionaries(
    {
        "grade_id": st.one_of(st.sampled_from([*SOLUTIONS, "lora-forward", ""]), st.integers()),
        "solution": st.booleans(),
        "grade": st.booleans(),
    }
)
METADATA = st.dictionaries(
    st.sampled_from(["nbgrader", "tags", "id"]),
    st.one_of(st.none(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2), MARKS),
    max_size=2,
)
SOURCES = st.one_of(
    st.sampled_from([c.source for c in REFERENCE.cells]),
    st.text(max_size=40),
    st.lists(st.text(max_size=10), max_size=3),
    st.none(),
    st.integers(),
)
CELLS = st.fixed_dictionaries({
    "cell_type": st.sampled_from(["code", "markdown", "raw", "heading", 3]), "source": SOURCES,
    "metadata": METADATA, "outputs": st.just([{"output_type": "error"}]),
})  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(CELLS, max_size=6), st.permutations(range(len(REFERENCE.cells))),
       st.integers(0, len(REFERENCE.cells)))  # fmt: skip
def test_trusted_cells_never_change(extra: list[Any], order: list[int], keep: int) -> None:
    sent = {"cells": [REFERENCE.cells[i] for i in order[:keep]] + extra, "metadata": {"x": 1}}
    try:
        result = fill(template("lora"), notebook(json.dumps(sent).encode(), "n"))
    except Rejected:
        return
    want = template("lora")
    assert trusted(result.notebook) == trusted(want)
    assert [c.metadata for c in result.notebook.cells] == [c.metadata for c in want.cells]
    assert [c.cell_type for c in result.notebook.cells] == [c.cell_type for c in want.cells]
    assert result.notebook.metadata == want.metadata
    nbformat.validate(result.notebook)
