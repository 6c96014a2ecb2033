# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""What stories are made of: who people are, the weather, the day, what they do, like and feel."""

from __future__ import annotations

from fttools.lab import words, world
from fttools.lab.frames import Ref
from fttools.lab.scene import Scene
from fttools.lab.world import Person, a, at, count, pick, place

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


def likable(s: Scene) -> str:
    r = s.rng.random()
    if r < 0.5:
        pool = pick(s.rng, ("animal", "fruit", "vegetable", "dish", "plant", "toy"))
        return words.plural(pick(s.rng, words.NOUNS[pool]))
    return pick(
        s.rng, words.MASS["food"] + words.MASS["drink"] + ("music", "snow", "rain", "books")
    )


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
