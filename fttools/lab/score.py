"""How good a language model of the world is: perplexity, grammatical samples, speed.

perplexity(model, tokenizer, texts)       # exp of the mean loss a token
grammaticality(model, tokenizer, 200)     # share of sampled sentences that parse
adapt(model, tokenizer, texts)            # a little continued pretraining
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any

from fttools.errors import BadData
from fttools.instruct import by_length
from fttools.lab import parser


def _batch(
    tokenizer: Any, texts: Sequence[str], device: Any, limit: int = 512
) -> tuple[dict[str, Any], Any]:
    """Padded inputs and labels: <bos> text <eos>, padding without labels."""
    import torch

    ids = [[*tokenizer(t)["input_ids"], tokenizer.eos_token_id][:limit] for t in texts]
    longest = max(map(len, ids))
    inputs = torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in ids])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids])
    labels = inputs.masked_fill(mask == 0, -100).to(device)
    return {"input_ids": inputs.to(device), "attention_mask": mask.to(device)}, labels


def perplexity(model: Any, tokenizer: Any, texts: Sequence[str], batch: int = 16) -> float:
    """exp of the mean negative log-likelihood a token, over all tokens after the first."""
    import torch
    from torch.nn.functional import cross_entropy

    if not texts:
        raise BadData("No texts.", "domain('general', 'test')")
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    total, count = 0.0, 0
    with torch.inference_mode():
        for start in range(0, len(texts), batch):
            inputs, labels = _batch(tokenizer, texts[start : start + batch], device)
            logits = model(**inputs, use_cache=False).logits[:, :-1].float().flatten(0, 1)
            target = labels[:, 1:].flatten()
            total += float(cross_entropy(logits, target, reduction="sum", ignore_index=-100))
            count += int((target != -100).sum())
    model.train(was_training)
    return math.exp(total / count)


def samples(
    model: Any, tokenizer: Any, n: int, *, tokens: int = 96, seed: int = 0
) -> list[tuple[str, bool]]:
    """`n` texts drawn from the model at temperature 1, and whether each came to its own end."""
    import torch

    torch.manual_seed(seed)
    device, found = next(model.parameters()).device, []
    model.eval()
    for start in range(0, n, 50):
        ids = torch.full((min(50, n - start), 1), tokenizer.bos_token_id, device=device)
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens,
                do_sample=True, top_k=0, top_p=1.0, pad_token_id=tokenizer.pad_token_id,
            )  # fmt: skip
        for row in out.tolist():
            text = str(tokenizer.decode(row, skip_special_tokens=True))
            found.append((text, tokenizer.eos_token_id in row))
    return found


def grammaticality(
    model: Any, tokenizer: Any, n: int = 200, *, tokens: int = 96, seed: int = 0
) -> dict[str, float]:
    """Sentences in `n` samples, how many parse, and samples in which every sentence does."""
    sentences = right = whole = 0
    for text, ended in samples(model, tokenizer, n, tokens=tokens, seed=seed):
        parts = parser.sentences(text)
        parts = parts if ended else parts[:-1]  # the last was cut off
        good = [parser.parse(s) for s in parts]
        sentences, right, whole = sentences + len(good), right + sum(good), whole + all(good)
    return {"samples": n, "sentences": sentences, "grammatical": right / max(1, sentences),
            "whole_samples": whole / n}  # fmt: skip


def adapt(
    model: Any, tokenizer: Any, texts: Sequence[str], *, steps: int = 60, batch: int = 8,
    lr: float = 3e-4, seed: int = 0,
) -> list[float]:  # fmt: skip
    """Continue pretraining the weights that require grad on `texts`; the losses of the steps."""
    import torch

    if not texts:
        raise BadData("No texts to adapt to.", "domain('clinic', 'train')")
    device = next(model.parameters()).device
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=0.0)
    feed = by_length([len(t) for t in texts], batch, Random(seed))
    losses = []
    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / 5, (steps - step) / (0.3 * steps))
        inputs, labels = _batch(tokenizer, [texts[i] for i in next(feed)], device)
        loss = model(**inputs, labels=labels, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
    model.eval()
    return losses
