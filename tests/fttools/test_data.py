"""The bundled reviews, loading from elsewhere, and bad data."""

from __future__ import annotations

import os
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from fttools import data
from fttools.errors import BadData


def words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() else " " for c in text.lower()).split())


def test_sizes_and_balance() -> None:
    splits = data.load("reviews")
    for part, size in ((splits.train, 1000), (splits.validation, 250), (splits.test, 250)):
        assert Counter(part["label"]) == {0: size // 2, 1: size // 2}
        assert all(8 <= len(t.split()) <= 40 for t in part["text"])
        assert set(part["domain"]) == {"films", "restaurants", "gadgets", "travel", "books"}
    hard = data.load("hard").test
    assert Counter(hard["label"]) == {0: 100, 1: 100}


def test_hard_pairs_differ_little_and_flip() -> None:
    rows = data.load("hard").test.to_list()
    for a, b in zip(rows[::2], rows[1::2], strict=True):
        assert a["pair"] == b["pair"] and a["label"] != b["label"]
        assert len(words(a["text"]) ^ words(b["text"])) <= 8, (a["text"], b["text"])


def test_no_near_duplicates() -> None:
    rows = []
    for name in ("reviews", "hard"):
        splits = data.load(name)
        for split in data.SPLITS:
            part = getattr(splits, split)
            if len(part):
                rows += [(t, name) for t in part["text"]]
    sets = [words(t) for t, _ in rows]
    close = [
        (rows[i][0], rows[j][0])
        for i in range(len(rows))
        for j in range(i)
        if len(sets[i] & sets[j]) > 0.6 * len(sets[i] | sets[j])
        and not rows[i][1] == rows[j][1] == "hard"  # the two halves of a pair are meant to be
    ]
    assert not close


def write(folder: Path, train: str, dev: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "train.tsv").write_text(train)
    (folder / "dev.tsv").write_text(dev)
    return str(folder)


GOOD = "".join(f'a text number {i} that says "{i}"\t{i % 2}\n' for i in range(40))


def test_folder(tmp_path: Path) -> None:
    splits = data.load(write(tmp_path, GOOD, GOOD))
    assert len(splits.train) == 36 and len(splits.validation) == 4
    assert '"' in splits.train["text"][0]


@pytest.mark.parametrize(
    ("train", "says"),
    [
        ("", "empty"),
        ("no label here\n", "no label"),
        ("one\t1\ntwo\t1\n" * 20, "one class"),
        ("one\t0\ntwo\t7\n" * 20, "out of range: 7"),
        ("one\t-1\ntwo\t-1\n" * 20, "not labelled"),
        ("\t0\ntwo\t1\n" * 20, "no text"),
    ],
)
def test_bad_data(tmp_path: Path, train: str, says: str) -> None:
    with pytest.raises(BadData, match=says):
        data.load(write(tmp_path, train, GOOD))


def test_unknown_names_the_nearest() -> None:
    with pytest.raises(data.UnknownData, match="'reviews'"):
        data.load("review")


def test_limit_is_balanced_and_seeded() -> None:
    one, two = (data.load("reviews", limit=101, seed=s).train for s in (0, 1))
    assert sorted(Counter(one["label"]).values()) == [50, 51]
    assert one["text"] != two["text"]
    assert one["text"] == data.load("reviews", limit=101, seed=0).train["text"]
    assert all(a != b for a, b in pairwise(one["text"]))


REAL = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.skipif(not (REAL / "sst2").is_dir(), reason="needs a local copy of SST-2")
def test_real_sst2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "FT_DATA", str(REAL))
    splits = data.load("sst2")
    assert len(splits.train) + len(splits.validation) == 6920 and len(splits.test) == 872
