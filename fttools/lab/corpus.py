"""Documents by seed: `document(seed, i)` is the i-th text of the corpus `seed`, always the same.

    for text in documents(seed=1, start=0, stop=100): ...
    python -m fttools.lab.corpus --seed 1 --documents 20

General text only: two registers (domains.py) are kept out, and nothing is put as a question with an
answer or as an instruction with a response.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import accumulate
from random import Random

from fttools.lab.facts import FACTS
from fttools.lab.scene import Scene
from fttools.lab.school import SCHOOL
from fttools.lab.stories import STORIES
from fttools.lab.tales import TALES

# Share of documents, not of tokens: stories are longer than facts.
SHARES = (({**STORIES, **TALES}, 0.55, "past"), (FACTS, 0.17, "pres"), (SCHOOL, 0.28, "past"))
PARTS_MOST = 3  # a document is one to three pieces of one sort
HELD_OUT_SEED = 9_000_001


def _draw(
    weights: dict[Callable[[Scene], None], float],
) -> Callable[[Random], Callable[[Scene], None]]:
    tellers, totals = list(weights), list(accumulate(weights.values()))

    def draw(rng: Random) -> Callable[[Scene], None]:
        return rng.choices(tellers, cum_weights=totals)[0]

    return draw


_DRAWS = [(_draw(weights), share, tense) for weights, share, tense in SHARES]


def document(seed: int, index: int) -> str:
    """One text of a few sentences to a few paragraphs."""
    rng = Random(f"{seed}/{index}")
    r, chosen = rng.random(), _DRAWS[-1]
    for option in _DRAWS:
        r -= option[1]
        if r < 0:
            chosen = option
            break
    draw, _, tense = chosen
    parts = []
    for _ in range(1 + int(rng.random() * PARTS_MOST)):
        scene = Scene(rng, tense)
        draw(rng)(scene)
        parts.append(scene.text())
    return "\n".join(parts)


def documents(seed: int, start: int, stop: int) -> Iterator[str]:
    """Texts `start`..`stop` - 1 of the corpus."""
    return (document(seed, i) for i in range(start, stop))


def main() -> None:
    parser = argparse.ArgumentParser(description="Print documents of the lab corpus.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=10)
    arguments = parser.parse_args()
    print("\n\n".join(documents(arguments.seed, 0, arguments.documents)))


if __name__ == "__main__":
    main()
