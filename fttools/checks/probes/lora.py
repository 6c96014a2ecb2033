"""Probes of the exercise `lora`. They call the learner's code and report; they judge nothing."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from fttools.checks.core import Answer, Case, Namespace
from fttools.quiet import quietly

RATE = 0.1  # of the two SGD steps in `step`
TINY: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24,
    "vocab_size": 50, "max_position_embeddings": 16, "num_labels": 2,
}  # fmt: skip


def linear(case: Case) -> nn.Linear:
    """The base layer of a case: `weight` (out, in) and `bias` (out,)."""
    weight = case.tensors["weight"]
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(case.tensors["bias"])
    return layer


def build(names: Namespace, case: Case, fill: bool = False) -> Any:
    """The learner's layer on the case's base; with `fill`, A and B are the case's."""
    layer = names["LoRALinear"](linear(case), case.values["rank"], case.values["alpha"])
    if fill:
        with torch.no_grad():
            layer.A.copy_(case.tensors["A"])
            layer.B.copy_(case.tensors["B"])
    return layer


def forward(names: Namespace, case: Case) -> Answer:
    """The layer's output with A and B given."""
    return Answer({"output": build(names, case, fill=True)(case.tensors["x"])})


def start(names: Namespace, case: Case) -> Answer:
    """The new layer's output and its A and B, untouched."""
    layer = build(names, case)
    return Answer({"output": layer(case.tensors["x"]), "A": layer.A, "B": layer.B})


def shapes(names: Namespace, case: Case) -> Answer:
    """Shapes, the scaling, and what the layer registers as parameters."""
    layer = build(names, case)
    values = {
        "A": list(layer.A.shape),
        "B": list(layer.B.shape),
        "scaling": float(layer.scaling),
        "parameters": {n: p.numel() for n, p in layer.named_parameters()},
    }
    return Answer(values=values)


def step(names: Namespace, case: Case) -> Answer:
    """Every tensor of the layer after two steps of SGD from a filled start."""
    layer = build(names, case, fill=True)
    trained = [p for p in layer.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=RATE) if trained else None
    for _ in range(2):
        if optimizer is not None:
            optimizer.zero_grad()
            layer(case.tensors["x"]).square().mean().backward()
            optimizer.step()
    return Answer(
        {"weight": layer.base.weight, "bias": layer.base.bias, "A": layer.A, "B": layer.B}
    )


def merge(names: Namespace, case: Case) -> Answer:
    """The merged layer's weight, bias and output, merged twice over; the layer's own output before
    and after."""
    layer = build(names, case, fill=True)
    before = layer(case.tensors["x"]).detach()
    first, second = layer.merge(), layer.merge()
    return Answer(
        {
            "weight": first.weight, "bias": first.bias, "output": first(case.tensors["x"]),
            "again": second.weight, "before": before, "unmerged": layer(case.tensors["x"]),
        },
        {"type": type(first).__name__},
    )  # fmt: skip


def tiny_model(seed: int) -> Any:
    """A two-layer BERT classifier with random weights drawn from `seed`, in evaluation mode."""
    from transformers import BertConfig, BertForSequenceClassification

    with quietly():
        torch.manual_seed(seed)
        return BertForSequenceClassification(BertConfig(**TINY)).eval()


def factors(
    shapes: dict[str, tuple[int, int]], rank: int, seed: int
) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """A (rank, in) and B (out, rank) for each layer of shape (out, in), drawn from `seed`."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: (torch.randn(rank, inner, generator=generator),
               torch.randn(outer, rank, generator=generator))
        for name, (outer, inner) in sorted(shapes.items())
    }  # fmt: skip


def inject(names: Namespace, case: Case) -> Answer:
    """What `inject` replaced, what trains, and what the model says, before and after A and B are
    filled."""
    model = tiny_model(case.values["seed"])
    options = {key: case.values[key] for key in ("rank", "alpha", "targets")}
    model = names["inject"](model, **options)
    model.eval()
    wrapped = {n: m for n, m in model.named_modules() if isinstance(m, names["LoRALinear"])}
    values = {
        "replaced": list(wrapped),
        "trainable": {n: p.numel() for n, p in model.named_parameters() if p.requires_grad},
    }
    logits = model(case.tensors["ids"]).logits.detach()
    shapes = {n: tuple(m.base.weight.shape) for n, m in wrapped.items()}
    with torch.no_grad():
        for n, (a, b) in factors(shapes, case.values["rank"], case.values["fill"]).items():
            if wrapped[n].A.shape == a.shape and wrapped[n].B.shape == b.shape:
                wrapped[n].A.copy_(a)
                wrapped[n].B.copy_(b)
    return Answer({"logits": logits, "filled": model(case.tensors["ids"]).logits}, values)


def config(names: Namespace, case: Case) -> Answer:
    """The fields of the learner's peft configuration, and what it trains on the lab encoder."""
    from peft import get_peft_model

    from fttools import models

    found = names["config"]
    with quietly():
        model = get_peft_model(models.load("encoder", scale="lab")[0], found)
    targets = found.target_modules
    values = {
        "type": type(found).__name__,
        "task": str(getattr(found.task_type, "value", found.task_type)),
        "r": found.r,
        "alpha": found.lora_alpha,
        "targets": sorted(targets) if not isinstance(targets, str) else [targets],
        "trainable": sum(p.numel() for p in model.parameters() if p.requires_grad),
    }
    return Answer(values=values)


def counts(names: Namespace, case: Case) -> Answer:
    """The learner's count of a model with tied weights, a buffer and a frozen part."""
    trainable, total = names["count_parameters"](counted_model(case))
    return Answer(values={"trainable": int(trainable), "total": int(total)})


def counted_model(case: Case) -> nn.Module:
    """A model whose output weight is its input embedding, with a buffer, partly frozen."""
    vocabulary, width = case.values["vocabulary"], case.values["width"]
    model = nn.Sequential(nn.Embedding(vocabulary, width), nn.BatchNorm1d(width),
                          nn.Linear(width, vocabulary, bias=False))  # fmt: skip
    model[2].weight = model[0].weight
    model[0].weight.requires_grad_(False)
    return model


def adapter(names: Namespace, case: Case) -> Answer:
    """The trained adapter itself: its tensors and configuration, to be re-evaluated outside."""
    from peft import get_peft_model_state_dict

    model = names["model"]
    found = model.peft_config[model.active_adapter]
    targets = found.target_modules
    values = {
        "r": int(found.r),
        "alpha": float(found.lora_alpha),
        "targets": sorted(targets) if not isinstance(targets, str) else targets,
    }
    tensors = {name: t.float() for name, t in get_peft_model_state_dict(model).items()}
    return Answer(tensors, values)


def report(names: Namespace, case: Case) -> Answer:
    """The learner's report, and the adapter it speaks of."""
    found = adapter(names, case)
    said = names["report"]
    plain = {str(k): v.item() if hasattr(v, "item") else v for k, v in said.items()}
    return Answer(found.tensors, {**found.values, "report": plain})


def interval(names: Namespace, case: Case) -> Answer:
    """The learner's accuracy and interval of given outcomes."""
    result = names["accuracy_with_interval"](case.tensors["correct"].bool().numpy())
    accuracy, low, high = (float(v) for v in result)
    return Answer(values={"accuracy": accuracy, "low": low, "high": high})
