"""`fttools estimate`, `measure` and `validate` as commands."""

from __future__ import annotations

import json

import pytest

from fttools.cli import main

TINY = {
    "model_type": "gpt2", "n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 300,
    "n_positions": 64, "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip


@pytest.fixture
def config(tmp_path, monkeypatch):
    from fttools.memory import lean

    # In its own process the command hides modules; in the tests' it must not.
    monkeypatch.setattr(lean, "prepare", lambda: None)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(TINY))
    return str(path)


def test_estimate_json(config, capsys):
    assert (
        main(["estimate", config, "--method", "lora", "--batch", "2", "--seq", "32", "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert {
        "peak_allocated",
        "peak_reserved",
        "context",
        "device_total",
        "breakdown",
        "fits",
    } <= set(found)
    assert found["device_total"] == found["peak_reserved"] + found["context"]
    assert found["fits"]["T4"] is True


def test_estimate_reads_well(config, capsys):
    assert main(["estimate", config, "--method", "full", "--batch", "2", "--seq", "32"]) == 0
    text = capsys.readouterr().out
    for words in ("GiB", "optimizer states", "The peak comes in", "Closed form", "H200", "Assumed"):
        assert words in text


def test_estimate_too_long(config, capsys):
    assert main(["estimate", config, "--batch", "1", "--seq", "65", "--json"]) == 2
    assert "64 positions" in json.loads(capsys.readouterr().out)["error"]


def test_measure_on_the_cpu_resumes(tmp_path, capsys):
    case = {
        "model": "tiny",
        "config": TINY,
        "task": "causal-lm",
        "method": "lora",
        "batch": 2,
        "seq": 16,
    }
    cases, out = tmp_path / "cases.json", tmp_path / "out.jsonl"
    cases.write_text(json.dumps([case, {**case, "batch": 0}]))
    arguments = ["measure", str(cases), str(out), "--device", "cpu", "--json"]
    assert main(arguments) == 1  # one case cannot be
    first = json.loads(capsys.readouterr().out)
    assert (first["measured"], first["failed"]) == (1, 1)
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["measured"] == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert "meta" in lines[0]
    assert lines[1]["result"]["loss"] > 0
    assert "batch" in lines[2]["result"]["error"]


def test_measure_needs_a_gpu(tmp_path, capsys):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    cases = tmp_path / "cases.json"
    cases.write_text("[]")
    assert main(["measure", str(cases), str(tmp_path / "o.jsonl")]) == 2
    assert "no CUDA GPU" in capsys.readouterr().err


def test_validate_json_and_plot(tmp_path, capsys):
    case = {"model": "tiny", "config": TINY, "method": "lora", "batch": 2, "seq": 16}
    path, picture = tmp_path / "m.jsonl", tmp_path / "p.png"
    path.write_text(
        json.dumps({"case": case, "result": {"peak_allocated": 2e6, "peak_reserved": 9e7}})
    )
    assert main(["validate", str(path), "--workers", "1", "--plot", str(picture), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {"n", "failed", "allocated", "reserved", "cases"} <= set(document)
    assert picture.stat().st_size > 0
