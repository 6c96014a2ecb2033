"""The kernel's side of an examination: read a case, run its probe, write the answer's bytes."""

from __future__ import annotations

from pathlib import Path

from fttools.checks.core import Case, Namespace, unpack
from fttools.checks.run import answer, find


def serve(check_id: str, case_file: str, answer_file: str, names: Namespace) -> None:
    """Answer the case in `case_file` with the learner's `names`; nothing is judged here."""
    sent = unpack(Path(case_file).read_bytes())
    given = answer(find(check_id), names, Case(sent.tensors, sent.values))
    Path(answer_file).write_bytes(given)
