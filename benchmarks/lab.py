"""The lab language model: perplexity, grammar, instructions by LoRA and QLoRA, domains, forgetting,
speed."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any

SECONDS = 90.0  # of LoRA training on the CPU


def _middle(values: list[float]) -> dict[str, Any]:
    return {"median": statistics.median(values), "low": min(values), "high": max(values),
            "runs": len(values)}  # fmt: skip


def _baselines(tokenizer: Any, documents: int) -> dict[str, float]:
    from fttools.lab import ngrams
    from fttools.lab.corpus import documents as corpus

    def ids(texts: list[str]) -> list[list[int]]:
        return [[*row[1:], 2] for row in tokenizer(texts)["input_ids"]]

    from fttools.data import domain

    train, test = ids(list(corpus(1, 0, documents))), ids(domain("general", "test"))
    size = len(tokenizer)
    return {
        "documents": documents, "tokens": sum(map(len, train)),
        "unigram": ngrams.Unigram(train, size).perplexity(test),
        "kneser_ney_trigram": ngrams.Trigram(train, size).perplexity(test),
    }  # fmt: skip


def _instructions(quick: bool, seeds: int) -> dict[str, Any]:
    from fttools import data, instruct, models
    from fttools.methods import LoRA

    rows = data.instructions()
    test = rows["test"][:100] if quick else rows["test"]
    found: dict[str, Any] = {}
    model, tokenizer = models.load("decoder")
    found["base"] = instruct.exact_match(model, tokenizer, test).share
    arms = {"lora": {}, "qlora": {"quantized": True}, "random_weights": {"pretrained": False}}
    steps: dict[int, int] = {}
    for arm, options in arms.items():
        shares: dict[str, list[float]] = {"all": [], "seen": [], "unseen": [], "seconds": []}
        for seed in range(1 if arm == "random_weights" else seeds):
            model, _ = models.load("decoder", **options)
            # QLoRA gets the rows that LoRA had, not its time: quantization is what is compared.
            epochs = steps[seed] * 16 / len(rows["train"]) if arm != "lora" else 1.0
            tuned = instruct.tune(
                model, tokenizer, rows["train"], LoRA(rank=16, targets="all-linear"), seed=seed,
                epochs=epochs, seconds=(10 if quick else SECONDS) if arm == "lora" else None,
            )  # fmt: skip
            if arm == "lora":
                steps[seed] = tuned.steps
            match = instruct.exact_match(tuned.model, tokenizer, test)
            by = match.by(test, "seen")
            for key, value in (("all", match.share), ("seen", by[True]), ("unseen", by[False]),
                               ("seconds", tuned.seconds)):  # fmt: skip
                shares[key].append(value)
            found.setdefault("families", {})[arm] = match.by(test, "family")
        found[arm] = {key: _middle(values) for key, values in shares.items()}
    return found


def _domains(quick: bool, seeds: int) -> dict[str, Any]:
    from fttools import data, models
    from fttools.lab import score

    general = data.domain("general", "test", 100)
    found: dict[str, Any] = {}
    for name in ("clinic", "contracts"):
        test = data.domain(name, "test", 100)
        kept: dict[str, list[float]] = {"before": [], "after": [], "reduction_pct": [],
                                        "general_before": [], "general_after": []}  # fmt: skip
        for seed in range(seeds):
            model, tokenizer = models.load("decoder")
            before = score.perplexity(model, tokenizer, test)
            kept["general_before"].append(score.perplexity(model, tokenizer, general))
            score.adapt(model, tokenizer, data.domain(name), steps=10 if quick else 60, seed=seed)
            after = score.perplexity(model, tokenizer, test)
            kept["before"].append(before)
            kept["after"].append(after)
            kept["reduction_pct"].append(100 * (1 - after / before))
            kept["general_after"].append(score.perplexity(model, tokenizer, general))
        found[name] = {key: _middle(values) for key, values in kept.items()}
    return found


def _sequence(quick: bool, seeds: int) -> dict[str, Any]:
    """The three tasks one after another without care, and all together: accuracy by task."""
    from dataclasses import replace

    from datasets import concatenate_datasets

    from fttools import data, evaluate, models, train
    from fttools.methods import Full

    found: dict[str, list[Any]] = {"after_each_task": [], "forgetting": [], "together": []}
    for seed in range(seeds):
        tasks = data.sequence()
        config = train.Config(epochs=1 if quick else 3, lr=1e-4, seed=seed)
        model, tokenizer = models.load("encoder", seed=seed)
        table: list[list[float]] = []

        def scores(tuned: Any, tokenizer: Any = tokenizer, tasks: Any = tasks) -> list[float]:
            return [evaluate.accuracy(evaluate.predict(tuned, tokenizer, t.test)) for t in tasks]

        for task in tasks:
            model = train.fine_tune(model, tokenizer, task, Full(), config).model
            table.append(scores(model))
        found["after_each_task"].append(table)
        found["forgetting"].append(evaluate.forgetting(table))
        parts = {split: concatenate_datasets([getattr(t, split) for t in tasks])
                 for split in ("train", "validation", "test")}  # fmt: skip
        both = replace(tasks[0], name="together", **parts)
        model, tokenizer = models.load("encoder", seed=seed)
        found["together"].append(
            scores(train.fine_tune(model, tokenizer, both, Full(), config).model)
        )
    falls = [sum(f) / len(f) for f in found["forgetting"]]
    return {"tasks": [t.name for t in data.sequence()], "mean_forgetting": _middle(falls), **found}


def _speed(runs: int = 5) -> dict[str, Any]:
    import torch

    from fttools import models

    model, tokenizer = models.load("decoder")
    inputs = tokenizer("Anna went to the market.", return_tensors="pt")
    taken = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        with torch.inference_mode():
            model.generate(**inputs, max_new_tokens=64, min_new_tokens=64, do_sample=False)
        taken.append(time.perf_counter() - started)
    return _middle(taken[1:])


def run(quick: bool = False) -> dict[str, Any]:
    """Every figure of the model card; `quick` takes a minute or two and is a smoke test."""
    import torch

    from fttools import data, models
    from fttools.lab import model as lab
    from fttools.lab import score
    from fttools.runs import hardware, versions

    torch.set_num_threads(2)
    seeds = 1 if quick else 3
    model, tokenizer = models.load("decoder")
    record = json.loads((lab.folder() / "pretraining.json").read_text())
    grammar = [score.grammaticality(model, tokenizer, 20 if quick else 200, seed=s)
               for s in range(seeds)]  # fmt: skip
    general = data.domain("general", "test")
    return {
        "pretraining": {k: record[k] for k in ("tokens", "parameters", "flops", "held_out_loss",
                                               "held_out_perplexity", "seconds", "sha256")},
        "perplexity": {"lab": score.perplexity(model, tokenizer, general),
                       **_baselines(tokenizer, 2_000 if quick else 40_000)},
        "grammatical": _middle([g["grammatical"] for g in grammar]),
        "grammar_runs": grammar,
        "generate_64_seconds": _speed(),
        "instructions": _instructions(quick, seeds),
        "domains": _domains(quick, seeds),
        "three_task_sequence": _sequence(quick, seeds),
        "versions": versions(), "hardware": hardware(),
    }  # fmt: skip
