"""The repository's own promises: one list of requirements, small files, licences."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_environment_equals_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["learners"]]
    lines = (ROOT / "environment.yml").read_text().splitlines()
    listed = [line.strip()[2:].strip('"') for line in lines if line.startswith("      - ")]
    assert listed == [*dict.fromkeys(wanted), "-e ."]


def test_lock_pins_every_requirement() -> None:
    lock = (ROOT / "requirements.lock").read_text().lower().replace("_", "-").splitlines()
    pinned = {line.split("==")[0] for line in lock if "==" in line}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in {r for group in groups for r in group}:
        name = requirement
        for mark in "<>=[":
            name = name.split(mark)[0]
        assert name.lower() in pinned, f"{name} is not in requirements.lock"


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_shipped_data_is_small() -> None:
    code = {".py", ".md", ".toml", ".yml", ".lock"}
    assert sum(p.stat().st_size for p in tracked() if p.suffix not in code) < 40e6
    assert all(p.stat().st_size < 10**6 for p in tracked() if p.suffix == ".ipynb")


def test_import_is_light() -> None:
    heavy = "{'torch', 'transformers', 'peft', 'datasets', 'matplotlib', 'numpy'}"
    code = f"import sys, fttools, fttools.methods, fttools.cli; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
