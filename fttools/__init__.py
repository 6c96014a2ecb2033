"""Helper package of the course "Fine-tuning techniques and parameter-efficient methods".

    from fttools import data, evaluate, methods, models, train

Nothing heavy (torch, transformers, peft) is imported until a function needs it.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["scale"]


def scale(quiet: bool = False) -> Any:
    """Which models and data fit this machine: `lab`, `t4` or `full`; prints the reason.

    See `fttools.scale_` for the rules. `FT_SCALE` overrides.
    """
    from fttools.scale_ import pick

    chosen = pick()
    if not quiet:
        print(chosen)
    return chosen
