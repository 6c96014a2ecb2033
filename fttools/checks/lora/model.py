"""Checks on whole models: injection, peft's configuration, counting, an interval."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch

from fttools.checks.core import Answer, Case, Check, Verdict, close, right, same_shape, wrong
from fttools.checks.lora.layer import MISTAKES, outputs
from fttools.checks.probes import lora as probes

PEFT = {"r": 8, "alpha": 16, "targets": ["query", "value"], "trainable": 74_498}


def draw(generator: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high - 1."""
    return int(torch.randint(low, high, (1,), generator=generator))


def inject_cases(generator: torch.Generator) -> list[Case]:
    """A tiny BERT, ids (2, 5), and two choices of target modules."""
    cases = []
    for targets in (["query", "value"], ["key", "dense"]):
        rank = draw(generator, 2, 5)
        values = {"seed": draw(generator, 0, 2**31 - 1), "rank": rank, "alpha": 2 * rank + 1,
                  "targets": targets, "fill": draw(generator, 0, 2**31 - 1)}  # fmt: skip
        cases.append(Case({"ids": torch.randint(0, 50, (2, 5), generator=generator)}, values))
    return cases


class Filled(torch.nn.Module):
    """A linear layer with given A and B, and a known mistake ("" for none) in its forward."""

    def __init__(self, linear: torch.nn.Linear, a: torch.Tensor, b: torch.Tensor, case: Case,
                 mistake: str) -> None:  # fmt: skip
        super().__init__()
        self.tensors = {"weight": linear.weight, "bias": linear.bias, "A": a, "B": b}
        self.options, self.mistake = (case.values["rank"], case.values["alpha"]), mistake

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return outputs(x, self.tensors, *self.options)[self.mistake]


@torch.no_grad()
def filled_logits(case: Case, wanted: set[str]) -> Iterator[torch.Tensor]:
    """Logits of the model with `wanted` layers filled as the probe fills them, for the right
    forward and for each known mistake in it (which `lora-forward` charges for)."""
    v = case.values
    for mistake in MISTAKES:
        model = probes.tiny_model(v["seed"])
        layers = {n: model.get_submodule(n) for n in wanted}
        shapes = {n: tuple(m.weight.shape) for n, m in layers.items()}
        for n, (a, b) in probes.factors(shapes, v["rank"], v["fill"]).items():
            model.set_submodule(n, Filled(layers[n], a, b, case, mistake))
        yield model(case.tensors["ids"]).logits


def judge_inject(case: Case, answer: Answer) -> Verdict:
    """Exactly the targets replaced, exactly A, B and the head trained, nothing changed yet."""
    model = probes.tiny_model(case.values["seed"])
    targets, rank = set(case.values["targets"]), case.values["rank"]
    layers = {n: m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    wanted = {n for n in layers if n.rsplit(".", 1)[-1] in targets}
    found = set(answer.values["replaced"])
    if not found:
        return wrong("No layer was replaced. setattr(parent, child_name, LoRALinear(...)).")
    if "classifier" in found:
        return wrong("The classification head was wrapped: it is new, so train it whole.")
    if extra := found - wanted:
        return wrong(f"{len(extra)} layers that are no target were replaced, such as "
                     f"{min(extra)}: compare the last part of the name with targets.")  # fmt: skip
    if missed := wanted - found:
        return wrong(f"{len(missed)} of {len(wanted)} target layers were left out, such as "
                     f"{min(missed)}: walk all modules, list(model.named_modules()).")  # fmt: skip
    trained: dict[str, int] = answer.values["trainable"]
    base = [n for n in trained
            if not n.startswith("classifier") and not re.search(r"\.(A|B)$", n)]  # fmt: skip
    if base:
        return wrong(f"{len(base)} weights of the base still train, such as {min(base)}: freeze "
                     "the whole model first.")  # fmt: skip
    if not any(n.startswith("classifier") for n in trained):
        return wrong("The classification head does not train: it is new, unfreeze it.")
    expected = sum(rank * (layers[n].in_features + layers[n].out_features) for n in wanted)
    expected += sum(p.numel() for p in layers["classifier"].parameters())
    if sum(trained.values()) != expected:
        return wrong(f"{sum(trained.values()):,} parameters train; A, B and the head make "
                     f"{expected:,}.")  # fmt: skip
    logits = model(case.tensors["ids"]).logits.detach()
    if bad := same_shape(answer, "logits", tuple(logits.shape)):
        return bad
    if not close(answer.tensors["logits"], logits):
        return wrong("The model's output changed: injection must not change it (B = 0).")
    filled = answer.tensors["filled"]
    if not any(close(filled, said, 1e-3) for said in filled_logits(case, wanted)):
        return wrong("With A and B filled, the model does not compute base(x) + (alpha/r)·B·A·x in "
                     "the replaced layers. Make lora-forward pass first.")  # fmt: skip
    return right(f"{len(wanted)} layers replaced, {expected:,} parameters train, same output.")


def one_case(generator: torch.Generator) -> list[Case]:
    """A single case without inputs."""
    return [Case()]


def judge_config(case: Case, answer: Answer) -> Verdict:
    """peft's configuration, and the exact number of parameters it trains."""
    v = answer.values
    if v.get("type") != "LoraConfig":
        return wrong(f"config is a {v.get('type')}: make a LoraConfig.")
    if v["task"] != "SEQ_CLS":
        return wrong(f"task_type is {v['task']}: with TaskType.SEQ_CLS the new head trains too.")
    for field, name in (("r", "r"), ("alpha", "lora_alpha"), ("targets", "target_modules")):
        if v[field] != PEFT[field]:
            return wrong(f"{name} is {v[field]}; the task asks for {PEFT[field]}.")
    if v["trainable"] != PEFT["trainable"]:
        return wrong(f"It trains {v['trainable']:,} parameters, not {PEFT['trainable']:,}: no "
                     "bias and no further modules.")  # fmt: skip
    return right(f"{PEFT['trainable']:,} parameters train: 73,728 in A and B, 770 in the head.")


def count_cases(generator: torch.Generator) -> list[Case]:
    """Two models with a tied weight and buffers."""
    return [Case(values={"vocabulary": draw(generator, 20, 60), "width": draw(generator, 5, 15)})
            for _ in range(2)]  # fmt: skip


def judge_counts(case: Case, answer: Answer) -> Verdict:
    """(trainable, total): shared weights once, buffers never."""
    vocabulary, width = case.values["vocabulary"], case.values["width"]
    tied, norm, buffers = vocabulary * width, 2 * width, 2 * width + 1
    trainable, total = answer.values.get("trainable"), answer.values.get("total")
    if (trainable, total) == (norm, tied + norm):
        return right("Trainable and total are exact; shared weights count once, buffers never.")
    if (trainable, total) == (tied + norm, norm):
        return wrong("The two are swapped: return (trainable, total).")
    if total == tied + norm + buffers:
        return wrong("Buffers are counted (running statistics are no parameters): use "
                     "model.parameters(), not state_dict().")  # fmt: skip
    if total == 2 * tied + norm or total == 2 * tied + norm + buffers:
        return wrong("A weight shared by two modules is counted twice: model.parameters() "
                     "gives it once.")  # fmt: skip
    if trainable == tied + norm:
        return wrong("Frozen parameters are counted as trainable: look at p.requires_grad.")
    return wrong(f"Got ({trainable}, {total}) for a model with ({norm}, {tied + norm}).")


def interval_cases(generator: torch.Generator) -> list[Case]:
    """Outcomes of 120 to 300 examples."""
    sizes = [draw(generator, 120, 300) for _ in range(2)]
    return [Case({"correct": (torch.rand(n, generator=generator) < 0.7 + 0.2 * i).float()})
            for i, n in enumerate(sizes)]  # fmt: skip


def judge_interval(case: Case, answer: Answer) -> Verdict:
    """Accuracy exact, the 95 % interval near the percentile bootstrap's."""
    from fttools.evaluate import interval

    correct = case.tensors["correct"].numpy()
    accuracy, (low, high) = float(correct.mean()), interval(correct, draws=4000)
    v = answer.values
    if abs(v["accuracy"] - accuracy) > 1e-6:
        return wrong(f"Accuracy is {v['accuracy']:.4f}; the share of right answers is "
                     f"{accuracy:.4f}.")  # fmt: skip
    if v["low"] > v["high"]:
        return wrong("low is above high: return (accuracy, low, high).")
    width, expected = v["high"] - v["low"], high - low
    if width < 1e-9:
        return wrong("The interval has no width: draw with replacement, or every resample is the "
                     "same set.")  # fmt: skip
    if abs(width - expected) > 0.25 * expected:
        tail = "narrow" if width < expected else "wide"
        return wrong(f"The interval is too {tail} ({width:.3f} against {expected:.3f}): take the "
                     "2.5th and 97.5th percentiles of the resampled accuracies.")  # fmt: skip
    if abs(v["low"] - low) > 0.25 * expected or abs(v["high"] - high) > 0.25 * expected:
        return wrong("The interval is off centre: resample as many outcomes as there are.")
    return right("Accuracy exact, interval from the bootstrap's percentiles.")


CHECKS = (
    Check("lora-inject", 4, "Injection into a real model", ("inject", "LoRALinear"), inject_cases,
          probes.inject, judge_inject,
          ("Freeze everything, then replace; unfreeze model.classifier last.",
           "parent = model.get_submodule(name.rpartition('.')[0]); setattr(parent, child, new)",
           "Take list(model.named_modules()) first: replacing while walking skips layers.")),
    Check("lora-peft", 4, "peft configuration", ("config",), one_case, probes.config, judge_config,
          ("LoraConfig takes r, lora_alpha, target_modules, task_type.",
           "TaskType.SEQ_CLS makes the new head train and be saved.")),
    Check("lora-count", 3, "Counting parameters", ("count_parameters",), count_cases,
          probes.counts, judge_counts,
          ("model.parameters() gives each parameter once.", "p.numel(), p.requires_grad")),
    Check("lora-evaluate", 3, "Evaluation with an interval", ("accuracy_with_interval",),
          interval_cases, probes.interval, judge_interval,
          ("Resample the outcomes with replacement many times; take each resample's mean.",
           "np.quantile(means, [0.025, 0.975])")),
)  # fmt: skip
