# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""Stories: things change hands, people move, work, count, like and dislike; facts come back.

Each function tells one kind of story into a Scene. Facts set up early are used or retold later in
other words, so that a reader (or a model) gains by remembering them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from fttools.lab import words, world
from fttools.lab.frames import Ref
from fttools.lab.scene import Scene
from fttools.lab.world import Person, a, at, count, pick, place, series

I = Ref("I", "1")  # noqa: E741
WE = Ref("we", "p")


def introduce(s: Scene, p: Person) -> None:
    """One or two facts about a person."""
    for choice in s.rng.sample(range(6), 1 + int(s.rng.random() * 2)):
        if choice == 0:
            s.say("work_as", p, o=a(pick(s.rng, words.NOUNS["job"])))
        elif choice == 1:
            s.say("live", p, p=f"in {pick(s.rng, words.TOWNS)}")
        elif choice == 2:
            s.say("age", p, n=words.number(s.number(6, 70)))
        elif choice == 3:
            s.say("like_doing", p)
        elif choice == 4:
            s.say("own", p, o=a(f"{pick(s.rng, words.COLOURS[:9])} {pick(s.rng, world.PETS)}"))
        else:
            s.say("is_very", p, j=pick(s.rng, ("kind", "clever", "brave", "shy", "busy", "strong",
                                               "patient", "cheerful", "careful", "wise")))  # fmt: skip


def weather(s: Scene) -> None:
    r = s.rng.random()
    if r < 0.4:
        s.say("rain", t=s.time())
    elif r < 0.7:
        s.say("cold", j=pick(s.rng, ("cold", "hot", "warm", "wet", "dark", "sunny", "windy")),
              t=s.time())  # fmt: skip
    else:
        s.say("sun")


def day(s: Scene) -> None:
    """People go about a day; at the end it is told again who was where with what."""
    cast = s.cast(s.number(2, 3))
    objects = world.things(s.rng, len(cast))
    if s.chance(0.7):
        weather(s)
    where: dict[str, str] = {}
    for p, thing in zip(cast, objects, strict=True):
        if s.chance(0.5):
            introduce(s, p)
        spot = place(s.rng)
        s.timed("go", p, p=f"to the {spot}") if s.chance(0.5) else s.then(
            "go", p, p=f"to the {spot}"
        )
        where[p.name] = at(spot)
        r = s.rng.random()
        if r < 0.3:
            s.then("find", p, o=thing.a, p=pick(s.rng, world.SPOTS))
        elif r < 0.6:
            s.then("buy", p, o=thing.a, p="there")
        elif r < 0.8:
            s.then("make", p, o=thing.a)
        else:
            s.then("take", p, o=thing.a)
        activity(s, p)
    if s.chance(0.4):
        feel(s, pick(s.rng, cast), s.chance(0.5))
    order = s.rng.sample(range(len(cast)), len(cast))
    for i in order:
        p, thing = cast[i], objects[i]
        r = s.rng.random()
        if r < 0.4:
            s.join(s.clause("is_at", p.ref, p=where[p.name]), "and",
                   s.clause("have", p.subject, o=thing.the))  # fmt: skip
        elif r < 0.7:
            s.say("so_has", p.ref, o=thing.a)
        else:
            s.say("is_still", p.ref, p=where[p.name])
    if s.chance(0.3):
        s.say("in_the_end", j=pick(s.rng, words.GLAD))


def activity(s: Scene, p: Person) -> None:
    rng = s.rng
    kind = int(rng.random() * 16)
    spot = at(place(rng))
    if kind == 0:
        s.then("play_music", p, N=pick(rng, words.NOUNS["instrument"]))
    elif kind == 1:
        s.then("eat", p, o=a(pick(rng, words.NOUNS["dish"] + words.NOUNS["fruit"])))
    elif kind == 2:
        s.then("drink", p, o=f"some {pick(rng, words.MASS['drink'])}")
    elif kind == 3:
        s.then("clean_room", p, o=f"the {pick(rng, words.NOUNS['room'])}")
    elif kind == 4:
        s.then("draw", p, o=a(pick(rng, words.NOUNS["animal"])))
    elif kind == 5:
        s.then("plant", p, o=f"some {words.plural(pick(rng, words.NOUNS['plant']))}", p=spot)
    elif kind == 6:
        s.then("feed", p, o=f"the {pick(rng, words.NOUNS['animal'][:14])}")
    elif kind == 7:
        s.then("read", p, o=a(f"{pick(rng, words.GOOD + words.BAD)} book"), p=spot)
    elif kind == 8:
        s.then("sing", p, p=spot)
    elif kind == 9:
        s.then("rest", p, p=spot)
    elif kind == 10:
        s.then("mend", p, o=f"the old {pick(rng, words.NOUNS['furniture'])}")
    elif kind == 11:
        s.then("watch", p, o=count(s.number(1, 9), pick(rng, words.NOUNS["animal"])))
    elif kind == 12:
        s.then("wear", p, o=a(f"{pick(rng, words.COLOURS)} {pick(rng, words.NOUNS['clothing'])}"))
    elif kind == 13:
        s.then("open", p, o=f"the {pick(rng, ('door', 'window', 'gate', 'box', 'chest'))}")
    elif kind == 14:
        s.then("ride", p, p=f"to {pick(rng, words.TOWNS)}", N=pick(rng, words.NOUNS["vehicle"]))
    else:
        s.then("want_go", p, p=f"to the {place(rng)}")


def judged(s: Scene, good: bool) -> tuple[str, tuple[str, ...]]:
    """Something to have an opinion of, and the adjectives that suit it."""
    r = s.rng.random()
    if r < 0.4:
        nouns = words.NOUNS["meal"] + words.NOUNS["dish"] + words.MASS["food"][:10]
        return pick(s.rng, nouns), words.GOOD_FOOD if good else words.BAD_FOOD
    if r < 0.8:
        nouns = words.NOUNS["event"] + words.NOUNS["place"][:24] + words.NOUNS["clothing"]
        return pick(s.rng, (*nouns, *LIKED)), words.GOOD if good else words.BAD
    return pick(s.rng, words.NOUNS["job"]), words.GOOD_PERSON if good else words.BAD_PERSON


LIKED = ("book", "picture", "song", "story", "film", "film", "book", "poem", "room", "garden")


def cause(s: Scene, p: Person, glad: bool) -> str:
    """A clause that says why someone feels well or ill at ease."""
    r, rng = s.rng.random(), s.rng
    item = f"{p.possessive} {pick(rng, world.PORTABLE)}"
    if r < 0.35:
        noun, adjectives = judged(s, glad)
        return s.clause("is", f"the {noun}", j=pick(rng, adjectives))
    if glad:
        if r < 0.5:
            return s.clause("win", p.subject)
        if r < 0.75:
            gift = a(f"{pick(rng, words.GOOD)} {pick(rng, ('present', 'gift', 'prize', 'letter'))}")
            giver = pick(rng, ("friend", "cousin", "neighbour"))
            return s.clause("receive", p.subject, o=gift, b=f"a {giver}")
        return s.clause("find", p.subject, o=item, p=pick(rng, world.SPOTS))
    if r < 0.5:
        return s.clause("rain_hard")
    return s.clause("lose" if r < 0.75 else "break", p.subject, o=item)


def feel(s: Scene, p: Person, glad: bool) -> None:
    """Someone is glad or sad, and why."""
    mood = s.clause("feel", p, j=pick(s.rng, words.GLAD if glad else words.SAD))
    if s.chance(0.7):
        s.join(mood, "because", cause(s, p, glad))
    else:
        s.add(mood)


def review(s: Scene) -> None:
    """Opinions: good and bad things, what people thought of them, and how they felt."""
    for p in s.cast(s.number(1, 3)):
        glad = s.chance(0.5)
        noun, adjectives = judged(s, glad)
        first, second = s.sample(adjectives, 2)
        if s.chance(0.4):
            s.timed("watch", p, o=f"the {noun}")
        s.say("opinion", f"the {noun}", j=first)
        if s.chance(0.6):
            s.say("think", p, s=s.clause("is", f"the {noun}", j=second))
        s.say("feel", p, j=pick(s.rng, words.GLAD if glad else words.SAD))
        if s.chance(0.6):
            s.say("like" if glad else "dislike", p, M=f"the {noun}")
        r = s.rng.random()
        if r < 0.2:
            s.say("is", "it", j="good" if glad else "bad")
        elif r < 0.4:
            s.say("good_day" if glad else "bad_day")


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


def talk(s: Scene) -> None:
    """People tell each other facts about themselves, in their own voice, then it is retold."""
    one, two = s.cast(2)
    s.timed("meet_at", one, b=two.name, p=at(place(s.rng)))
    told: list[tuple[Person, str, dict[str, str]]] = []
    for _ in range(s.number(2, 4)):
        p, other = (one, two) if s.chance(0.5) else (two, one)
        r = s.rng.random()
        slots: dict[str, str]
        if r < 0.25:
            key, slots = "like", {"M": likable(s)}
        elif r < 0.4:
            key, slots = "dislike", {"M": likable(s)}
        elif r < 0.55:
            key, slots = "live", {"p": f"in {pick(s.rng, words.TOWNS)}"}
        elif r < 0.7:
            key, slots = "have", {"o": world.things(s.rng, 1)[0].a}
        elif r < 0.85:
            key, slots = "afraid", {"o": words.plural(pick(s.rng, words.NOUNS["animal"]))}
        else:
            key, slots = "work_as", {"o": a(pick(s.rng, words.NOUNS["job"]))}
        s.quote(p, s.clause(key, I, "pres", **slots), other if s.chance(0.3) else None)
        told.append((p, key, slots))
    for p, key, slots in s.rng.sample(told, len(told)):
        r = s.rng.random()
        if r < 0.4:
            s.say(key, p.ref, **slots)
        elif r < 0.7:
            other = two if p is one else one
            s.say("know", other, s=s.clause(key, p.ref, "past", **slots))


def likable(s: Scene) -> str:
    r = s.rng.random()
    if r < 0.5:
        pool = pick(s.rng, ("animal", "fruit", "vegetable", "dish", "plant", "toy"))
        return words.plural(pick(s.rng, words.NOUNS[pool]))
    return pick(
        s.rng, words.MASS["food"] + words.MASS["drink"] + ("music", "snow", "rain", "books")
    )


def message(s: Scene) -> None:
    """A piece of news goes from one to the next in the same words, or in a letter."""
    cast = s.cast(s.number(3, 4))
    hero = s.cast(1)[0]
    thing = world.things(s.rng, 1)[0]
    r = s.rng.random()
    if r < 0.3:
        news = s.clause("find", hero.ref, "past", o=thing.a, p=pick(s.rng, world.SPOTS))
    elif r < 0.6:
        news = s.clause("is_at", hero.ref, "past", p=at(place(s.rng)))
    elif r < 0.8:
        news = s.clause("buy", hero.ref, "past", o=thing.a, p=f"in {pick(s.rng, words.TOWNS)}")
    else:
        news = s.clause("work_as", hero.ref, "past", o=a(pick(s.rng, words.NOUNS["job"])))
    for teller, listener in itertools.pairwise(cast):
        s.then("tell", teller.ref, b=listener.name, s=news)
    s.say("know", cast[-1].ref, s=news)


def work(s: Scene) -> None:
    """A worker makes something with a tool, out of a material, for somebody."""
    p, customer = s.cast(2)
    job, (goods, tool, workplace) = pick(s.rng, list(world.JOBS.items()))
    s.say("work_as", p, o=a(job))
    s.say("work_at", p, p=workplace)
    s.say("makes", p, M=goods)
    s.then("go", customer, p=f"to {p.name}")
    thing = a(f"{pick(s.rng, words.COLOURS + words.SIZES)} {pick(s.rng, world.PORTABLE)}")
    s.say("want", customer, o=thing)
    if s.chance(0.5):
        s.say("make_of", p, o=thing, M=pick(s.rng, words.MASS["material"]))
    s.say("works_with", p, o=f"a {tool}" if words.article(tool) == "a" else f"an {tool}")
    s.then("sell", p, o="it", b=customer.name)
    s.say("pay", customer, n=words.number(s.number(2, 30)), o="it")
    feel(s, customer, s.chance(0.7))


def letter(s: Scene) -> None:
    """A letter, in the first person and several tenses."""
    writer, reader = s.cast(2)
    s.sentences.append(f"Dear {reader.name},")
    s.say("is_at", I, "pres", p=f"in {pick(s.rng, words.TOWNS)}")
    s.say("cold", tense="pres", j=pick(s.rng, ("cold", "hot", "warm", "wet")), t="here")
    for _ in range(s.number(1, 3)):
        r = s.rng.random()
        if r < 0.35:
            s.timed("meet_at", I, "past", b=a(pick(s.rng, words.NOUNS["job"])), p=at(place(s.rng)))
        elif r < 0.7:
            s.timed("find", I, "past", o=world.things(s.rng, 1)[0].a, p=pick(s.rng, world.SPOTS))
        else:
            s.say("like", I, "pres", M=likable(s))
    s.timed("go", I, "fut", p=f"to the {place(s.rng)}")
    s.say("buy_for", I, "fut", o=world.things(s.rng, 1)[0].a, b="you")
    s.sentences.append(f"Your friend {writer.name}")


def plans(s: Scene) -> None:
    """What people will do, and then did or did not do."""
    for p in s.cast(s.number(1, 3)):
        options = [
            ("go", {"p": f"to the {place(s.rng)}"}),
            ("mend", {"o": f"the {pick(s.rng, words.NOUNS['furniture'])}"}),
            ("cook", {"o": a(pick(s.rng, words.NOUNS["dish"])), "b": "the family"}),
            ("clean_room", {"o": f"the {pick(s.rng, words.NOUNS['room'])}"}),
            ("feed", {"o": f"the {pick(s.rng, words.NOUNS['animal'][:12])}"}),
            ("draw", {"o": a(pick(s.rng, words.NOUNS["animal"]))}),
        ]
        key, slots = pick(s.rng, options)
        s.timed(key, p, "fut", **slots)
        done = s.chance(0.6)
        if done:
            s.join(
                s.clause("wake", p.subject, "past"),
                "and",
                s.clause(key, p.subject, "past", **slots),
            )
        else:
            why = (
                s.clause("rain_hard", tense="past")
                if s.chance(0.5)
                else s.clause(
                    "is_very", p.subject, "past", j=pick(s.rng, ("tired", "ill", "busy", "late"))
                )
            )
            s.join(s.clause(key, p.subject, "pastneg", **slots), "because", why)


def habits(s: Scene) -> None:
    """The present: what people do every day, and do not."""
    for p in s.cast(s.number(1, 2)):
        introduce_now(s, p)
        one, two = likable(s), likable(s)
        s.say("like", p, "pres", M=one)
        if one != two:
            s.join(
                s.clause("like", p, "pres", M=one),
                "but",
                s.clause("like", p.subject, "presneg", M=two),
            )
        s.timed("go", p, "pres", p=f"to the {place(s.rng)}")
        activity_now(s, p)


def introduce_now(s: Scene, p: Person) -> None:
    tense, s.tense = s.tense, "pres"
    introduce(s, p)
    s.tense = tense


def activity_now(s: Scene, p: Person) -> None:
    tense, s.tense = s.tense, pick(s.rng, ("pres", "presprog", "can", "must", "presneg"))
    if s.tense != "pres":
        s.tense = "pres" if s.chance(0.5) else s.tense
    activity(s, p)
    s.tense = tense


def adventure(s: Scene) -> None:
    """A walk into the wild, a noise, an animal, and home again."""
    p, friend = s.cast(2)
    wild = pick(s.rng, ("forest", "hill", "river", "field", "beach", "valley", "lake"))
    animal = pick(s.rng, words.NOUNS["animal"])
    s.timed("go", series([p.name, friend.name]), p=f"to the {wild}")
    s.say("is", f"the {wild}", j=pick(s.rng, ("dark", "quiet", "wide", "cold", "green", "strange")))
    s.join(s.clause("watch", p, o=a(animal)), "and", s.clause("noise", f"the {animal}"))
    s.say("feel", friend, j=pick(s.rng, ("afraid", "frightened", "excited", "curious", "calm")))
    s.say("is", f"the {animal}", j=pick(s.rng, words.QUALITY))
    if s.chance(0.5):
        s.quote(p, s.clause("like", I, "pres", M=words.plural(animal)))
    if s.chance(0.5):
        s.say("feed", friend, o=f"the {animal}")
    s.then("fly", f"the {animal}")
    s.then("return", series([p.name, friend.name]), p="home")
    s.say("tell", p, b=pick(s.rng, ("the family", "everyone", "the neighbours")),
          s=s.clause("watch", Ref("they", "p"), o=a(animal)))  # fmt: skip
    activity(s, friend)


def school_day(s: Scene) -> None:
    """Friends on one street: each has something; the narrator lists it all again."""
    cast = s.cast(3)
    pets = s.sample(list(world.PETS), 3)
    colours = s.sample(list(words.COLOURS[:9]), 3)
    for p, pet, colour in zip(cast, pets, colours, strict=True):
        s.say("have", p, o=a(f"{colour} {pet}"))
        if s.chance(0.4):
            s.say("called", f"the {pet}", m=pick(s.rng, words.NAMES))
    for i in s.rng.sample(range(3), 3):
        r = s.rng.random()
        if s.chance(0.3):
            s.say("wonder_colour", pick(s.rng, cast).ref, o=f"the {pets[i]}")
            s.say("it_was_colour", c=colours[i])
        elif s.chance(0.2):
            s.say("wonder_who", pick(s.rng, cast).ref, o=f"the {pets[i]}")
            s.say("it_was", o=cast[i].name)
        if r < 0.4:
            s.say("colour_is", f"the {pets[i]}", c=colours[i])
        elif r < 0.8:
            s.say("own", cast[i].ref, o=f"the {pets[i]}")
            s.say("colour_of", o=f"the {pets[i]}", c=colours[i])
        elif r < 0.9:
            s.say("belongs", o=f"the {pets[i]}", b=cast[i].name)
        else:
            s.say("feed", cast[i].ref, o=f"the {colours[i]} {pets[i]}")


STORIES: dict[Callable[[Scene], None], float] = {
    day: 8, review: 5, hand_over: 8, where: 7, whereabouts: 5, counting: 7, inventory: 5,
    shopping: 4, compare: 6, race: 3, talk: 7, message: 4, work: 4, letter: 3, plans: 5, habits: 4,
    adventure: 5, school_day: 4,
}  # fmt: skip
