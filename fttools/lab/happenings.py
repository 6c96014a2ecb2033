"""Stories in which something happens that can be asked about: things change hands, people move,
buy, count, compare and race."""

from __future__ import annotations

import itertools

from fttools.lab import words, world
from fttools.lab.frames import Ref
from fttools.lab.passages import feel
from fttools.lab.scene import Scene
from fttools.lab.world import a, at, count, pick, place, series


def hand_over(s: Scene) -> None:
    """One or two things go from hand to hand; who has what is told at the end."""
    cast = s.cast(s.number(2, 4))
    objects = world.things(s.rng, s.number(1, 3), words.COLOURS[:12])
    holder = {t.noun: pick(s.rng, cast) for t in objects}
    for t in objects:
        s.say("have", holder[t.noun], o=t.a)
    for _ in range(s.number(2, 5)):
        t = pick(s.rng, objects)
        giver = holder[t.noun]
        other = pick(s.rng, [p for p in cast if p is not giver])
        r = s.rng.random()
        if r < 0.5:
            s.then("give", giver, o=t.the, b=other.name)
        elif r < 0.65:
            s.then("lend", giver, o=t.the, b=other.name)
        elif r < 0.8:
            s.then("receive", other, o=t.the, b=giver.name)
        else:
            s.then("take_from", other, o=t.the, q=giver.name)
        holder[t.noun] = other
        if s.chance(0.3):
            feel(s, other, s.chance(0.6))
        if s.chance(0.3):
            s.say("has_now", holder[t.noun], o=t.the)
    for t in s.rng.sample(objects, len(objects)):
        r = s.rng.random()
        if s.chance(0.35):
            s.say("wonder_who", pick(s.rng, cast).ref, o=t.the)
            s.say("it_was", o=holder[t.noun].name)
            continue
        if s.chance(0.15):
            s.say("wonder_colour", pick(s.rng, cast).ref, o=t.the)
            s.say("it_was_colour", c=t.adjective)
        if r < 0.35:
            s.say("has_now", holder[t.noun], o=t.the if s.chance(0.5) else f"the {t.full}")
        elif r < 0.65:
            s.say("belongs", o=t.the, b=holder[t.noun].name)
        elif r < 0.8:
            s.say("colour_of", o=t.the, c=t.adjective)
        else:
            s.say("colour_is", f"{holder[t.noun].name}'s {t.noun}", c=t.adjective)


def where(s: Scene) -> None:
    """Things are put in places and moved; people look for them and find them there."""
    cast = s.cast(s.number(1, 3))
    objects = world.things(s.rng, s.number(2, 3))
    spots = s.sample(world.SPOTS, 5)
    place_of: dict[str, str] = {}
    for t, spot in zip(objects, spots, strict=False):
        s.say("put", pick(s.rng, cast), o=t.a, p=spot)
        place_of[t.noun] = spot
    for spot in spots[3 : 3 + s.number(0, 2)]:
        t = pick(s.rng, objects)
        s.then("put", pick(s.rng, cast), o=t.the, p=spot)
        place_of[t.noun] = spot
    seeker = pick(s.rng, cast)
    for t in s.rng.sample(objects, len(objects)):
        r = s.rng.random()
        if r < 0.2:
            s.say("wonder_where", seeker.ref, o=t.the)
            s.say("it_was_at", p=place_of[t.noun])
        elif r < 0.4:
            s.say("is_at", t.the, p=place_of[t.noun])
        elif r < 0.6:
            s.join(s.clause("look_for", seeker, o=t.the, p=at(place(s.rng))), "and",
                   s.clause("find", seeker.subject, o="it", p=place_of[t.noun]))  # fmt: skip
        elif r < 0.8:
            s.say("know", seeker, s=s.clause("is_at", t.the, p=place_of[t.noun]))
        else:
            s.say("is_still", t.the, p=place_of[t.noun])


def whereabouts(s: Scene) -> None:
    """People move from place to place; then it is told where each of them is."""
    cast = s.cast(s.number(2, 4))
    at_place: dict[str, str] = {}
    for _ in range(s.number(3, 7)):
        p, spot = pick(s.rng, cast), place(s.rng)
        s.then("go", p, p=f"to the {spot}")
        at_place[p.name] = at(spot)
    for p in s.rng.sample(cast, len(cast)):
        if p.name in at_place:
            if s.chance(0.4):
                s.say("wonder_where", pick(s.rng, cast).ref, o=p.name)
            s.say("is_at", p.ref, p=at_place[p.name])


def counting(s: Scene) -> None:
    """Somebody has some, gets or loses some, and it is said how many there are now."""
    p, other = s.cast(2)
    noun = pick(s.rng, world.COUNTED)
    n = s.number(2, 10)
    digits = s.chance(0.15)

    def say_count(k: int) -> Ref:
        return (
            Ref(f"{k} {words.plural(noun) if k != 1 else noun}", "p") if digits else count(k, noun)
        )

    s.say("have", p, o=say_count(n))
    for _ in range(s.number(1, 3)):
        k = s.number(1, max(1, min(n - 1, 5)))
        if n > 2 and s.chance(0.5):
            r = s.rng.random()
            if r < 0.4:
                s.then("give", p, o=say_count(k), b=other.name)
            elif r < 0.7:
                s.then("lose", p, o=say_count(k))
            else:
                s.then("sell", p, o=say_count(k), b=other.name)
            n -= k
        else:
            r = s.rng.random()
            if r < 0.4:
                s.then("buy", p, o=f"{words.number(k) if not digits else k} more", p="there")
            elif r < 0.7:
                s.then("give", other, o=say_count(k), b=p.name)
            else:
                s.then("find", p, o=say_count(k), p=pick(s.rng, world.SPOTS))
            n += k
        if s.chance(0.7):
            s.say("has_now", p, o=say_count(n))
    if s.chance(0.3):
        s.say("wonder_many", other.ref, M=words.plural(noun))
    s.say("has_left" if s.chance(0.3) else "have", p, "past", o=say_count(n),
          n=str(n) if digits else words.number(n))  # fmt: skip


def inventory(s: Scene) -> None:
    """Lists: bought, packed, unpacked again, counted."""
    p, other = s.cast(2)
    n = s.number(2, 5)
    pool = pick(s.rng, (world.COUNTED, world.PORTABLE, words.NOUNS["animal"][:20]))
    nouns = s.sample(pool, n)
    items = [a(x) for x in nouns]
    spot = place(s.rng)
    s.timed("buy" if pool is not world.PORTABLE else "find", p, o=series(items), p=at(spot))
    r = s.rng.random()
    if r < 0.4:
        order = s.sample(nouns, n)
        s.say("give", p, o=series([f"the {x}" for x in order[:-1]]), b=other.name)
        s.say("own", p, o=f"the {order[-1]}")
        s.say("have", other.ref, o=series([f"the {x}" for x in order[:-1]]))
    elif r < 0.7:
        s.say("tell", p, b=other.name, s=s.clause("have", p.subject, o=series(items)))
        s.say("know", other, s=s.clause("have", p.ref, o=series(items)))
    s.say("count", p, o="them" if s.chance(0.5) else "the things")
    s.say("count_is", o=f"{words.number(n)} things", A=Ref("", "p"))


def shopping(s: Scene) -> None:
    """Prices and sums at a shop."""
    p, seller = s.cast(2)
    one, two = s.sample(world.COUNTED, 2)
    x, y = s.number(1, 10), s.number(1, 10)
    s.timed("go", p, p=f"to the {pick(s.rng, ('market', 'shop', 'bakery'))}")
    s.say("cost", f"the {one}", n=words.number(x))
    s.say("cost", f"the {two}", n=words.number(y))
    if s.chance(0.5):
        dear, cheap = (one, two) if x > y else (two, one)
        if x != y:
            s.say("than", f"the {cheap}", j="cheaper", b=f"the {dear}")
    s.say("want_buy", p, o=f"the {one} and the {two}")
    s.say(
        "plus",
        tense="pres",
        A=Ref("", "p"),
        n=words.number(x),
        n2=words.number(y),
        n3=words.number(x + y),
    )
    s.say("pay", p, n=words.number(x + y), o="both")
    s.say("thank", seller, b=p.name)


def compare(s: Scene) -> None:
    """Who is taller, older, faster; the order is told in several ways."""
    adjective = pick(s.rng, list(words.COMPARATIVES))
    more, most = words.COMPARATIVES[adjective]
    cast = s.cast(s.number(2, 4))
    ages = sorted((s.number(6, 80) for _ in cast), reverse=True)
    by_age = adjective in ("old", "young") and len(set(ages)) == len(ages)
    if adjective == "young":
        ages.reverse()
    pairs = list(itertools.pairwise(cast))
    if by_age and s.chance(0.8):
        for i in s.rng.sample(range(len(cast)), len(cast)):
            s.say("age", cast[i], "pres", n=words.number(ages[i]))
    else:
        for hi, lo in s.rng.sample(pairs, len(pairs)):
            if s.chance(0.75):
                s.say("than", hi, "pres", j=more, b=lo.name)
            else:
                s.say("than_not", lo, "pres", j=adjective, b=hi.name)
    if len(cast) > 2 and s.chance(0.5):
        s.say("than", cast[0].ref, "pres", j=more, b=cast[-1].name)
    if len(cast) == 2:
        s.say("than", cast[0].ref, "pres", j=more, b=cast[1].name)
        return
    if s.chance(0.3):
        s.say("wonder_most", s.cast(1)[0].ref, "past", j=most)
        s.say("it_was", tense="past", o=cast[0].name)
    for key in s.rng.sample(("most", "most_of"), s.number(1, 2)):
        s.say(key, cast[0].ref if key == "most" else None, "pres", j=most, b=cast[0].name)


def race(s: Scene) -> None:
    """The order in which people come, told forwards and in bits."""
    cast = s.cast(3)
    place_name = place(s.rng)
    s.timed("be_at", series([p.name for p in s.rng.sample(cast, 3)]), p=at(place_name))
    s.say("came_first", cast[0])
    for earlier, later in itertools.pairwise(cast):
        if s.chance(0.8):
            s.say("came_after", later.ref, b=earlier.name)
    s.say("came_last", cast[-1].ref)
    if s.chance(0.5):
        s.say("first_was", b=cast[0].name)
    if s.chance(0.3):
        s.say("last_was", b=cast[-1].name)
    if s.chance(0.5):
        feel(s, cast[0], True)
    if s.chance(0.3):
        s.say("win", cast[0].ref)
