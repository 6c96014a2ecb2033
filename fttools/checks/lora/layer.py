"""Checks of the LoRA layer written from scratch: forward, start, shapes, freezing, merging."""

from __future__ import annotations

import torch

from fttools.checks.core import Answer, Case, Check, Verdict, close, right, same_shape, wrong
from fttools.checks.probes import lora as probes


def layer_cases(generator: torch.Generator) -> list[Case]:
    """Three layers with unequal sides, rank, alpha and a batch of inputs (batch, tokens, in)."""

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high, (1,), generator=generator))

    cases = []
    for _ in range(3):
        inner, rank = number(9, 20), number(2, 6)
        outer = inner + number(3, 9)
        sizes = {"weight": (outer, inner), "bias": (outer,), "A": (rank, inner),
                 "B": (outer, rank), "x": (2, number(3, 6), inner)}  # fmt: skip
        tensors = {n: torch.randn(*s, generator=generator) for n, s in sizes.items()}
        # alpha is never rank or 2 rank, so that a fixed scaling cannot pass.
        cases.append(Case(tensors, {"rank": rank, "alpha": 3 * rank + 1}))
    return cases


def outputs(
    x: torch.Tensor, t: dict[str, torch.Tensor], rank: int, alpha: float
) -> dict[str, torch.Tensor]:
    """What a LoRA layer with `weight`, `bias`, `A` and `B` says of x, by the mistake in it.

    The right one, base(x) + (alpha/r) B A x (Hu et al. 2021, section 4.1), has the key "".
    """
    base = x @ t["weight"].T + t["bias"]
    low_rank, scaling = x @ t["A"].T @ t["B"].T, alpha / rank
    return {
        "": base + scaling * low_rank,
        "The low-rank path is not scaled: multiply it by alpha/r.": base + low_rank,
        "The scaling is upside down: it is alpha/r, not r/alpha.": base + low_rank / scaling,
        "The scaling is alpha alone: divide it by the rank.": base + alpha * low_rank,
        "The scaling is alpha·r: divide by the rank instead.": base + alpha * rank * low_rank,
        "The base layer's bias is missing: call self.base(x).": (
            base - t["bias"] + scaling * low_rank),
        "Only the low-rank path is returned: add it to self.base(x).": scaling * low_rank,
        "Only the base's output is returned: add the low-rank path.": base + 0 * low_rank,
        "The low-rank path is subtracted: add it.": base - scaling * low_rank,
    }  # fmt: skip


# Known mistakes in forward, and "" for none.
MISTAKES = tuple(outputs(torch.zeros(1, 1), {n: torch.zeros(1, 1) for n in ("weight", "A", "B")}
                         | {"bias": torch.zeros(1)}, 1, 1.0))  # fmt: skip


def parts(case: Case) -> tuple[torch.Tensor, torch.Tensor, float]:
    """The base's output, the unscaled low-rank path's, and alpha/r."""
    t = case.tensors
    base = t["x"] @ t["weight"].T + t["bias"]
    return base, t["x"] @ t["A"].T @ t["B"].T, case.values["alpha"] / case.values["rank"]


def judge_forward(case: Case, answer: Answer) -> Verdict:
    """The output against the right one, then against each known mistake's."""
    rank, alpha = case.values["rank"], case.values["alpha"]
    known = outputs(case.tensors["x"], case.tensors, rank, alpha)
    if bad := same_shape(answer, "output", tuple(known[""].shape)):
        return bad
    for message, output in known.items():
        if close(answer.tensors["output"], output):
            good = "base(x) + (alpha/r)·B·A·x, on layers of three shapes."
            return wrong(message) if message else right(good)
    return wrong("The output is not base(x) + (alpha/r)·B·A·x. Compare one row by hand, with "
                 "x @ A.T @ B.T for the low-rank path.")  # fmt: skip


def judge_start(case: Case, answer: Answer) -> Verdict:
    """B zero, A random: the layer starts as its base, and can learn."""
    base, _, _ = parts(case)
    a, b = answer.tensors.get("A"), answer.tensors.get("B")
    if bad := same_shape(answer, "output", tuple(base.shape)):
        return bad
    if a is None or b is None:
        return wrong("A and B must be tensors of the layer.")
    if bool((a == 0).all()) and bool((b == 0).all()):
        return wrong("A and B are both zero: neither would ever get a gradient. Draw A at random.")
    if bool((b != 0).any()):
        why = "A is zero instead" if bool((a == 0).all()) else "the layer changes the model"
        return wrong(f"B is not zero at the start ({why}). Create B with torch.zeros(out, r).")
    if float(a.std()) < 1e-6:
        return wrong("A is constant, so every row learns the same. Draw it at random.")
    if not close(answer.tensors["output"], base):
        return wrong("B is zero, yet the new layer's output differs from its base's: return "
                     "self.base(x) plus the low-rank path, bias included.")  # fmt: skip
    return right("A random, B zero: the new layer is exactly its base.")


def judge_shapes(case: Case, answer: Answer) -> Verdict:
    """A (r, in), B (out, r), both parameters; scaling alpha/r."""
    rank, (outer, inner) = case.values["rank"], case.tensors["weight"].shape
    v = answer.values
    for name, expected, rule in (("A", [rank, inner], "(rank, in_features)"),
                                 ("B", [outer, rank], "(out_features, rank)")):  # fmt: skip
        if v["parameters"].get(name) is None:
            return wrong(f"{name} is not a parameter: wrap it in nn.Parameter, or no optimizer "
                         "sees it.")  # fmt: skip
        if v[name] == expected[::-1]:
            return wrong(f"{name} is transposed: its shape is {v[name]}; it should be {rule}.")
        if v[name] != expected:
            return wrong(f"{name} has shape {v[name]}; it should be {rule} = {expected}.")
    if abs(v["scaling"] - case.values["alpha"] / rank) > 1e-6:
        return wrong(f"self.scaling is {v['scaling']:g}; alpha/rank is "
                     f"{case.values['alpha'] / rank:g}.")  # fmt: skip
    expected_count = rank * (inner + outer) + outer * inner + outer
    if sum(v["parameters"].values()) != expected_count:
        return wrong(f"The layer has {sum(v['parameters'].values())} parameters; base, A and B "
                     f"make {expected_count}. Keep nothing else as a parameter.")  # fmt: skip
    return right("A is (r, in), B is (out, r), the scaling alpha/r.")


def stepped(case: Case, mistake: str) -> dict[str, torch.Tensor]:
    """A and B after the probe's two steps of SGD, for a layer with `mistake` in its forward."""
    t = {n: v.clone().requires_grad_(n in "AB") for n, v in case.tensors.items()}
    for _ in range(2):
        known = outputs(t["x"], t, case.values["rank"], case.values["alpha"])
        gradients = torch.autograd.grad(known[mistake].square().mean(), [t["A"], t["B"]])
        with torch.no_grad():
            for name, gradient in zip("AB", gradients, strict=True):
                t[name] -= probes.RATE * gradient
    return {name: t[name].detach() for name in "AB"}


def judge_frozen(case: Case, answer: Answer) -> Verdict:
    """A and B move as their gradients say, and nothing else moves.

    The values themselves are compared: that they moved would be a claim anybody can make. Known
    mistakes in forward are let pass here, because `lora-forward` charges for them.
    """
    t, said = case.tensors, answer.tensors
    for name in ("weight", "bias", "A", "B"):
        if bad := same_shape(answer, name, tuple(t[name].shape)):
            return bad
    for name in ("weight", "bias"):
        if not torch.equal(said[name], t[name]):
            return wrong(f"base.{name} changed in training: freeze every parameter of the base "
                         "with requires_grad_(False).")  # fmt: skip
    for name in ("A", "B"):
        if torch.equal(said[name], t[name]):
            return wrong(f"{name} did not change in training: it must be a parameter that requires "
                         "a gradient, used without detach or no_grad.")  # fmt: skip
    for mistake in MISTAKES:
        expected = stepped(case, mistake)
        if all(close(said[name], expected[name], 1e-3) for name in ("A", "B")):
            return right("A and B learn, the base stays.")
    return wrong("A and B move, but not as the gradient of base(x) + (alpha/r)·B·A·x says. Make "
                 "lora-forward pass first.")  # fmt: skip


def judge_merge(case: Case, answer: Answer) -> Verdict:
    """merge() gives a plain nn.Linear that computes the same, and leaves the layer as it was."""
    t, (base, low_rank, scaling) = case.tensors, parts(case)
    delta = t["B"] @ t["A"]
    expected, output = t["weight"] + scaling * delta, base + scaling * low_rank
    if answer.values.get("type") != "Linear":
        return wrong(f"merge() returned a {answer.values.get('type')}: return a new nn.Linear.")
    if bad := same_shape(answer, "weight", tuple(t["weight"].shape)):
        return bad
    said = answer.tensors["weight"]
    if close(said, t["weight"] + delta):
        return wrong("The merged weight lacks the scaling: add (alpha/r)·B@A.")
    if close(said, t["weight"]):
        return wrong("The merged weight is the base's: add (alpha/r)·B@A to it.")
    if close(said, t["weight"] + 2 * scaling * delta):
        return wrong("The update was merged twice: start from the base's weight, once.")
    if not close(said, expected):
        return wrong("The merged weight is not W + (alpha/r)·B@A.")
    if answer.tensors.get("bias") is None or not close(answer.tensors["bias"], t["bias"]):
        return wrong("The merged layer lost the base's bias: copy it.")
    if not close(answer.tensors["again"], expected) or not close(
        answer.tensors["unmerged"], answer.tensors["before"]
    ):
        return wrong("merge() changes the layer itself, so the update counts twice afterwards: "
                     "write into a new nn.Linear and leave self.base alone.")  # fmt: skip
    if not close(answer.tensors["output"], output):
        return wrong("The merged layer's output differs from the unmerged one's.")
    return right("Merged and unmerged agree, and merging twice changes nothing.")


NEEDS = ("LoRALinear",)
CHECKS = (
    Check("lora-forward", 4, "LoRA forward", NEEDS, layer_cases, probes.forward, judge_forward,
          ("The low-rank path takes x through A, then through B.",
           "nn.Linear stores (out, in) and computes x @ W.T; A and B are stored the same way.",
           "self.base(x) + self.scaling * (x @ self.A.T @ self.B.T)")),
    Check("lora-identity", 3, "Identity at the start", NEEDS, layer_cases, probes.start,
          judge_start,
          ("Which of A and B must be zero so that B·A is zero, yet can still learn?",
           "nn.init.kaiming_uniform_(self.A, a=math.sqrt(5)); self.B starts as torch.zeros.")),
    Check("lora-shapes", 3, "Shapes and scaling", NEEDS, layer_cases, probes.shapes, judge_shapes,
          ("base.in_features and base.out_features give the two sides.",
           "A is (rank, in_features), B is (out_features, rank), scaling is alpha / rank.")),
    Check("lora-frozen", 4, "Frozen base", NEEDS, layer_cases, probes.step, judge_frozen,
          ("Weight and bias of the base must not train.",
           "for p in base.parameters(): p.requires_grad_(False)")),
    Check("lora-merge", 4, "Merging", NEEDS, layer_cases, probes.merge, judge_merge,
          ("B @ A has the shape of the base's weight.",
           "Make a new nn.Linear, and under torch.no_grad() copy W + scaling·B@A and the bias.")),
)  # fmt: skip
