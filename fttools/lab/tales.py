# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""More stories: families, journeys, timetables, accidents, gardens, recipes, kings and birds."""

from __future__ import annotations

from collections.abc import Callable

from fttools.lab import words, world
from fttools.lab.frames import Ref
from fttools.lab.passages import activity, feel, likable
from fttools.lab.scene import Scene
from fttools.lab.world import a, at, count, pick, place, series


def family(s: Scene) -> None:
    """Who is whose brother or aunt, and what each does."""
    p = s.cast(1)[0]
    for relative in s.sample(words.NOUNS["relative"], s.number(2, 4)):
        other = s.cast(1)[0]
        whose = Ref(f"{p.name}'s {relative}")
        s.say("called", whose, m=other.name) if s.chance(0.6) else s.say(
            "is_a", whose, o=other.name
        )
        r = s.rng.random()
        if r < 0.3:
            s.say("work_as", whose, o=a(pick(s.rng, words.NOUNS["job"])))
        elif r < 0.5:
            s.say("live", whose, p=f"in {pick(s.rng, words.TOWNS)}")
        elif r < 0.7:
            s.say("age", other.ref, n=words.number(s.number(3, 90)))
        elif r < 0.9:
            s.say("like", other.ref, M=likable(s))
        else:
            s.say("is_very", whose, j=pick(s.rng, words.GOOD_PERSON + words.BAD_PERSON))
        if s.chance(0.4):
            s.say("name_is", o=f"{p.name}'s {relative}", m=other.name)
    feel(s, p, s.chance(0.7))


def accident(s: Scene) -> None:
    p, helper = s.cast(2)
    part = pick(s.rng, words.NOUNS["body"])
    s.timed("fall", p, p=pick(s.rng, ("on the stair", "from the tree", "in the street", "on the ice",
                                      "from the wall", "on the path", "near the fence")))  # fmt: skip
    s.then("hurt", p, o=f"{p.possessive} {part}")
    s.say("noise", p)
    s.then("help", helper, b=p.name)
    s.then("carry", helper, o=p.name, p="to the hospital")
    doctor = pick(s.rng, ("doctor", "nurse"))
    s.say("watch", f"the {doctor}", o=f"the {part}")
    s.quote(
        p,
        s.clause("feel", Ref("I", "1"), "pres", j=pick(s.rng, ("hurt", "tired", "lucky", "calm"))),
    )
    s.then("return", p, p="home")
    s.say("hurt", p.ref, o=f"{p.possessive} {part}")


def journey(s: Scene) -> None:
    """A trip by stages, told again in order and from the end."""
    p = s.cast(1)[0]
    stops = s.sample(words.TOWNS, s.number(2, 4))
    vehicles = s.sample(words.NOUNS["vehicle"], len(stops))
    s.say("live", p, p=f"in {stops[0]}")
    for town, vehicle in zip(stops[1:], vehicles, strict=False):
        s.then("ride", p, p=f"to {town}", N=vehicle)
        if s.chance(0.4):
            activity(s, p)
    if len(stops) > 2:
        s.say("visit_all", p.ref, l=series(stops[1:]))
    s.say("is_at", p.ref, p=f"in {stops[-1]}")
    if s.chance(0.5):
        s.then("return", p.ref, p=f"to {stops[0]}")
        s.say("is_at", p.ref, p=f"in {stops[0]}")


def timetable(s: Scene) -> None:
    """What happens at what hour; then what came before what."""
    p = s.cast(1)[0]
    hours = sorted(s.rng.sample(range(1, 13), s.number(3, 4)))
    spots = s.sample(list(world.PLACES), len(hours))
    shown = list(zip(hours, spots, strict=True))
    for hour, spot in shown if s.chance(0.6) else s.rng.sample(shown, len(shown)):
        clause = s.clause("go", p, p=f"to the {spot}")
        time = f"at {words.number(hour)} o'clock"
        s.add(f"{time}, {clause}" if s.chance(0.6) else f"{clause} {time}")
    i = s.number(1, len(hours) - 1)
    s.join(
        s.clause("is_at", p.ref, p=at(spots[i - 1])),
        "before",
        s.clause("go", p.subject, p=f"to the {spots[i]}"),
    )
    s.say("go_first", p.ref, p=f"to the {spots[0]}")
    s.say("go_last", p.ref, p=f"to the {spots[-1]}")


def garden(s: Scene) -> None:
    """Things are planted, the seasons pass, and there is a harvest to count."""
    p, friend = s.cast(2)
    crop = pick(s.rng, words.NOUNS["vegetable"] + words.NOUNS["fruit"])
    n = s.number(2, 12)
    s.add(f"in spring, {s.clause('plant', p, o=f'some {words.plural(crop)}', p='in the garden')}")
    weather = s.clause("rain_hard")
    s.join(
        weather, "and", s.clause("grow", Ref(f"the {words.plural(crop)}", "p"), p="in the garden")
    )
    s.add(f"in autumn, {s.clause('collect', p, o=count(n, crop), p='in the garden')}")
    k = s.number(1, n - 1)
    s.then("give", p, o=count(k, crop), b=friend.name)
    s.say("has_now", p.ref, o=count(n - k, crop))
    s.say("has_now", friend.ref, o=count(k, crop))
    s.say("look", Ref(f"the {words.plural(crop)}", "p"), j=pick(s.rng, words.GOOD_FOOD))
    s.say("feel", friend, j=pick(s.rng, words.GLAD))


def recipe(s: Scene) -> None:
    """What goes into a dish, in order, and how it tasted."""
    p, guest = s.cast(2)
    dish = pick(s.rng, words.NOUNS["dish"] + ("soup", "jam", "bread", "porridge"))
    parts = s.sample(words.MASS["food"] + words.MASS["drink"][:2], s.number(2, 4))
    s.say("want_make", p, o=f"some {dish}" if dish in words.MASS_NOUNS else a(dish))
    for opener, part in zip(("first", "then", "after that", "finally"), parts, strict=False):
        s.add(f"{opener} {s.clause('put_in', p, o=f'some {part}', p='in the bowl')}")
    s.say("contains", f"the {dish}", l=series(parts))
    glad = s.chance(0.6)
    s.say("eat", guest, o=f"the {dish}")
    s.say("look", f"the {dish}", j=pick(s.rng, words.GOOD_FOOD if glad else words.BAD_FOOD))
    feel(s, guest, glad)


def party(s: Scene) -> None:
    """Guests come with presents; who brought what is told again."""
    host, *guests = s.cast(s.number(3, 4))
    gifts = world.things(s.rng, len(guests))
    s.say(
        "invite",
        host,
        b=series([g.name for g in guests]),
        q=f"the {pick(s.rng, words.NOUNS['event'])}",
    )
    for guest, gift in zip(guests, gifts, strict=True):
        s.then("give", guest, o=gift.a, b=host.name)
    for i in s.rng.sample(range(len(guests)), len(guests)):
        r = s.rng.random()
        if r < 0.4:
            s.say("receive", host, o=gifts[i].the, b=guests[i].name)
        elif r < 0.7:
            s.say("from_whom", o=gifts[i].the, b=guests[i].name)
        else:
            s.say("is", gifts[i].the, j=gifts[i].adjective)
    s.say("has_now", host, o=series([g.the for g in gifts]))
    s.say("thank", host, b="the guests")


def kingdom(s: Scene) -> None:
    """A small tale with a king or a queen, a lost thing and a finder."""
    ruler = pick(s.rng, ("king", "queen"))
    finder = s.cast(1)[0]
    thing = pick(s.rng, ("crown", "ring", "coin", "key", "mirror", "horse", "flag", "map", "bell"))
    metal = pick(s.rng, words.METALS)
    s.add(f"long ago, {s.clause('live', f'a {ruler}', p='in a castle')}")
    s.say("have", f"the {ruler}", o=a(f"{pick(s.rng, words.COLOURS)} {thing}"))
    s.say("is_of", f"the {thing}", M=metal)
    s.add(f"one day, {s.clause('lose', f'the {ruler}', o=f'the {thing}')}")
    s.say("feel", f"the {ruler}", j=pick(s.rng, words.SAD))
    spot = pick(s.rng, world.SPOTS)
    s.then("find", finder, o=f"the {thing}", p=spot)
    s.say("give", finder, o=f"the {thing}", b=f"the {ruler}")
    s.say("feel", f"the {ruler}", j=pick(s.rng, words.GLAD))
    s.say("receive", finder.ref, o=count(s.number(2, 90), "coin"), b=f"the {ruler}")
    s.say("know", Ref("everyone"), s=s.clause("find", finder.ref, "past", o=f"the {thing}", p=spot))


def birds(s: Scene) -> None:
    """Things in sight, one by one, with number and colour; then the sum."""
    p = s.cast(1)[0]
    seen = s.sample(words.NOUNS["animal"], 2)
    n, k = s.number(1, 9), s.number(1, 9)
    spot = at(place(s.rng))
    s.timed("watch", p, o=count(n, seen[0]))
    s.then("watch", p, o=count(k, seen[1]))
    for m, noun in s.rng.sample([(n, seen[0]), (k, seen[1])], 2):
        s.say("there_is", A=Ref("", "3" if m == 1 else "p"), o=count(m, noun), p=spot)
    s.say("count_is", A=Ref("", "p"), o=f"{words.number(n + k)} animals")
    if n != k:
        more, less = (0, 1) if n > k else (1, 0)
        s.say("more_of", A=Ref("", "p"), M=words.plural(seen[more]), o=words.plural(seen[less]))


def branches(s: Scene) -> None:
    """A bird, a tree, a house: small things of the world around."""
    p = s.cast(1)[0]
    part, whole = pick(s.rng, (("branch", "tree"), ("leaf", "tree"), ("wing", "bird"), ("tail", "dog"),
                               ("page", "book"), ("wheel", "cart"), ("roof", "house"), ("door", "house"),
                               ("window", "room"), ("chimney", "cottage"), ("beak", "bird"),
                               ("nest", "tree"), ("wall", "village"), ("gate", "fence")))  # fmt: skip
    colour = pick(s.rng, words.COLOURS)
    s.timed("watch", p, o=a(whole))
    s.say("have", f"the {whole}", o=a(f"{colour} {part}"))
    s.say("is", f"the {part}", j=pick(s.rng, words.QUALITY))
    s.say("draw", p, o=f"the {whole}")
    s.say("colour_is", f"the {part}", c=colour)
    s.say("colour_of", o=f"the {part}", c=colour)


TALES: dict[Callable[[Scene], None], float] = {
    family: 4, accident: 2, journey: 3, timetable: 3, garden: 2, recipe: 3, party: 3, kingdom: 2,
    birds: 3, branches: 2,
}  # fmt: skip
