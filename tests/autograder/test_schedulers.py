"""Schedulers elsewhere: over TLS, and SLURM's as the guide starts it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from autograder import cluster, release
from autograder.layout import Course
from fttools.errors import FTError

pytestmark = [
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap"),
    pytest.mark.timeout(600),
]
BIN = Path(sys.executable).parent
GUIDE = Path(cluster.__file__).parent / "README.md"
# What `sbatch` does for one machine: number the job, run its script.
SBATCH = """#!/bin/sh
cp "$1" {folder}/job.sh
chmod +x {folder}/job.sh
setsid {folder}/job.sh >{folder}/job.log 2>&1 &
echo "Submitted batch job 7"
"""


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """One blank submission: nothing earned, nothing trained."""
    made = Course(tmp_path / "course")
    path = made.notebook("submitted", "ada", "lora")
    path.parent.mkdir(parents=True)
    import nbformat

    path.write_text(nbformat.writes(release.student_version("lora")))
    return made


def graded(course: Course, address: str, *options: str) -> subprocess.CompletedProcess[str]:
    out = course.root / "results.json"
    return subprocess.run(
        [sys.executable, "-m", "autograder.cli", "grade", "lora", "--course", str(course.root),
         "--scheduler", address, "--json", str(out), *options],
        text=True, capture_output=True, timeout=400,
    )  # fmt: skip


def right(course: Course) -> None:
    (result,) = json.loads((course.root / "results.json").read_text())
    assert (result["student"], result["outcome"], result["score"]) == ("ada", "graded", 0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*commands: list[str]) -> Iterator[None]:
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                 for command in commands]  # fmt: skip
    try:
        yield
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make certificates")
def test_a_scheduler_over_tls_wants_the_certificate(course: Course, tmp_path: Path) -> None:
    key, cert = certificate(tmp_path)
    tls = ["--tls-ca-file", str(cert), "--tls-cert", str(cert), "--tls-key", str(key)]
    address = f"tls://127.0.0.1:{free_port()}"
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--protocol", "tls",
                 "--host", address, "--no-dashboard", "--no-show", *tls]  # fmt: skip
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "2",
              "--no-dashboard", *tls]  # fmt: skip
    with running(scheduler, worker):
        wait_for(address)
        with_files = ("--tls-ca", str(cert), "--tls-cert", str(cert), "--tls-key", str(key))
        done = graded(course, address, *with_files)
        assert done.returncode == 0, done.stderr
        right(course)
        with pytest.raises(FTError, match="tls"), cluster.connect(1, address, None, False):
            pass


def certificate(folder: Path) -> tuple[Path, Path]:
    """Key and certificate, made by the guide's command."""
    (command,) = re.findall(r"^openssl .*$", GUIDE.read_text(), re.M)
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return folder / "grading.key", folder / "grading.pem"


def wait_for(address: str) -> None:
    host, port = re.sub(r"^\w+://", "", address).split(":")
    for _ in range(150):
        with socket.socket() as probe:
            if not probe.connect_ex((host, int(port))):
                return
        time.sleep(0.2)
    raise TimeoutError(address)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make certificates")
def test_the_guides_slurm_cluster_grades(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dask_jobqueue", reason="needs dask-jobqueue")
    (code,) = re.findall(r"```python\n(from dask_jobqueue.*?)```", GUIDE.read_text(), re.S)
    key, cert = certificate(tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "sbatch").write_text(SBATCH.format(folder=tmp_path))
    (tools / "scancel").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/cancelled\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{BIN}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    # As in the guide, but one worker, and on the only network that is sure to be there.
    code = code.replace("cluster.scale(8)", "cluster.scale(1)")
    code = code.replace("SLURMCluster(\n", 'SLURMCluster(\n    interface="lo",\n')
    assert "scale(1)" in code and '"lo"' in code
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("tls://"), address
        tls = ("--tls-ca", str(cert), "--tls-cert", str(cert), "--tls-key", str(key))
        done = graded(course, address, *tls)
        assert done.returncode == 0, done.stderr + log(tmp_path)
        right(course)
        script = (tmp_path / "job.sh").read_text()
        assert "#SBATCH --gres=gpu:1" in script and "#SBATCH --cpus-per-task=2" in script
        assert "--nthreads 1" in script and "GPU=1" in script
    finally:
        process.stdin.write("\n")
        process.stdin.close()
        process.wait(60)
        subprocess.run(["pkill", "-f", f"{tmp_path}/job.sh"], check=False)
    assert "7" in (tmp_path / "cancelled").read_text()


def log(folder: Path) -> str:
    path: Any = folder / "job.log"
    return path.read_text() if path.exists() else "no job was started"


def test_local_workers_keep_a_gpu_each_when_restarted() -> None:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                      host="127.0.0.1") as local, Client(local) as client:  # fmt: skip
        cluster.share(client, (3, 5))
        assert sorted(client.run(cluster.own_gpus).values()) == [(3,), (5,)]
        client.restart()
        client.wait_for_workers(2, timeout=60)
        assert sorted(client.run(cluster.own_gpus).values()) == [(3,), (5,)]
