# Everything runs in .venv/, made on first use. On Linux without a GPU, set
# PIP_EXTRA_INDEX_URL to PyTorch's CPU wheel index first to save gigabytes.
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export HF_HUB_DISABLE_TELEMETRY := 1

.PHONY: setup test lint lab lessons exercises demo bench

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	test -x $(PY) || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet torch==2.13.0
	$(PY) -m pip install --quiet -r requirements.lock
	$(PY) -m pip install --quiet --no-deps -e .
	touch $@

lint: setup
	ruff check .
	ruff format --check .
	mypy

test: lint
	$(PY) -m pytest -q

lab: setup
	$(PY) -m jupyter lab --notebook-dir=.

lessons: setup
	$(PY) course/build.py

exercises: setup
	$(PY) -m autograder.cli release --out exercises

demo: setup
	@echo "lesson 04, run without a browser (about two minutes)"
	$(PY) course/build.py --dry 04_lora
	$(PY) -m autograder.cli demo --course demo

bench: setup
	$(PY) -m benchmarks
