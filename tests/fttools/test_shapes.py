"""Arithmetic on recorded shapes says what building the model says, and is quick."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fttools import catalogue, methods, params, shapes
from fttools.errors import FTError
from fttools.methods import LoRA

METHODS: list[methods.Method] = [
    methods.Full(), methods.Head(), methods.BitFit(),
    LoRA(rank=8), LoRA(rank=4, targets="all-linear"), LoRA(rank=4, dora=True), methods.DoRA(),
    LoRA(rank=4, rslora=True, alpha=3.0), methods.QLoRA(rank=64, targets="all-linear"),
    methods.Prefix(), methods.Prompt(tokens=7), methods.PTuning(), methods.PTuning(hidden=None),
    methods.IA3(), methods.LNTuning(), methods.VeRA(rank=16),
    methods.Adapter(bottleneck=16), methods.Adapter(variant="pfeiffer", reduction=16),
    LoRA(rank=4, bias="all"), LoRA(rank=4, modules_to_save=("lm_head",)),
    LoRA(rank=4, targets=("dense", "fc1", "lm_head")), LoRA(rank=4, targets=("0.query",)),
]  # fmt: skip
# One of each shape: separate and tied heads, Conv1D, two stacks, shared layers, odd heads.
MODELS = ("all-minilm-l6-v2", "distilbert-base-uncased", "deberta-v3-xsmall", "albert-base-v2",
          "modernbert-base", "distilgpt2", "opt-350m", "pythia-70m", "qwen2.5-0.5b", "t5-small",
          "mt5-small", "bart-base")  # fmt: skip


def built(model: str, method: methods.Method) -> params.Counts | None:
    try:
        return params.count(catalogue.read_config(model), method)
    except FTError:
        return None


def plain(counts: params.Counts) -> tuple[int, int, dict[str, int]]:
    return counts.total, counts.trainable, counts.by_kind


def test_the_recorded_versions_are_the_pinned_ones() -> None:
    assert shapes.current(), "python -m fttools.shapes_record, after an upgrade"


@pytest.mark.parametrize("model", MODELS)
def test_arithmetic_agrees_with_building(model: str) -> None:
    answered = 0
    for method in METHODS:
        quick = shapes.count(model, method)
        if quick is not None:
            answered += 1
            slow = built(model, method)
            assert slow is not None and plain(quick) == plain(slow), methods.label(method)
    assert answered >= 6


def test_every_model_is_recorded_with_its_total() -> None:
    for entry in catalogue.entries():
        found = shapes.skeleton(entry.name)
        assert found is not None and found.total == entry.total, entry.name


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("llama-2-7b", {"task": "seq-cls"}),
        ("no-such-model", {}),
    ],
)
def test_what_it_does_not_know_it_leaves(model: str, options: dict[str, Any]) -> None:
    assert shapes.count(model, methods.Full(), **options) is None


def test_other_versions_are_left_to_building(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shapes.count("gpt2", methods.Full()) is not None
    monkeypatch.setattr(shapes, "versions", lambda: {"transformers": "4.0", "peft": "0.1"})
    assert shapes.count("gpt2", methods.Full()) is None


def test_a_refusal_is_left_to_the_one_who_explains_it() -> None:
    for method in (LoRA(rank=99_999), LoRA(targets=("q_prj",)), methods.Adapter(bottleneck=9999)):
        assert shapes.count("gpt2", method) is None


def test_the_command_imports_nothing_heavy() -> None:
    code = (
        "import sys; from fttools import cli;"
        "cli.main(['count', 'llama-2-7b', '--method', 'lora']);"
        "print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "4,194,304" in out.stdout and out.stdout.strip().endswith("[]")
