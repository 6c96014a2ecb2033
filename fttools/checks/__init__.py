"""What the exercises ask, and how answers are judged.

    from fttools.checks import check
    check("lora-forward", LoRALinear)

A check is three functions (see `core`): cases drawn from a seed, a probe that runs beside the
learner's code and returns tensors and JSON, a judge that never touches a learner's object.
"""

from fttools.checks.core import Answer, Case, Check, Verdict
from fttools.checks.run import check, examine, find

__all__ = ["Answer", "Case", "Check", "Verdict", "check", "examine", "find"]
