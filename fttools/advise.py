"""Which method for this model on this GPU: the decision framework, with the memory behind it.

    advice = advise("llama-2-7b", "T4", batch=4, seq=512, examples=5000)
    print(advice)                      # a table, the reason in a sentence each, what to change
    advice.best.method, advice.best.margin

Methods are ranked by the rule of thumb for the model's size among those that fit; memory comes from
`fttools.memory.estimate`, quality bands from papers. Where the rule and the estimate disagree, the
advice says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from fttools import advise_rules as rules
from fttools import catalogue, methods
from fttools.advise_search import (
    TIGHT,
    Estimator,
    Setup,
    first_fit,
    floor,
    largest,
    longest_sequence,
    sizes,
    usual,
)
from fttools.advise_types import Advice, Option, Remedy, Time
from fttools.errors import BadData, FTError, UnknownTarget
from fttools.memory import gpus

GIB = 2**30
# Share of a GPU's peak speed that training reaches: an assumption, wide on purpose.
UTILISATION = (0.2, 0.5)


CANDIDATES: tuple[methods.Method, ...] = (
    methods.Full(),
    methods.LoRA(rank=16),
    methods.QLoRA(rank=16),
    methods.Adapter(),
    methods.IA3(),
    methods.Prefix(),
    methods.Prompt(),
)


def advise(
    model: str,
    gpu: str,
    *,
    task: str | None = None,
    batch: int = 8,
    seq: int | None = None,
    examples: int | None = None,
    epochs: int = 3,
    labels: int = 2,
    limits: int = 2,
    estimate: Callable[..., Any] | None = None,
) -> Advice:
    """Rank methods for `model` on `gpu`.

    `batch` rows of `seq` tokens (512, or half of what the model allows) a device; `examples` of
    training data and `epochs` give a time and weigh in the ranking. The largest batch and sequence
    are looked for in the best `limits` options. `estimate` stands in for `fttools.memory.estimate`.
    Raises UnknownModel, UnknownGpu, BadData.
    """
    card = gpus.find(gpu)
    config = catalogue.read_config(model)
    task = task or catalogue.default_task(config)
    longest = longest_sequence(config)
    seq = min(512, max(longest // 2, 1)) if seq is None else seq
    _check_sizes(batch=batch, seq=seq, epochs=epochs, examples=examples)
    if seq > longest:
        raise BadData(f"{model} takes at most {longest} tokens, not {seq}.", f"--seq {longest}")
    total, active = sizes(config, task, labels)
    run = Estimator(config, card, total, estimate)
    found: dict[str, tuple[Option, Setup]] = {}
    refused: dict[str, str] = {}
    candidates = [m for m in CANDIDATES if m.name in rules.order(total, examples)]
    if task == "seq-cls":
        candidates.append(methods.Head())
    for method in candidates:
        try:
            counted, trainable = _applicable(config, method, task, labels)
            setup = usual(counted, card, task, batch, seq, labels)
            found[method.name] = _option(run, setup, total, active, trainable, examples, epochs)
        except (FTError, NotImplementedError) as err:
            refused[method.name] = getattr(err, "message", str(err))
    ranked = rank(found, total, examples, card.memory)
    options = []
    for place, name in enumerate(ranked):
        option, setup = found[name]
        if option.fits and place < limits:
            option = dataclasses.replace(
                option,
                largest_batch=largest(run, setup, "batch", 4096),
                largest_seq=largest(run, setup, "seq", longest, 64),
            )
        options.append(option)
    fits = bool(options) and options[0].fits
    remedies = () if fits else _remedies(run, model, task, batch, seq, labels, estimate)
    return Advice(
        model=model, gpu=card.name, gpu_memory=card.memory, task=task, batch=batch, seq=seq,
        examples=examples, total=total, options=tuple(options), remedies=remedies, refused=refused,
        rule=rules.rule_of_thumb(total, card.memory)[1],
        notes=_notes(options, total, card, examples),
    )  # fmt: skip


def _check_sizes(**given: int | None) -> None:
    for name, value in given.items():
        if value is not None and value < 1:
            raise BadData(f"{name} must be at least 1, got {value}.", f"--{name} 1 or more")


def _applicable(
    config: Any, method: methods.Method, task: str, labels: int
) -> tuple[methods.Method, int]:
    """`method` and what it trains; every linear layer where peft has no default targets."""
    from fttools import params

    try:
        return method, params.count(config, method, task, labels).trainable
    except UnknownTarget:
        if not isinstance(method, methods.LoRA):
            raise
        everywhere = dataclasses.replace(method, targets="all-linear")
        return everywhere, params.count(config, everywhere, task, labels).trainable


def _option(
    run: Estimator, setup: Setup, total: int, active: int, trainable: int,
    examples: int | None, epochs: int,
) -> tuple[Option, Setup]:  # fmt: skip
    name = setup.method.name
    chosen, concessions, fits = first_fit(run, setup)
    hopeless = not fits and run.hopeless(chosen)
    memory = floor(chosen, total) if hopeless else run(chosen).device
    margin = run.gpu.memory - memory
    option = Option(
        method=name, fits=fits, memory=memory, margin=margin, at_least=hopeless,
        trainable=trainable, settings=chosen.said(), concessions=concessions,
        quality=rules.band(name, total, setup.task, examples),
        time=training_time(chosen, active, run.gpu, examples, epochs),
        largest_batch=None, largest_seq=None,
        reason=rules.reason(name, total, fits, concessions, -margin / GIB),
        targets=_shown(getattr(setup.method, "targets", None)),
    )  # fmt: skip
    return option, chosen


def _shown(targets: methods.Targets) -> str:
    return targets if isinstance(targets, str) else ",".join(targets or ())


def training_time(
    setup: Setup, active: int, gpu: gpus.Gpu, examples: int | None, epochs: int
) -> Time | None:
    """Hours for `examples` rows of `seq` tokens, `epochs` times; None without `examples`.

    6·N·D operations for full training (Kaplan et al. 2020, section 2.1): 2 forward, 2 for the
    gradients of activations, 2 for those of weights; frozen weights need none of the last, and
    checkpointing runs the forward pass twice.
    """
    if examples is None:
        return None
    each = {"full": 6, "head": 2}.get(setup.method.name, 4)
    each += 2 if setup.checkpointing and setup.method.name != "head" else 0
    operations = each * active * examples * epochs * setup.seq
    hours = [operations / (gpu.tflops * 1e12 * share) / 3600 for share in UTILISATION]
    return Time(hours[1], hours[0])


def rank(
    found: dict[str, tuple[Option, Setup]], total: int, examples: int | None, memory: int
) -> list[str]:
    """Names from best to worst: what fits at the asked batch, then what fits with a margin under
    5 % or a smaller batch, then what does not; within each, the preferred order."""
    preferred = rules.order(total, examples)

    def key(name: str) -> tuple[int, int, int]:
        option, setup = found[name]
        if not option.fits:
            return 2, 0, option.memory
        strained = setup.accumulate > 1 or option.margin < TIGHT * memory
        return int(strained), preferred.index(name), 0

    return sorted(found, key=key)


def _remedies(
    run: Estimator, model: str, task: str, batch: int, seq: int, labels: int,
    estimate: Callable[..., Any] | None,
) -> tuple[Remedy, ...]:  # fmt: skip
    from fttools.advise_remedies import remedies

    return remedies(run, model, usual(methods.LoRA(rank=16), run.gpu, task, batch, seq, labels),
                    estimate)  # fmt: skip


def _notes(
    options: list[Option], total: int, gpu: gpus.Gpu, examples: int | None
) -> tuple[str, ...]:
    notes = []
    named, words = rules.rule_of_thumb(total, gpu.memory)
    best = options[0] if options and options[0].fits else None
    by_name = {o.method: o for o in options}
    if best is not None and best.method != named:
        other = by_name.get(named)
        if other is not None and not other.fits:
            at_least = "at least " if other.at_least else ""
            notes.append(
                f"The rule of thumb says: {words}. The estimate disagrees: {named} needs {at_least}"
                f"{other.memory / GIB:.1f} GiB of the {gpu.memory / GIB:.1f} on a {gpu.name}, so "
                f"{best.method} comes first."
            )
        elif named == "qlora":
            notes.append(
                f"The rule of thumb says: {words}. The estimate disagrees: {best.method} leaves "
                f"{best.margin / GIB:.1f} GiB free here, and its steps are faster."
            )
        elif best.method == "full":
            notes.append(
                f"The rule of thumb says: {words}. With {examples:,} examples there is enough to "
                "learn for every weight, and the estimate says that full fine-tuning fits."
            )
        else:
            notes.append(
                f"The rule of thumb says: {words}. {named} fits only with concessions here, so "
                f"{best.method} comes first."
            )
    full = by_name.get("full")
    if best is not None and best.method == "qlora" and by_name.get("lora", best).fits:
        lora = by_name["lora"]
        if lora is not best and len(lora.concessions) <= len(best.concessions):
            notes.append(f"LoRA without quantization fits too ({lora.memory / GIB:.1f} GiB), and "
                         "its steps are faster.")  # fmt: skip
    if best is not None and full is not None and full.fits and best.method != "full":
        notes.append(f"Full fine-tuning fits too ({full.memory / GIB:.1f} GiB): take it if quality "
                     "counts more than time and a full copy of the weights a task.")  # fmt: skip
    if examples is not None and examples < rules.FEW:
        notes.append(f"{examples} examples are few: watch a held-out set, and prefer the methods "
                     "that train little.")  # fmt: skip
    if not gpu.bf16:
        notes.append(f"The {gpu.name} computes no bf16: fp16 with loss scaling stands in; models "
                     "trained in bf16 can overflow in it.")  # fmt: skip
    if examples is not None:
        notes.append("Times assume 20 to 50 % of the GPU's peak speed and full rows; small models "
                     "and short rows can be slower.")  # fmt: skip
    return tuple(notes)
