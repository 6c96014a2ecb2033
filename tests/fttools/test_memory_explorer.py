"""The memory explorer: builds, changes with its sliders, shows the closed form first, and has a
static twin. Formula and estimator are replaced, so that these tests ask about the widget alone."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from fttools import catalogue, memory
from fttools.errors import BadData, UnknownModel
from fttools.memory.peak import Estimate, Point
from fttools.widgets import memory_explorer as explorer
from fttools.widgets import memory_picture as picture

GATE = threading.Event()
SIMULATED: list[int] = []


def parts_of(options: dict[str, Any]) -> dict[str, int]:
    tokens = options["batch"] * options["seq"]
    act = tokens * 400_000 // (4 if options["checkpointing"] else 1)
    return {"weights": 440_000_000, "gradients": 440_000_000, "optimizer": 880_000_000,
            "activations": act, "logits_loss": tokens * 4, "workspaces": 64_000_000}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def formula(**options: Any) -> SimpleNamespace:
        parts = parts_of(options)
        peak = sum(parts.values())
        return SimpleNamespace(
            breakdown=parts, peak_allocated=peak, device_total=peak + 600 * 2**20
        )

    def estimate(**options: Any) -> Estimate:
        if options["seq"] == 13:
            raise BadData("Thirteen tokens bring bad luck.", "--seq 12")
        GATE.wait(20)
        SIMULATED.append(options["batch"])
        parts = parts_of(options)
        peak = sum(parts.values())
        line = tuple(
            Point(phase, f"layer.{i}", int(peak * (0.3 + 0.7 * i / 40)))
            for phase in ("forward", "backward", "optimizer")
            for i in (*range(41), *range(40, 0, -1))
        )
        return Estimate(peak, peak + 2**20, 500 * 2**20, peak + 700 * 2**20, parts, line,
                        "backward", "bert.encoder.layer.11", {}, {})  # fmt: skip

    monkeypatch.setattr(memory, "formula", formula)
    monkeypatch.setattr(memory, "estimate", estimate)
    GATE.set()
    SIMULATED.clear()
    yield
    GATE.set()


def heights(figure: Any) -> list[float]:
    return [bar.get_height() for bar in figure.axes[0].patches]


def texts(figure: Any) -> str:
    return " ".join(t.get_text() for ax in figure.axes for t in ax.texts)


def test_static_twin_has_both_panels() -> None:
    figure = explorer.memory_explorer_static("bert-base-uncased", "full", batch=8, seq=128)
    right = figure.axes[1]
    assert len(right.lines) == 1 and len(right.lines[0].get_xdata()) == 3 * 81
    said = texts(figure)
    for word in ("weights", "gradients", "optimizer", "activations", "fits", "peak", "backward"):
        assert word in said
    alone = explorer.memory_explorer_static("bert-base-uncased", "full", simulate=False)
    assert not alone.axes[1].lines and "simulation" in texts(alone)
    assert sum(heights(alone)) == pytest.approx(
        (sum(parts_of({"batch": 8, "seq": 128, "checkpointing": False}).values()) + 600 * 2**20)
        / 2**30
    )


def test_a_slider_changes_the_figure_and_the_picture() -> None:
    box = explorer.memory_explorer("bert-base-uncased", "full", batch=8, seq=128)
    e = box.explorer
    e.wait()
    before, png, message = heights(e.figure), bytes(e.image.value), e.message.value
    assert png.startswith(b"\x89PNG") and "simulation" in message
    e.controls["batch"].value = 32
    e.wait()
    assert e.setting.batch == 32 and e.simulation.setting.batch == 32
    assert sum(heights(e.figure)) > sum(before) and bytes(e.image.value) != png
    e.controls["checkpointing"].value = True
    e.wait()
    assert "checkpointing" in e.message.value
    e.controls["model"].value = "gpt2"
    e.wait()
    assert e.simulation.setting.model == "gpt2"
    assert set(e.controls) == {"model", "method", "weights", "batch", "seq", "rank", "amp", "optim",
                               "checkpointing"}  # fmt: skip


def test_closed_form_first_then_the_simulation() -> None:
    GATE.clear()
    e = explorer.memory_explorer("bert-base-uncased", "lora").explorer
    assert e.formula is not None and e.simulation is None
    assert "Simulating" in e.message.value and bytes(e.image.value).startswith(b"\x89PNG")
    e.controls["batch"].value = 64  # while the first simulation runs
    assert e.formula.setting.batch == 64 and e.simulation is None
    GATE.set()
    e.wait()
    assert e.simulation is not None and e.simulation.setting.batch == 64
    assert "Simulating" not in e.message.value


def test_a_setting_seen_before_is_not_computed_again() -> None:
    e = explorer.memory_explorer("bert-base-uncased", "full", batch=8).explorer
    e.wait()
    e.controls["batch"].value = 16
    e.wait()
    runs = list(SIMULATED)
    start = time.perf_counter()
    e.controls["batch"].value = 8
    seconds = time.perf_counter() - start
    assert e.simulation is not None and e.simulation.setting.batch == 8
    assert runs == SIMULATED == [8, 16]
    assert seconds < 2  # the benchmark holds the figure; this catches a forgotten cache


def test_mistakes_are_said_in_the_widget() -> None:
    e = explorer.memory_explorer("bert-base-uncased", "full", seq=13).explorer
    e.wait()
    assert "bad luck" in e.message.value and "--seq 12" in e.message.value
    assert e.simulation is None and e.formula is not None
    with pytest.raises(BadData, match="batch=0"):
        explorer.memory_explorer_static(batch=0)
    with pytest.raises(UnknownModel, match="bert-base-uncased"):
        explorer.memory_explorer_static("bert-bas-uncased")


def test_the_models_offered_exist_and_settings_reach_the_estimator() -> None:
    assert all(catalogue.find(name) for name in explorer.MODELS)
    setting = picture.Setting("llama-2-7b", "qlora", 4, 1024, 8, "bf16", "bf16",
                              "paged_adamw_8bit", True, "all-linear", "T4")  # fmt: skip
    arguments = setting.arguments()
    method = arguments["method"]
    assert (method.name, method.rank, method.targets) == ("qlora", 8, "all-linear")
    assert arguments["task"] == "causal-lm" and arguments["checkpointing"] is True
    assert picture.Setting("gpt2", "full").to_method().name == "full"
    assert re.search("4 × 1024 tokens, checkpointing", str(setting))


def test_labels_do_not_overlap() -> None:
    assert picture._spread([0.0, 0.01, 0.02, 5.0], 0.5) == [0.0, 0.5, 1.0, 5.0]


def test_gpu_lines_name_the_nearest() -> None:
    def said(batch: int, **options: Any) -> tuple[str, Any]:
        figure = explorer.memory_explorer_static(batch=batch, seq=256, **options)
        return texts(figure), figure

    small, figure = said(1)
    assert "every larger GPU" in small and figure.axes[0].get_ylim()[1] < 5
    middle, figure = said(120)
    lines = [line.get_ydata()[0] for line in figure.axes[0].lines]
    assert lines and max(lines) <= figure.axes[0].get_ylim()[1]
    assert "does not fit" in middle and " fits" in middle
    assert "no single GPU" in said(4096)[0]
