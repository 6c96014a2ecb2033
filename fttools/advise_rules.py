"""What `fttools.advise` knows besides memory: the rule of thumb, and what papers found.

Bands are differences from full fine-tuning of the same model, in points of the benchmark's own
metric (accuracy, ROUGE, ...). They are what was reported on other data: an expectation, no promise.
"""

from __future__ import annotations

from dataclasses import dataclass

BILLION = 1e9


@dataclass(frozen=True)
class Band:
    """Expected quality against full fine-tuning, in points, and who found that."""

    low: float
    high: float
    source: str

    def __str__(self) -> str:
        if self.low == self.high == 0:
            return "the reference"
        return f"{self.low:+.1f} to {self.high:+.1f} points"


# The order in which methods are preferred where several fit, by size of the model.
ORDERS: dict[str, tuple[str, ...]] = {
    "small": ("full", "lora", "adapter", "ia3", "prefix", "qlora", "prompt", "head"),
    "middle": ("lora", "adapter", "qlora", "full", "ia3", "prefix", "prompt", "head"),
    "large": ("qlora", "lora", "adapter", "ia3", "prefix", "prompt", "full", "head"),
}
# The rules as they are usually put. Whether they hold on a given GPU is what the estimate says.
RULES = {
    "tight": "from 7 B on a GPU of 24 GB or less, QLoRA: 16-bit weights leave no room to train",
    "small": "under 1 B parameters, full fine-tuning: affordable, and the most that can be had",
    "middle": "from 1 to 13 B, LoRA or adapters: nearly full quality for a fraction of the memory",
    "large": "over 13 B, QLoRA: the weights alone fill a GPU in 16 bits",
}
MANY = 100_000  # examples from which full fine-tuning is preferred wherever it fits
FEW = 500  # examples under which training everything risks learning them by heart


def size_class(total: int) -> str:
    """small (under 1 B parameters), middle (to 13 B) or large."""
    if total < BILLION:
        return "small"
    return "middle" if total <= 13.5 * BILLION else "large"


def rule_of_thumb(total: int, memory: int) -> tuple[str, str]:
    """The method usually recommended for a model of `total` parameters on a GPU of `memory` bytes,
    and the rule's words."""
    size = size_class(total)
    if size == "middle" and total > 6.5 * BILLION and memory < 25 * 2**30:
        return "qlora", RULES["tight"]
    return ORDERS[size][0], RULES[size]


def order(total: int, examples: int | None) -> tuple[str, ...]:
    """Methods from most to least preferred, before memory is looked at."""
    names = ORDERS[size_class(total)]
    if examples is not None and examples >= MANY and size_class(total) == "middle":
        return ("full", *(n for n in names if n != "full"))
    return names


def band(method: str, total: int, task: str, examples: int | None) -> Band:
    """What to expect of `method` for a model of `total` parameters."""
    if method == "full":
        return Band(0, 0, "the reference that the others are compared with")
    if method in ("lora", "qlora"):
        many = task == "causal-lm" and examples is not None and examples >= MANY
        if many:
            source = "Biderman et al. 2024, section 4.1 (HumanEval, GSM8K): LoRA learns less from"
            return Band(-9, 0.5, f"{source} much new code or mathematics, and forgets less")
        if method == "qlora":
            return Band(-1, 1, "Dettmers et al. 2023, table 3: 4 bits match 16-bit fine-tuning on "
                        "GLUE; table 4: NF4 matches 16-bit LoRA on MMLU")  # fmt: skip
        return Band(-0.5, 1, "Hu et al. 2021, table 2: GLUE, RoBERTa and DeBERTa")
    if method == "adapter":
        return Band(-1, 0.5, "Houlsby et al. 2019, table 1: GLUE, BERT-large, within 0.4")
    if method == "prefix":
        return Band(-4, 0, "Li and Liang 2021, tables 1 and 2; He et al. 2022: level on "
                    "table-to-text, behind on summaries")  # fmt: skip
    if method == "prompt":
        if total >= 10 * BILLION:
            return Band(-2, 0, "Lester et al. 2021, figure 1: level with full fine-tuning at 10 B")
        return Band(-20, -3, "Lester et al. 2021, figure 1: far behind in models under 10 B")
    if method == "ia3":
        return Band(-4, 1, "Liu et al. 2022, figure 2 (few examples, T0-3B); sensitive to set-up "
                    "in PEFT's method comparison")  # fmt: skip
    if method == "head":
        return Band(-20, 0, "Peters et al. 2019: frozen features against fine-tuning; tasks on "
                    "pairs of texts lose most")  # fmt: skip
    return Band(-5, 1, "no paper of ours compares it; assumed like other small methods")


def reason(method: str, total: int, fits: bool, concessions: tuple[str, ...], over: float) -> str:
    """One sentence: why this method, or why not. `over`: GiB over (+) or under (-) the GPU."""
    if not fits:
        return f"Needs {over:.1f} GiB more than there is, {_kept(method)}."
    why = {
        "full": "Every weight adapts, which gives the most where it can be afforded",
        "lora": "Close to full quality; the base's gradients and optimizer state are not needed",
        "qlora": "The base takes about a quarter of its 16-bit size, at the price of slower steps",
        "adapter": "Close to full quality, and tasks can be switched in one model; adds latency",
        "prefix": "Trains keys and values only; costs context and depends on its set-up",
        "prompt": "Ships kilobytes; pays off in very large models only",
        "ia3": "Under 0.1 % of the parameters; good with few examples",
        "head": "Cheapest: the model is only read; a baseline more than a method",
    }.get(method, "Applies to this model")
    small = total < BILLION and method == "qlora"
    if small:
        why = "Saves little in a model this small, where activations and the vocabulary weigh more"
    return f"{why}{'; needs ' + ', '.join(concessions) if concessions else ''}."


def _kept(method: str) -> str:
    return {
        "full": "since gradients and optimizer state come on top of every weight",
        "qlora": "though the weights take 4 bits each",
    }.get(method, "since the frozen weights alone are kept in 16 bits")
