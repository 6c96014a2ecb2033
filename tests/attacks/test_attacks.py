"""A class of attackers with honest students among them, graded in one run.

Nobody gets a point that is not earned, nothing of the host is seen or changed, every submission
ends with an outcome of a known type, and the honest ones are graded as if alone.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import nbformat
import pytest

from tests.attacks import plain
from tests.attacks.catalogue import ATTACKS, HONEST, honest_score, unearned, write_class
from tests.attacks.kinds import Attack
from tests.attacks.world import World

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
KNOWN = {attack.name: attack for attack in ATTACKS}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    from autograder import returns

    made = World.make(tmp_path_factory.mktemp("attacks"))
    write_class(made.course, made.canaries)
    kept = made.before()
    made.grade()
    time.sleep(1.5)  # a daemon that survived would have written by now
    made.kept = kept  # type: ignore[attr-defined]
    returns.feedback(made.course, "lora")
    return made


def test_the_catalogue_is_large_and_wide() -> None:
    assert len(ATTACKS) >= 60 and len({a.kind for a in ATTACKS}) >= 25
    assert len(KNOWN) == len(ATTACKS) and not set(KNOWN) & set(HONEST)


@pytest.mark.timeout(1200)
def test_nothing_unearned(world: World) -> None:
    assert unearned(world.results) == {}


@pytest.mark.timeout(1200)
def test_every_submission_has_an_outcome(world: World) -> None:
    outcomes = {r["student"]: r["outcome"] for r in world.results}
    assert set(outcomes) == {*KNOWN, *HONEST}
    wrong = {s: o for s, o in outcomes.items() if s in KNOWN and o not in KNOWN[s].outcomes}
    assert wrong == {}


def test_honest_work_counts(world: World) -> None:
    scores = {r["student"]: r["score"] for r in world.results}
    assert {s: scores[s] for s in HONEST} == {s: honest_score(s) for s in HONEST}
    exact = [a for a in ATTACKS if a.exact]
    assert {a.name: scores[a.name] for a in exact} == {a.name: a.honest for a in exact}


def test_gradebook_says_what_the_results_say(world: World) -> None:
    recorded = world.recorded()
    assert {r["student"]: recorded.get(r["student"], 0.0) for r in world.results} == {
        r["student"]: r["score"] for r in world.results
    }


def test_nothing_of_the_host_changed(world: World) -> None:
    assert world.before() == world.kept  # type: ignore[attr-defined]
    assert world.litter() == []


def test_no_process_survives(world: World) -> None:
    assert world.processes() == []


def test_nothing_was_said_over_the_network(world: World) -> None:
    assert world.listener.heard == []


def test_nothing_leaked(world: World) -> None:
    assert world.leaks() == []


def test_nothing_runs_in_feedback(world: World) -> None:
    assert world.active() == []


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
def test_builds(attack: Attack, world: World) -> None:
    """An attack that does not attack would pass everything above."""
    submission = attack.build(world.canaries)
    assert submission.links or submission.blob()
    assert attack.tries and attack.honest <= 40


@pytest.mark.parametrize("attack", [a for a in ATTACKS if a.plain], ids=lambda a: a.name)
def test_plain_nbgrader_can_be_given_it(attack: Attack, tmp_path: Path) -> None:
    """`make bench` counts what these earn in plain nbgrader."""
    assert attack.plain is not None
    released = plain.source()
    plain.submit(tmp_path, "eve", released, attack.plain)
    (path,) = tmp_path.rglob("*.ipynb")
    assert nbformat.read(path, as_version=4).cells != released.cells
