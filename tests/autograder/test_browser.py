"""A score corrected by hand in formgrader, in a real browser, reaches feedback and export."""

from __future__ import annotations

import csv
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder import cli, release

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(not DRIVER or not shutil.which("chromium"), reason="needs Chromium"),
    pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap"),
    pytest.mark.timeout(300),
]
FORMGRADER = "nbgrader.server_extensions.formgrader"


@pytest.fixture()
def course(tmp_path: Path) -> Path:
    """One blank submission, graded."""
    place = tmp_path / "submitted" / "ada" / "lora" / "lora.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(release.student_version("lora"), place)
    assert (
        cli.main(["grade", "lora", "--course", str(tmp_path), "--workers", "1", "--threads", "1"])
        == 0
    )
    assert cli.main(["init", "--course", str(tmp_path)]) == 0
    return tmp_path


@pytest.fixture()
def server(course: Path) -> Iterator[str]:
    """A Jupyter server with formgrader on it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root",
               f"--port={port}", "--IdentityProvider.token=", f"--ServerApp.root_dir={course}",
               f"--ServerApp.jpserver_extensions={FORMGRADER}=True"]  # fmt: skip
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(command, cwd=course, env={**os.environ, "PATH": path},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    address = f"http://127.0.0.1:{port}/formgrader"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/gradebook", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture()
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"):
        options.add_argument(argument)
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    found.implicitly_wait(30)
    yield found
    found.quit()


def exported(course: Path) -> float:
    assert cli.main(["export", "--course", str(course), "--to", str(course / "g.csv")]) == 0
    return float(next(iter(csv.DictReader((course / "g.csv").open())))["score"])


def test_a_correction_by_hand(course: Path, server: str, browser: Any) -> None:
    assert exported(course) == 0
    browser.get(server)
    # As the guide says it.
    for words in ("Manual Grading", "lora", "lora", "Submission"):
        seen = browser.current_url
        browser.find_element("partial link text", words).click()
        until = time.monotonic() + 30
        while browser.current_url == seen and time.monotonic() < until:
            time.sleep(0.2)
    score = browser.find_element("css selector", "input.score")
    browser.execute_script("arguments[0].scrollIntoView()", score)
    score.clear()
    score.send_keys("2.5\t")
    until = time.monotonic() + 30
    while exported(course) != 2.5 and time.monotonic() < until:
        time.sleep(0.5)
    assert exported(course) == 2.5
    assert cli.main(["feedback", "lora", "--course", str(course)]) == 0
    browser.get((course / "feedback/ada/lora/lora.html").as_uri())
    assert "2.5" in browser.find_element("tag name", "body").text
    again = [
        "grade",
        "lora",
        "--course",
        str(course),
        "--workers",
        "1",
        "--threads",
        "1",
        "--force",
    ]
    assert cli.main(again) == 0 and exported(course) == 2.5  # a person's score stays
