"""Baselines: a unigram and an interpolated Kneser-Ney trigram over the same tokens.

    lm = Trigram(train_ids)          # lists of token ids, one a document
    lm.perplexity(test_ids)

Kneser-Ney smoothing with one discount an order (Chen and Goodman 1999, section 4.1.6, equation for
the interpolated form): lower orders count in how many contexts a token was seen, not how often.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from fttools.errors import BadData

BOUNDARY = -1  # stands before the first token of a document


class Unigram:
    """Relative frequencies with one added to every count."""

    def __init__(self, documents: Iterable[Sequence[int]], vocabulary: int) -> None:
        self.counts = Counter(t for d in documents for t in d)
        self.total = sum(self.counts.values()) + vocabulary
        if self.total == vocabulary:
            raise BadData("No tokens to count.", "documents with at least one token")

    def probability(self, token: int) -> float:
        return (self.counts[token] + 1) / self.total

    def perplexity(self, documents: Iterable[Sequence[int]]) -> float:
        logs = [math.log(self.probability(t)) for d in documents for t in d]
        return math.exp(-sum(logs) / len(logs))


class Trigram:
    """Interpolated Kneser-Ney of order 3 with discount `discount`."""

    def __init__(
        self, documents: Iterable[Sequence[int]], vocabulary: int, discount: float = 0.75
    ) -> None:
        self.vocabulary, self.discount = vocabulary, discount
        threes: Counter[tuple[int, int, int]] = Counter()
        for document in documents:
            padded = [BOUNDARY, BOUNDARY, *document]
            threes.update(zip(padded, padded[1:], padded[2:], strict=False))
        if not threes:
            raise BadData("No tokens to count.", "documents with at least one token")
        self.threes = threes
        self.context: Counter[tuple[int, int]] = Counter()
        self.after: Counter[tuple[int, int]] = Counter()  # distinct tokens after a context
        before: Counter[tuple[int, int]] = Counter()  # distinct contexts before a pair
        for (a, b, c), n in threes.items():
            self.context[a, b] += n
            self.after[a, b] += 1
            before[b, c] += 1
        self.pairs = before
        self.pair_context: Counter[int] = Counter()
        self.pair_after: Counter[int] = Counter()
        single: defaultdict[int, int] = defaultdict(int)
        for (b, c), n in before.items():
            self.pair_context[b] += n
            self.pair_after[b] += 1
            single[c] += 1
        self.single, self.singles = single, sum(single.values())

    def probability(self, a: int, b: int, c: int) -> float:
        """P(c | a b); over all c of the vocabulary it sums to 1."""
        d = self.discount
        base = (
            max(self.single.get(c, 0) - d, 0) / self.singles
            + d * len(self.single) / self.singles / self.vocabulary
        )
        if self.pair_context[b]:
            n = self.pair_context[b]
            base = max(self.pairs[b, c] - d, 0) / n + d * self.pair_after[b] / n * base
        if self.context[a, b]:
            n = self.context[a, b]
            base = max(self.threes[a, b, c] - d, 0) / n + d * self.after[a, b] / n * base
        return base

    def perplexity(self, documents: Iterable[Sequence[int]]) -> float:
        total, count = 0.0, 0
        for document in documents:
            padded = [BOUNDARY, BOUNDARY, *document]
            for a, b, c in zip(padded, padded[1:], padded[2:], strict=False):
                total += math.log(self.probability(a, b, c))
                count += 1
        return math.exp(-total / count)
