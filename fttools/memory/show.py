"""Reports of `fttools estimate` and `fttools validate` for a terminal (rich)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from fttools.methods import Method, label

if TYPE_CHECKING:
    from fttools.memory.formula import Formula
    from fttools.memory.peak import Estimate

GIB = 2**30
WORDS = {
    "weights": "weights of the base model",
    "adapter": "weights that the method adds",
    "gradients": "gradients",
    "optimizer": "optimizer states",
    "activations": "activations kept for backward",
    "logits_loss": "logits and loss",
    "workspaces": "workspaces of kernels",
    "cache": "cached by PyTorch, unused",
    "context": "CUDA context",
}
WIDTH = 34


def report(
    model: str, method: Method, options: dict[str, Any], found: Estimate, closed: Formula
) -> Group:
    """The whole report: headline, parts as bars, peak, GPUs, closed form, assumptions."""
    smallest = next((n for n, m in sorted(found.margin.items(), key=lambda x: abs(x[1]))
                     if m >= 0), None)  # fmt: skip
    headline = Text.assemble(
        "Training ", (model, "bold"), " with ", (label(method), "bold"),
        f" on {options['batch']} rows of {options['seq']} tokens needs ",
        (f"{found.device_total / GIB:.1f} GiB", "bold cyan"), " of GPU memory",
        f"; the tightest GPU of the table that it fits is the {smallest}." if smallest
        else "; no single GPU of the table holds it.",
    )  # fmt: skip
    pieces: list[Any] = [headline, Text(), bars(found), Text()]
    where = f"{found.peak_phase}" + (f", in {found.peak_module}" if found.peak_module else "")
    pieces.append(Text(f"The peak comes in {where}: {found.peak_allocated / GIB:.2f} GiB in "
                       f"tensors, {found.peak_reserved / GIB:.2f} GiB reserved."))  # fmt: skip
    pieces += [Text(), fits(found, options), Text(), both(found, closed)]
    for warning in found.warnings:
        pieces.append(Text(f"! {warning}", style="yellow"))
    pieces.append(Text("Assumed: " + "; ".join(found.assumptions) + ".", style="dim"))
    return Group(*pieces)


def bars(found: Estimate) -> Table:
    """What the memory is made of, at the peak."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    parts = {**found.breakdown, "context": found.context}
    top = max(parts.values())
    for name, size in parts.items():
        if size <= 0:
            continue
        filled = max(1, round(WIDTH * size / top))
        color = "white" if name in ("cache", "context") else "cyan"
        share = 100 * size / found.device_total
        table.add_row(WORDS[name], Text("█" * filled, style=color), f"{size / GIB:.2f} GiB",
                      f"{share:.0f} %")  # fmt: skip
    return table


def fits(found: Estimate, options: dict[str, Any]) -> Table:
    """GPUs by memory, whether it fits, and what is left; * where the GPU runs other kernels than
    the simulated one, or cannot compute in the type asked for."""
    from fttools.memory.gpus import GPUS, find

    simulated = find(options["gpu"]).capability
    bf16 = "bf16" in (options["amp"], options["weights"])

    table = Table(box=None, title="GPUs", title_justify="left", padding=(0, 1))
    for _ in range(2):
        table.add_column("GPU")
        table.add_column("has", justify="right")
        table.add_column("fits")
        table.add_column("left", justify="right")
    cells = []
    for name, gpu in sorted(GPUS.items(), key=lambda item: item[1].memory):
        good, left = found.fits[name], found.margin[name]
        tight = good and left < 0.05 * gpu.memory
        word = (
            Text("tight", "yellow")
            if tight
            else Text("yes", "green")
            if good
            else Text("no", "red")
        )
        if bf16 and not gpu.bf16:
            word += Text(", no bf16", "yellow")
        star = "" if gpu.capability == simulated else "*"
        cells.append((name + star, f"{gpu.memory / GIB:.1f}", word, f"{left / GIB:+.1f} GiB"))
    half = -(-len(cells) // 2)
    for row in range(half):
        right = cells[row + half] if row + half < len(cells) else ("", "", Text(), "")
        table.add_row(*cells[row], *right)
    table.caption = f"* by the kernels of {options['gpu']}; --gpu NAME simulates another's"
    table.caption_justify = "left"
    return table


def both(found: Estimate, closed: Formula) -> Panel | Text:
    """The closed form beside the simulation; with the reason where they differ by over 10 %."""
    gap = 100 * (closed.peak_allocated / found.peak_allocated - 1)
    line = (f"Closed form: {closed.peak_allocated / GIB:.2f} GiB at the peak, {gap:+.0f} % "
            "from the simulation.")  # fmt: skip
    if abs(gap) <= 10:
        return Text(line)
    names = [n for n in found.breakdown if n != "cache"]
    worst = max(names, key=lambda n: abs(closed.breakdown.get(n, 0) - found.breakdown[n]))
    line += (f" Most of it is in {WORDS[worst]}: {closed.breakdown.get(worst, 0) / GIB:.2f} for "
             f"{found.breakdown[worst] / GIB:.2f} GiB. {closed.reason(worst)}")  # fmt: skip
    return Text(line, style="yellow")


def errors(document: dict[str, Any]) -> Group:
    """The table of errors of `fttools validate`."""
    table = Table(title=f"Predicted and measured peaks ({document['gpu']})", title_justify="left")
    table.add_column("case", overflow="fold")
    for name in ("allocated MiB", "error", "reserved MiB", "error"):
        table.add_column(name, justify="right")
    for case in document["cases"]:
        if "error" in case:
            table.add_row(case["label"], Text(f"failed: {case['error']}", "red"), "", "", "")
            continue
        cells: list[Any] = []
        for name in ("allocated", "reserved"):
            value = case[name]
            if value is None:
                cells += ["", ""]
                continue
            color = "green" if value["ape"] <= 2 else "yellow" if value["ape"] <= 5 else "red"
            cells += [f"{value['measured'] / 2**20:,.0f}",
                      Text(f"{value['error_pct']:+.2f} %", color)]  # fmt: skip
        table.add_row(case["label"], *cells)
    lines = []
    for name in ("allocated", "reserved"):
        e = document[name]
        if e["median_ape"] is not None:
            lines.append(f"peak {name}: median {e['median_ape']:.2f} %, 90 % of cases within "
                         f"{e['p90_ape']:.2f} %, worst {e['max_ape']:.2f} %")  # fmt: skip
    lines.append(f"{document['n']} cases, {document['failed']} failed, {document['skipped']} "
                 "without a measured peak")  # fmt: skip
    return Group(table, *lines)
