"""Fine-tuning methods: one frozen dataclass each, and `attach(model, method)`.

    attach(model, LoRA(rank=8))               # a peft model
    attach(model, make("ia3"))                # by name, as the command line does
    attach(model, Full())                     # the same model, requires_grad set

What trains: the method's own weights, and, for sequence classification, the new head, as peft
does.
Nothing heavy is imported until `attach`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from fttools.errors import BadRank, FTError, UnknownMethod, UnknownTarget, suggest
from fttools.quiet import quietly

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn

VARIANTS = ("houlsby", "pfeiffer")
ACTIVATIONS = ("gelu", "relu", "silu", "tanh")
Targets: TypeAlias = str | tuple[str, ...] | None


class MethodRefused(FTError, ValueError):
    """The method does not apply to this model."""


@dataclass(frozen=True)
class Method:
    """Base of all methods; `name` is what the command line calls it."""

    name: ClassVar[str] = "method"

    def options(self) -> dict[str, Any]:
        """The fields that differ from their defaults, for labels and records."""
        return {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != f.default
        }


def _positive(what: str, value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadRank(
            f"{what} must be a whole number of at least 1, got {value!r}.",
            f"a usual value, such as {what}=16",
        )


@dataclass(frozen=True)
class Full(Method):
    """Train every weight."""

    name: ClassVar[str] = "full"


@dataclass(frozen=True)
class Head(Method):
    """Train the task head alone (linear probing); for language models, the output embeddings."""

    name: ClassVar[str] = "head"


@dataclass(frozen=True)
class LoRA(Method):
    """Low-rank adaptation, W + (alpha/r)·BA (Hu et al. 2021, section 4.1).

    `alpha=None` means 2·rank. `targets=None` means peft's choice for the architecture (usually the
    query and value projections), "all-linear" every linear layer but the head, or names.
    """

    name: ClassVar[str] = "lora"
    rank: int = 8
    alpha: float | None = None
    targets: Targets = None
    dropout: float = 0.0
    bias: str = "none"
    modules_to_save: tuple[str, ...] = ()
    dora: bool = False
    rslora: bool = False

    def __post_init__(self) -> None:
        _positive("rank", self.rank)


@dataclass(frozen=True)
class DoRA(LoRA):
    """LoRA with the weight's magnitude trained apart (Liu et al. 2024, section 4)."""

    name: ClassVar[str] = "dora"
    dora: bool = True


@dataclass(frozen=True)
class QLoRA(LoRA):
    """LoRA on a base stored in 4-bit NF4 (Dettmers et al. 2023, section 3).

    `attach` expects a model that is already quantized; counts and the memory estimate quantize
    on meta tensors themselves.
    """

    name: ClassVar[str] = "qlora"
    double_quant: bool = True


@dataclass(frozen=True)
class Prefix(Method):
    """Trained keys and values before every layer's (Li and Liang 2021, section 4)."""

    name: ClassVar[str] = "prefix"
    tokens: int = 20

    def __post_init__(self) -> None:
        _positive("tokens", self.tokens)


@dataclass(frozen=True)
class Prompt(Method):
    """Trained input embeddings before the text (Lester et al. 2021, section 2).

    `submodules`: how many stacks of an encoder-decoder get a prompt: 1, the encoder, as in the
    paper; 2 (peft's default), the decoder too.
    """

    name: ClassVar[str] = "prompt"
    tokens: int = 20
    submodules: int = 1

    def __post_init__(self) -> None:
        _positive("tokens", self.tokens)


@dataclass(frozen=True)
class PTuning(Method):
    """Virtual tokens made by a small network (Liu et al. 2021, section 3).

    `hidden` is that network's width; None means the model's own.
    """

    name: ClassVar[str] = "ptuning"
    tokens: int = 20
    hidden: int | None = 128

    def __post_init__(self) -> None:
        _positive("tokens", self.tokens)
        if self.hidden is not None:
            _positive("hidden", self.hidden)


@dataclass(frozen=True)
class IA3(Method):
    """Trained scales on keys, values and the feed-forward layer (Liu et al. 2022, section 3.3).

    `targets` are the scaled layers; those also in `feedforward` are scaled at their input.
    """

    name: ClassVar[str] = "ia3"
    targets: Targets = None
    feedforward: Targets = None


@dataclass(frozen=True)
class BitFit(Method):
    """Train the bias terms only (Ben Zaken et al. 2022, section 3)."""

    name: ClassVar[str] = "bitfit"


@dataclass(frozen=True)
class LNTuning(Method):
    """Train the normalisation layers only (Zhao et al. 2023)."""

    name: ClassVar[str] = "ln_tuning"
    targets: Targets = None


@dataclass(frozen=True)
class VeRA(Method):
    """Shared frozen random matrices, trained scaling vectors (Kopiczko et al. 2024, section 3)."""

    name: ClassVar[str] = "vera"
    rank: int = 256
    targets: Targets = None

    def __post_init__(self) -> None:
        _positive("rank", self.rank)


@dataclass(frozen=True)
class Adapter(Method):
    """Bottleneck modules inside every layer (Houlsby et al. 2019, section 2.1).

    `variant` "houlsby" puts one after attention and one after the feed-forward block, "pfeiffer"
    only the latter (Pfeiffer et al. 2021). The inner width is `bottleneck`, or the model's width
    over `reduction`. `layer_norms` trains the layers' normalisation too, as Houlsby et al. did.
    `places`: the two output projections within a layer, for an architecture that
    `fttools.bottleneck` does not know.
    """

    name: ClassVar[str] = "adapter"
    bottleneck: int = 64
    variant: str = "houlsby"
    activation: str = "gelu"
    reduction: int | None = None
    layer_norms: bool = False
    places: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        _positive("bottleneck", self.bottleneck)
        if self.reduction is not None:
            _positive("reduction", self.reduction)
        for what, value, known in (
            ("variant", self.variant, VARIANTS),
            ("activation", self.activation, ACTIVATIONS),
        ):
            if value not in known:
                raise UnknownMethod(f"An adapter has no {what} {value!r}.", suggest(value, known))


@dataclass(frozen=True)
class OtherPeft(Method):
    """Any further peft method by its lower-case name, with peft's own defaults.

    `rank` is set where that method's configuration has one.
    """

    name: ClassVar[str] = "peft"
    kind: str = "loha"
    rank: int | None = None
    targets: Targets = None


METHODS: dict[str, type[Method]] = {
    cls.name: cls
    for cls in (
        Full, Head, LoRA, DoRA, QLoRA, Adapter, Prefix, Prompt, PTuning, IA3, BitFit, LNTuning, VeRA
    )
}  # fmt: skip
# Further tuner methods of peft whose configuration stands on its own (needs no data and no second
# model). Written out, so that naming a method does not cost the import of peft.
PEFT_KINDS = (
    "adalora",
    "boft",
    "c3a",
    "delora",
    "fourierft",
    "gralora",
    "hra",
    "loha",
    "lokr",
    "miss",
    "oft",
    "randlora",
    "road",
    "shira",
    "vblora",
    "waveft",
)


def make(name: str, **options: Any) -> Method:
    """The method called `name`, with `options` (None values are left at their defaults).

    Raises UnknownMethod for a name or an option that does not exist, BadRank for a bad size.
    """
    key = str(name).lower().replace("-", "_")
    given = {k: v for k, v in options.items() if v is not None}
    if isinstance(given.get("targets"), list):
        given["targets"] = tuple(given["targets"])
    if key in METHODS:
        cls, fixed = METHODS[key], {}
    elif key in PEFT_KINDS:
        cls, fixed = OtherPeft, {"kind": key}
    else:
        raise UnknownMethod(f"There is no method {name!r}.", suggest(key, (*METHODS, *PEFT_KINDS)))
    fields = [f.name for f in dataclasses.fields(cls) if f.name not in fixed]
    for option in given:
        if option not in fields:
            taken = f"{key} takes: {', '.join(fields)}" if fields else f"{key} takes no options"
            raise UnknownMethod(f"Method {key!r} has no option {option!r}.", taken)
    return cls(**fixed, **given)


def label(method: Method) -> str:
    """A short name with its options, such as "lora (rank=16)"."""
    name = method.kind if isinstance(method, OtherPeft) else method.name
    options = {k: v for k, v in method.options().items() if k not in ("kind", "dora")}
    return f"{name} ({', '.join(f'{k}={v}' for k, v in options.items())})" if options else name


# --- attaching ----------------------------------------------------------------------------------


def attach(model: nn.Module, method: Method) -> nn.Module:
    """Make `model` trainable by `method`, in place.

    Returns a peft model, or the same model for methods of ours (full, head, bitfit, adapter).
    Raises MethodRefused when the method does not apply, UnknownTarget when the target modules
    match nothing, BadRank for a size the layers do not allow.
    """
    if isinstance(method, Full):
        for p in model.parameters():
            # Integer storage (4-bit weights) cannot hold a gradient.
            p.requires_grad_(p.is_floating_point())
        return model
    if isinstance(method, Head):
        _freeze_but(
            model,
            [n for n, _ in head_parameters(model)],
            "head",
            "lora, or a model with a task head (--task seq-cls)",
        )
        return model
    if isinstance(method, BitFit):
        names = [n for n, _ in model.named_parameters() if n.endswith("bias")]
        head = [n for n, _ in head_parameters(model)] if is_classifier(model) else []
        _freeze_but(
            model,
            names and names + head,
            "bitfit",
            "ln_tuning or lora: this architecture has no bias terms",
        )
        return model
    if isinstance(method, Adapter):
        from fttools import bottleneck

        return bottleneck.add_adapter(model, "default", method)
    return _attach_peft(model, method)


def is_classifier(model: nn.Module) -> bool:
    """Whether the model has a new (untrained) classification head."""
    return "Classification" in type(model).__name__


def head_parameters(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Named parameters of the task head: what lies outside the base model.

    Language models' heads are their output embeddings (also where they are tied to the input's).
    """
    if is_classifier(model):
        prefix = str(getattr(model, "base_model_prefix", "")) + "."
        yield from ((n, p) for n, p in model.named_parameters() if not n.startswith(prefix))
        return
    out = getattr(model, "get_output_embeddings", lambda: None)()
    wanted = {id(p) for p in out.parameters()} if out is not None else set()
    yield from ((n, p) for n, p in model.named_parameters() if id(p) in wanted)


def _freeze_but(model: nn.Module, names: Iterable[str], method: str, remedy: str) -> None:
    keep = set(names)
    if not keep:
        raise MethodRefused(f"{method} finds nothing to train in {type(model).__name__}.", remedy)
    for n, p in model.named_parameters():
        p.requires_grad_(n in keep)


def task_type(model: nn.Module) -> str | None:
    """peft's name for what the model is for, from its class."""
    name = type(model).__name__
    if "SequenceClassification" in name:
        return "SEQ_CLS"
    if "TokenClassification" in name:
        return "TOKEN_CLS"
    if bool(getattr(getattr(model, "config", None), "is_encoder_decoder", False)):
        return "SEQ_2_SEQ_LM"
    if "CausalLM" in name or "LMHead" in name:
        return "CAUSAL_LM"
    return None


def peft_config(method: Method, task: str | None) -> PeftConfig:
    """peft's own configuration for `method`."""
    import peft

    if isinstance(method, LoRA):
        return peft.LoraConfig(
            task_type=task,
            r=method.rank,
            lora_alpha=2 * method.rank if method.alpha is None else method.alpha,  # type: ignore[arg-type]
            target_modules=_listed(method.targets),
            lora_dropout=method.dropout,
            bias=method.bias,  # type: ignore[arg-type]
            modules_to_save=list(method.modules_to_save) or None,
            use_dora=method.dora,
            use_rslora=method.rslora,
        )
    if isinstance(method, Prefix):
        return peft.PrefixTuningConfig(task_type=task, num_virtual_tokens=method.tokens)
    if isinstance(method, Prompt):
        return peft.PromptTuningConfig(
            task_type=task,
            num_virtual_tokens=method.tokens,
            num_transformer_submodules=method.submodules,
        )
    if isinstance(method, PTuning):
        return peft.PromptEncoderConfig(
            task_type=task,
            num_virtual_tokens=method.tokens,
            encoder_hidden_size=method.hidden,  # type: ignore[arg-type]
        )
    if isinstance(method, IA3):
        return peft.IA3Config(
            task_type=task,
            target_modules=_listed(method.targets),
            feedforward_modules=_listed(method.feedforward),
        )
    if isinstance(method, LNTuning):
        return peft.LNTuningConfig(task_type=task, target_modules=_listed(method.targets))
    if isinstance(method, VeRA):
        return peft.VeraConfig(
            task_type=task, r=method.rank, target_modules=_listed(method.targets)
        )
    if isinstance(method, OtherPeft):
        return _other_config(method, task)
    raise UnknownMethod(f"{method!r} is not a peft method.", suggest(method.name, METHODS))


def _other_config(method: OtherPeft, task: str | None) -> PeftConfig:
    from peft import PeftType
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    cls = PEFT_TYPE_TO_CONFIG_MAPPING[PeftType(method.kind.upper())]
    fields = {f.name for f in dataclasses.fields(cls)}
    options: dict[str, Any] = {"task_type": task, "target_modules": _listed(method.targets)}
    if method.rank is not None:
        if "r" not in fields:
            raise UnknownMethod(f"{method.kind} has no rank.", f"{method.kind} without --rank")
        options["r"] = method.rank
    if method.kind == "adalora":
        options["total_step"] = 1000  # required by peft; changes neither counts nor memory
    return cls(**options)


def _listed(targets: Targets) -> str | list[str] | None:
    return list(targets) if isinstance(targets, tuple) else targets


def _attach_peft(model: nn.Module, method: Method) -> nn.Module:
    import peft
    import torch

    task = task_type(model)
    if isinstance(method, Prefix):
        _check_prefix(model)
    if isinstance(method, LNTuning) and method.targets is None and not _has_default(model):
        method = dataclasses.replace(method, targets=tuple(norm_names(model)))
    config = peft_config(method, task)
    try:
        # On meta tensors the method's weights must not be allocated either. Rarer methods compute
        # with values while they are made (boft's permutations), so they get real ones.
        meta = _on_meta(model) and not isinstance(method, OtherPeft)
        with quietly(), torch.device("meta") if meta else nullcontext():
            tuned = peft.get_peft_model(model, config)  # type: ignore[arg-type]
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        NotImplementedError,
        AssertionError,
        StopIteration,
    ) as err:
        raise explain_refusal(model, method, err) from err
    if isinstance(method, LoRA):
        _check_rank(tuned, method.rank)
    return tuned


def _on_meta(model: nn.Module) -> bool:
    return all(p.is_meta for p in model.parameters())


def _has_default(model: nn.Module) -> bool:
    """Whether peft knows which normalisation layers this architecture has."""
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LNTUNING_TARGET_MODULES_MAPPING as KNOWN

    return getattr(getattr(model, "config", None), "model_type", None) in KNOWN


def norm_names(model: nn.Module) -> list[str]:
    """Full names of the model's normalisation layers that have something to train."""
    return [
        name
        for name, module in model.named_modules()
        if name and type(module).__name__.endswith(("Norm", "NormFp32"))
        and next(module.parameters(), None) is not None
    ]  # fmt: skip


def _check_prefix(model: nn.Module) -> None:
    """Refuse a model that takes no keys and values from outside: peft would only notice in the
    first forward pass."""
    import inspect

    backbone = getattr(model, str(getattr(model, "base_model_prefix", "")), model)
    for part in (model, backbone):
        if "past_key_values" in inspect.signature(part.forward).parameters:
            return
    raise MethodRefused(
        f"Prefix tuning gives every layer keys and values, and {type(model).__name__} takes none "
        "(its forward has no past_key_values).",
        "prompt, ptuning, lora or adapter",
    )


def _check_rank(tuned: nn.Module, rank: int) -> None:
    """Refuse a rank larger than a layer it goes into: B·A could not have that rank."""
    for name, module in tuned.named_modules():
        sides = (getattr(module, "in_features", None), getattr(module, "out_features", None))
        if not hasattr(module, "lora_A") or not all(isinstance(side, int) for side in sides):
            continue
        small = min(side for side in sides if side is not None)
        if rank > small:
            raise BadRank(
                f"rank={rank} is larger than the layer {name} ({sides[0]} -> {sides[1]}) allows.",
                f"a rank of at most {small}; 4 to 64 is usual",
            )


def explain_refusal(model: nn.Module, method: Method, err: Exception) -> FTError:
    """peft's refusal, in terms of what to do about it."""
    text = " ".join(str(err).split())
    targets = getattr(method, "targets", None)
    if "target_modules" in text or "Target modules" in text or "target modules" in text:
        names = sorted(linear_names(model))
        if targets is not None:
            shown = targets if isinstance(targets, str) else ",".join(targets)
            return UnknownTarget(
                f"No module of {type(model).__name__} matches {shown!r}.",
                suggest(shown.split(",")[0], (*names, "all-linear")),
            )
        return UnknownTarget(
            f"peft has no default target modules for {type(model).__name__} with {method.name}.",
            f"--targets with some of: {', '.join(names)}; or --targets all-linear (lora)",
        )
    if "modules_to_save cannot be applied" in text:
        # peft has wrapped the layers by now: what is under a name's ".base_layer" was linear.
        head = {n.split(".")[0] for n, _ in head_parameters(model)}
        wrapped = (n.removesuffix(".base_layer") for n, _ in model.named_modules()
                   if n.endswith(".base_layer"))  # fmt: skip
        others = ",".join(sorted({n.rsplit(".", 1)[-1] for n in wrapped} - head))
        return MethodRefused(
            f"all-linear takes in the head of {type(model).__name__}, which peft trains whole.",
            f"--targets {others}",
        )
    return MethodRefused(
        f"peft refuses {method.name} on {type(model).__name__}: {text[:300]}",
        "another method (lora applies to every architecture), or other options",
    )


def linear_names(model: nn.Module) -> set[str]:
    """Last parts of the names of the model's linear layers: what `targets` can name."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return {
        n.rsplit(".", 1)[-1]
        for n, m in model.named_modules()
        if isinstance(m, (nn.Linear, Conv1D)) and n
    }
