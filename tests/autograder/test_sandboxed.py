"""Submissions in the sandbox: promises, outcomes, partial credit, no state between submissions."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder import cgroups, release
from autograder.layout import solution
from autograder.policy import MB, Limits
from autograder.watch import descendants, table
from autograder.worker import Broken, Settings, Warm
from tests.attacks.world import ours

pytestmark = [
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap"),
    pytest.mark.timeout(600),
]
LIMITS = Limits(memory=1024 * MB, cell_seconds=8, probe_seconds=8, seconds=90, output=4 * MB,
                cell_output=200_000)  # fmt: skip


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    found = Warm(Settings(limits=LIMITS))
    yield found
    found.close()


def submission(edits: dict[str, Callable[[str], str]], given: bool = True) -> bytes:
    """The reference without its training (or the released notebook), with parts edited."""
    start = nbformat.read(solution("lora"), as_version=4) if given else None
    notebook = start or release.student_version("lora")
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in ("training", "report"):
            cell.source = "raise NotImplementedError()"
        if name in edits:
            cell.source = edits[name](cell.source)
    return nbformat.writes(notebook).encode()


def grade(warm: Warm, blob: bytes, **files: bytes) -> dict[str, Any]:
    order = {"student": "ada", "exercise": "lora", "seed": 7, "refused": ""}
    named = {k.replace("__", "."): v for k, v in files.items()}
    result, text = warm.grade(order, {"lora.ipynb": blob, **named})
    return {**result, "notebook": text, "by": {c["id"]: c for c in result["checks"]}}


def points(result: dict[str, Any]) -> float:
    return float(sum(c["score"] for c in result["checks"]))


@pytest.mark.parametrize("way", ["warm", "cold"])
def test_every_promise_is_kept(way: str, warm: Warm) -> None:
    process = warm if way == "warm" else Warm(Settings(limits=LIMITS, warm=False))
    try:
        rows = process.selftest()
    finally:
        if process is not warm:
            process.close()
    assert len(rows) >= 14
    assert [r for r in rows if not r["kept"]] == []


def test_threads_share_a_warm_process_and_survive_its_death() -> None:
    warm = Warm(Settings(limits=LIMITS))
    try:
        warm.start()
        first = warm.process
        with ThreadPoolExecutor(3) as pool:
            nap = {"config": lambda source: "import time; time.sleep(3)\n" + source}
            waiting = [pool.submit(grade, warm, submission(nap)) for _ in range(3)]
            wait_until(lambda: len(table().get(first.pid, [])) == 3)  # an examiner each
            time.sleep(0.5)
            first.kill()
            done = [future.result() for future in waiting]
        assert warm.process is not first
        assert [r["outcome"] for r in done] == ["graded"] * 3
        assert len({points(r) for r in done}) == 1 and min(r["attempts"] for r in done) >= 2
    finally:
        warm.close()
    with pytest.raises(Broken, match="stopped"):
        warm.start()  # nothing starts again behind the back of who closed it


def test_only_its_parent_talks_to_a_warm_process(warm: Warm) -> None:
    grade(warm, submission({}, given=False))
    assert warm.folder is not None
    stranger = (f"import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(20); "
                f"s.connect({warm.folder.name + '/warm'!r}); print(s.recv(100))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", stranger], capture_output=True, text=True)
    assert done.stdout.strip() == "b''", done
    assert grade(warm, submission({}, given=False))["attempts"] == 1


OWNER = """
import sys, threading
from autograder.worker import Settings, Warm
warm = Warm(Settings())
order = {"student": "ada", "exercise": "lora", "seed": 7, "refused": ""}
blob = open(sys.argv[1], "rb").read()
thread = threading.Thread(target=warm.grade, args=(order, {"lora.ipynb": blob}))
warm.start()
print(warm.process.pid, warm.folder.name, flush=True)
thread.start()
thread.join()
"""


def test_nothing_is_left_when_its_owner_is_killed(tmp_path: Path) -> None:
    nap = {"config": lambda source: "import time; time.sleep(60)\n" + source}
    (tmp_path / "lora.ipynb").write_bytes(submission(nap))
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path / "lora.ipynb")],
                             stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert owner.stdout is not None
    process, folder = owner.stdout.readline().split()
    wait_until(lambda: bool(descendants((int(process),))))
    time.sleep(3.0)  # the nap has begun, or soon will
    below = descendants((int(process),))
    assert any(ours(p, b"") for p in below)  # what tests/attacks looks for
    owner.kill()
    owner.wait()
    wait_until(lambda: not Path(folder).exists())
    wait_until(lambda: not any(runs(p) for p in (int(process), *below)))
    made = [b for b in cgroups.parents() if b is not None]
    assert [f for base in made for f in base.glob(f"autograder-{process}-*")] == []


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look now and then; an end without `done` fails."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.1)


def runs(process: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_fork_bomb_ends_at_once_and_starves_nobody() -> None:
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    warm = Warm(Settings(limits=replace(LIMITS, cell_seconds=60)))
    try:
        with ThreadPoolExecutor(2) as pool:
            hostile = pool.submit(grade, warm, submission({"LoRALinear": lambda source: bomb}))
            honest = pool.submit(grade, warm, submission({}))
            found, fine = hostile.result(), honest.result()
    finally:
        warm.close()
    assert found["outcome"] == "student_error" and points(found) == 0
    assert "processes" in found["message"], found["message"]
    assert found["seconds"] < 40
    assert fine["outcome"] == "graded" and fine["attempts"] == 1 and points(fine) > 0


def test_reference_earns_all_but_training(warm: Warm) -> None:
    result = grade(warm, submission({}))
    assert result["outcome"] == "graded"
    lost = {c["id"] for c in result["checks"] if not c["score"]}
    assert lost == {"lora-train", "lora-report"}
    assert "right" in result["notebook"] and "seed" not in result["notebook"]


def test_a_crash_keeps_what_was_earned_before(warm: Warm) -> None:
    die = "\nimport os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    result = grade(warm, submission({"count_parameters": lambda s: s + die}))
    assert result["outcome"] == "student_error" and "died" in result["message"]
    assert result["by"]["lora-forward"]["score"] and result["by"]["lora-peft"]["score"]
    assert not result["by"]["lora-count"]["score"]
    assert "Not reached" in result["by"]["lora-evaluate"]["message"]


def test_a_cell_without_end_costs_only_itself(warm: Warm) -> None:
    result = grade(warm, submission({"config": lambda s: "while True: pass"}))
    assert result["outcome"] == "timeout"
    assert result["by"]["lora-forward"]["score"] and result["by"]["lora-evaluate"]["score"]


def test_memory(warm: Warm) -> None:
    eat = "x = []\nwhile True: x.append(bytearray(1 << 25))"
    result = grade(warm, submission({"config": lambda s: eat}))
    assert result["outcome"] == "out_of_memory"
    assert result["by"]["lora-forward"]["score"]


def test_stderr_and_warnings_cost_nothing(warm: Warm) -> None:
    noise = "import sys, warnings; print('x', file=sys.stderr); warnings.warn('y')\n"
    result = grade(warm, submission({"LoRALinear": lambda s: noise + s}))
    assert result["by"]["lora-forward"]["score"] and result["outcome"] == "graded"


def test_nothing_is_left_for_the_next_submission(warm: Warm) -> None:
    patch = ("\nimport torch, builtins, os; torch.nn.functional.linear = None; builtins.left = 1"
             "\nos.environ['LEFT'] = '1'; open('/tmp/left', 'w').write('x')")  # fmt: skip
    grade(warm, submission({"LoRALinear": lambda s: s + patch}))
    look = ("\nimport os, builtins\nprint('STATE', hasattr(builtins, 'left'), 'LEFT' in os.environ,"
            " os.path.exists('/tmp/left'))")  # fmt: skip
    result = grade(warm, submission({"LoRALinear": lambda s: s + look}))
    assert "STATE False False False" in result["notebook"]
    assert result["by"]["lora-forward"]["score"]


def test_a_forged_answer_is_only_data(warm: Warm) -> None:
    forge = (
        "import fttools.checks.remote as r, fttools.checks.core as c, base64\n"
        "r.reply = lambda *a: base64.b64encode(c.pack(c.Answer(values={'kind': 'right', "
        "'passed': True, 'score': 99}))).decode()"
    )
    result = grade(warm, submission({"LoRALinear": lambda s: forge}, given=False))
    assert points(result) == 0


def test_outputs_are_cut_and_cleaned(warm: Warm) -> None:
    show = (
        "\nfrom IPython.display import HTML, display\n"
        "display(HTML('<b>bold</b><script>alert(1)</script><img src=x onerror=alert(2)>'))\n"
        "for _ in range(100): print('y' * 10000)"
    )
    result = grade(warm, submission({"LoRALinear": lambda s: s + show}))
    assert "<b>bold</b>" in result["notebook"]
    assert "alert(" not in str([c["outputs"] for c in nbformat.reads(
        result["notebook"], as_version=4).cells if c.cell_type == "code"])  # fmt: skip
    assert len(result["notebook"]) < 2_000_000 and "further output left out" in result["notebook"]


def test_a_carried_adapter_that_is_no_adapter_earns_nothing(warm: Warm) -> None:
    result = grade(warm, submission({}), adapter_model__safetensors=b"garbage",
                   adapter_config__json=b"{}")  # fmt: skip
    assert not result["by"]["lora-train"]["score"]
    assert "cannot be examined" in result["by"]["lora-train"]["message"]
    assert result["by"]["lora-forward"]["score"]


def test_a_killed_warm_process_is_made_again(warm: Warm) -> None:
    assert warm.process is not None
    warm.process.kill()
    result = grade(warm, submission({}))
    assert result["outcome"] == "graded" and points(result) > 20


def test_rejected_says_why(warm: Warm) -> None:
    result = grade(warm, b"not a notebook")
    assert result["outcome"] == "rejected" and points(result) == 0
    assert "not JSON" in result["notebook"]


def test_no_bubblewrap_no_grading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from autograder import policy, sandbox

    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(sandbox.NoSandbox, match="not installed"):
        sandbox.Sandbox(policy.make(), tmp_path).start(warm=False)
