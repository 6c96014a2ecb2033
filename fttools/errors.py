"""Errors that say what to do next.

Every error raised on purpose derives from `FTError`: a message, and a remedy on its own line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FTError(Exception):
    """A failure with a remedy: `str(e)` is the message, then `Try: ...`."""

    message: str
    remedy: str

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  Try: {self.remedy}"


class UnknownModel(FTError, ValueError):
    """No such model in the catalogue, on disk or on the hub."""


class UnknownMethod(FTError, ValueError):
    """No fine-tuning method of that name, or an option it does not take."""


class UnknownTarget(FTError, ValueError):
    """Target modules that match nothing in the model."""


class BadRank(FTError, ValueError):
    """A rank, bottleneck or token count that cannot be used."""


class BadData(FTError, ValueError):
    """Data or numbers that cannot be used (a batch of 0, a sequence too long, ...)."""


def suggest(name: str, options: Iterable[str]) -> str:
    """One line naming the nearest of `options` to `name`, then all of them."""
    known = sorted(options)
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    # Swapped letters are the commonest slip, and the ratio above underrates it.
    near.sort(key=lambda option: sorted(option) != sorted(name.lower()))
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return f"{hint}Known: {', '.join(known)}"
