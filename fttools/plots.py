"""Figures that the lessons share: one palette, intervals always drawn, direct labels.

fig, ax = canvas("accuracy against rank")
sweep(ax, runs.by(records, rank_of), "LoRA", BLUE)      # a dot a seed, mean and 95 % interval
spectrum(ax, energies(delta))                            # how low the rank of a matrix is
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fttools.errors import BadData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from fttools.runs import Summary

# Okabe and Ito's palette: told apart by readers with any colour vision.
BLUE, ORANGE, GREEN, PINK, GREY, YELLOW = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#777777", "#E69F00",
)  # fmt: skip


def canvas(title: str, width: float = 6.4, height: float = 3.6, columns: int = 1) -> Any:
    """A figure and its axes (an array when `columns` > 1) in the course's plain style."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, columns, figsize=(width, height), layout="constrained", dpi=110)
    for ax in np.atleast_1d(axes):
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="y", alpha=0.25)
    fig.suptitle(title, x=0.01, ha="left", fontsize=11)
    return fig, axes


def percent(ax: Axes, low: float = 0.45, high: float = 1.0) -> None:
    """A y axis of accuracy in percent."""
    from matplotlib.ticker import PercentFormatter

    ax.set_ylim(low, high)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def sweep(ax: Axes, groups: Mapping[Any, Summary], label: str, color: str) -> None:
    """Accuracy against a number: seeds as dots, the mean as a line, its 95 % interval as a band."""
    x = [float(k) for k in groups]
    for key, group in groups.items():
        ax.scatter([float(key)] * len(group.values), group.values, s=9, color=color, alpha=0.45)
    means = [g.mean for g in groups.values()]
    ax.plot(x, means, color=color, marker="o", label=label)
    ax.fill_between(
        x, [g.low for g in groups.values()], [g.high for g in groups.values()],
        color=color, alpha=0.15, linewidth=0,
    )  # fmt: skip


def bars(ax: Axes, groups: Mapping[str, Summary], color: str = BLUE) -> None:
    """Named settings side by side: mean, 95 % interval, seeds as dots."""
    for i, group in enumerate(groups.values()):
        ax.errorbar(i, group.mean, [[group.mean - group.low], [group.high - group.mean]],
                    fmt="o", color=color, capsize=4)  # fmt: skip
        ax.scatter([i] * len(group.values), group.values, s=9, color=color, alpha=0.4)
    ax.set_xticks(range(len(groups)), list(groups))


def energies(matrix: Any) -> NDArray[np.float64]:
    """Share of ‖matrix‖² in its first r singular directions, r = 1 … min(shape), from 0 to 1.

    The best rank-r approximation misses exactly the rest (Eckart and Young 1936).
    """
    values = np.linalg.svd(np.asarray(matrix, dtype=np.float64), compute_uv=False) ** 2
    if not values.sum():
        raise BadData("The matrix is zero: it has no directions.", "the difference after training")
    return np.cumsum(values) / values.sum()


def spectrum(ax: Axes, curves: Mapping[str, Any], styles: Sequence[str] = ()) -> None:
    """Curves of `energies` against the rank, on a logarithmic rank axis."""
    for (label, curve), color in zip(
        curves.items(), styles or (BLUE, ORANGE, GREEN, PINK, GREY), strict=False
    ):
        ax.plot(np.arange(1, len(curve) + 1), curve, color=color, label=label)
    ax.set_xscale("log", base=2)
    ax.set_xlabel("rank r")
    ax.set_ylim(0, 1.02)
    ax.legend(frameon=False)


def finish(fig: Figure) -> Figure:
    """The figure, closed in pyplot's registry so that a notebook shows it once."""
    import matplotlib.pyplot as plt

    plt.close(fig)
    return fig


def png(fig: Figure) -> bytes:
    """A figure as a PNG: what a widget shows, in a browser and in a stored notebook alike."""
    from io import BytesIO

    stream = BytesIO()
    fig.savefig(stream, format="png")
    return stream.getvalue()
