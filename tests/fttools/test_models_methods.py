"""Weights are checked, methods attach, counts are exact, mistakes name the remedy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from fttools import cli, methods, models, params
from fttools.errors import BadRank, UnknownMethod, UnknownModel, UnknownTarget

TINY = {
    "model_type": "bert", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "vocab_size": 100,
}  # fmt: skip
LLAMA = {
    "model_type": "llama", "num_hidden_layers": 28, "hidden_size": 3072,
    "num_attention_heads": 24, "num_key_value_heads": 8, "head_dim": 128,
    "intermediate_size": 8192, "vocab_size": 128256, "tie_word_embeddings": True,
}  # fmt: skip


def config(fields: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    fields = dict(fields)
    return AutoConfig.for_model(fields.pop("model_type"), **fields)


def test_wrong_hash_refuses(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(models.WeightsChanged, match="SHA-256") as caught:
        models.check_weights(tmp_path / "model.safetensors", models.MINILM_SHA256)
    assert "reinstall" in caught.value.remedy


def test_encoder_is_real_and_seeded() -> None:
    model, tokenizer = models.load("encoder", seed=3)
    again, _ = models.load("encoder", seed=3)
    other, _ = models.load("encoder", seed=4)
    assert sum(p.numel() for p in model.base_model.parameters()) == 22_713_216
    assert torch.equal(model.classifier.weight, again.classifier.weight)
    assert not torch.equal(model.classifier.weight, other.classifier.weight)
    assert tokenizer("hello there").input_ids[0] == 101


@pytest.mark.parametrize("name", ["encoderr", "bert-base-uncasd"])
def test_unknown_model_names_the_nearest(name: str) -> None:
    with pytest.raises(UnknownModel, match=r"Did you mean '(encoder|bert-base-uncased)'"):
        models.load(name)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"name": "full"}, 3_212_749_824),
        ({"name": "lora", "rank": 32, "targets": ("q_proj", "v_proj")}, 9_175_040),
        ({"name": "lora", "rank": 10, "targets": ("gate_proj", "up_proj", "down_proj")}, 9_461_760),
    ],
)
def test_published_counts(options: dict[str, Any], expected: int) -> None:
    counts = params.count(config(LLAMA), methods.make(**options))
    assert counts.trainable == expected and sum(counts.by_kind.values()) == expected


def test_kinds() -> None:
    head = 2 * 32 + 2
    counts = params.count(config(TINY), methods.LoRA(rank=4, targets=("query",)), "seq-cls")
    assert counts.by_kind == {"adapter": 2 * 4 * (32 + 32), "head": head, "base": 0}
    assert params.count(config(TINY), methods.Head(), "seq-cls").by_kind["head"] == head
    full = params.count(config(TINY), methods.Full(), "seq-cls")
    assert full.trainable == full.total and full.by_kind["head"] == head


def test_identity_at_the_start_and_after_merging() -> None:
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config(TINY)).eval()
    ids = torch.randint(0, 100, (2, 7))
    before = model(ids).logits
    tuned = methods.attach(model, methods.LoRA(rank=2, targets="all-linear"))
    assert torch.equal(tuned(ids).logits, before)
    for name, p in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(p)
    moved = tuned(ids).logits
    assert not torch.allclose(moved, before)
    assert torch.allclose(tuned.merge_and_unload()(ids).logits, moved, atol=1e-4)


def test_mistakes() -> None:
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_config(config(TINY))
    with pytest.raises(UnknownMethod, match="Did you mean 'lora'"):
        methods.make("lroa")
    with pytest.raises(UnknownMethod, match="rank"):
        methods.make("lora", rnk=3)
    with pytest.raises(BadRank):
        methods.make("lora", rank=0)
    with pytest.raises(UnknownTarget, match="Did you mean 'query'"):
        methods.attach(model, methods.LoRA(targets=("qury",)))
    with pytest.raises(BadRank, match="at most 32"):
        methods.attach(model, methods.LoRA(rank=33, targets=("query",)))


def test_count_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    path = str(tmp_path / "config.json")
    args = ["count", path, "--method", "lora", "--rank", "4", "--targets", "query", "--json"]
    assert cli.main(args) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"model", "method", "total", "trainable", "trainable_pct", "by_kind"}
    assert found["by_kind"]["adapter"] == 512
    assert cli.main(["count", path, "--method", "lroa", "--json"]) == 2
    assert "Did you mean 'lora'" in json.loads(capsys.readouterr().out)["remedy"]


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scale"] == "lab"


def test_import_is_light() -> None:
    heavy = "('torch', 'transformers', 'peft')"
    code = f"import sys, fttools.cli; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
