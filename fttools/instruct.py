"""Instruction tuning: the template, labels on the response only, training, exact match.

    rows = instructions()                                   # fttools.lab.tasks
    model, tokenizer = models.load("decoder")
    tuned = tune(model, tokenizer, rows["train"], LoRA(rank=16, targets="all-linear"), seconds=90)
    exact_match(tuned.model, tokenizer, rows["test"]).share  # 0.71

A row has `instruction`, `input` (may be empty) and `output`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from fttools.errors import BadData
from fttools.methods import LoRA, Method, attach

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedTokenizerBase

IGNORED = -100  # PyTorch's cross-entropy leaves these positions out
Row = dict[str, Any]


def prompt(row: Row) -> str:
    """The text before the response.

    >>> prompt({"instruction": "Write the plural.", "input": "fox"})
    'Instruction: Write the plural.\\nInput: fox\\nOutput:'
    """
    if not str(row.get("instruction", "")).strip():
        raise BadData("A row has no instruction.", "rows with instruction, input and output")
    given = f"\nInput: {row['input']}" if row.get("input") else ""
    return f"Instruction: {row['instruction']}{given}\nOutput:"


def encode(
    row: Row, tokenizer: PreTrainedTokenizerBase, max_length: int = 256
) -> dict[str, list[int]]:
    """`input_ids`, `attention_mask` and `labels` of one row.

    The response is a space, the output and the end token; only these have labels. The end token is
    trained, else a model never learns to stop. Raises BadData when a row does not fit.
    """
    before = list(tokenizer(prompt(row))["input_ids"])
    response = list(tokenizer(f" {row['output']}", add_special_tokens=False)["input_ids"])
    response.append(int(tokenizer.eos_token_id))  # type: ignore[arg-type]
    if before and before[-1] == tokenizer.eos_token_id:  # some tokenizers end every text
        before.pop()
    ids = before + response
    if len(ids) > max_length:
        raise BadData(
            f"A row has {len(ids)} tokens, more than max_length={max_length}.",
            "a larger max_length, or leaving long rows out: a cut response teaches to stop early",
        )
    return {"input_ids": ids, "attention_mask": [1] * len(ids),
            "labels": [IGNORED] * len(before) + response}  # fmt: skip


@dataclass(frozen=True)
class Collator:
    """Pad encoded rows to the longest of the batch; padding has no labels and no attention.

    A transformers data collator: Trainer(data_collator=Collator(tokenizer.pad_token_id), ...).
    """

    pad: int

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        """(batch, longest) tensors `input_ids`, `attention_mask`, `labels`."""
        import torch

        longest = max(len(r["input_ids"]) for r in rows)
        fill = {"input_ids": self.pad, "attention_mask": 0, "labels": IGNORED}
        return {
            key: torch.tensor([r[key] + [value] * (longest - len(r[key])) for r in rows])
            for key, value in fill.items()
        }


@dataclass(frozen=True)
class Tuned:
    """A tuned model, how long it took, and the mean loss of every tenth of the run."""

    model: nn.Module
    steps: int
    rows: int
    seconds: float
    losses: list[float] = field(default_factory=list)


def tune(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Row],
    method: Method | None = None,
    *,
    epochs: float = 1,
    seconds: float | None = None,
    lr: float = 5e-3,
    batch: int = 16,
    seed: int = 0,
    report: Callable[[int, int, float], None] | None = None,
) -> Tuned:
    """Attach `method` (LoRA on every linear layer by default) and train it on `rows`.

    AdamW, warm-up over a twentieth of the run, then linear decay; batches of similar length. With
    `seconds` the run ends by then, its schedule completed. `report(step, steps, loss)` is called
    every tenth of the run; by default there is a progress bar on a terminal.
    """
    import torch

    if not rows:
        raise BadData("No rows to train on.", "instructions()['train']")
    torch.manual_seed(seed)
    model = attach(model, method or LoRA(rank=16, targets="all-linear"))
    model.train()
    device = next(model.parameters()).device
    encoded = [encode(row, tokenizer) for row in rows]
    collate = Collator(int(tokenizer.pad_token_id))  # type: ignore[arg-type]
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=0.0)
    steps = max(1, round(epochs * len(rows) / batch))
    feed = by_length([len(e["input_ids"]) for e in encoded], batch, Random(seed))
    losses: list[float] = []
    recent: list[torch.Tensor] = []
    started, step, share, bar = time.perf_counter(), 0, 0.0, _bar(report)
    while step < steps and share < 1:
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, max(share * 20, 0.1), (1 - share) * 20 / 19)
        inputs = {k: v.to(device) for k, v in collate([encoded[i] for i in next(feed)]).items()}
        loss = model(**inputs).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        recent.append(loss.detach())
        step += 1
        share = step / steps
        if seconds is not None:
            share = max(share, (time.perf_counter() - started) / seconds)
        if share * 10 >= len(losses) + 1:
            losses.append(float(torch.stack(recent).mean()))
            recent = []
            bar(step, steps, losses[-1])
    return Tuned(model.eval(), step, step * batch, time.perf_counter() - started, losses)


def by_length(lengths: Sequence[int], batch: int, rng: Random) -> Iterator[list[int]]:
    """Batches of indices without end: every row once an epoch, rows of like length together."""
    while True:
        order = rng.sample(range(len(lengths)), len(lengths))
        chunks = []
        for start in range(0, len(order), 16 * batch):
            part = sorted(order[start : start + 16 * batch], key=lambda i: lengths[i])
            chunks += [part[i : i + batch] for i in range(0, len(part), batch)]
        rng.shuffle(chunks)
        yield from chunks


def _bar(report: Callable[[int, int, float], None] | None) -> Callable[[int, int, float], None]:
    if report is not None:
        return report
    if not sys.stderr.isatty():
        return lambda step, steps, loss: None

    def show(step: int, steps: int, loss: float) -> None:
        print(f"\rstep {step} of {steps}: loss {loss:.3f}", end="", file=sys.stderr, flush=True)

    return show


@dataclass(frozen=True)
class Match:
    """What a model answered: one entry a row."""

    answers: list[str]
    correct: list[bool]

    @property
    def share(self) -> float:
        """Share of rows answered exactly."""
        return sum(self.correct) / len(self.correct)

    def by(self, rows: Sequence[Row], key: str) -> dict[Any, float]:
        """Share answered exactly for each value of `key` ("family", "seen")."""
        groups: dict[Any, list[bool]] = {}
        for row, right in zip(rows, self.correct, strict=True):
            groups.setdefault(row[key], []).append(right)
        return {value: sum(found) / len(found) for value, found in sorted(groups.items())}


def exact_match(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], *, batch: int = 100
) -> Match:
    """Greedy answers to `rows`, compared with their outputs letter by letter (ends stripped)."""
    if not rows:
        raise BadData("No rows to evaluate.", "instructions()['test']")
    answers = generate(model, tokenizer, [prompt(row) for row in rows], batch=batch)
    correct = [said == str(row["output"]).strip() for said, row in zip(answers, rows, strict=True)]
    return Match(answers, correct)


def generate(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[str],
    *,
    tokens: int = 32,
    batch: int = 100,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[str]:
    """What `model` writes after each prompt, up to its end token; greedy at temperature 0."""
    import torch

    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    torch.manual_seed(seed)
    encoded = [list(tokenizer(p)["input_ids"]) for p in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(encoded[i]))
    pad, out = int(tokenizer.pad_token_id), [""] * len(prompts)  # type: ignore[arg-type]
    sampling: dict[str, Any] = {"do_sample": False}
    if temperature > 0:
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        longest = max(len(encoded[i]) for i in part)
        ids = torch.tensor([[pad] * (longest - len(encoded[i])) + encoded[i] for i in part])
        with torch.inference_mode():
            found = model.generate(  # type: ignore[operator]
                input_ids=ids.to(device), attention_mask=(ids != pad).long().to(device),
                max_new_tokens=tokens, pad_token_id=pad, **sampling,
            )  # fmt: skip
        for i, row in zip(part, found[:, longest:].tolist(), strict=True):
            out[i] = str(tokenizer.decode(row, skip_special_tokens=True)).strip()
    model.train(was_training)
    return out
