"""The reference passes every check; each mutant loses the intended one, and hears why."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch

from fttools import checks
from fttools.checks.core import Answer, BadAnswer, unpack
from fttools.checks.lora import CHECKS
from fttools.checks.run import verdict as verdict_of
from tests.mutants.lora import MUTANTS

NOTEBOOK = Path(__file__).parents[2] / "solutions" / "lora" / "lora.ipynb"


def cells(kind: str) -> list[Any]:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get(kind)]


@lru_cache(maxsize=1)
def reference() -> str:
    """The reference's definitions, without training."""
    head = "import math\nimport numpy as np\nimport torch\nfrom torch import nn\n"
    return head + "\n".join(
        c.source
        for c in cells("solution")
        if c.metadata.nbgrader.grade_id not in ("training", "report")
    )


def run(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(source, "solution", "exec"), names)
    return names


def test_points() -> None:
    assert sum(c.points for c in CHECKS) == 40 and len(CHECKS) >= 8
    in_notebook = {c.metadata.nbgrader.grade_id: c.metadata.nbgrader.points for c in cells("grade")}
    assert in_notebook == {c.id: c.points for c in CHECKS}


@pytest.mark.parametrize(
    "check", [c for c in CHECKS if c.id not in ("lora-train", "lora-report")], ids=lambda c: c.id
)
def test_reference_passes(check: checks.Check) -> None:
    for seed in range(3):
        verdict = checks.examine(check, run(reference()), seed)
        assert verdict.passed, verdict.message


@pytest.mark.parametrize(
    ("check_id", "mutant"),
    [pytest.param(i, m, id=f"{i}: {m[0]}") for i, ms in MUTANTS.items() for m in ms],
)
def test_mutant_is_caught(check_id: str, mutant: tuple[str, str, str, str]) -> None:
    _, old, new, pattern = mutant
    assert reference().count(old) >= 1
    names = run(reference().replace(old, new))
    for seed in range(2):
        verdict = checks.examine(checks.find(check_id), names, seed)
        assert not verdict.passed
        assert re.search(pattern, verdict.message), verdict.message


def test_blank_missing_and_crashed_are_told_apart() -> None:
    check = checks.find("lora-count")

    def blank(model: Any) -> None:
        raise NotImplementedError()

    def crash(model: Any) -> None:
        raise ZeroDivisionError("division by zero")

    assert checks.examine(check, {"count_parameters": blank}, 0).kind == "blank"
    assert checks.examine(check, {"count_parameters": crash}, 0).kind == "crashed"
    assert checks.examine(check, {}, 0).kind == "missing"
    assert checks.examine(check, {"count_parameters": lambda m: None}, 0).kind == "crashed"


def test_nan_is_never_a_pass() -> None:
    source = reference().replace("return self.base(x) +", "return float('nan') * self.base(x) +")
    verdict = checks.examine(checks.find("lora-forward"), run(source), 0)
    assert not verdict.passed and "NaN" in verdict.message


def test_forgotten_return_is_named() -> None:
    source = reference().replace("return self.base(x) +", "self.base(x) +")
    verdict = checks.examine(checks.find("lora-forward"), run(source), 0)
    assert verdict.kind == "crashed" and "return missing" in verdict.message


def test_malformed_answers_earn_nothing() -> None:
    for check in CHECKS:
        for case in check.cases(torch.Generator().manual_seed(0)):
            for values in ({}, {"failed": "no such kind"}, {"moved": 3, "replaced": None}):
                assert not verdict_of(check, case, Answer(values=values)).passed


def test_untrained_adapter_earns_nothing() -> None:
    from fttools import methods, models

    model = methods.attach(models.load("encoder")[0], methods.LoRA(targets="all-linear"))
    verdict = checks.examine(checks.find("lora-train"), {"model": model}, 0)
    assert not verdict.passed and "not been trained" in verdict.message


@pytest.mark.parametrize("blob", [b"", b"x" * 100, b"\x80\x04pickle", b"\xff" * 8])
def test_bad_bytes(blob: bytes) -> None:
    with pytest.raises(BadAnswer):
        unpack(blob)
