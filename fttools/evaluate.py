"""Score a classifier, with intervals and paired tests.

p = predict(model, tokenizer, splits.test)      # Predictions
accuracy(p), f1(p), interval(p.correct)         # 0.87, 0.86, (0.83, 0.91)
paired(a.correct, b.correct)                    # is b really better than a?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fttools.errors import BadData

if TYPE_CHECKING:
    from datasets import Dataset
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Predictions:
    """`probs` (n, classes) and the true `labels` (n,)."""

    probs: NDArray[np.float64]
    labels: NDArray[np.int64]

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(n,) whether the likeliest class is the true one."""
        return self.probs.argmax(-1) == self.labels


@dataclass(frozen=True)
class Paired:
    """b against a on the same examples: difference in accuracy, its 95 % interval, McNemar's p."""

    difference: float
    low: float
    high: float
    p_value: float
    only_a: int
    only_b: int

    def __str__(self) -> str:
        p = f"= {self.p_value:.3f}" if self.p_value >= 0.001 else "< 0.001"
        return (
            f"difference {self.difference:+.1%} [{self.low:+.1%}, {self.high:+.1%}], "
            f"p {p} (right only in a: {self.only_a}, only in b: {self.only_b})"
        )


def predict(model: Any, tokenizer: Any, rows: Dataset, batch: int = 64) -> Predictions:
    """Class probabilities of `model` on `rows` (`text`, `label`), in evaluation mode."""
    import torch

    if not len(rows):
        raise BadData("Nothing to evaluate: the split is empty.", "a split with labelled texts")
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["text"]))  # little padding a batch
    probs: list[Any] = [None] * len(rows)
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            texts = [rows[i]["text"] for i in part]
            inputs = tokenizer(texts, padding=True, truncation=True, max_length=128,
                               return_tensors="pt").to(device)  # fmt: skip
            for i, p in zip(part, model(**inputs).logits.float().softmax(-1).cpu(), strict=True):
                probs[i] = p.numpy().astype(np.float64)
    model.train(was_training)
    return Predictions(np.stack(probs), np.asarray(list(rows["label"])))


def accuracy(predictions: Predictions) -> float:
    """Share of examples whose likeliest class is the true one."""
    return float(predictions.correct.mean())


def f1(predictions: Predictions, positive: int = 1) -> float:
    """F1 of the class `positive`; 0 where it is neither predicted nor true."""
    said = predictions.probs.argmax(-1) == positive
    true = predictions.labels == positive
    total = int(said.sum() + true.sum())
    return 2 * int((said & true).sum()) / total if total else 0.0


def interval(
    correct: ArrayLike, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean (Efron and Tibshirani 1993, chapter 13)."""
    values = np.asarray(correct, dtype=float)
    if values.ndim != 1 or not len(values):
        raise BadData("An interval needs a list of outcomes, at least one.", "predictions.correct")
    rng = np.random.default_rng(seed)
    means = rng.choice(values, (draws, len(values))).mean(1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def paired(a: ArrayLike, b: ArrayLike, draws: int = 2000, seed: int = 0) -> Paired:
    """b against a on the same examples: bootstrap of the difference, exact McNemar test.

    McNemar (1947): among examples that only one of the two gets right, either is as likely to be
    the one if neither is better.
    """
    from scipy.stats import binomtest

    first, second = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    if first.shape != second.shape:
        raise BadData(f"Not the same examples: {first.shape} and {second.shape} outcomes.",
                      "predictions of both models on one split, in one order")  # fmt: skip
    difference = second.astype(float) - first.astype(float)
    low, high = interval(difference, draws=draws, seed=seed)
    only_a, only_b = int((first & ~second).sum()), int((second & ~first).sum())
    p = binomtest(only_b, only_a + only_b).pvalue if only_a + only_b else 1.0
    return Paired(float(difference.mean()), low, high, float(p), only_a, only_b)


def forgetting(scores: ArrayLike) -> tuple[float, ...]:
    """How far each task but the last fell: its best score before the end, less the one at the end.

    `scores` (n, n): row i after training on task i, column j on task j's test set. The mean is the
    forgetting of Chaudhry et al. (2018, section 3.2); a negative value means that a task gained.
    """
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or len(table) < 2:
        raise BadData(
            f"Forgetting needs a square table of scores, got the shape {table.shape}.",
            "one row after each of at least two tasks, one column for each task's test set",
        )
    earlier = table[:-1, :-1]
    reached = np.where(np.tri(len(earlier), dtype=bool), earlier, -np.inf)  # once it was trained on
    return tuple(float(fall) for fall in reached.max(0) - table[-1, :-1])
