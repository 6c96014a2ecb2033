"""Instruction data, template, labels, and tuning of the lab model."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import torch

from fttools import data, instruct, models
from fttools.errors import BadData
from fttools.lab import tasks, words
from fttools.lab.phrasings import PHRASINGS
from fttools.methods import LoRA

ROWS = data.instructions()


def test_sizes_families_and_phrasings() -> None:
    train, test = ROWS["train"], ROWS["test"]
    assert len(train) == 6000 and len(test) == 600
    assert len({r["family"] for r in train}) >= 12
    assert all(r["seen"] for r in train)
    for family, count in Counter(r["family"] for r in test).items():
        flags = {r["seen"] for r in test if r["family"] == family}
        assert flags == {True, False} and count >= 25, family
    assert data.instructions() == ROWS


def test_held_out_phrasings_are_held_out() -> None:
    for family, (seen, unseen) in PHRASINGS.items():
        assert len(seen) >= 5 and len(unseen) >= 3 and not set(seen) & set(unseen), family
    trained = {(r["instruction"], r["input"]) for r in ROWS["train"]}
    assert not trained & {(r["instruction"], r["input"]) for r in ROWS["test"]}
    given = {(r["family"], r["input"]) for r in ROWS["train"]}
    for row in ROWS["test"]:
        assert row["family"] in tasks.CLOSED or (row["family"], row["input"]) not in given


def rederive(row: dict[str, str]) -> str | None:
    """The answer worked out from the text alone, by other means than the generator's."""
    family, text, asked = row["family"], row["input"], row["instruction"]
    listed = text.split(", ")
    if family == "sort_words":
        return ", ".join(sorted(listed))
    if family == "sort_numbers":
        return ", ".join(map(str, sorted(map(int, listed))))
    if family == "largest":
        return str((max if "largest" in asked else min)(map(int, listed)))
    if family == "backwards":
        return ", ".join(listed[::-1])
    if family == "position":
        return listed[0 if "first" in asked else 1 if "second" in asked else -1]
    if family == "list_and":
        return ", ".join(listed[:-1]) + " and " + listed[-1]
    if family in ("count_kind", "pick_kind"):
        kind = next(k for k in tasks.KINDS if words.plural(k) in asked)
        members = [w for w in listed if w in words.NOUNS[kind]]
        return ", ".join(members) if family == "pick_kind" else words.number(len(members))
    if family == "sum":
        parts = text.split()
        x, y = (int(p) if p.isdigit() else words.NUMBERS.index(p) for p in (parts[0], parts[2]))
        total = x + y if parts[1] == "plus" else x - y
        return str(total) if parts[0].isdigit() else words.number(total)
    if family == "compare":
        pairs = re.findall(r"(\w+) is \w+ than (\w+)\.", text)
        return next(a for a, _ in pairs if a not in {b for _, b in pairs})
    if family == "colour":
        thing = re.search(r"[Tt]he (\w+)(?: is|\.|\?)", asked.replace("the colour", ""))
        assert thing is not None
        found = re.search(rf"an? (\w+) {thing[1]}\b", text)
        return found[1] if found else ""
    if family == "where_is":
        return next(
            (m[1] for s in reversed(text.split(". ")) for who, m in [last_place(s)]
             if m and who.lower() in asked.lower()), "",
        )  # fmt: skip
    return None


def last_place(sentence: str) -> tuple[str, re.Match[str] | None]:
    """Who or what a sentence puts where: ("Anna", match of "at the mill")."""
    sentence = sentence.rstrip(".")
    moved = re.match(r"(\w+) (?:went|walked|ran|hurried|travelled|came) to the (\w+)$", sentence)
    if moved:
        from fttools.lab.world import at

        return moved[1], re.match("(.*)", at(moved[2]))
    put = re.match(r"\w+ \w+ an? \w+ (\w+) ((?:in|on|under|behind|near) the \w+)$", sentence)
    return (f"the {put[1]}", re.match("(.*)", put[2])) if put else ("", None)


def test_answers_rederived_from_the_text() -> None:
    checked = Counter()
    for row in ROWS["test"] + ROWS["train"][:1500]:
        answer = rederive(row)
        if answer is not None:
            assert answer == row["output"], row
            checked[row["family"]] += 1
    assert len(checked) >= 12 and min(checked.values()) >= 50


def test_labels_on_the_response_only() -> None:
    _, tokenizer = models.load("decoder")
    row = {"instruction": "Write the plural.", "input": "fox", "output": "foxes"}
    one = instruct.encode(row, tokenizer)
    kept = [i for i, y in zip(one["input_ids"], one["labels"], strict=True) if y != -100]
    assert tokenizer.decode(kept) == " foxes<eos>" and one["labels"][-1] == tokenizer.eos_token_id
    assert one["input_ids"][0] == tokenizer.bos_token_id
    other = instruct.encode({**row, "input": "a very long list of many foxes"}, tokenizer)
    batch = instruct.Collator(int(tokenizer.pad_token_id))([one, other])
    short = len(one["input_ids"])
    assert (batch["labels"][0, short:] == -100).all() and batch["attention_mask"][0].sum() == short
    assert "Input:" not in instruct.prompt({"instruction": "Say hello.", "input": ""})
    with pytest.raises(BadData, match="max_length"):
        instruct.encode(row, tokenizer, max_length=5)
    with pytest.raises(BadData, match="instruction"):
        instruct.prompt({"instruction": " "})
    with pytest.raises(BadData):
        instruct.tune(torch.nn.Linear(2, 2), tokenizer, [])


def test_a_little_lora_teaches_and_the_base_cannot() -> None:
    model, tokenizer = models.load("decoder")
    test = [r for r in ROWS["test"] if r["family"] in ("plural", "list_and", "negation")][:40]
    assert instruct.exact_match(model, tokenizer, test).share <= 0.1
    chosen = [r for r in ROWS["train"] if r["family"] in ("plural", "list_and", "negation")]
    tuned = instruct.tune(model, tokenizer, chosen[:640], LoRA(rank=8, targets="all-linear"))
    match = instruct.exact_match(tuned.model, tokenizer, test)
    assert match.share >= 0.5 and tuned.losses[-1] < tuned.losses[0] / 2
    assert set(match.by(test, "seen")) == {False, True}
