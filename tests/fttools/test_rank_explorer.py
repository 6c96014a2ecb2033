"""The rank explorer: exact costs, an error that is the optimum, a picture that follows."""

from __future__ import annotations

import numpy as np
import pytest

from fttools import plots
from fttools.errors import BadData, BadRank
from fttools.widgets.rank_explorer import cost, curves, rank_explorer, rank_explorer_static


def deltas() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    low = rng.normal(size=(24, 3)) @ rng.normal(size=(3, 16))
    return {"low": low, "noise": rng.normal(size=(24, 16))}


def test_cost_is_exact() -> None:
    d = deltas()
    found = cost(d, curves(d), 2)
    assert found.parameters == 2 * 2 * (24 + 16) and found.full_parameters == 2 * 24 * 16
    assert found.bytes == 16 * found.parameters


def test_error_is_that_of_the_truncated_svd() -> None:
    d = {"noise": deltas()["noise"]}
    u, s, vt = np.linalg.svd(d["noise"], full_matrices=False)
    missed = np.linalg.norm(d["noise"] - u[:, :5] * s[:5] @ vt[:5]) / np.linalg.norm(d["noise"])
    assert cost(d, curves(d), 5).error == pytest.approx(missed)


def test_rank_three_holds_a_matrix_of_rank_three() -> None:
    d = {"low": deltas()["low"]}
    assert cost(d, curves(d), 3).error < 1e-6 < cost(d, curves(d), 2).error


@pytest.mark.parametrize("rank", [0, 17, -1])
def test_bad_rank(rank: int) -> None:
    with pytest.raises(BadRank, match="from 1 to 16"):
        rank_explorer_static(deltas(), rank=rank)


def test_bad_deltas() -> None:
    with pytest.raises(BadData):
        rank_explorer_static({})
    with pytest.raises(BadData, match="dimensions"):
        rank_explorer_static({"bias": np.zeros(3)})
    with pytest.raises(BadData, match="zero"):
        plots.energies(np.zeros((3, 3)))


def test_widget_redraws() -> None:
    box = rank_explorer(deltas(), rank=4)
    controls, picture = box.children
    slider, menu = controls.children
    seen = {bytes(picture.value)}
    slider.value = 8
    seen.add(bytes(picture.value))
    menu.value = "noise"
    seen.add(bytes(picture.value))
    assert len(seen) == 3 and all(bytes(v).startswith(b"\x89PNG") for v in seen)
