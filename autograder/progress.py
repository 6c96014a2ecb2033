"""What an instructor sees while a class is graded: a bar, counts of outcomes, the time left."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed
from rich.table import Table

Result = dict[str, Any]
COLOURS = {"graded": "green", "student_error": "yellow", "timeout": "yellow",
           "out_of_memory": "yellow", "rejected": "red", "infrastructure": "bold red"}  # fmt: skip
SHOWN = 8
FIRST = 3  # results before a pace is worth stating


class Board:
    """Results so far, and what they say about the rest."""

    def __init__(self, total: int) -> None:
        self.total, self.results = total, list[Result]()
        self.started = time.monotonic()
        self.first: float | None = None

    def add(self, result: Result) -> None:
        """One more is done."""
        if self.first is None:
            self.first = time.monotonic()
        self.results.append(result)

    def left(self) -> float | None:
        """Seconds to the end at the pace since the first result; None before it is known."""
        done = len(self.results)
        if self.first is None or done < FIRST:
            return None
        # The first result also waited for the workers to start.
        pace = (time.monotonic() - self.first) / (done - 1)
        return pace * (self.total - done)

    def summary(self) -> str:
        """Counts of outcomes, and the time left, in a line."""
        counts = Counter(r["outcome"] for r in self.results)
        words = [f"[{COLOURS.get(name, 'white')}]{n} {name}[/]" for name, n in counts.items()]
        if (left := self.left()) is not None and len(self.results) < self.total:
            words.append(f"about {clock(left)} left")
        return "  ".join(words) or "starting workers"

    def table(self) -> Table:
        """The latest results."""
        table = Table("student", "outcome", "score", "seconds", "message", box=None)
        for result in self.results[-SHOWN:]:
            table.add_row(*row(result))
        return table


def row(result: Result) -> tuple[str, str, str, str, str]:
    """A result's cells in a table."""
    score = "" if result["score"] is None else f"{result['score']:g} / {result['max_score']:g}"
    colour = COLOURS.get(result["outcome"], "white")
    message = " ".join(str(result.get("message", "")).split())
    return (plain(result["student"]), f"[{colour}]{result['outcome']}[/]", score,
            f"{result['seconds']:.1f}", plain(message[:60]))  # fmt: skip


def plain(text: str) -> str:
    """Text that rich prints as it is."""
    return text.replace("[", r"\[")


def clock(seconds: float) -> str:
    """Seconds as `1 h 02 min`, `3 min` or `40 s`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min" if minutes else f"{rest} s"


@contextmanager
def live(total: int, quiet: bool = False) -> Iterator[Board]:
    """A board that shows itself on a terminal, and is silent elsewhere."""
    board = Board(total)
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield board
        return
    bar = Progress(TextColumn("grading"), BarColumn(), MofNCompleteColumn(), Elapsed())
    task = bar.add_task("", total=total)

    def draw() -> Group:
        bar.update(task, completed=len(board.results))
        return Group(board.table(), bar, board.summary())

    with Live(get_renderable=draw, console=console, refresh_per_second=4):
        yield board


def show(rows: list[dict[str, object]]) -> None:
    """A table on the terminal; rows of plain text elsewhere are as wide as they need."""
    table = Table(*(rows[0] if rows else ("nothing yet",)))
    for entry in rows:
        table.add_row(*("" if v is None else plain(str(v)) for v in entry.values()))
    console = Console()
    if not sys.stdout.isatty():
        console = Console(width=160)
    console.print(table)
