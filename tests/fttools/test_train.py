"""One small real run, its record, and evaluation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fttools import data, evaluate, methods, models, runs, train
from fttools.errors import BadData


def test_fine_tune(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    splits = data.load("reviews", limit=48)
    config = train.Config(epochs=1, lr=2e-3)
    run = train.fine_tune(*models.load("encoder"), splits, methods.LoRA(rank=4), config)
    record = run.record
    assert record.steps == 3 and record.config["lr"] == 2e-3
    assert record.metrics["accuracy"] == evaluate.accuracy(run.test)
    assert record.metrics["low"] <= record.metrics["accuracy"] <= record.metrics["high"]
    trained = {n for n, p in run.model.named_parameters() if p.requires_grad}
    assert trained and all("lora_" in n or "classifier" in n for n in trained)
    record.save(tmp_path / "run.json")
    assert runs.Record.read(tmp_path / "run.json") == record
    assert capfd.readouterr().err == ""  # nothing that would alarm a learner or a grader


def test_bad_config() -> None:
    with pytest.raises(train.BadConfig, match="epochs"):
        train.Config(epochs=0)
    with pytest.raises(train.BadConfig, match="lr"):
        train.Config(lr=5)


def test_interval_covers() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        low, high = evaluate.interval(rng.random(250) < 0.8, draws=500, seed=seed)
        hits += low <= 0.8 <= high
    assert 175 <= hits <= 200  # 95 % of 200, give or take four standard errors


def test_f1_by_hand() -> None:
    probs = np.array([[0.1, 0.9], [0.2, 0.8], [0.9, 0.1], [0.7, 0.3]])
    scored = evaluate.Predictions(probs, np.array([1, 0, 1, 0]))
    assert evaluate.f1(scored) == 0.5 and evaluate.accuracy(scored) == 0.5


def test_paired() -> None:
    a = np.array([1] * 80 + [0] * 20, dtype=bool)
    b = np.array([1] * 90 + [0] * 10, dtype=bool)
    result = evaluate.paired(a, b)
    assert result.difference == pytest.approx(0.1) and result.p_value == pytest.approx(2 / 2**10)
    assert evaluate.paired(a, a).p_value == 1.0
    with pytest.raises(BadData):
        evaluate.paired(a, b[:-1])


def test_bad_record(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"model": 1}')
    with pytest.raises(BadData):
        runs.Record.read(tmp_path / "x.json")


def test_quiet_blocks_nest() -> None:
    import transformers

    from fttools.quiet import quietly

    assert transformers.logging.is_progress_bar_enabled()
    with quietly():
        with quietly():
            pass
        assert not transformers.logging.is_progress_bar_enabled()
    assert transformers.logging.is_progress_bar_enabled()
