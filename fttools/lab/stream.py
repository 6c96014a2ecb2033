"""The corpus as token blocks: shards made in parallel, in a fixed order, never repeated.

Shard k of a seed is documents k·SHARD .. (k+1)·SHARD - 1, each between <bos> and <eos>, joined and
cut into blocks of CONTEXT tokens (the rest is dropped). It is the same however many processes make
it, so a run can be resumed at any shard.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fttools.lab.corpus import documents
from fttools.lab.model import CONTEXT, WEIGHTS

SHARD = 8000  # documents; about 1.2 M tokens
EOS_ID = 2
_tokenizer: Any = None


def _start(path: str) -> None:
    global _tokenizer
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    _tokenizer = Tokenizer.from_file(f"{path}/tokenizer.json")


def blocks(seed: int, start: int, stop: int) -> NDArray[np.uint16]:
    """(n, CONTEXT) token ids of documents start..stop-1."""
    if _tokenizer is None:
        _start(str(WEIGHTS))
    ids: list[int] = []
    for encoded in _tokenizer.encode_batch_fast(list(documents(seed, start, stop))):
        ids += encoded.ids
        ids.append(EOS_ID)
    n = len(ids) // CONTEXT
    return np.array(ids[: n * CONTEXT], dtype=np.uint16).reshape(n, CONTEXT)


def _shard(job: tuple[int, int, int]) -> NDArray[np.uint16]:
    seed, index, size = job
    return blocks(seed, index * size, (index + 1) * size)


def shards(
    seed: int, first: int = 0, *, workers: int = 1, size: int = SHARD, tokenizer: Path = WEIGHTS
) -> Iterator[NDArray[np.uint16]]:
    """Shards first, first + 1, … without end; at most a few per worker are made ahead."""
    if workers <= 1:
        _start(str(tokenizer))
        index = first
        while True:
            yield _shard((seed, index, size))
            index += 1
    with multiprocessing.get_context("spawn").Pool(workers, _start, (str(tokenizer),)) as pool:
        ahead = [pool.apply_async(_shard, ((seed, first + i, size),)) for i in range(3 * workers)]
        index = first + len(ahead)
        while True:
            yield ahead.pop(0).get()
            ahead.append(pool.apply_async(_shard, ((seed, index, size),)))
            index += 1


def batches(
    seed: int, batch: int, skip: int = 0, *, workers: int = 1, size: int = SHARD
) -> Iterator[NDArray[np.int64]]:
    """(batch, CONTEXT) ids in the order of the corpus, without the first `skip` batches.

    Skipping makes and drops the shards before, so a resumed run sees what it would have seen.
    """
    rest = np.empty((0, CONTEXT), dtype=np.uint16)
    number = 0
    for shard in shards(seed, workers=workers, size=size):
        rest = np.concatenate([rest, shard])
        while len(rest) >= batch:
            part, rest = rest[:batch], rest[batch:]
            number += 1
            if number > skip:
                yield part.astype(np.int64)
