"""Instructions over the world, with answers that are right by construction.

    rows = instructions()            # {"train": [...], "test": [...]}, 6,000 and 600 rows
    rows["test"][0]                  # family, seen, instruction, input, output

Each family draws what is asked about from the world and works the answer out from what it drew,
never from text. `seen` says whether the phrasing occurs in training; half of the test rows use
held-out phrasings. No (family, input) of the test is in the training rows where the family has
enough inputs; the closed families (CLOSED) have few, and there only the phrasing can be new.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Any

from fttools.lab import words, world
from fttools.lab.facts import TOWNS
from fttools.lab.passages import judged
from fttools.lab.phrasings import PHRASINGS
from fttools.lab.scene import Scene, sentence
from fttools.lab.school import NOT, simple_clause
from fttools.lab.world import a, at, pick, place, series

Row = dict[str, Any]
Made = tuple[dict[str, str], str, str]  # slots of the phrasing, input, output
KINDS = ("animal", "fruit", "vegetable", "tool", "vehicle", "instrument", "toy")
SEED, TRAIN, TEST = 7, 6000, 600


def _shuffle(rng: Random, items: list[str]) -> list[str]:
    return rng.sample(items, len(items))


def who_has(rng: Random) -> Made:
    s = Scene(rng)
    cast = world.people(rng, 3)
    objects = world.things(rng, 2, words.COLOURS[:12])
    holder = {t.noun: pick(rng, cast) for t in objects}
    for t in objects:
        s.say("so_has", holder[t.noun].ref, o=t.a)
    for _ in range(s.number(1, 2)):
        t = pick(rng, objects)
        giver = holder[t.noun]
        taker = pick(rng, [p for p in cast if p is not giver])
        s.say(pick(rng, ("give", "lend")), giver.ref, o=t.the, b=taker.name)
        holder[t.noun] = taker
    asked = pick(rng, objects)
    return {"thing": asked.noun}, " ".join(s.sentences), holder[asked.noun].name


def where_is(rng: Random) -> Made:
    s = Scene(rng)
    at_place: dict[str, str] = {}
    if rng.random() < 0.5:
        cast = world.people(rng, 2)
        for p in (*cast, pick(rng, cast)):
            spot = place(rng)
            s.say("go", p.ref, p=f"to the {spot}")
            at_place[p.name] = at(spot)
    else:
        p = world.people(rng, 1)[0]
        for t, spot in zip(world.things(rng, 2), rng.sample(world.SPOTS, 2), strict=True):
            s.say("put", p.ref, o=t.a, p=spot)
            at_place[f"the {t.noun}"] = spot
    who = pick(rng, sorted(at_place))
    return {"who": who}, " ".join(s.sentences), at_place[who]


def colour(rng: Random) -> Made:
    s = Scene(rng)
    objects = world.things(rng, 2)
    objects = [
        world.Thing(t.noun, c)
        for t, c in zip(objects, rng.sample(words.COLOURS[:12], 2), strict=True)
    ]
    for p, t in zip(world.people(rng, 2), objects, strict=True):
        key = pick(rng, ("so_has", "find", "buy", "put"))
        s.say(key, p.ref, o=t.a, p=pick(rng, world.SPOTS) if key != "buy" else "at the market")
    asked = pick(rng, objects)
    return {"thing": asked.noun}, " ".join(s.sentences), asked.adjective


def _two_kinds(rng: Random, n: int, others: int) -> tuple[str, list[str], list[str]]:
    one, two = rng.sample(KINDS, 2)
    members, strangers = rng.sample(words.NOUNS[one], n), rng.sample(words.NOUNS[two], others)
    return one, members, _shuffle(rng, members + strangers)


def count_kind(rng: Random) -> Made:
    n = 1 + int(rng.random() * 3)
    kind, _, listed = _two_kinds(rng, n, 1 + int(rng.random() * 2))
    return {"kinds": words.plural(kind)}, ", ".join(listed), words.number(n)


def pick_kind(rng: Random) -> Made:
    kind, members, listed = _two_kinds(rng, 1 + int(rng.random() * 2), 2)
    return (
        {"kinds": words.plural(kind)},
        ", ".join(listed),
        ", ".join(w for w in listed if w in members),
    )


def odd_one(rng: Random) -> Made:
    _, members, listed = _two_kinds(rng, 3, 1)
    return {}, ", ".join(listed), next(w for w in listed if w not in members)


def _any_words(rng: Random, n: int) -> list[str]:
    return rng.sample(words.COUNT_NOUNS, n)


def sort_words(rng: Random) -> Made:
    listed = _any_words(rng, 3)
    return {}, ", ".join(listed), ", ".join(sorted(listed))


def sort_numbers(rng: Random) -> Made:
    listed = rng.sample(range(100), 3)
    return {}, ", ".join(map(str, listed)), ", ".join(map(str, sorted(listed)))


def largest(rng: Random) -> Made:
    listed, big = rng.sample(range(100), 4), rng.random() < 0.5
    return ({"end": "largest" if big else "smallest"}, ", ".join(map(str, listed)),
            str(max(listed) if big else min(listed)))  # fmt: skip


def compare(rng: Random) -> Made:
    s = Scene(rng, "pres")
    adjective = pick(rng, sorted(words.COMPARATIVES))
    more, most = words.COMPARATIVES[adjective]
    cast = world.people(rng, 3)
    lines = [s.clause("than", hi.ref, j=more, b=lo.name) for hi, lo in itertools.pairwise(cast)]
    return {"most": most}, " ".join(map(sentence, _shuffle(rng, lines))), cast[0].name


def _tense(target: str, rng: Random) -> Made:
    make = simple_clause(Scene(rng))
    base = pick(rng, {"past": ("pres", "fut"), "fut": ("pres", "past")}.get(target, tuple(NOT)))
    return {}, sentence(make(base)), sentence(make(target if target else NOT[base]))


def past(rng: Random) -> Made:
    return _tense("past", rng)


def future(rng: Random) -> Made:
    return _tense("fut", rng)


def negation(rng: Random) -> Made:
    return _tense("", rng)


def sentiment(rng: Random) -> Made:
    s, good = Scene(rng), rng.random() < 0.5
    noun, adjectives = judged(s, good)
    r, p = rng.random(), world.people(rng, 1)[0]
    if r < 0.4:
        line = s.clause("opinion", f"the {noun}", j=pick(rng, adjectives))
    elif r < 0.7:
        line = s.clause("feel", p.ref, j=pick(rng, words.GLAD if good else words.SAD))
    else:
        line = s.clause("like" if good else "dislike", p.ref, M=f"the {noun}")
    return {}, sentence(line), "positive" if good else "negative"


def category(rng: Random) -> Made:
    kind = pick(rng, (*KINDS, "drink", "metal"))
    pool = {"drink": words.MASS["drink"], "metal": words.METALS}.get(kind) or words.NOUNS[kind]
    return {}, pick(rng, pool), kind


def opposite(rng: Random) -> Made:
    one, two = pick(rng, list(words.OPPOSITES.items()))
    return ({}, one, two) if rng.random() < 0.5 else ({}, two, one)


def plural(rng: Random) -> Made:
    irregular = tuple(n for n in words.IRREGULAR_PLURALS if n in words.COUNT_NOUNS)
    noun = pick(rng, irregular if rng.random() < 0.3 else words.COUNT_NOUNS)
    return {}, noun, words.plural(noun)


def sum_(rng: Random) -> Made:
    x, y = int(rng.random() * 11), int(rng.random() * 11)
    show: Callable[[int], str] = str if rng.random() < 0.5 else words.number
    if rng.random() < 0.5:
        return {}, f"{show(x)} plus {show(y)}", show(x + y)
    return {}, f"{show(x + y)} minus {show(y)}", show(x)


def list_and(rng: Random) -> Made:
    listed = _any_words(rng, 3 + int(rng.random() * 2))
    return {}, ", ".join(listed), str(series(listed))


def complete(rng: Random) -> Made:
    r = rng.random()
    if r < 0.3:
        name, (food, _) = pick(rng, list(world.ANIMALS.items()))
        return {}, f"{words.plural(name).capitalize()} eat", food
    if r < 0.5:
        thing, (material,) = pick(rng, list(world.MADE_OF.items()))
        thing = thing if thing in words.MASS_NOUNS else a(thing)
        return {}, f"{thing[0].upper()}{thing[1:]} is made of", material
    if r < 0.7:
        i = int(rng.random() * 7)
        return {}, f"{words.DAYS[i]} comes before", words.DAYS[(i + 1) % 7]
    if r < 0.85:
        name = pick(rng, list(world.JOBS))
        verb = "sell" if name in ("grocer", "florist", "butcher") else "make"
        return {}, f"{words.plural(name).capitalize()} {verb}", world.JOBS[name][0]
    town = pick(rng, words.TOWNS)
    return {}, f"{town} is known for its", TOWNS[town]["product"]


def position(rng: Random) -> Made:
    listed = _any_words(rng, 4)
    nth, i = pick(rng, (("first", 0), ("second", 1), ("last", 3)))
    return {"nth": nth}, ", ".join(listed), listed[i]


def backwards(rng: Random) -> Made:
    listed = _any_words(rng, 3)
    return {}, ", ".join(listed), ", ".join(reversed(listed))


FAMILIES: dict[str, Callable[[Random], Made]] = {
    "who_has": who_has, "where_is": where_is, "colour": colour, "count_kind": count_kind,
    "pick_kind": pick_kind, "odd_one": odd_one, "sort_words": sort_words,
    "sort_numbers": sort_numbers, "largest": largest, "compare": compare, "past": past,
    "future": future, "negation": negation, "sentiment": sentiment, "category": category,
    "opposite": opposite, "plural": plural, "sum": sum_, "list_and": list_and,
    "complete": complete, "position": position, "backwards": backwards,
}  # fmt: skip
CLOSED = frozenset({"category", "opposite", "plural", "sum", "complete"})


def make_row(family: str, rng: Random, seen: bool) -> Row:
    """One row of `family`, asked for in a phrasing of training or a held-out one."""
    slots, text, answer = FAMILIES[family](rng)
    asked = pick(rng, PHRASINGS[family][0 if seen else 1]).format(**slots)
    return {"family": family, "seen": seen, "instruction": asked[0].upper() + asked[1:],
            "input": text, "output": answer}  # fmt: skip


@lru_cache(maxsize=4)
def _rows(seed: int, train: int, test: int) -> dict[str, tuple[Row, ...]]:
    families = list(FAMILIES)
    rng = Random(f"instructions/{seed}")
    taken: set[tuple[str, str]] = set()
    made: dict[str, list[Row]] = {"test": [], "train": []}
    asked: set[tuple[str, str]] = set()  # no row twice, in either split
    for split, size in (("test", test), ("train", train)):
        for i in range(size):
            family = families[i % len(families)]
            for _ in range(50):  # closed families run out of new ones
                row = make_row(family, rng, split == "train" or (i // len(families)) % 2 == 0)
                if split == "train" and (family, row["input"]) in taken and family not in CLOSED:
                    continue
                if (row["instruction"], row["input"]) not in asked:
                    break
            asked.add((row["instruction"], row["input"]))
            if split == "test":
                taken.add((family, row["input"]))
            made[split].append(row)
        rng.shuffle(made[split])
    return {split: tuple(rows) for split, rows in made.items()}


def instructions(seed: int = SEED, train: int = TRAIN, test: int = TEST) -> dict[str, list[Row]]:
    """Training and test rows, always the same for the same arguments; about a second."""
    return {split: [dict(r) for r in rows] for split, rows in _rows(seed, train, test).items()}
