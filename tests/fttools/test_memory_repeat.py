"""The second step is copied from the first on the ledger; a short start changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from fttools import catalogue, methods
from fttools.memory import estimate
from fttools.memory.ledger import Ledger

CASES = {
    "accumulated": ("bert-base-uncased", methods.LoRA(), {"task": "seq-cls", "accumulate": 2}),
    "fp16 with checkpointing": ("gpt2", methods.Full(), {"amp": "fp16", "checkpointing": True}),
    "adafactor": ("t5-small", methods.LoRA(), {"task": "seq2seq-lm", "optim": "adafactor"}),
    "prefix": ("opt-125m", methods.Prefix(tokens=20), {}),
    # bitsandbytes casts biases once and for all, so its first step differs from the second
    "qlora": ("opt-125m", methods.QLoRA(), {"weights": "bf16", "amp": "bf16"}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_copied_second_step_equals_a_real_one(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, method, options = CASES[case]
    config = catalogue.read_config(name)
    said: list[bool] = []
    original = Ledger.repeats

    def listen(self: Ledger, *args: object) -> bool:
        said.append(original(self, *args))  # type: ignore[arg-type]
        return said[-1]

    monkeypatch.setattr(Ledger, "repeats", listen)
    copied = estimate(config, method, batch=2, seq=64, **options)  # type: ignore[arg-type]
    monkeypatch.setattr(Ledger, "repeats", lambda *args: False)
    real = estimate(config, method, batch=2, seq=64, **options)  # type: ignore[arg-type]
    assert said == [case != "qlora"]
    assert copied == real


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fttools.cli", *arguments],
        env={**os.environ, **environment},
        text=True,
        capture_output=True,
    )


def test_a_short_start_gives_the_same_estimate() -> None:
    words = ("estimate", "gpt2", "--method", "lora", "--batch", "2", "--seq", "128", "--json")
    short, whole = command(*words), command(*words, FTTOOLS_WHOLE_IMPORTS="1")
    assert json.loads(short.stdout) == json.loads(whole.stdout)
    assert not short.stderr


def test_what_a_short_start_breaks_runs_again_whole() -> None:
    code = (
        "import sys; from fttools.memory import lean\n"
        "def broken(): raise AttributeError('an empty module')\n"
        "sys.exit(lean.run(broken, ['count', 'gpt2', '--method', 'lora', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True)
    assert done.returncode == 0 and json.loads(done.stdout)["trainable"] == 294_912


def test_what_a_model_draws_on_the_cpu_keeps_its_value() -> None:
    """OPT and BART, up to transformers 5.17, skip a layer where `torch.rand([]) < layerdrop`."""
    import torch

    from fttools.memory.amp import GpuRules

    with GpuRules((9, 0), truth=True):
        assert not torch.rand([]) < 0.0
        assert float(torch.tensor(2.5)) == 2.5 and int(torch.tensor(3)) == 3
        assert bool(torch.empty((), dtype=torch.bool, device="meta"))
