"""Bottleneck adapters: identity at the start, only they train, switching, files, refusals."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from fttools import bottleneck, catalogue, methods, params
from fttools.errors import BadRank, UnknownMethod
from fttools.methods import Adapter

TINY: dict[str, dict[str, Any]] = {
    "bert": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
             "intermediate_size": 64, "vocab_size": 100},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "vocab_size": 100},
    "deberta-v2": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                   "intermediate_size": 64, "vocab_size": 100, "relative_attention": True,
                   "pos_att_type": ["p2c", "c2p"], "position_buckets": 8},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 100, "n_positions": 64},
    "opt": {"hidden_size": 32, "word_embed_proj_dim": 32, "num_hidden_layers": 2, "ffn_dim": 64,
            "num_attention_heads": 2, "vocab_size": 100, "max_position_embeddings": 64},
    "llama": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
              "num_key_value_heads": 1, "intermediate_size": 64, "vocab_size": 100},
    "t5": {"d_model": 32, "d_ff": 64, "d_kv": 16, "num_layers": 2, "num_heads": 2,
           "vocab_size": 100, "decoder_start_token_id": 0},
}  # fmt: skip


def model_of(kind: str, task: str | None = None) -> Any:
    import transformers

    config = catalogue.from_fields({"model_type": kind, **TINY[kind]})
    task = task or catalogue.default_task(config)
    torch.manual_seed(0)
    return getattr(transformers, catalogue.AUTO[task]).from_config(config).eval()


def inputs_of(model: Any, rows: int = 2) -> dict[str, torch.Tensor]:
    ids = torch.randint(3, 100, (rows, 9), generator=torch.Generator().manual_seed(1))
    return {"input_ids": ids, **({"labels": ids} if model.config.is_encoder_decoder else {})}


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(**inputs_of(model)).logits


def shake(model: nn.Module, name: str = "default") -> None:
    """As training would: move the adapter off its start."""
    generator = torch.Generator().manual_seed(len(name))
    for n, p in model.named_parameters():
        if f".adapters.{name}.up" in n:
            p.data = torch.randn(p.shape, generator=generator)


@pytest.mark.parametrize("variant", ["houlsby", "pfeiffer"])
@pytest.mark.parametrize("kind", TINY)
def test_identity_then_only_the_adapters_learn(kind: str, variant: str) -> None:
    model = model_of(kind)
    before = logits(model)
    names = {n for n, _ in model.named_parameters()}
    tuned = methods.attach(model, Adapter(bottleneck=4, variant=variant))
    assert torch.equal(logits(tuned), before)
    assert names <= {n for n, _ in tuned.named_parameters()}  # the base's names stay
    trains = {n for n, p in tuned.named_parameters() if p.requires_grad}
    assert all(
        ".adapters." in n or n.startswith(("classifier", "pre_cl", "pooler")) for n in trains
    )
    per = 2 * 4 * 32 + 4 + 32
    layers = 4 if kind == "t5" else 2
    expected = per * layers * (2 if variant == "houlsby" else 1)
    assert params.count_model(tuned).by_kind["adapter"] == expected

    frozen = {n: p.clone() for n, p in tuned.named_parameters() if not p.requires_grad}
    optimizer = torch.optim.SGD([p for p in tuned.parameters() if p.requires_grad], lr=0.5)
    for _ in range(2):  # the first step moves the up-projection, the second the down-projection
        out = tuned(**inputs_of(tuned)).logits
        out.float().pow(2).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert not torch.equal(logits(tuned), before)
    assert all(torch.equal(p, frozen[n]) for n, p in tuned.named_parameters() if n in frozen)
    for n, p in tuned.named_parameters():
        if ".adapters.default.up.weight" in n:
            assert p.abs().sum() > 0, n
    with bottleneck.disabled(tuned):
        assert torch.equal(logits(tuned), before)


def test_a_layer_norm_after_the_residual_would_break_identity() -> None:
    """The mistake of many printed adapters; this is what the identity test is there to catch."""

    class Wrong(bottleneck.Bottleneck):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.layer_norm(super().forward(x), x.shape[-1:])

    model = model_of("bert")
    before = logits(model)
    methods.attach(model, Adapter(bottleneck=4))
    for module in model.modules():
        if isinstance(module, bottleneck.Bottleneck):
            module.__class__ = Wrong
    assert not torch.allclose(logits(model), before, atol=1e-3)


def test_switching_tasks_with_heads_of_their_own() -> None:
    model = model_of("bert")
    base = logits(model)
    bottleneck.add_adapter(model, "reviews", Adapter(bottleneck=4))
    shake(model, "reviews")
    model.classifier.weight.data.normal_()
    reviews = logits(model)
    bottleneck.add_adapter(model, "topics", Adapter(bottleneck=2, variant="pfeiffer"), labels=5)
    assert logits(model).shape == (2, 5) and model.config.num_labels == 5
    shake(model, "topics")
    topics = logits(model)
    trains = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trains and not any("reviews" in n for n in trains)
    for _ in range(2):
        bottleneck.set_adapter(model, "reviews")
        assert torch.equal(logits(model), reviews) and model.config.num_labels == 2
        bottleneck.set_adapter(model, "topics")
        assert torch.equal(logits(model), topics)
    twin = copy.deepcopy(model)
    bottleneck.disable(model)
    assert torch.equal(logits(model), base)
    assert torch.equal(logits(twin), topics)  # a copy has hooks and heads of its own
    bottleneck.remove(model, "topics")
    bottleneck.set_adapter(model, "reviews")
    assert torch.equal(logits(model), reviews) and bottleneck.names(model) == ["reviews"]
    with pytest.raises(methods.MethodRefused, match="no adapter 'topics'"):
        bottleneck.set_adapter(model, "topics")
    with pytest.raises(methods.MethodRefused, match="cannot be called 'reviews'"):
        bottleneck.add_adapter(model, "reviews", Adapter())


def test_trained_layer_norms_belong_to_their_adapter(tmp_path: Path) -> None:
    model = model_of("bert")
    before = logits(model)
    bottleneck.add_adapter(model, "a", Adapter(bottleneck=4, layer_norms=True))
    counts = params.count_model(model)
    assert counts.by_kind["base"] == 2 * 2 * 2 * 32  # two a layer, weight and bias
    model.bert.encoder.layer[0].output.LayerNorm.weight.data.add_(1)
    changed = logits(model)
    bottleneck.add_adapter(model, "b", Adapter(bottleneck=4), labels=2)
    bottleneck.disable(model)
    assert torch.equal(logits(model), before)
    bottleneck.set_adapter(model, "a")
    assert torch.equal(logits(model), changed)
    bottleneck.save(model, tmp_path)
    fresh = model_of("bert")
    assert bottleneck.load(fresh, tmp_path) == "a"
    assert torch.equal(logits(fresh), changed)


def test_round_trip_and_damaged_files(tmp_path: Path) -> None:
    model = model_of("bert")
    bottleneck.add_adapter(model, "topics", Adapter(bottleneck=4, activation="relu"), labels=3)
    shake(model, "topics")
    folder = bottleneck.save(model, tmp_path / "a")
    assert {p.name for p in folder.iterdir()} == {
        "adapter_model.safetensors",
        "adapter_config.json",
    }
    fresh = model_of("bert")
    base = logits(fresh)
    assert bottleneck.load(fresh, folder) == "topics"
    assert torch.equal(logits(fresh), logits(model))
    assert bottleneck.load(fresh, folder, "again") == "again"
    assert bottleneck.names(fresh) == ["topics", "again"]
    bottleneck.disable(fresh)
    assert torch.equal(logits(fresh), base)

    other = model_of("distilbert")
    with pytest.raises(bottleneck.BadAdapterFile, match="another model"):
        bottleneck.load(other, folder)
    assert bottleneck.names(other) == []
    for damage in ("{", json.dumps({"format": "other", "method": {}, "name": "x"})):
        (folder / "adapter_config.json").write_text(damage)
        with pytest.raises(bottleneck.BadAdapterFile, match="no adapter"):
            bottleneck.load(model_of("bert"), folder)
    with pytest.raises(bottleneck.BadAdapterFile):
        bottleneck.load(model_of("bert"), tmp_path / "nowhere")


@pytest.mark.parametrize("reentrant", [False, True])
def test_gradient_checkpointing_gives_the_same_gradients(reentrant: bool) -> None:
    grads = []
    for checkpointing in (False, True):
        model = model_of("llama").train()
        torch.manual_seed(0)  # the down-projections draw
        methods.attach(model, Adapter(bottleneck=4))
        shake(model)
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": reentrant})
            model.enable_input_require_grads()
        ids = inputs_of(model)["input_ids"]
        model(input_ids=ids, labels=ids).loss.backward()
        grads.append({n: p.grad for n, p in model.named_parameters() if p.requires_grad})
    assert grads[0].keys() == grads[1].keys()
    for name, grad in grads[0].items():
        assert torch.allclose(grad, grads[1][name], atol=1e-6), name


def test_half_precision_and_autocast() -> None:
    model = model_of("llama").to(torch.bfloat16)
    before = logits(model)
    methods.attach(model, Adapter(bottleneck=4))
    adapter = model.model.layers[0].mlp.down_proj.adapters["default"]
    assert adapter.up.weight.dtype == torch.float32
    assert torch.equal(logits(model), before) and before.dtype == torch.bfloat16
    model = model_of("llama")
    methods.attach(model, Adapter(bottleneck=4))
    with torch.autocast("cpu", torch.bfloat16):
        ids = inputs_of(model)["input_ids"]
        model(input_ids=ids, labels=ids).loss.backward()


def test_trainer_trains_saves_and_reloads_it(tmp_path: Path) -> None:
    from datasets import Dataset
    from transformers import Trainer, TrainingArguments

    model = methods.attach(model_of("bert"), Adapter(bottleneck=4))
    rows = Dataset.from_dict({"input_ids": [[5, 6, 7]] * 8, "labels": [0, 1] * 4})
    arguments = TrainingArguments(
        str(tmp_path), max_steps=2, learning_rate=0.1, eval_strategy="steps", eval_steps=1,
        save_strategy="steps", save_steps=1, load_best_model_at_end=True, report_to="none",
        disable_tqdm=True, use_cpu=True,
    )  # fmt: skip
    trainer = Trainer(model, arguments, train_dataset=rows, eval_dataset=rows)
    trainer.train()
    ups = [p for n, p in model.named_parameters() if ".up.weight" in n]
    assert len(ups) == 4 and all(p.abs().sum() > 0 for p in ups)


def test_counts_of_the_papers() -> None:
    """RoBERTa-large, Houlsby, bottleneck 8: 0.8 M (LoRA, Hu et al. 2021, table 2)."""
    config = catalogue.read_config("roberta-large")
    assert params.count(config, Adapter(bottleneck=8)).by_kind["adapter"] == 835_968
    half = params.count(config, Adapter(bottleneck=8, variant="pfeiffer"))
    assert half.by_kind["adapter"] == 835_968 // 2
    by_reduction = params.count(config, Adapter(reduction=128))
    assert by_reduction.by_kind["adapter"] == 835_968


@pytest.mark.parametrize("name", [e.name for e in catalogue.entries() if e.total < 3e9][::4])
def test_every_family_has_places(name: str) -> None:
    counts = params.count(catalogue.read_config(name), Adapter(bottleneck=8))
    assert counts.by_kind["adapter"] > 0 and counts.by_kind["base"] == 0


def test_refusals() -> None:
    with pytest.raises(methods.MethodRefused, match="none of its layers"):
        methods.attach(nn.Sequential(nn.Linear(4, 4)), Adapter(bottleneck=2))
    with pytest.raises(methods.MethodRefused, match=r"o_proj and mlp\.fc9") as caught:
        methods.attach(model_of("llama"), Adapter(places=("self_attn.o_proj", "mlp.fc9")))
    assert "down_proj" in caught.value.remedy
    with pytest.raises(BadRank, match="wider"):
        methods.attach(model_of("bert"), Adapter(bottleneck=33))
    for bad in (0, -1, 1.5):
        with pytest.raises(BadRank):
            Adapter(bottleneck=bad)  # type: ignore[arg-type]
    with pytest.raises(UnknownMethod, match="Did you mean 'houlsby'"):
        methods.make("adapter", variant="houlsbi")
    with pytest.raises(UnknownMethod, match="gelu"):
        Adapter(activation="glu")
    with pytest.raises(methods.MethodRefused, match="no adapters"):
        bottleneck.set_adapter(model_of("bert"), "x")
    lora = methods.attach(model_of("bert"), methods.LoRA(targets=("query",)))
    with pytest.raises(methods.MethodRefused, match="peft"):
        bottleneck.add_adapter(lora, "x", Adapter())


def test_own_places() -> None:
    model = model_of("llama")
    places = ("self_attn.q_proj", "mlp.up_proj")
    methods.attach(model, Adapter(bottleneck=4, places=places))
    assert hasattr(model.model.layers[0].self_attn.q_proj, "adapters")
