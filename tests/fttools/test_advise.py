"""Advice: the right method in plain scenarios, memory behind it, and a way out when nothing fits.

The estimator is replaced by a closed form, so that these tests ask about the advice alone;
`test_with_the_real_estimator` asks about both.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest

from fttools import advise_rules, advise_search, catalogue, cli, methods, params
from fttools.advise import Advice, advise, training_time
from fttools.errors import BadData, UnknownModel
from fttools.memory import gpus

CALLS: list[tuple[str, int, int]] = []


@cache
def counted(model: str, method: methods.Method, task: str) -> params.Counts:
    return params.count(catalogue.read_config(model), method, task)


def closed_form(config: Any, method: methods.Method, **options: Any) -> SimpleNamespace:
    """Weights, gradients, optimizer states, and activations linear in rows and tokens."""
    CALLS.append((method.name, options["batch"], options["seq"]))
    counts = counted(config._name_or_path, method, options["task"])
    each = {"fp32": 4, "bf16": 2, "fp16": 2}[options["weights"]]
    weights = counts.total * (0.52 if isinstance(method, methods.QLoRA) else each)
    states = counts.trainable * (4 + (2 if "8bit" in options["optim"] else 8))
    tokens = options["batch"] * options["seq"]
    layers = config.num_hidden_layers * (2 if options["checkpointing"] else 34)
    activations = tokens * config.hidden_size * layers
    logits = tokens * config.vocab_size * (0 if options["task"] == "seq-cls" else 10)
    peak = int(weights + states + activations + logits)
    return SimpleNamespace(peak_allocated=peak, device_total=peak + peak // 20 + 500 * 2**20)


def ask(model: str, gpu: str, **options: Any) -> Advice:
    return advise(model, gpu, **{"estimate": closed_form, "limits": 0, **options})


@pytest.mark.parametrize(
    ("model", "gpu", "options", "best"),
    [
        ("llama-2-7b", "T4", {"batch": 4}, "qlora"),
        ("bert-base", "A100", {"batch": 16}, "full"),
        ("all-minilm-l6-v2", "T4", {}, "full"),
        ("roberta-large", "RTX-3090", {}, "full"),
        ("opt-1.3b", "RTX-3090", {}, "lora"),
        ("llama-2-7b", "A100-80GB", {}, "lora"),
        ("llama-2-7b", "H200", {"examples": 500_000}, "full"),
        ("llama-2-70b", "A100-80GB", {"batch": 1}, "qlora"),
        ("t5-base", "T4", {}, "full"),
    ],
)
def test_plain_scenarios(model: str, gpu: str, options: dict[str, Any], best: str) -> None:
    advice = ask(model, gpu, **options)
    assert advice.best is not None and advice.best.method == best
    assert advice.best.margin == advice.gpu_memory - advice.best.memory >= 0
    assert not advice.remedies
    assert all(o.reason.endswith(".") and o.quality.source for o in advice.options)
    fits = [o.fits for o in advice.options]
    assert fits == sorted(fits, reverse=True)  # what fits stands above what does not


def test_nothing_fits_and_what_would() -> None:
    advice = ask("llama-2-70b", "RTX-4090")
    assert advice.best is None and not any(o.fits for o in advice.options)
    text = str(advice)
    assert "Nothing fits" in text and "llama-2-13b" in text
    said = " ".join(r.change for r in advice.remedies)
    changes = ("checkpointing", "batch 1", "8-bit", "4-bit", "tokens a row", "larger GPU")
    for change in (*changes, "smaller model"):
        assert change in said
    smaller = [r for r in advice.remedies if "smaller" in r.change]
    assert smaller and all(r.fits and 0 < r.memory <= advice.gpu_memory for r in smaller)
    assert all(r.memory > advice.gpu_memory for r in advice.remedies if not r.fits)
    alone = {r.change: r.memory for r in ask("llama-2-13b", "T4", batch=64).remedies}
    plain = closed_form(
        catalogue.read_config("llama-2-13b"), methods.LoRA(rank=16), task="causal-lm", batch=64,
        seq=512, weights="fp16", optim="adamw", checkpointing=False, labels=2,
    ).device_total  # fmt: skip
    assert all(memory < plain for memory in alone.values())


def test_rule_and_estimate_disagree_and_it_says_so() -> None:
    advice = ask("opt-6.7b", "RTX-3090", batch=1, seq=256)
    assert advice.best is not None and advice.best.method == "lora"
    assert any("estimate disagrees" in note and "24 GB" in note for note in advice.notes)
    advice = ask("opt-13b", "V100-32GB", batch=16, seq=1024)
    assert advice.best is not None and advice.best.method == "qlora"
    assert any("only with concessions" in note for note in advice.notes)
    by_name = {o.method: o for o in advice.options}
    assert "accumulated" in by_name["lora"].settings or "--accumulate" in by_name["lora"].settings
    assert any("bf16" in note for note in ask("bert-base", "T4").notes)
    assert any("few" in note for note in ask("bert-base", "T4", examples=40).notes)


def test_limits_fit_and_the_next_does_not() -> None:
    config, gpu = catalogue.read_config("opt-1.3b"), gpus.find("RTX-3090")
    run = advise_search.Estimator(config, gpu, 1_315_758_080, closed_form)
    setup = advise_search.usual(methods.LoRA(rank=16), gpu, "causal-lm", 8, 512, 2)
    before = len(CALLS)
    batch = advise_search.largest(run, setup, "batch", 4096)
    assert batch is not None and len(CALLS) - before <= 12
    assert run.fits(dataclasses.replace(setup, batch=batch))
    assert not run.fits(dataclasses.replace(setup, batch=batch + max(batch // 32, 1)))
    seq = advise_search.largest(run, setup, "seq", 2048, 64)
    assert seq is not None and seq % 64 == 0 and run.fits(dataclasses.replace(setup, seq=seq))
    before = len(CALLS)
    assert advise_search.largest(run, setup, "batch", 4096) == batch
    assert len(CALLS) == before  # cached
    small = advise_search.usual(methods.Head(), gpu, "seq-cls", 8, 128, 2)
    bert = advise_search.Estimator(catalogue.read_config("minilm"), gpu, 22_713_216, closed_form)
    assert advise_search.largest(bert, small, "seq", 512, 64) == 512  # the model's own limit
    huge = advise_search.Estimator(config, gpus.find("T4"), 1_315_758_080, closed_form)
    assert advise_search.largest(huge, dataclasses.replace(setup, seq=100_000), "batch", 64) is None


def test_a_batch_too_large_is_accumulated_in_the_largest_parts_that_fit() -> None:
    config, gpu = catalogue.read_config("opt-1.3b"), gpus.find("T4")
    run = advise_search.Estimator(config, gpu, 1_315_758_080, closed_form)
    setup = advise_search.usual(methods.LoRA(rank=16), gpu, "causal-lm", 64, 512, 2)
    found, names, fits = advise_search.first_fit(run, setup)
    assert fits and 1 < found.batch < 64 and found.batch * found.accumulate == 64
    assert names[-1] == f"batch {found.batch} × {found.accumulate} accumulated"
    twice = dataclasses.replace(found, batch=2 * found.batch)
    assert run(twice).device > (1 - advise_search.TIGHT) * gpu.memory


def test_limits_of_a_curve_that_bends() -> None:
    """Eager attention grows with the square of the sequence: the search may not assume a line."""

    def quadratic(config: Any, method: Any, **options: Any) -> SimpleNamespace:
        return SimpleNamespace(peak_allocated=0, device_total=options["seq"] ** 2 * 1000)

    gpu = gpus.find("T4")
    run = advise_search.Estimator(None, gpu, 1, quadratic)
    setup = advise_search.usual(methods.Full(), gpu, "seq-cls", 8, 512, 2)
    found = advise_search.largest(run, setup, "seq", 100_000, 8)
    true = int((gpu.memory / 1000) ** 0.5) // 8 * 8
    assert found is not None and 0.96 * true <= found <= true


def test_bf16_only_where_the_hardware_has_it() -> None:
    for name, half in (("T4", "fp16"), ("A100-40GB", "bf16")):
        gpu = gpus.find(name)
        full = advise_search.usual(methods.Full(), gpu, "seq-cls", 8, 128, 2)
        lora = advise_search.usual(methods.LoRA(), gpu, "seq-cls", 8, 128, 2)
        assert (full.weights, full.amp) == ("fp32", half)  # never a whole fp16 optimizer
        assert (lora.weights, lora.amp) == (half, half)


def test_time_is_arithmetic() -> None:
    gpu = gpus.find("A100-80GB")
    setup = advise_search.usual(methods.Full(), gpu, "causal-lm", 8, 1000, 2)
    time = training_time(setup, 10**9, gpu, 1000, 1)
    assert time is not None
    assert time.low == pytest.approx(6 * 1e9 * 1e6 / (312e12 * 0.5) / 3600)
    assert time.high == pytest.approx(2.5 * time.low)
    frozen = training_time(dataclasses.replace(setup, method=methods.LoRA()), 10**9, gpu, 1000, 1)
    assert frozen is not None and frozen.low == pytest.approx(time.low * 4 / 6)
    assert training_time(setup, 10**9, gpu, None, 1) is None
    assert "h" in str(advise_rules and time) or "min" in str(time)


def test_methods_that_do_not_apply_are_said() -> None:
    advice = ask("deberta-v3-base", "T4")
    assert "past_key_values" in advice.refused["prefix"]
    assert "prefix" not in {o.method for o in advice.options}
    assert "left out" in str(advice)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"batch": 0}, BadData, "batch"),
        ({"seq": 0}, BadData, "seq"),
        ({"seq": 4096}, BadData, "at most 512"),
        ({"examples": 0}, BadData, "examples"),
        ({"gpu": "T5"}, gpus.UnknownGpu, "T4"),
        ({"model": "bert-bas"}, UnknownModel, "bert-base-uncased"),
        ({"task": "seq2seq-lm"}, UnknownModel, "seq-cls"),
    ],
)
def test_bad_input(options: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ask(options.pop("model", "bert-base"), options.pop("gpu", "T4"), **options)


def test_forms(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    advice = ask("bert-base", "T4", examples=1000, limits=1)
    assert advice.options[0].largest_batch and advice.options[0].largest_seq == 512
    document = json.loads(json.dumps(advice.to_json()))
    assert document["best"] == "full"
    first = document["methods"][0]
    assert {"method", "memory", "margin", "reason", "fits", "quality"} <= set(first)
    page = advice._repr_html_()
    assert page.count("<tr") == len(advice.options) + 1 and "<b>Take full" in page
    assert "fttools estimate bert-base --method full" in str(advice)

    monkeypatch.setattr(advise_search, "_simulation", lambda: closed_form)
    arguments = ["advise", "bert-base", "--gpu", "t4", "--batch", "4", "--limits", "0"]
    assert cli.main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["methods"][0]["method"] == "full"
    assert cli.main(arguments) == 0
    assert "Take full" in capsys.readouterr().out
    assert cli.main(["advise", "bert-base", "--gpu", "nope", "--json"]) == 2
    assert "T4" in json.loads(capsys.readouterr().out)["remedy"]


def test_with_the_real_estimator() -> None:
    from fttools.memory import estimate

    try:
        estimate(catalogue.read_config("minilm"), methods.Full(), task="seq-cls", batch=1, seq=16)
    except NotImplementedError:
        pytest.skip("fttools.memory.estimate is not there yet")
    advice = advise("bert-base", "T4", batch=16, seq=128, limits=1)
    assert advice.best is not None and advice.best.method == "full"
    assert (advice.best.largest_batch or 0) > 16
    assert "adapter" in {o.method for o in advice.options}
