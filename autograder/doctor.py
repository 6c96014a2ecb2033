"""Self-test."""

from __future__ import annotations

from autograder.worker import Settings


def ensure(settings: Settings) -> None:
    """Later."""
