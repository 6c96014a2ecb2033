"""Stories: things change hands, people move, work, count, like and dislike; facts come back.

Each function tells one kind of story into a Scene. Facts set up early are used or retold later in
other words, so that a reader (or a model) gains by remembering them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from fttools.lab import words, world
from fttools.lab.frames import Ref
from fttools.lab.happenings import (
    compare,
    counting,
    hand_over,
    inventory,
    race,
    shopping,
    where,
    whereabouts,
)
from fttools.lab.passages import (
    I,
    activity,
    activity_now,
    day,
    feel,
    introduce_now,
    judged,
    likable,
)
from fttools.lab.scene import Scene
from fttools.lab.world import Person, a, at, pick, place, series


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
