"""The two checks that need a trained model: the reference passes, each mistake is named."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
import torch
from torch import nn

from fttools import checks
from tests.fttools.test_lora_checks import cells, reference, run
from tests.mutants.lora import REPORTS, Mutant


def source(grade_id: str) -> str:
    found = [c.source for c in cells("solution") if c.metadata.nbgrader.grade_id == grade_id]
    return str(found[0])


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """The learner's names after the reference's training cell: one real training run."""
    head = "from fttools import data, evaluate, models, train\n"
    return run(head + reference() + "\n" + source("training"))


def test_reference_reaches_what_is_asked(names: dict[str, Any]) -> None:
    verdict = checks.examine(checks.find("lora-train"), names, 0)
    assert verdict.passed, verdict.message


def tensors(model: nn.Module, part: str) -> list[torch.Tensor]:
    return [p for n, p in model.named_parameters() if part in n and p.requires_grad]


def swap_labels(model: nn.Module) -> None:
    for p in tensors(model, "classifier"):
        p.data.neg_()


def too_low_a_rate(model: nn.Module) -> None:
    """As after a few steps at 1e-7: B barely moved, the head as it was drawn."""
    for p in tensors(model, "lora_B"):
        p.data.mul_(1e-6)


def never_trained(model: nn.Module) -> None:
    for p in tensors(model, "lora_B"):
        p.data.zero_()


def other_rank(model: Any) -> None:
    model.peft_config["default"].r = 16


def no_task_type(model: Any) -> None:
    """Without a task type peft neither trains nor saves the head."""
    wrapper = model.base_model.model
    wrapper.classifier = wrapper.classifier.modules_to_save["default"]


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (swap_labels, "learned the opposite"),
        (too_low_a_rate, "80% is asked"),
        (never_trained, "not been trained"),
        (other_rank, "do not fit"),
        (no_task_type, "trained head is not part"),
    ],
)
def test_training_mistake_is_named(
    names: dict[str, Any], change: Callable[[Any], None], pattern: str
) -> None:
    model = copy.deepcopy(names["model"])
    change(model)
    verdict = checks.examine(checks.find("lora-train"), {"model": model}, 0)
    assert not verdict.passed
    assert re.search(pattern, verdict.message), verdict.message


def test_plain_model_is_no_adapter() -> None:
    verdict = checks.examine(checks.find("lora-train"), {"model": nn.Linear(2, 2)}, 0)
    assert verdict.kind == "crashed"


def filled(names: dict[str, Any], old: str = "", new: str = "") -> dict[str, Any]:
    text = source("report")
    assert old in text
    copied = dict(names)
    exec(compile(text.replace(old, new) if old else text, "report", "exec"), copied)
    return copied


def test_report_passes(names: dict[str, Any]) -> None:
    verdict = checks.examine(checks.find("lora-report"), filled(names), 0)
    assert verdict.passed, verdict.message


@pytest.mark.parametrize("mutant", [pytest.param(m, id=m[0]) for m in REPORTS])
def test_report_mistake_is_named(names: dict[str, Any], mutant: Mutant) -> None:
    _, old, new, pattern = mutant
    verdict = checks.examine(checks.find("lora-report"), filled(names, old, new), 0)
    assert not verdict.passed
    assert re.search(pattern, verdict.message), verdict.message


def test_report_as_released_is_blank(names: dict[str, Any]) -> None:
    given = nbformat.v4.new_code_cell(source("report").partition("### BEGIN")[0]).source
    copied = dict(names)
    exec(compile(given, "report", "exec"), copied)
    assert checks.examine(checks.find("lora-report"), copied, 0).kind == "blank"
