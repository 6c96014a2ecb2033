"""Make a short-lived process start faster: keep out what a simulation never uses.

peft imports bitsandbytes when it is installed, and with it a compiler (1.8 s); a simulation uses
neither. Only for commands: in a longer-lived process it would hide bitsandbytes from others.
"""

from __future__ import annotations

import sys


def prepare() -> None:
    """Hide bitsandbytes from this process, unless it is loaded already."""
    if "bitsandbytes" not in sys.modules:
        sys.modules["bitsandbytes"] = None  # type: ignore[assignment]
