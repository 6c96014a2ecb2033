"""Rank explorer: what a rank costs, and how much of a real weight change it can hold.

    rank_explorer(deltas)                  # sliders, in a notebook
    rank_explorer_static(deltas, rank=8)   # the same picture, no kernel needed

`deltas` maps a layer's name to ΔW (out, in): its weights after full fine-tuning less before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fttools import plots
from fttools.errors import BadData, BadRank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BYTES = 4 * 4  # fp32 weight, gradient, and Adam's two moments


@dataclass(frozen=True)
class RankCost:
    """LoRA of one rank on a set of matrices.

    `error` is the mean relative Frobenius error of the best rank-r approximation of ΔW: no LoRA of
    that rank can represent ΔW better (Eckart and Young 1936).
    """

    rank: int
    parameters: int
    full_parameters: int
    bytes: int
    error: float

    def __str__(self) -> str:
        share = self.parameters / self.full_parameters
        return (
            f"rank {self.rank}: {self.parameters:,} parameters ({share:.2%} of the matrices' "
            f"{self.full_parameters:,}), {self.bytes / 2**20:.1f} MiB to train, "
            f"{self.error:.0%} of ΔW missed"
        )


def curves(deltas: Mapping[str, Any]) -> dict[str, Any]:
    """`plots.energies` of each ΔW. Raises BadData for none, or one that is no matrix."""
    if not deltas:
        raise BadData("No weight change to explore.", "a dict of layer name to ΔW (out, in)")
    for name, delta in deltas.items():
        if np.ndim(delta) != 2:
            raise BadData(f"{name} has {np.ndim(delta)} dimensions.", "a weight matrix (out, in)")
    return {name: plots.energies(delta) for name, delta in deltas.items()}


def cost(deltas: Mapping[str, Any], energy: Mapping[str, Any], rank: int) -> RankCost:
    """What `rank` costs on these matrices and what it can hold. Raises BadRank."""
    largest = min(min(np.shape(d)) for d in deltas.values())
    if not 1 <= rank <= largest:
        raise BadRank(f"rank={rank} on matrices of rank {largest}.", f"a rank from 1 to {largest}")
    shapes = [np.shape(d) for d in deltas.values()]
    parameters = sum(rank * (out + inner) for out, inner in shapes)
    # The share can exceed 1 by rounding at full rank.
    missed = [float(np.sqrt(max(0.0, 1 - c[rank - 1]))) for c in energy.values()]
    return RankCost(rank, parameters, sum(a * b for a, b in shapes), BYTES * parameters,
                    float(np.mean(missed)))  # fmt: skip


def draw(deltas: Mapping[str, Any], energy: Mapping[str, Any], layer: str, rank: int) -> Figure:
    """Three panels: singular values kept and cut, error against rank, parameters against rank."""
    fig, (left, middle, right) = plots.canvas(str(cost(deltas, energy, rank)), 9.6, 3.2, columns=3)
    share = energy[layer]
    each = np.diff(share, prepend=0)[:64]
    colors = [plots.BLUE if i < rank else "#cccccc" for i in range(len(each))]
    left.bar(np.arange(1, len(each) + 1), each, color=colors, width=1)
    left.set(xlabel=f"direction of ΔW ({layer})", ylabel="share of ‖ΔW‖²")
    ranks = np.arange(1, min(len(c) for c in energy.values()) + 1)
    for name, c in energy.items():
        color, order = (plots.BLUE, 2) if name == layer else ("#cccccc", 1)
        middle.plot(ranks, np.sqrt(np.maximum(0, 1 - c[: len(ranks)])), color=color, zorder=order)
    middle.axvline(rank, color=plots.ORANGE, linewidth=1)
    middle.set(xscale="log", xlabel="rank r", ylabel="relative error", ylim=(0, 1.02))
    each_rank = sum(np.shape(d)[0] + np.shape(d)[1] for d in deltas.values())
    full = sum(np.size(d) for d in deltas.values())
    right.plot(ranks, ranks * each_rank, color=plots.GREEN)
    right.axhline(full, color=plots.GREY, linestyle=":")
    right.annotate("the matrices themselves", (1, full), fontsize=8, va="bottom")
    right.scatter([rank], [rank * each_rank], color=plots.ORANGE, zorder=3)
    right.set(xscale="log", yscale="log", xlabel="rank r", ylabel="trainable parameters")
    return plots.finish(fig)


def rank_explorer_static(
    deltas: Mapping[str, Any], rank: int = 8, layer: str | None = None
) -> Figure:
    """The explorer's picture at one setting."""
    energy = curves(deltas)
    return draw(deltas, energy, layer or next(iter(deltas)), rank)


def rank_explorer(deltas: Mapping[str, Any], rank: int = 8) -> Any:
    """A widget with a rank slider and a layer menu over the explorer's picture."""
    import ipywidgets as w

    energy = curves(deltas)
    largest = min(len(c) for c in energy.values())
    top = int(np.log2(largest))
    slider = w.SelectionSlider(options=[2**i for i in range(top + 1)], value=rank,
                               description="rank r", continuous_update=False)  # fmt: skip
    menu = w.Dropdown(options=list(deltas), description="layer")
    picture = w.Image(format="png")

    def update(_: Any = None) -> None:
        picture.value = plots.png(draw(deltas, energy, menu.value, slider.value))

    slider.observe(update, "value")
    menu.observe(update, "value")
    update()
    return w.VBox([w.HBox([slider, menu]), picture])
