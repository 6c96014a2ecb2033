"""Shared fixtures: the lab scale, offline, whatever the machine has."""

from __future__ import annotations

import os

os.environ["FT_SCALE"] = "lab"
os.environ["HF_HUB_OFFLINE"] = "1"
