"""Beside the learner's code: run a probe on a case and answer in bytes. Nothing is judged here.

The grading sandbox holds this module, `core`, `run` and the probes, and no judge. The examiner
names a probe by its place (`lora:forward`) and sends the case; what comes back is data.
"""

from __future__ import annotations

import base64
import importlib

from fttools.checks.core import Answer, Case, Namespace, Probe, pack, unpack

PACKAGE = "fttools.checks.probes"


def place(probe: Probe) -> str:
    """A probe's place, `module:function`. Raises ValueError for one outside the probes' package."""
    module, function = probe.__module__, probe.__name__
    if module.rpartition(".")[0] != PACKAGE:
        raise ValueError(f"{module}.{function} is not in {PACKAGE}, so no sandbox holds it.")
    return f"{module.rpartition('.')[2]}:{function}"


def answer(probe: Probe, needs: tuple[str, ...], names: Namespace, case: Case) -> bytes:
    """The probe's answer, packed; what it raises becomes an answer that says so."""
    lacking = [name for name in needs if name not in names]
    if lacking:
        return pack(Answer(values={"failed": "missing", "error": ", ".join(lacking)}))
    blank = Answer(values={"failed": "blank", "error": ""})
    if any(names[name] is None for name in needs):
        return pack(blank)
    try:
        return pack(probe(names, case))
    except NotImplementedError:
        return pack(blank)
    except Exception as err:  # whatever a learner's code raises is an answer
        line = " ".join(str(err).split())[:300]
        failed = {"failed": "crashed", "error": f"{type(err).__name__}: {line}"}
        return pack(Answer(values=failed))


def reply(where: str, needs: tuple[str, ...], case: str, names: Namespace) -> str:
    """Answer a case (base64) with the learner's `names`; the answer in base64."""
    module, _, function = where.partition(":")
    probe = getattr(importlib.import_module(f"{PACKAGE}.{module}"), function)
    sent = unpack(base64.b64decode(case))
    given = answer(probe, needs, names, Case(sent.tensors, sent.values))
    return base64.b64encode(given).decode()
