"""An `Advice` as text, as a rich table on a terminal, as HTML in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fttools.advise_types import Advice, Option

GIB = 2**30
COLUMNS = ("method", "memory", "free", "trains", "quality", "time", "batch ≤", "row ≤")


def _gib(size: int, at_least: bool = False) -> str:
    return f"{'at least ' if at_least else ''}{size / GIB:.1f} GiB"


def title(advice: Advice) -> str:
    """One line: what was asked."""
    data = f", {advice.examples:,} examples" if advice.examples is not None else ""
    return (
        f"{advice.model} ({short(advice.total)}) on a {advice.gpu} ({_gib(advice.gpu_memory)}): "
        f"{advice.task}, batch {advice.batch} × {advice.seq} tokens{data}"
    )


def row(option: Option) -> tuple[str, ...]:
    """An option's cells, as in COLUMNS: quality in points of full fine-tuning, the largest batch
    and row that fit."""
    quality = option.quality
    return (
        option.method,
        f"{'≥ ' if option.at_least else ''}{option.memory / GIB:.1f} GiB",
        f"{option.margin / GIB:.1f} GiB" if option.fits else "too little",
        short(option.trainable),
        f"{quality.low:+g} … {quality.high:+g}" if quality.low or quality.high else "reference",
        str(option.time) if option.time else "",
        str(option.largest_batch or ""),
        str(option.largest_seq or ""),
    )


def short(n: int) -> str:
    """A count in three digits: 8.39 M, 6.74 B."""
    for size, unit in ((1e9, " B"), (1e6, " M"), (1e3, " k")):
        if n >= size:
            return f"{n / size:.3g}{unit}"
    return str(n)


def verdict(advice: Advice) -> str:
    """The recommendation in a sentence."""
    best = advice.best
    if best is None:
        return f"Nothing fits a {advice.gpu} as asked. What would, and what each change leads to:"
    return f"Take {best.method}: {best.reason[0].lower()}{best.reason[1:]}"


def command(advice: Advice) -> str:
    """The command that shows the memory of the recommended option in full; "" without one."""
    best = advice.best
    if best is None:
        return ""
    targets = f" --targets {best.targets}" if best.targets else ""
    return (
        f"The memory in full: fttools estimate {advice.model} --method {best.method}{targets} "
        f"--task {advice.task} {best.settings}"
    )


def _lines(advice: Advice) -> Iterator[str]:
    """What stands under the table."""
    if advice.best:
        yield command(advice)
    yield "Quality is in points of the task's metric, against full fine-tuning of the same model."
    for option in advice.options:
        yield f"{option.method}: {option.reason} Quality: {option.quality.source}."
    for remedy in advice.remedies:
        fits = "fits" if remedy.fits else "still too much"
        yield f"{remedy.change}: {_gib(remedy.memory, remedy.at_least)} ({fits})"
    for name, why in advice.refused.items():
        yield f"{name} was left out: {why}"
    yield from advice.notes


def as_rich(advice: Advice) -> Any:
    """A rich group: verdict, table, reasons."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title(advice), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    used = _used(advice)
    for column in used:
        table.add_column(COLUMNS[column], no_wrap=True)
    for option in advice.options:
        cells = row(option)
        table.add_row(*(cells[c] for c in used), style=None if option.fits else "dim")
    below = [Text(f"- {line}") for line in _lines(advice)]
    return Group(Text(verdict(advice), style="bold"), table, *below)


def _used(advice: Advice) -> list[int]:
    """Columns in which something stands."""
    rows = [row(option) for option in advice.options]
    return [c for c in range(len(COLUMNS)) if any(cells[c] for cells in rows)]


def as_text(advice: Advice, width: int = 140) -> str:
    """The same as plain text."""
    import io

    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=width, no_color=True).print(as_rich(advice))
    return out.getvalue().rstrip("\n")


def as_html(advice: Advice) -> str:
    """The same as HTML for a notebook."""
    used = _used(advice)

    def cells(tag: str, values: list[str]) -> str:
        return "".join(f"<{tag} style='text-align:left'>{html.escape(v)}</{tag}>" for v in values)

    head = cells("th", [COLUMNS[c] for c in used])
    body = "".join(
        f"<tr style='opacity:{1 if o.fits else 0.55}'>{cells('td', [row(o)[c] for c in used])}</tr>"
        for o in advice.options
    )
    notes = "".join(f"<li>{html.escape(line)}</li>" for line in _lines(advice))
    return (
        f"<p><b>{html.escape(verdict(advice))}</b></p><table><caption style='text-align:left'>"
        f"{html.escape(title(advice))}</caption><tr>{head}</tr>{body}</table><ul>{notes}</ul>"
    )
