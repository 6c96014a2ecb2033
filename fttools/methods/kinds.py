"""What a method is and what can be set in it: one frozen dataclass each."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from fttools.errors import BadRank, FTError, UnknownMethod, suggest

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
