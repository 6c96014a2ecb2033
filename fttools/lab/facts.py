# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""Encyclopaedia pages: what is always so in the world.

`TOWNS[name]` (river, product, mayor, size) was drawn once from a fixed seed and is the same in
every text, as are the tables in world.py.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fttools.lab import words, world
from fttools.lab.frames import Ref
from fttools.lab.scene import Scene
from fttools.lab.world import a, pick, series


def _towns() -> dict[str, dict[str, str]]:
    rng = Random("towns")
    return {
        town: {
            "river": pick(rng, words.RIVERS),
            "product": pick(rng, world.PRODUCTS),
            "mayor": f"{pick(rng, words.NAMES)} {pick(rng, words.SURNAMES)}",
            "size": pick(rng, ("small", "large", "quiet", "old", "busy", "new")),
        }
        for town in words.TOWNS
    }


TOWNS = _towns()
MANY = {noun: Ref(words.plural(noun), "p") for noun in words.COUNT_NOUNS}


def in_general(s: Scene, noun: str) -> Ref:
    """ "a cow" or "cows"."""
    return Ref(a(noun)) if s.chance(0.5) else MANY[noun]


def animal(s: Scene) -> None:
    name = pick(s.rng, list(world.ANIMALS))
    food, home = world.ANIMALS[name]
    pages: list[Callable[[], object]] = [
        lambda: s.say("is_a", Ref(a(name)), o="an animal"),
        lambda: s.say("eats", in_general(s, name), M=food),
        lambda: s.say("lives_in", in_general(s, name), p=home),
    ]
    if name in world.GIVES:
        pages.append(lambda: s.say("gives", in_general(s, name), M=world.GIVES[name][0]))
    if name in world.LOOKS:
        pages.append(lambda: s.say("colour_is", in_general(s, name), c=world.LOOKS[name][0]))
    for page in s.rng.sample(pages, len(pages)):
        page()
    if s.chance(0.5):
        other = pick(s.rng, list(world.ANIMALS))
        s.join(s.clause("eats", MANY[name], M=food), "but",
               s.clause("eats", MANY[other], M=world.ANIMALS[other][0]))  # fmt: skip


def job(s: Scene) -> None:
    if s.chance(0.6):
        name, (goods, tool, where) = pick(s.rng, list(world.JOBS.items()))
        makes = "sells" if name in ("grocer", "florist", "butcher") else "makes"
        s.say("work_at", in_general(s, name), p=where)
        s.say(makes, in_general(s, name), M=goods)
        s.say("works_with", Ref(a(name)), o=a(tool))
    else:
        name, (where,) = pick(s.rng, list(world.WORKPLACE.items()))
        s.say("work_at", Ref(a(name)), p=where)
        s.say("work_at", MANY.get(name, Ref(words.plural(name), "p")), p=where)
    s.say("is_a", Ref(a(name)), o="a person with a job")


def stuff(s: Scene) -> None:
    for thing, (material,) in s.rng.sample(list(world.MADE_OF.items()), 3):
        subject = Ref(thing) if thing in words.MASS_NOUNS else in_general(s, thing)
        s.say("is_of", subject, M=material)
    for thing, row in s.rng.sample(list(world.USES.items()), 2):
        s.say("used_to", Ref(a(thing)), M=row[0])


def kinds(s: Scene) -> None:
    """What is a fruit, what a tool; lists of a kind; what is not of it."""
    kind, other = s.sample(["animal", "fruit", "vegetable", "tool", "vehicle", "instrument", "toy",
                            "plant", "job"], 2)  # fmt: skip
    members = s.sample(words.NOUNS[kind], s.number(2, 4))
    stranger = pick(s.rng, words.NOUNS[other])
    label, wrong = a(kind), a(other)
    for member in members:
        r = s.rng.random()
        if r < 0.6:
            s.say("is_a", Ref(a(member)), o=label)
        elif r < 0.8:
            s.say("is_kind", Ref(a(member)), N=kind)
    many = Ref(series([words.plural(m) for m in members]), "p")
    s.say("is_a", many, o=words.plural(kind))
    s.join(s.clause("is_a", Ref(a(stranger)), "presneg", o=label), "because",
           s.clause("is_a", Ref("it"), o=wrong))  # fmt: skip


def materials(s: Scene) -> None:
    for word, kind in s.rng.sample(
        [(m, "metal") for m in words.METALS] + [(d, "drink") for d in words.MASS["drink"]]
        + [(c, "colour") for c in words.COLOURS[:11]] + [(f, "food") for f in words.MASS["food"]], 4,
    ):  # fmt: skip
        s.say("is_a", Ref(word), o=a(kind) if kind not in ("food",) else "a food")


def senses(s: Scene) -> None:
    for thing, (taste, colour) in s.rng.sample(list(world.TASTE.items()), 2):
        subject = Ref(thing) if thing in words.MASS_NOUNS else MANY[thing]
        s.say("is", subject, j=taste)
        s.say("colour_is", subject, c=colour)
    for thing, (colour,) in s.rng.sample(list(world.LOOKS.items()), 2):
        s.say("colour_is", Ref(thing) if thing in words.MASS_NOUNS else MANY[thing], c=colour)


def calendar(s: Scene) -> None:
    for row, n in ((words.DAYS, 2), (words.MONTHS, 2)):
        for _ in range(n):
            i = s.number(0, len(row) - 1)
            before, after = row[i], row[(i + 1) % len(row)]
            if s.chance(0.5):
                s.say("comes_after", Ref(after), m=before)
            else:
                s.say("comes_before", Ref(before), m=after)
    month = pick(s.rng, words.MONTHS)
    s.say("is_a", Ref(month), o=f"a month in {world.SEASON_OF[month]}")
    s.say("is_a", Ref(pick(s.rng, words.DAYS)), o="a day of the week")


def opposites(s: Scene) -> None:
    for one, two in s.rng.sample(list(words.OPPOSITES.items()), 3):
        if s.chance(0.5):
            one, two = two, one
        s.say("opposite", w=one, w2=two)
        if s.chance(0.5):
            noun = pick(s.rng, ("box", "road", "river", "room", "shop", "coat", "stone"))
            s.join(
                s.clause("is", f"the {noun}", "presneg", j=one), "so", s.clause("is", "it", j=two)
            )


def town(s: Scene) -> None:
    name = pick(s.rng, words.TOWNS)
    facts = TOWNS[name]
    s.say(
        "is_a", Ref(name), o=f"a {facts['size']} town" if facts["size"] != "old" else "an old town"
    )
    rest: list[Callable[[], object]] = [
        lambda: s.say("river", Ref(f"the {facts['river']}"), o=name),
        lambda: s.say("known_for", Ref(name), M=facts["product"]),
        lambda: s.say("is_a", Ref(f"the mayor of {name}"), o=facts["mayor"]),
    ]
    for page in s.rng.sample(rest, s.number(2, 3)):
        page()
    p = s.cast(1)[0]
    s.say("live", p, p=f"in {name}")
    s.say("like", p, M=f"the {pick(s.rng, list(world.PLACES))} in {name}")


def sums(s: Scene) -> None:
    """Small sums, in words and in digits."""
    digits = s.chance(0.5)
    show: Callable[[int], str] = str if digits else words.number
    for _ in range(s.number(3, 6)):
        x, y = s.number(0, 12), s.number(0, 12)
        n = {"n": show(x), "n2": show(y), "n3": show(x + y)}
        back = {"n": show(x + y), "n2": show(y), "n3": show(x)}
        r = s.rng.random()
        if r < 0.25:
            s.say("plus", Ref("", "p"), **n)
        elif r < 0.5:
            s.say("plus_is", **n)
        elif r < 0.6:
            s.say("minus", **back)
        elif r < 0.8:
            s.say("minus_is", **back)
        elif r < 0.9:
            s.say("double", n=show(x), n2=show(2 * x))
        elif x != y:
            s.say("more_than_n", n=show(max(x, y)), n2=show(min(x, y)))
            s.say("less_than_n", n=show(min(x, y)), n2=show(max(x, y)))


FACTS: dict[Callable[[Scene], None], float] = {
    animal: 3, job: 2, stuff: 2, kinds: 3, materials: 1, senses: 1, calendar: 2, opposites: 2,
    town: 2, sums: 3,
}  # fmt: skip
