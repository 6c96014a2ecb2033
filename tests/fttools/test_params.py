"""Counts against published tables, against peft's own count, and against arithmetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fttools import catalogue, cli, methods, params
from fttools.errors import BadRank, UnknownMethod, UnknownModel, UnknownTarget

GATES = "gate_proj,up_proj,down_proj"
# (model, options, what trains). Sources: PEFT's method comparison (Llama-3.2-3B, bloomz-560m), its
# documentation (opt-350m), and papers: LoRA (Hu et al. 2021), (IA)3 (Liu et al. 2022), prompt
# tuning (Lester et al. 2021). Figures of papers that are rounded are our arithmetic in full.
PUBLISHED: list[tuple[str, str, int]] = [
    ("llama-3.2-3b", "full", 3_212_749_824),
    ("llama-3.2-3b", "lora --rank 32 --targets q_proj,v_proj", 9_175_040),
    ("llama-3.2-3b", f"lora --rank 10 --targets {GATES}", 9_461_760),
    ("llama-3.2-3b", "ia3", 286_720),
    ("llama-3.2-3b", "prompt --tokens 200", 614_400),
    ("llama-3.2-3b", "prefix --tokens 200", 11_468_800),
    ("llama-3.2-3b", "ptuning --tokens 20 --hidden 3072", 28_382_208),
    ("llama-3.2-3b", "ln_tuning", 175_104),
    ("bloomz-560m", "prompt --tokens 8", 8_192),
    ("bloomz-560m", "ptuning --tokens 20 --hidden 128", 300_288),
    ("opt-350m", "lora --rank 16 --targets q_proj,v_proj", 1_572_864),
    ("flan-t5-xxl", "prompt --tokens 5", 20_480),
    ("roberta-base", "lora --rank 8 --targets query,value", 294_912),
    ("deberta-v2-xxlarge", "lora --rank 16 --targets query_proj,value_proj", 4_718_592),
    ("roberta-large", "adapter --bottleneck 8", 835_968),
    ("t0-3b", "ia3", 540_672),
    # The measured set-ups of the memory table, and arithmetic.
    ("gpt2-medium", "lora --rank 4 --targets c_attn", 24 * 4 * (1024 + 3 * 1024)),
    ("roberta-large", "adapter --bottleneck 64", 24 * 2 * (2 * 1024 * 64 + 64 + 1024)),
    ("llama-2-7b", "qlora --rank 64 --targets all-linear", 159_907_840),
    ("llama-2-7b", "prefix", 5_242_880),
    ("gpt2", "ia3", 64_512),
    ("bert-base", "prefix", 368_640),
    ("t5-base", "lora --rank 16", 1_769_472),
]


def run(capsys: pytest.CaptureFixture[str], line: str) -> dict[str, Any]:
    assert cli.main(["count", *line.split(), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("model", "options", "expected"), PUBLISHED)
def test_published(
    model: str, options: str, expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(capsys, f"{model} --method {options}")
    assert set(found) == {"model", "method", "total", "trainable", "trainable_pct", "by_kind"}
    part = "base" if options == "full" else "adapter"
    assert found["by_kind"][part] == expected
    assert found["trainable"] == sum(found["by_kind"].values())
    assert found["trainable_pct"] == pytest.approx(100 * found["trainable"] / found["total"])
    if catalogue.find(model).kind != "encoder":  # type: ignore[union-attr]
        assert found["trainable"] == expected


LLAMA = {
    "model_type": "llama", "num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2,
    "num_key_value_heads": 1, "intermediate_size": 64, "vocab_size": 100,
    "tie_word_embeddings": False,
}  # fmt: skip
BERT = {
    "model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "vocab_size": 100,
}  # fmt: skip


ATTACHED = [n for n in methods.METHODS if n not in ("full", "head", "bitfit")]


def config(fields: dict[str, Any]) -> Any:
    return catalogue.from_fields(fields)


@pytest.mark.parametrize("fields", [LLAMA, BERT], ids=["llama", "bert"])
@pytest.mark.parametrize("name", ATTACHED)
def test_as_peft_counts_them(name: str, fields: dict[str, Any]) -> None:
    """On real tensors, by peft's own get_nb_trainable_parameters where it has one."""
    import transformers

    method = methods.make(name)
    task = catalogue.default_task(config(fields))
    model = getattr(transformers, catalogue.AUTO[task]).from_config(config(fields))
    if name in ("vera", "adapter"):
        method = methods.make(name, **{"rank" if name == "vera" else "bottleneck": 4})
    tuned: Any = methods.attach(model, method)
    counts = params.count(config(fields), method)
    if hasattr(tuned, "get_nb_trainable_parameters"):
        expected = tuned.get_nb_trainable_parameters()
    else:
        sizes = [(p.numel(), p.requires_grad) for p in tuned.parameters()]
        expected = (sum(n for n, trains in sizes if trains), sum(n for n, _ in sizes))
    assert (counts.trainable, counts.total) == expected
    assert sum(counts.all_by_kind.values()) == counts.total
    assert sum(m.total for m in counts.modules) == counts.total
    assert sum(m.trainable for m in counts.folded()) == counts.trainable


@pytest.mark.parametrize("name", methods.PEFT_KINDS)
def test_further_peft_methods(name: str) -> None:
    """Each counts, or says what to do; none crashes."""
    from fttools.errors import FTError

    try:
        counts = params.count(config(LLAMA), methods.make(name, targets=("q_proj", "v_proj")))
    except FTError as err:
        assert err.remedy
        return
    assert counts.by_kind["adapter"] == counts.trainable > 0


def test_quantized_weights_count_what_they_pack() -> None:
    """A 4-bit base has the parameters it had before; a real one through bitsandbytes too."""
    assert params.count(config(LLAMA), methods.QLoRA(rank=4)).total == (
        params.count(config(LLAMA), methods.LoRA(rank=4)).total
    )
    import torch

    bnb = pytest.importorskip("bitsandbytes")
    for storage in (torch.uint8, torch.bfloat16):
        layer = bnb.nn.Linear4bit(64, 32, bias=False, quant_type="nf4", quant_storage=storage)
        layer.weight.data = torch.randn(32, 64)
        weight = layer.to("cpu").weight
        if weight.quant_state is None:
            pytest.skip("this bitsandbytes does not quantize on the CPU")
        assert params.numel(weight) == 32 * 64


def test_options_change_what_they_should() -> None:
    def trainable(**options: Any) -> int:
        return params.count(config(LLAMA), methods.make("lora", **options)).trainable

    base = trainable(rank=4, targets=("q_proj",))
    assert base == 2 * 4 * (32 + 32)
    assert trainable(rank=4, targets=("q_proj",), alpha=1.0, rslora=True) == base
    assert trainable(rank=4, targets=("q_proj",), dora=True) == base + 2 * 32
    saved = params.count(
        config(LLAMA), methods.LoRA(rank=4, targets=("q_proj",), modules_to_save=("lm_head",))
    )
    assert saved.by_kind == {"adapter": base, "head": 3200, "base": 0}
    saved = params.count(
        config(LLAMA), methods.LoRA(rank=4, targets=("q_proj",), modules_to_save=("embed_tokens",))
    )
    assert saved.by_kind == {"adapter": base, "head": 0, "base": 3200}
    every = params.count(config(BERT), methods.LoRA(rank=4, targets=("query",), bias="all"))
    assert every.by_kind["base"] > 0 and every.by_kind["adapter"] == base
    assert params.count(config(BERT), methods.Full(), labels=7).by_kind["head"] == 7 * 33
    assert params.count(config(LLAMA), methods.Head()).by_kind == {
        "adapter": 0, "head": 3200, "base": 0,
    }  # fmt: skip


def test_all_kinds_and_modules() -> None:
    counts = params.count(config(LLAMA), methods.LoRA(rank=4, targets=("q_proj",)))
    assert counts.all_by_kind["embeddings"] == 3200
    lines = {m.name: m for m in counts.folded()}
    a = lines["base_model.model.model.layers.*.self_attn.q_proj.lora_A.default"]
    assert (a.copies, a.total, a.trainable, a.kind) == (2, 2 * 4 * 32, 2 * 4 * 32, "adapter")
    assert "lora_A" in counts.table() and "lm_head" not in counts.table(trainable_only=True)


def test_kept_answers_are_told_apart() -> None:
    method = methods.LoRA(rank=4)
    first = params.count(config(LLAMA), method)
    assert params.count(config(LLAMA), method) is first
    wider = params.count(config({**LLAMA, "vocab_size": 200}), method)
    assert wider.total == first.total + 2 * 100 * 32
    assert params.count(config(LLAMA), method, "seq-cls", 3) is not first
    assert params.count(config(LLAMA), methods.LoRA(rank=5)) is not first


def test_the_config_is_left_as_it_was() -> None:
    given = config(BERT)
    before = given.to_dict()
    params.count(given, methods.LoRA(rank=4), labels=7)
    assert given.to_dict() == before


def targets_of(text: str | None) -> methods.Targets:
    return text if text in (None, "all-linear") else tuple(str(text).split(","))


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        ("llama-2-7b --method lroa", UnknownMethod, "Did you mean 'lora'"),
        ("llama-2-7b --method full --rank 4", UnknownMethod, "takes no options"),
        ("llama-2-7b --method lora --rank 0", BadRank, "at least 1"),
        ("llama-2-7b --method lora --rank 5000", BadRank, "at most 4096"),
        ("llama-2-7b --method lora --targets q_prj", UnknownTarget, "q_proj"),
        ("deberta-v3-base --method prefix", methods.MethodRefused, "prompt"),
        ("llama-2-7b --method bitfit", methods.MethodRefused, "ln_tuning"),
        ("llama-2-7b --method lora --task seq2seq-lm", UnknownModel, "causal-lm"),
        ("modernbert-base --method ia3", UnknownTarget, "--targets"),
        ("lama-2-7b --method lora", UnknownModel, "llama-2-7b"),
        ("distilbert --method lora --targets all-linear", methods.MethodRefused, "q_lin"),
    ],
)
def test_bad_input(
    line: str, error: type[Exception], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["count", *line.split(), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert says in f"{found['error']} {found['remedy']}"
    with pytest.raises(error):
        args = line.split()
        options = dict(zip(args[3::2], args[4::2], strict=True))
        method = methods.make(
            args[2],
            rank=int(options["--rank"]) if "--rank" in options else None,
            targets=targets_of(options.get("--targets")),
        )
        params.count(catalogue.read_config(args[0]), method, options.get("--task"))


def test_listing_and_modules(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["count", "--list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) >= 25 and {"name", "hub", "total", "licence"} <= set(rows[0])
    assert cli.main(["count", "--json"]) == 2
    capsys.readouterr()
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    found = run(capsys, f"{tmp_path} --method lora --modules")
    assert sum(m["total"] for m in found["modules"]) == found["total"]
    assert cli.main(["count", str(tmp_path), "--method", "lora", "--modules"]) == 0
    assert "layers.*" in capsys.readouterr().out
