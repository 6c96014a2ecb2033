"""The lab corpus: reproducible, grammatical by its own parser, and the parser can say no."""

from __future__ import annotations

import hashlib
import math
import re
from random import Random

import pytest

from fttools import data
from fttools.data import UnknownData
from fttools.lab import corpus, domains, ngrams, parser, sequence
from fttools.lab.frames import Ref, compile_frame, render
from fttools.lab.verbs import phrase


def test_same_seed_same_bytes() -> None:
    texts = list(corpus.documents(1, 0, 400))
    assert texts == list(corpus.documents(1, 0, 400))
    assert corpus.document(1, 37) == texts[37]  # whatever was made before it
    assert texts != list(corpus.documents(2, 0, 400))
    # The corpus the weights were trained on: changing it makes the model card untrue.
    digest = hashlib.sha256("\n\n".join(texts).encode()).hexdigest()
    assert digest == CORPUS_SHA256


CORPUS_SHA256 = "b948eec001a5cf192c6d97f729b5c8a33df101a64311455661dcb57fd90f093a"


def test_enough_words_and_no_questions() -> None:
    texts = list(corpus.documents(1, 0, 12_000))
    found = {w for t in texts for w in re.findall(r"[A-Za-z]+", t)}
    assert len({w.lower() for w in found}) >= 2000
    joined = "\n".join(texts)
    assert "?" not in joined and "Instruction:" not in joined and "Output:" not in joined
    assert len(set(texts)) > 0.9 * len(texts)


def test_everything_generated_parses() -> None:
    assert [s for i in range(250) for s in parser.failures(corpus.document(3, i))] == []


@pytest.mark.parametrize("wrong", [
    "Anna give the ball to Tom.", "Cows eats grass.", "She has a apple.", "They is in the garden.",
    "Two apple are red.", "I were happy.", "Tom did not gave the ball to Anna.", "Anna the ball.",
    "Anna gived Tom the ball.", "anna has a ball.", "Anna has a ball", "Qzx has a ball.", "",
    "Anna has a ball @.", "I walks to the market.", "The teacher are kind.",
])  # fmt: skip
def test_parser_rejects(wrong: str) -> None:
    assert not parser.parse(wrong)


@pytest.mark.parametrize("right", [
    "Anna gives the ball to Tom.", "Cows eat grass.", "She has an apple.",
    "They are in the garden.",
    "Two apples are red.", "I was happy.", "Tom did not give the ball to Anna.",
    '"I like apples," said Tom.', "Later Anna and Tom walked home.",
])  # fmt: skip
def test_parser_accepts(right: str) -> None:
    assert parser.parse(right)


def test_parser_rejects_most_corruptions() -> None:
    """Two neighbouring words swapped: hardly ever a sentence."""
    rng, tried, accepted = Random(0), 0, 0
    for i in range(60):
        for sentence in parser.sentences(corpus.document(5, i)):
            parts = sentence[:-1].split()
            if len(parts) < 4:
                continue
            k = rng.randrange(1, len(parts) - 1)
            if parts[k] == parts[k + 1]:
                continue
            parts[k], parts[k + 1] = parts[k + 1], parts[k]
            tried, accepted = tried + 1, accepted + parser.parse(" ".join(parts) + ".")
    assert tried > 300 and accepted / tried < 0.05


def test_frames_inflect() -> None:
    frame = compile_frame("<A> [give] <o> to <b>")
    slots = {"A": Ref("they", "p"), "o": "it", "b": "him"}
    assert render(Random(0), (frame,), "presneg", slots) == "they do not give it to him"
    assert phrase("be", "past", "p") == "were" and phrase("go", "pres", "3") == "goes"
    assert phrase("travel", "pastprog", "1") == "was travelling"


def test_domains_are_apart_from_the_corpus() -> None:
    general = " ".join(corpus.documents(1, 0, 3000)).lower()
    for name, marks in (("clinic", ("mg", "impression")), ("contracts", ("shall", "seller"))):
        train, test = data.domain(name), data.domain(name, "test")
        assert len(train) == 2000 and not set(train) & set(test)
        for mark in marks:
            assert mark in train[0].lower() and f" {mark} " not in general
    assert not set(data.domain("general", "train", 300)) & set(data.domain("general", "test"))
    with pytest.raises(UnknownData, match="clinic"):
        domains.texts("clinics")


def test_sequence_is_balanced_and_labelled_right() -> None:
    tasks = sequence.sequence()
    assert [t.name for t in tasks] == ["feeling", "time", "place"]
    for task in tasks:
        texts = [r["text"] for rows in task.rows.values() for r in rows]
        assert len(set(texts)) == len(texts)
        for rows in task.rows.values():
            assert sum(r["label"] for r in rows) == len(rows) // 2
    for row in tasks[1].rows["test"]:
        assert row["label"] == int(" will " in row["text"])
    assert data.sequence()[0].sha256 == data.sequence()[0].sha256
    assert data.sequence()[2].train[0]["text"].startswith("place: ")


def test_trigram_is_a_distribution_and_beats_the_unigram() -> None:
    rng = Random(0)
    docs = [[i % 7 for i in range(rng.randrange(5, 30))] for _ in range(50)]
    three = ngrams.Trigram(docs, 9)
    for context in ((0, 1), (3, 3), (8, 8), (-1, -1)):
        assert math.isclose(sum(three.probability(*context, c) for c in range(9)), 1, rel_tol=1e-9)
    assert three.perplexity(docs) < 2 < ngrams.Unigram(docs, 9).perplexity(docs)
