"""Grade one submission: run its cells in a kernel, examine its answers from outside.

    python -m autograder.worker SUBMISSION EXERCISE SEED TIMEOUT RESULT.json EXECUTED.ipynb

The kernel gets probes and cases and returns bytes; the judges run here. stderr and warnings of
the learner's cells never count.
"""

from __future__ import annotations

import json
import queue
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
import torch
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from autograder.rebuild import Rejected, cell_id, rebuild
from fttools.checks import Case, Check, Verdict, find
from fttools.checks.core import MOST_BYTES, Answer, BadAnswer, pack, unpack
from fttools.checks.run import verdict

PROBE_TIMEOUT = 120


class Examiner:
    """Asks a kernel the cases of each check, and judges the answers."""

    def __init__(self, client: NotebookClient, folder: Path, seed: int) -> None:
        self.client, self.folder, self.seed = client, folder, seed

    def examine(self, check: Check) -> Verdict:
        """The first case that fails decides; no answer is never a pass."""
        last = Verdict("missing", "This check drew no case.")
        for number, case in enumerate(check.cases(torch.Generator().manual_seed(self.seed))):
            last = self._ask(check, case, f"{check.id}-{number}")
            if not last.passed:
                return last
        return last

    def _ask(self, check: Check, case: Case, name: str) -> Verdict:
        question, reply = self.folder / f"{name}.case", self.folder / f"{name}.answer"
        question.write_bytes(pack(Answer(case.tensors, case.values)))
        code = (
            f"__import__('fttools.checks.remote', fromlist=['x']).serve("
            f"{check.id!r}, {str(question)!r}, {str(reply)!r}, globals())"
        )
        last = len(self.client.nb.cells)
        try:
            # nbclient puts the cell it ran into the notebook, so ask in an extra cell at the end.
            self.client.nb.cells.append(nbformat.v4.new_code_cell(code))
            self.client.execute_cell(self.client.nb.cells[last], last, store_history=False)
        finally:
            question.unlink(missing_ok=True)
            del self.client.nb.cells[last:]
        if not reply.is_file() or reply.is_symlink() or reply.stat().st_size > MOST_BYTES:
            return Verdict("missing", "No answer came back from your code.")
        try:
            return verdict(check, case, unpack(reply.read_bytes()))
        except BadAnswer as err:
            return Verdict("missing", str(err))
        finally:
            reply.unlink(missing_ok=True)


def failed(cell: Any) -> str | None:
    """What a run cell raised, if it is a mistake (an unfilled part is none)."""
    for output in cell.get("outputs", []):
        if output.get("output_type") == "error" and output.get("ename") != "NotImplementedError":
            return f"{output['ename']}: {output['evalue'][:300]}"
    return None


def show(cell: Any, check: Check, found: Verdict) -> None:
    """Put the verdict under its cell, for feedback and formgrader."""
    text = f"{check.title}: {found.kind}\n{found.message}\n"
    cell["outputs"] = [nbformat.v4.new_output("stream", name="stdout", text=text)]


def grade(path: Path, exercise: str, seed: int, timeout: int) -> tuple[dict[str, Any], Any]:
    """The result of one submission as JSON values, and its executed notebook (None if rejected)."""
    started = time.monotonic()
    result: dict[str, Any] = {"outcome": "graded", "message": "", "seed": seed}
    try:
        built = rebuild(path, exercise)
    except Rejected as err:
        return {
            **result,
            "outcome": "rejected",
            "message": str(err),
            "checks": [],
            "seconds": time.monotonic() - started,
        }, None
    notebook = built.notebook
    verdicts: dict[str, Verdict] = {}
    lost = ""
    with tempfile.TemporaryDirectory() as work:
        client = NotebookClient(
            notebook,
            timeout=timeout,
            allow_errors=True,
            kernel_name="python3",
            resources={"metadata": {"path": work}},
        )
        with client.setup_kernel():
            examiner = Examiner(client, Path(work), seed)
            for index, cell in enumerate(list(notebook.cells)):
                if cell.cell_type != "code" or lost:
                    continue
                check_id = cell_id(cell, "grade")
                try:
                    if check_id is None:
                        client.execute_cell(cell, index)
                        message = failed(cell)
                        if message and not result["message"]:
                            result.update(outcome="student_error", message=message)
                    else:
                        verdicts[check_id] = examiner.examine(find(check_id))
                except (CellTimeoutError, queue.Empty):
                    lost = f"a cell ran for more than {timeout} s"
                    result.update(outcome="timeout", message=lost)
                except DeadKernelError:
                    lost = "the kernel died (out of memory, or the code ended it)"
                    result.update(outcome="student_error", message=lost)
    if built.missing:
        note = f"missing from the submission: {', '.join(built.missing)}"
        result["message"] = "; ".join(filter(None, (result["message"], note)))
    rows = []
    for cell in notebook.cells:
        check_id = cell_id(cell, "grade")
        if check_id is None:
            continue
        check = find(check_id)
        found = verdicts.get(check_id, Verdict("missing", f"Not reached: {lost}."))
        show(cell, check, found)
        rows.append(
            {
                "id": check.id,
                "points": check.points,
                "score": check.points if found.passed else 0.0,
                "message": found.message,
                "kind": found.kind,
            }
        )
    return {**result, "checks": rows, "seconds": time.monotonic() - started}, notebook


def main(argv: list[str]) -> int:
    """Grade and write both files; anything raised here is an infrastructure failure."""
    submission, exercise, seed, timeout, result_file, executed = argv
    result, notebook = grade(Path(submission), exercise, int(seed), int(timeout))
    if notebook is not None:
        nbformat.write(notebook, executed)
    Path(result_file).write_text(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
