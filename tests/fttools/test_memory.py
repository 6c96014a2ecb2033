"""The memory simulation: its parts against known values, its results against measurements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fttools import catalogue, methods
from fttools.errors import BadData, FTError, UnknownMethod, UnknownModel, UnknownTarget
from fttools.memory import GPUS, estimate, formula, gpus, kernels
from fttools.memory.allocator import MIB, Allocator, OutOfMemory
from fttools.memory.attention import attention_kernel
from fttools.memory.cases import Case, read_config
from fttools.memory.peak import PARTS
from fttools.memory.validate import carried, predict, validate

DATA = Path(__file__).parents[2] / "benchmarks" / "data"
TINY = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 256,
    "max_position_embeddings": 128,
}  # fmt: skip


def tiny(method: methods.Method | None = None, **options):
    settings = {"batch": 2, "seq": 32, **options}
    return estimate(read_config(TINY), method or methods.LoRA(rank=4), **settings)


# --- the allocator --------------------------------------------------------------------------------


def test_allocator_takes_segments_of_2_20_and_own_size():
    a = Allocator()
    a.malloc(1)
    assert (a.allocated, a.reserved) == (512, 2 * MIB)
    a.malloc(2 * MIB)
    assert (a.allocated, a.reserved) == (512 + 2 * MIB, 22 * MIB)
    a.malloc(19 * MIB - 1)
    assert a.reserved == 22 * MIB + 20 * MIB


def test_allocator_counts_a_remainder_of_up_to_1_mib_as_allocated():
    a = Allocator()
    a.malloc(10 * MIB + 512)  # a segment of 12 MiB is not split: 2 MiB less 512 bytes would remain
    assert a.allocated == 10 * MIB + 512
    b = Allocator()
    b.malloc(11 * MIB + 512)  # 1 MiB less 512 bytes would remain: too small to split off
    assert b.allocated == 12 * MIB


def test_allocator_reuses_merged_neighbours():
    a = Allocator()
    first, second, third = (a.malloc(3 * MIB) for _ in range(3))
    a.free(first)
    a.free(third)
    a.free(second)
    a.malloc(9 * MIB)
    assert a.reserved == 20 * MIB
    assert a.peak_allocated == 9 * MIB


def test_allocator_empties_its_cache_before_it_gives_up():
    a = Allocator(limit=100 * MIB)
    block = a.malloc(60 * MIB)
    a.free(block)
    a.malloc(90 * MIB)
    with pytest.raises(OutOfMemory):
        a.malloc(20 * MIB)


# --- kernels --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "masked", "grouped", "card", "kernel"),
    [
        ("bfloat16", False, True, "H200", "cudnn"),
        ("bfloat16", True, False, "H200", "cudnn"),
        ("float32", True, False, "H200", "efficient"),
        ("float32", False, True, "H200", "math"),
        ("bfloat16", False, False, "A100-40GB", "flash"),
        ("bfloat16", True, False, "A100-40GB", "efficient"),
        ("float16", False, False, "T4", "efficient"),
        ("bfloat16", False, False, "T4", "math"),
    ],
)
def test_attention_kernel(dtype, masked, grouped, card, kernel):
    import torch

    chosen = attention_kernel(
        getattr(torch, dtype), 64, masked=masked, mask_grad=False, grouped=grouped,
        capability=GPUS[card].capability,
    )  # fmt: skip
    assert chosen == kernel


def test_bias_gradient_leaves_partial_sums():
    # Seen on an H200: the sum over 1,024 tokens for 768 and 3,072 features.
    h200 = GPUS["H200"]
    assert kernels.reduction([1024, 768], [768, 1], {0}, 4, h200) == (6_291_456, 24)
    assert kernels.reduction([1024, 3072], [3072, 1], {0}, 4, h200) == (25_165_824, 96)
    assert kernels.reduction([64, 768], [768, 1], {0}, 4, h200) == ()


# --- estimates ------------------------------------------------------------------------------------


def test_parts_sum_to_the_peaks():
    found = tiny(methods.Full(), amp="bf16")
    assert tuple(found.breakdown) == PARTS
    assert sum(found.breakdown.values()) == found.peak_reserved
    assert found.peak_reserved - found.breakdown["cache"] == found.peak_allocated
    assert found.device_total == found.peak_reserved + found.context
    assert set(found.fits) == set(found.margin) == set(GPUS)
    assert max(point.bytes for point in found.timeline) == found.peak_allocated
    assert found.peak_phase in ("forward", "backward", "optimizer")


def test_more_rows_need_more_and_checkpointing_less():
    base = tiny(batch=64, seq=64).peak_allocated
    assert tiny(batch=128, seq=64).peak_allocated > base
    assert tiny(batch=64, seq=64, checkpointing=True).peak_allocated < base


def test_optimizer_states_are_in_the_breakdown():
    full = tiny(methods.Full())
    weights = sum(p for p in (full.details["total_parameters"],)) * 4
    assert full.breakdown["weights"] >= weights
    assert 2 * weights <= full.breakdown["optimizer"] <= 2.2 * weights
    assert tiny(methods.Full(), optim="sgd").breakdown["optimizer"] == 0


def test_four_bit_storage():
    config = catalogue.read_config("llama-2-7b")
    config.num_hidden_layers = 1
    found = estimate(config, methods.QLoRA(rank=8), batch=1, seq=64, amp="bf16")
    layer = 4 * 4096 * 4096 + 3 * 4096 * 11008
    embeddings = 2 * 32000 * 4096 * 4  # in fp32 after k-bit preparation
    assert found.breakdown["weights"] == pytest.approx(layer * 0.516 + embeddings, rel=0.02)


@pytest.mark.parametrize(
    "method",
    [
        methods.Full(), methods.Head(), methods.LoRA(rank=4, targets="all-linear"),
        methods.DoRA(rank=4), methods.QLoRA(rank=4), methods.Prefix(tokens=4),
        methods.Prompt(tokens=4), methods.PTuning(tokens=4, hidden=16), methods.IA3(),
        methods.VeRA(rank=8), methods.LNTuning(targets=("input_layernorm",)),
        methods.Adapter(bottleneck=8),
    ],
    ids=lambda m: m.name,
)  # fmt: skip
def test_every_method_runs(method):
    found = tiny(method, amp="bf16", weights="bf16")
    assert found.details["trainable_parameters"] > 0
    assert found.breakdown["optimizer"] > 0
    closed = formula(read_config(TINY), method, batch=2, seq=32)
    assert closed.peak_allocated == sum(v for k, v in closed.breakdown.items() if k != "cache")


@pytest.mark.parametrize(
    "optim", ["adamw_torch", "adafactor", "adamw_8bit", "paged_adamw_8bit", "lion_8bit", "adagrad"]
)
def test_optimizers_run(optim):
    found = tiny(methods.Full(), optim=optim)
    assert found.breakdown["optimizer"] > 0 or found.details["paged_outside"] > 0


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"batch": 0}, BadData, "batch must be"),
        ({"seq": 0}, BadData, "seq must be"),
        ({"seq": 129}, BadData, "128 positions"),
        ({"amp": "int8"}, BadData, "no amp"),
        ({"optim": "adamx"}, BadData, "not modelled"),
        ({"gpu": "RTX-9999"}, gpus.UnknownGpu, "no GPU"),
        ({"task": "seq2seq-lm"}, UnknownModel, "seq2seq-lm"),
        ({"method": methods.LoRA(targets=("qq_proj",))}, UnknownTarget, "qq_proj"),
        ({"method": methods.Prefix(), "checkpointing": True}, FTError, "prefix"),
    ],
)
def test_bad_input_says_what_to_do(options, error, says):
    with pytest.raises(error) as caught:
        tiny(**options)
    assert says in str(caught.value)
    assert "Try:" in str(caught.value)


def test_warnings():
    assert any("bf16" in w for w in tiny(amp="bf16", gpu="T4").warnings)
    assert any("unscale" in w for w in tiny(methods.Full(), weights="fp16", amp="fp16").warnings)
    assert any("Not validated" in w for w in tiny(gpu="RTX-4090").warnings)
    assert tiny(amp="bf16").warnings == ()


def test_gpu_names():
    assert gpus.find("rtx 4090").name == "RTX-4090"
    assert gpus.find("NVIDIA A100").name == "A100-80GB"


# --- against measurements -------------------------------------------------------------------------

CHECKED = {
    "memory_h200_development.jsonl": (0, 6, 9, 12, 14, 17, 18, 19),
    "memory_h200_heldout.jsonl": (2, 17, 21, 32, 34, 35, 42, 44),
}


def _rows() -> list:
    rows = []
    for name, numbers in CHECKED.items():
        lines = [json.loads(line) for line in (DATA / name).read_text().splitlines()[1:]]
        rows += [
            pytest.param(lines[n], id=Case.from_json(lines[n]["case"]).label()) for n in numbers
        ]
    return rows


@pytest.mark.parametrize("record", _rows())
def test_measured_cases(record):
    found = predict(record["case"], "H200", "5.17.0")
    assert "error" not in found
    assert found["allocated"] == pytest.approx(record["result"]["peak_allocated"], rel=0.01)


# --- validate -------------------------------------------------------------------------------------


def test_validate_counts_failures_and_ignores_unknown_fields(tmp_path):
    case = {"model": "tiny", "config": TINY, "method": "lora", "batch": 2, "seq": 32}
    result = {"peak_allocated": 10**6, "peak_reserved": 10**8}
    rows = [
        {"meta": {"gpu": "NVIDIA H200"}},
        {"case": {**case, "surprise": 1}, "result": result},
        {"case": {**case, "config": {"model_type": "nothing"}}, "result": result},
        {"case": {"method": "lora"}, "result": result},
        {"case": case, "result": {"oom": True}},
    ]
    path = tmp_path / "measured.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    document = validate(path, workers=1)
    assert (document["n"], document["failed"], document["skipped"]) == (3, 2, 1)
    assert document["cases"][0]["allocated"]["measured"] == 10**6
    assert "nothing" in document["cases"][1]["error"]
    assert document["allocated"]["median_ape"] == document["allocated"]["max_ape"]


def test_validate_refuses_what_is_no_record(tmp_path):
    path = tmp_path / "no.jsonl"
    with pytest.raises(BadData):
        validate(path)
    path.write_text("not json\n")
    with pytest.raises(BadData):
        validate(path)


def test_embeddings_stay_after_an_8_bit_optimizer():
    case = {"config": TINY, "method": "full", "batch": 1, "seq": 8, "optim": "adamw_8bit"}
    used = {"device_used_minus_reserved": 777 * MIB}
    fresh = {"device_used_minus_reserved": 751 * MIB}
    records = [{"case": case, "result": used}, {"case": case, "result": used},
               {"case": case, "result": fresh}]  # fmt: skip
    assert carried(records) == [0, 256 * 64 * 4, 0]


def test_unknown_method_is_named():
    with pytest.raises(UnknownMethod):
        Case.from_json({"config": TINY, "method": "lorra", "batch": 1, "seq": 8}).to_method()
