"""The shipped weights, and pretraining: it learns, is recorded, and resumes where it stopped."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from fttools import data, models
from fttools.lab import model as lab
from fttools.lab import pretrain, score, stream
from fttools.models import WeightsChanged


def test_loads_by_role_and_plainly() -> None:
    model, tokenizer = models.load("decoder")
    assert model.dtype == torch.float32 and type(model).__name__ == "LlamaForCausalLM"
    plain = AutoModelForCausalLM.from_pretrained(lab.WEIGHTS)
    assert 5e6 <= sum(p.numel() for p in plain.parameters()) <= 1e7
    assert (lab.WEIGHTS / "model.safetensors").stat().st_size <= 20e6
    assert len(tokenizer) == 4096
    assert len({tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id}) == 3
    odd = "Anna said, “naïve” 漢字.\n\tx"
    assert tokenizer.decode(tokenizer(odd).input_ids, skip_special_tokens=True) == odd
    fresh, _ = models.load("decoder", pretrained=False, seed=1)
    assert fresh.config.hidden_size == model.config.hidden_size
    assert not torch.equal(fresh.lm_head.weight, model.lm_head.weight)


def test_knows_its_world() -> None:
    model, tokenizer = models.load("decoder")
    texts = data.domain("general", "test", 40)
    assert score.perplexity(model, tokenizer, texts) < 4
    assert score.perplexity(model, tokenizer, data.domain("clinic", "test", 10)) > 30
    grammar = score.grammaticality(model, tokenizer, 10, tokens=64)
    assert grammar["sentences"] > 20 and grammar["grammatical"] >= 0.95
    random, _ = models.load("decoder", pretrained=False)
    assert score.grammaticality(random, tokenizer, 3, tokens=40)["grammatical"] < 0.5


def test_adapting_to_a_domain_helps_there() -> None:
    model, tokenizer = models.load("decoder")
    test = data.domain("clinic", "test", 20)
    before = score.perplexity(model, tokenizer, test)
    score.adapt(model, tokenizer, data.domain("clinic", "train", 200), steps=15)
    assert score.perplexity(model, tokenizer, test) < 0.6 * before


def test_changed_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pretraining.json", "model.safetensors"):
        shutil.copy(lab.WEIGHTS / name, tmp_path / name)
    monkeypatch.setattr(lab, "WEIGHTS", tmp_path)
    lab.folder.cache_clear()
    assert lab.folder() == tmp_path
    with (tmp_path / "model.safetensors").open("r+b") as stream_:
        stream_.seek(-1, 2)
        last = stream_.read(1)
        stream_.seek(-1, 2)
        stream_.write(bytes([last[0] ^ 1]))
    lab.folder.cache_clear()
    with pytest.raises(WeightsChanged, match="SHA-256"):
        lab.folder()
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WeightsChanged, match="missing"):
        lab.folder()
    lab.folder.cache_clear()


def test_record_of_the_shipped_run() -> None:
    record = json.loads((lab.WEIGHTS / "pretraining.json").read_text())
    assert record["tokens"] > 50e6 and record["curve"][0][1] > 7 and record["curve"][-1][1] < 1.2
    assert math.isclose(
        math.exp(record["held_out_loss"]), record["held_out_perplexity"], rel_tol=1e-3
    )


def test_shards_do_not_depend_on_how_they_are_made() -> None:
    first = stream.blocks(1, 0, 40)
    assert first.shape[1] == lab.CONTEXT and (first == stream.blocks(1, 0, 40)).all()
    feed = stream.batches(1, 2, size=40)
    skipped = stream.batches(1, 2, skip=3, size=40)
    rows = [next(feed) for _ in range(4)]
    assert (rows[3] == next(skipped)).all() and not (rows[0] == rows[1]).all()


def test_pretraining_learns_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrain, "held_out_loss", lambda model, **kw: 1.0)
    monkeypatch.setattr(pretrain.lab, "config", lambda vocabulary=4096: _small(vocabulary))
    plan = pretrain.Plan(steps=12, batch=2, lr=3e-3, warmup=2)
    whole = pretrain.train(plan, tmp_path / "whole", checkpoint_every=100)
    assert whole["curve"][-1][1] < whole["curve"][0][1] - 0.5
    with pytest.raises(Stop):  # interrupted after the checkpoint at step 6
        _stopped(plan, tmp_path / "parts", monkeypatch)
    again = pretrain.train(plan, tmp_path / "parts", resume=True, checkpoint_every=6)
    assert again["curve"] == whole["curve"] and again["sha256"] == whole["sha256"]


class Stop(Exception):
    """Stands for a machine that goes away."""


def _stopped(plan: pretrain.Plan, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pretrain.rate

    def rate(step: int, *rest: float) -> float:
        if step == 8:
            raise Stop
        return real(step, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(pretrain, "rate", rate)
        pretrain.train(plan, out, checkpoint_every=6)


def _small(vocabulary: int) -> object:
    from transformers import LlamaConfig

    return LlamaConfig(vocab_size=vocabulary, hidden_size=64, intermediate_size=128,
                       num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=512,
                       tie_word_embeddings=True, bos_token_id=1, eos_token_id=2)  # fmt: skip


def test_tokenizer_file_is_what_the_corpus_gives() -> None:
    from fttools.lab import tokenizer
    from fttools.lab.corpus import documents

    small = tokenizer.train(documents(1, 0, 500), 600)
    assert len(small) == 600 and small.pad_token_id == 0 and small("a").input_ids[0] == 1
    shipped = AutoTokenizer.from_pretrained(lab.WEIGHTS)
    assert shipped("Anna gave Tom the ball.").input_ids[0] == shipped.bos_token_id
