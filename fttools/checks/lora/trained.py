"""Checks on the trained model: the adapter re-evaluated outside, and the report about it."""

from __future__ import annotations

import re
from functools import lru_cache

from fttools.checks.core import Answer, Case, Check, Verdict, pack, right, unpack, wrong
from fttools.checks.lora.model import one_case
from fttools.checks.probes import lora as probes

REACH = 0.80
TESTED = 250  # reviews in the test split
REPORT = {"trainable", "adapter_bytes", "accuracy", "low", "high", "above_80"}


@lru_cache(maxsize=4)
def reached(adapter: bytes) -> float | str:
    """Test accuracy of a packed adapter (rank, alpha, targets, tensors) on a fresh encoder.

    A string is what is wrong with it instead. Cached, because two checks ask about one adapter.
    """
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    from fttools import data, evaluate, methods, models

    given = unpack(adapter)
    v = given.values
    if not given.tensors or type(v["r"]) is not int or not 1 <= v["r"] <= 64:
        return "No adapter to evaluate: model must be a peft model with LoRA, rank 1 to 64."
    if not isinstance(v["alpha"], float) or not 0 < v["alpha"] <= 10_000:
        return "The adapter's lora_alpha is no usual number."
    targets: str | tuple[str, ...] = "all-linear"
    if v["targets"] != targets:
        # Any other string would be a regular expression to peft, and come from hostile code.
        listed = v["targets"] if isinstance(v["targets"], list) else [v["targets"]]
        if len(listed) > 64 or not all(re.fullmatch(r"[\w.]{1,100}", str(name)) for name in listed):
            return "The adapter's target_modules must be names of layers, or all-linear."
        targets = tuple(map(str, listed))
    if all(not bool((t != 0).any()) for n, t in given.tensors.items() if "lora_B" in n):
        return "B is still zero everywhere: this adapter has not been trained."
    model, tokenizer = models.load("encoder", scale="lab")
    tuned = methods.attach(model, methods.LoRA(v["r"], v["alpha"], targets))
    expected = {n: t.shape for n, t in get_peft_model_state_dict(tuned).items()}  # type: ignore[arg-type]
    if lacking := sorted(set(expected) - set(given.tensors)):
        if any("classifier" in n for n in lacking):
            return ("The trained head is not part of the adapter: task_type=TaskType.SEQ_CLS "
                    "saves it.")  # fmt: skip
        return f"The adapter lacks {lacking[0]}."
    if {n: t.shape for n, t in given.tensors.items()} != expected:
        return "The adapter's tensors do not fit the lab encoder with its configuration."
    set_peft_model_state_dict(tuned, given.tensors)  # type: ignore[arg-type]
    merged = tuned.merge_and_unload()  # type: ignore[operator]  # a quarter less to compute
    test = evaluate.predict(merged, tokenizer, data.load("reviews").test, batch=16)
    return evaluate.accuracy(test)


def judge_adapter(case: Case, answer: Answer) -> Verdict:
    """Load the adapter onto a fresh base and evaluate it on the test split here."""
    found = reached(pack(answer))
    if isinstance(found, str):
        return wrong(found)
    if found < 1 - REACH:
        return wrong(f"Re-evaluated on the test split: {found:.1%}. It has learned the opposite: "
                     "labels are swapped (1 is positive).")  # fmt: skip
    if found < REACH:
        return wrong(f"Re-evaluated on the test split: {found:.1%}; {REACH:.0%} is asked. Is the "
                     "learning rate LoRA's (near 2e-3), and are there 2 epochs?")  # fmt: skip
    return right(f"Re-evaluated on the test split: {found:.1%} ({REACH:.0%} asked).")


def judge_report(case: Case, answer: Answer) -> Verdict:
    """The report against the adapter itself: counts, bytes, accuracy, and what follows."""
    v = dict(answer.values)
    said = v.pop("report")
    if lacking := sorted(REPORT - set(said)):
        return wrong(f"report lacks {', '.join(lacking)}.")
    if blank := sorted(k for k in REPORT if said[k] is None):
        return Verdict("blank", f"Not filled in yet: {', '.join(blank)}.")
    numbers = {k: float(said[k]) for k in REPORT if k != "above_80"}
    found = reached(pack(Answer(answer.tensors, v)))
    if isinstance(found, str):
        return wrong(found)
    trained = sum(t.numel() for t in answer.tensors.values())
    head = sum(t.numel() for n, t in answer.tensors.items() if "lora_" not in n)
    if numbers["trainable"] == trained - head:
        return wrong(f"trainable leaves out the head ({head:,} parameters): it trains too.")
    if numbers["trainable"] != trained:
        return wrong(f"trainable is {numbers['trainable']:,.0f}; the adapter and its head hold "
                     f"{trained:,} parameters.")  # fmt: skip
    if numbers["adapter_bytes"] in (trained, 2 * trained, trained / 4):
        return wrong("adapter_bytes: an fp32 number takes 4 bytes.")
    if numbers["adapter_bytes"] != 4 * trained:
        return wrong(f"adapter_bytes is {numbers['adapter_bytes']:,.0f}; {trained:,} parameters in "
                     f"fp32 take {4 * trained:,} bytes.")  # fmt: skip
    if abs(numbers["accuracy"] - found) > 2.5 / TESTED:
        more = "The training set, perhaps? " if numbers["accuracy"] > found else ""
        return wrong(f"accuracy is {numbers['accuracy']:.1%}, but this adapter reaches {found:.1%} "
                     f"on the test split. {more}Use run.test.correct.")  # fmt: skip
    width = 2 * 1.96 * (found * (1 - found) / TESTED) ** 0.5
    low, high = numbers["low"], numbers["high"]
    if not low < numbers["accuracy"] < high or abs(high - low - width) > 0.3 * width:
        return wrong(f"[{low:.1%}, {high:.1%}] is no 95 % interval of {found:.1%} on "
                     f"{TESTED} reviews: take it from accuracy_with_interval.")  # fmt: skip
    follows = "yes" if low > REACH else "no" if high < REACH else "cannot tell"
    if said["above_80"] != follows:
        place = "inside" if follows == "cannot tell" else "outside"
        return wrong(f"above_80 is {said['above_80']!r}, but 80 % lies {place} your interval "
                     f"[{low:.1%}, {high:.1%}], so what follows is {follows!r}.")  # fmt: skip
    return right(f"{trained:,} parameters, {4 * trained / 2**20:.1f} MiB to ship; {found:.1%} "
                 f"[{low:.1%}, {high:.1%}], and {follows!r} follows.")  # fmt: skip


CHECKS = (
    Check("lora-train", 4, "Training", ("model",), one_case, probes.adapter, judge_adapter,
          ("LoRA wants about ten times the rate of full fine-tuning.",
           "train.Config(epochs=2, lr=2e-3) is enough.")),
    Check("lora-report", 4, "What it cost, and what follows", ("report", "model"), one_case,
          probes.report, judge_report,
          ("count_parameters(model) gives the trainable ones; fp32 takes 4 bytes each.",
           "accuracy_with_interval(run.test.correct) gives the three numbers.",
           "above_80 is 'yes' only if the whole interval lies above 0.80, 'no' only if it lies "
           "below, else 'cannot tell'.")),
)  # fmt: skip
