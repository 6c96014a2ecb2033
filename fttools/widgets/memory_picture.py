"""What the memory explorer draws: a setting, its memory by kind and over time, the figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fttools import catalogue, methods, plots
from fttools.errors import BadData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GIB = 2**30
# Part of the memory -> colour and the words under which it is shown. A part of another name is
# drawn in grey under its own.
PARTS = {
    "weights": (plots.BLUE, "weights"),
    "adapter": (plots.GREEN, "adapter"),
    "gradients": (plots.ORANGE, "gradients"),
    "optimizer": (plots.PINK, "optimizer"),
    "activations": (plots.YELLOW, "activations"),
    "logits_loss": ("#56B4E9", "logits and loss"),
    "workspaces": ("#999999", "workspaces"),
    "cache": ("#cccccc", "allocator's cache"),
    "context": ("#e5e5e5", "CUDA context"),
}
PHASES = {"forward": "#0072B2", "backward": "#D55E00", "optimizer": "#CC79A7"}


@dataclass(frozen=True)
class Setting:
    """One training set-up, as `fttools estimate` names it. Raises BadData for sizes under 1."""

    model: str
    method: str
    batch: int = 8
    seq: int = 128
    rank: int = 16
    weights: str = "fp32"
    amp: str = "none"
    optim: str = "adamw_torch_fused"
    checkpointing: bool = False
    targets: methods.Targets = None
    gpu: str = "A100-80GB"

    def __post_init__(self) -> None:
        for name in ("batch", "seq", "rank"):
            if getattr(self, name) < 1:
                raise BadData(f"{name}={getattr(self, name)}.", f"{name} of at least 1")

    def to_method(self) -> methods.Method:
        """The method with the options that it takes."""
        ranked = self.method in ("lora", "qlora", "dora", "vera")
        aimed = ranked or self.method in ("ia3", "ln_tuning")
        return methods.make(
            self.method,
            rank=self.rank if ranked else None,
            targets=self.targets if aimed else None,
        )

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of `estimate` and `formula`, and the config."""
        config = catalogue.read_config(self.model)
        return {
            "config": config,
            "method": self.to_method(),
            "task": catalogue.default_task(config),
            "batch": self.batch,
            "seq": self.seq,
            "weights": self.weights,
            "amp": self.amp,
            "optim": self.optim,
            "checkpointing": self.checkpointing,
            "gpu": self.gpu,
        }

    def __str__(self) -> str:
        rank = f" rank {self.rank}" if self.method in ("lora", "qlora") else ""
        checkpointing = ", checkpointing" if self.checkpointing else ""
        return f"{self.model}, {self.method}{rank}, {self.batch} × {self.seq} tokens{checkpointing}"


@dataclass(frozen=True)
class Picture:
    """Memory of one setting, bytes. `parts` at the peak; `timeline` holds (phase, module, bytes);
    `device` is what the GPU must have free: reserved and context."""

    setting: Setting
    source: str
    peak: int
    device: int
    parts: tuple[tuple[str, int], ...]
    timeline: tuple[tuple[str, str, int], ...] = ()
    where: str = ""

    def sentence(self) -> str:
        """What it says, in words."""
        where = f", in {self.where}" if self.where else ""
        return (
            f"{self.setting}: {self.source} says {self.peak / GIB:.2f} GiB at the peak{where}; "
            f"{self.device / GIB:.2f} GiB of a GPU."
        )


def closed_form(setting: Setting) -> Picture:
    """The picture of the closed form. Raises what `formula` raises."""
    from fttools.memory import formula

    found: Any = formula(**setting.arguments())
    parts = tuple((name, int(size)) for name, size in found.breakdown.items() if size > 0)
    return Picture(setting, "the closed form", int(found.peak_allocated), int(found.device_total),
                   parts)  # fmt: skip


def simulated(setting: Setting) -> Picture:
    """The picture of the simulation. Raises what `estimate` raises."""
    from fttools.memory import estimate

    found = estimate(**setting.arguments())
    parts = tuple((name, int(size)) for name, size in found.breakdown.items() if size > 0)
    line = tuple((p.phase, p.module, int(p.bytes)) for p in found.timeline)
    where = f"{found.peak_phase} of {found.peak_module}" if found.peak_module else found.peak_phase
    return Picture(setting, "the simulation", found.peak_allocated, found.device_total, parts,
                   line, where)  # fmt: skip


# --- drawing -------------------------------------------------------------------------------------


def draw(formula: Picture, simulation: Picture | None = None) -> Figure:
    """Left: parts as stacked bars, with lines where GPUs end. Right: the step's timeline (of the
    simulation; before it is there, a note)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    # Not through pyplot: this also runs outside the main thread, where pyplot may not.
    fig = Canvas(figsize=(10.4, 4.2), dpi=100)
    FigureCanvasAgg(fig)
    fig.subplots_adjust(left=0.07, right=0.985, top=0.86, bottom=0.13, wspace=0.3)
    left, right = fig.subplots(1, 2, width_ratios=(1.15, 1))
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_ylabel("GiB")
    best = simulation or formula
    fig.suptitle(str(best.setting), x=0.01, ha="left", fontsize=11)
    pictures = [formula] if simulation is None else [simulation, formula]
    top = max(p.device for p in pictures) / GIB
    gpu_lines(left, best.device, top)
    stacks(left, pictures)
    timeline(right, simulation)
    return fig


def stacks(ax: Axes, pictures: Sequence[Picture]) -> None:
    """One stacked bar a picture, its parts named beside the first."""
    labels: list[tuple[float, str, str]] = []
    for i, picture in enumerate(pictures):
        bottom = 0.0
        for name, size in _parts(picture):
            color, words = PARTS.get(name, ("#bbbbbb", name))
            ax.bar(i, size / GIB, 0.55, bottom=bottom, color=color, edgecolor="white",
                   alpha=1 if i == 0 else 0.6)  # fmt: skip
            if i == 0 and size > 0.012 * picture.device:
                labels.append((bottom + size / GIB / 2, f"{words} {size / GIB:.2f}", color))
            bottom += size / GIB
    ax.set_xticks(range(len(pictures)), [p.source.removeprefix("the ") for p in pictures])
    ax.set_xlim(-1.45, len(pictures) - 0.55)
    height = ax.get_ylim()[1]
    for (_, words, color), y in zip(labels, _spread([y for y, *_ in labels], height * 0.055),
                                    strict=True):  # fmt: skip
        dark = "#555555" if color.startswith(("#c", "#e")) and color != plots.PINK else color
        ax.text(-0.33, y, words, ha="right", va="center", fontsize=8, color=dark)


def _parts(picture: Picture) -> Iterator[tuple[str, int]]:
    """Parts of the peak, then what the GPU holds beyond it: the allocator's cache and context."""
    known = [name for name in PARTS if any(name == n for n, _ in picture.parts)]
    order = {name: i for i, name in enumerate(known)}
    parts = sorted(picture.parts, key=lambda part: order.get(part[0], len(order)))
    yield from parts
    rest = picture.device - sum(size for _, size in parts)
    if rest > 0:
        cached = any(name == "cache" for name, _ in parts)
        yield "context" if cached else "cache and context", rest


def _spread(places: list[float], gap: float) -> list[float]:
    """`places` moved up as little as keeps them `gap` apart (they are in order)."""
    placed: list[float] = []
    for y in places:
        placed.append(max(y, placed[-1] + gap) if placed else y)
    return placed


def gpu_lines(ax: Axes, device: int, top: float) -> None:
    """The GPUs nearest to `device` bytes: solid and green where it fits, dotted where not. Sets the
    axis up to `top` GiB and the smallest GPU that fits, if that is not far off."""
    from fttools.memory import GPUS

    cards: dict[int, Any] = {}
    for gpu in sorted(GPUS.values(), key=lambda g: g.memory):
        cards.setdefault(round(gpu.memory / GIB), gpu)  # cards of about one size share a line
    enough = next((gpu for gpu in cards.values() if gpu.memory >= device), None)
    limit = top * 1.12
    if enough is not None and enough.memory / GIB <= 2 * top:
        limit = max(limit, enough.memory / GIB * 1.1)
    for gpu in sorted(cards.values(), key=lambda gpu: abs(gpu.memory - device))[:4]:
        size, fits = gpu.memory / GIB, gpu.memory >= device
        if size > limit:
            continue
        color = plots.GREEN if fits else plots.GREY
        ax.axhline(size, color=color, linewidth=1, linestyle="-" if fits else ":", zorder=0)
        ax.annotate(f"{gpu.name} {'fits' if fits else 'does not fit'}", (1, size),
                    xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7.5,
                    color=color)  # fmt: skip
    ax.set_ylim(0, limit)
    note, color = "", plots.GREEN
    if enough is None:
        note, color = "fits no single GPU of the table", plots.ORANGE
    elif enough.memory / GIB > limit:
        note = f"fits a {enough.name} ({enough.memory / GIB:.0f} GiB) and every larger GPU"
    ax.text(1, 1.01, note, transform=ax.transAxes, ha="right", fontsize=7.5, color=color)


def timeline(ax: Axes, picture: Picture | None) -> None:
    """Allocated memory over one step, its phases shaded, its peak named."""
    if picture is None or not picture.timeline:
        note = "the timeline comes with the simulation"
        ax.text(0.5, 0.5, note, ha="center", va="center", transform=ax.transAxes, color=plots.GREY)
        ax.set_xticks([])
        ax.set_yticks([])
        return
    sizes = [size / GIB for *_, size in picture.timeline]
    ax.plot(range(len(sizes)), sizes, color="black", linewidth=1, drawstyle="steps-post")
    begin = 0
    for i in range(1, len(sizes) + 1):
        phase = picture.timeline[begin][0]
        if i == len(sizes) or picture.timeline[i][0] != phase:
            color = PHASES.get(phase, "#888888")
            ax.axvspan(begin, i, color=color, alpha=0.1, linewidth=0)
            if i - begin > 0.08 * len(sizes):
                ax.text((begin + i) / 2, 0, phase, ha="center", va="bottom", fontsize=8,
                        color=color)  # fmt: skip
            begin = i
    peak = max(range(len(sizes)), key=sizes.__getitem__)
    left = peak > len(sizes) / 2
    module = picture.timeline[peak][1] or picture.where
    ax.annotate(
        f"peak {sizes[peak]:.2f} GiB\n{module[-44:]}", (peak, sizes[peak]), fontsize=8,
        ha="right" if left else "left", va="bottom", color=plots.ORANGE,
    )  # fmt: skip
    ax.set_ylim(0, max(sizes) * 1.18)
    ax.set_xlabel("events of one training step")
