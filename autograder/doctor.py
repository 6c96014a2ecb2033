"""`autograder doctor`: what this machine's sandbox keeps of its promises.

Grading runs the same trials once for each warm process and refuses where one fails.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from autograder import cgroups, provenance
from autograder.worker import Broken, Refused, Settings, Warm

TRIES = 3


def tried(warm: Warm) -> list[dict[str, Any]]:
    """Every promise with whether it was kept. Raises Refused where no sandbox can be made."""
    try:
        return warm.selftest()
    except Broken as err:
        raise Refused(f"The self-test did not run: {err}", "autograder doctor") from err


def ensure(warm: Warm) -> None:
    """Try the sandbox once for this warm process. Raises Refused, naming the broken promises.

    A promise that fails is tried anew, twice: a process that something killed is no broken promise.
    """
    if warm.settings.unsafe or warm.tried:
        return
    for attempt in range(TRIES):
        try:
            refuse(tried(warm))
        except Refused:
            if attempt == TRIES - 1:
                raise
            time.sleep(0.5 * attempt)
        else:
            warm.tried = True
            return


def refuse(rows: Iterable[dict[str, Any]]) -> None:
    """Raise Refused if a promise is not kept."""
    broken = [f"{row['promise']} ({row['seen']})" for row in rows if not row["kept"]]
    if broken:
        raise Refused(
            f"The sandbox on this machine does not keep what it promises: {'; '.join(broken)}.",
            "autograder doctor for all of it; --unsafe-no-sandbox only for code you trust",
        )


def examine(settings: Settings) -> dict[str, Any]:
    """Both ways into the sandbox, tried on this machine, for the command."""
    rows: list[dict[str, Any]] = []
    for warm in (True, False):
        process = Warm(replace(settings, warm=warm))
        try:
            found = tried(process)
        except Refused as err:
            found = [{"promise": "a sandbox can be made", "kept": False, "seen": err.message}]
        finally:
            process.close()
        rows += [{"kernel": "warm" if warm else "cold", **row} for row in found]
    return {
        "ok": bool(rows) and all(row["kept"] for row in rows),
        "machine": provenance.machine(),
        "limits_by": cgroups.how(),
        "trials": rows,
    }
