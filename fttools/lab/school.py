# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""The school in the world: what people do there with words, lists, numbers and sentences.

Skills appear as things that happen: somebody writes words, somebody else sorts them, reads them
backwards, counts them, puts a sentence into the past. Nothing is put as a question or a task with
an answer.
"""

from __future__ import annotations

from collections.abc import Callable

from fttools.lab import words, world
from fttools.lab.events import FRAMES
from fttools.lab.frames import Ref
from fttools.lab.passages import judged
from fttools.lab.scene import Scene, sentence
from fttools.lab.world import Person, a, at, count, pick, series

KINDS = (
    "animal",
    "fruit",
    "vegetable",
    "tool",
    "vehicle",
    "instrument",
    "toy",
    "clothing",
    "furniture",
)


def teacher(s: Scene) -> Ref:
    return Ref("the teacher") if s.chance(0.5) else Ref(s.cast(1)[0].name)


def ask(s: Scene, p: Person, key: str, **slots: str) -> None:
    """Now and then it is told what the pupil was asked for, before what the pupil did."""
    if s.chance(0.5):
        s.say(key, teacher(s), "past", b=p.name, **slots)


def word_list(s: Scene) -> None:
    """Words on the board: sorted, reversed, counted, first and last, joined with "and"."""
    pool = words.NOUNS[pick(s.rng, KINDS)] if s.chance(0.5) else words.COUNT_NOUNS
    if s.chance(0.15):
        pool = words.NAMES
    chosen = s.sample(pool, s.number(3, 5))
    shown = ", ".join(chosen)
    s.say("words_board", teacher(s), n=words.number(len(chosen)), w=shown)
    for act, p in zip(s.sample(LIST_ACTS, s.number(2, 4)), s.cast(4), strict=False):
        if act == "sorted":
            ask(s, p, "ask_sort")
            s.say("words_sorted", p.ref, w=", ".join(sorted(chosen)))
        elif act == "backwards":
            ask(s, p, "ask_backwards")
            s.say("words_backwards", p.ref, w=", ".join(reversed(chosen)))
        elif act == "again":
            ask(s, p, "ask_copy")
            s.say("words_again", p.ref, w=shown)
        elif act == "count":
            s.say("words_count", n=words.number(len(chosen)), A=Ref("", "p"))
        elif act == "and":
            ask(s, p, "ask_and")
            s.say("list_and", p.ref, l=series(chosen))
        else:
            ask(s, p, "ask_nth", j=act)
            nth = {"first": 0, "second": 1, "last": -1}[act]
            s.say(f"words_{act}" if s.chance(0.7) else "said_opposite", p.ref, w=chosen[nth])
    praise(s)


LIST_ACTS = ("sorted", "sorted", "backwards", "again", "count", "and", "first", "second", "last")


def sorting(s: Scene) -> None:
    """Words of two kinds: which are animals, how many, which is the odd one."""
    one, two = s.sample(KINDS, 2)
    n = s.number(1, 3)
    members = s.sample(words.NOUNS[one], n)
    others = s.sample(words.NOUNS[two], 1 if n > 1 and s.chance(0.5) else s.number(1, 3))
    both = s.rng.sample(members + others, len(members) + len(others))
    members = [w for w in both if w in members]
    s.say("words_board", teacher(s), n=words.number(len(both)), w=", ".join(both))
    p, q = s.cast(2)
    uncounted = one in ("clothing", "furniture")
    many = one if uncounted else words.plural(one)
    if len(others) == 1 and n > 1 and s.chance(0.6):
        ask(s, p, "ask_odd")
        s.say("word_odd", w=others[0])
        s.say("word_not", w=a(others[0]), o=one if uncounted else a(one))
    elif s.chance(0.5):
        ask(s, p, "ask_kind", M=many)
        s.say("words_kind", p, M=many, w=", ".join(members))
        if s.chance(0.5):
            s.say("count", q, o=many if uncounted else count(n, one))
    else:
        ask(s, q, "ask_count", M=many)
        s.say("there_were", A=Ref("", "3" if n == 1 else "p"), n=words.number(n))
        s.say("words_kind", p, M=many, w=", ".join(members))
    praise(s)


def number_list(s: Scene) -> None:
    top = pick(s.rng, (10, 20, 100, 100))
    chosen = s.rng.sample(range(top), s.number(3, 5))
    show: Callable[[int], str] = str if s.chance(0.8) else words.number
    s.say("numbers_board", teacher(s), w=", ".join(map(show, chosen)))
    for act, p in zip(s.sample(("up", "up", "down", "largest", "smallest"), s.number(2, 3)), s.cast(3),
                      strict=False):  # fmt: skip
        if act == "up":
            ask(s, p, "ask_numbers")
            s.say("numbers_sorted", p.ref, w=", ".join(map(show, sorted(chosen))))
        elif act == "down":
            s.say("numbers_down", p.ref, w=", ".join(map(show, sorted(chosen, reverse=True))))
        else:
            ask(s, p, "ask_end", j=act)
            found = max(chosen) if act == "largest" else min(chosen)
            key = "number_max" if act == "largest" else "number_min"
            s.say(key if s.chance(0.7) else "said_sum", p.ref, n=show(found))


def simple_clause(s: Scene) -> Callable[[str], str]:
    """A clause as a function of its tense: the same words in every tense."""
    rng = s.rng
    p, q = s.cast(2)
    subject = p.ref if s.chance(0.6) else Ref(f"the {pick(rng, words.NOUNS['job'])}")
    if s.chance(0.15):
        subject = series([p.name, s.cast(1)[0].name])
    thing = world.things(rng, 1)[0]
    options: tuple[tuple[str, dict[str, str]], ...] = (
        ("go", {"p": f"to the {world.place(rng)}"}), ("is_at", {"p": at(world.place(rng))}),
        ("give", {"o": thing.the, "b": q.name}), ("buy", {"o": thing.a, "p": "at the market"}),
        ("eat", {"o": a(pick(rng, words.NOUNS["dish"]))}), ("open", {"o": "the door"}),
        ("mend", {"o": f"the {pick(rng, words.NOUNS['furniture'])}"}),
        ("put", {"o": thing.the, "p": pick(rng, world.SPOTS)}), ("have", {"o": thing.a}),
        ("clean_room", {"o": f"the {pick(rng, words.NOUNS['room'])}"}),
        ("feed", {"o": f"the {pick(rng, words.NOUNS['animal'][:14])}"}),
        ("sing", {"p": at(world.place(rng))}), ("like", {"M": pick(rng, words.MASS["food"])}),
        ("draw", {"o": a(pick(rng, words.NOUNS["animal"]))}), ("meet", {"b": q.name}),
        ("wear", {"o": a(f"{pick(rng, words.COLOURS)} {pick(rng, words.NOUNS['clothing'])}")}),
        ("is", {"j": pick(rng, words.GLAD + words.SAD)}), ("carry", {"o": thing.the, "p": "home"}),
        ("read", {"o": "a book", "p": at(world.place(rng))}), ("help", {"b": q.name}),
        ("take", {"o": thing.the}), ("want", {"o": thing.a}), ("watch", {"o": "the birds"}),
    )  # fmt: skip
    key, slots = pick(rng, options)
    frame = pick(rng, FRAMES[key])
    return lambda tense: frame.forms[tense, subject.agreement].format_map({**slots, "A": subject})


NOT = {"past": "pastneg", "pres": "presneg", "fut": "futneg"}


def grammar(s: Scene) -> None:
    """A sentence, and the same sentence in another tense, or with "not", or copied."""
    make = simple_clause(s)
    base = pick(s.rng, ("past", "pres", "pres", "fut"))
    quoted = {tense: sentence(make(tense), "") for tense in ("past", "pres", "fut", *NOT.values())}
    s.say("sentence_board", teacher(s), s=quoted[base])
    others = [t for t in TENSE_NAMES if t != base]
    for act, p in zip(s.sample([*others, "not", "copy"], s.number(1, 3)), s.cast(3), strict=False):
        if act == "not":
            ask(s, p, "ask_not")
            s.say("sentence_not", p.ref, "past", s=quoted[NOT[base]])
        elif act == "copy":
            s.say("sentence_copy", p.ref, "past", s=quoted[base])
        else:
            ask(s, p, "ask_tense", j=TENSE_NAMES[act])
            s.say(f"sentence_{TENSE_NAMES[act]}", p.ref, "past", s=quoted[act])
    praise(s)


TENSE_NAMES = {"past": "past", "pres": "present", "fut": "future"}


def oral(s: Scene) -> None:
    """Plurals, opposites, kinds and sums, asked for and said."""
    for p in s.cast(s.number(1, 3)):
        r, teach = s.rng.random(), teacher(s)
        if r < 0.25:
            noun = pick(s.rng, words.COUNT_NOUNS if s.chance(0.6) else IRREGULAR)
            s.say("ask_plural", teach, b=p.name, N=noun)
            s.say("said_plural", p.ref, M=words.plural(noun))
        elif r < 0.5:
            pair = pick(s.rng, list(words.OPPOSITES.items()))
            one, two = pair if s.chance(0.5) else pair[::-1]
            s.say("ask_opposite", teach, b=p.name, w=one)
            s.say("said_opposite", p.ref, w=two)
        elif r < 0.7:
            thing = pick(s.rng, list(words.KIND_OF))
            kind = words.KIND_OF[thing]
            bare = thing in words.MASS_NOUNS or kind == "colour"
            s.say("ask_category", teach, b=p.name, o=thing if bare else a(thing))
            s.say("it_was", o=kind if kind in ("clothing", "furniture") else a(kind))
        elif r < 0.9:
            x, y = s.number(0, 12), s.number(0, 12)
            show: Callable[[int], str] = str if s.chance(0.5) else words.number
            s.say("ask_sum", teach, b=p.name, w=f"{show(x)} and {show(y)}")
            s.say("said_sum", p.ref, n=show(x + y))
        else:
            s.say("ask_end_of", teach, b=p.name)
            s.say("sentence_copy", p.ref, s=sentence(simple_clause(s)("pres"), ""))


IRREGULAR = tuple(n for n in words.IRREGULAR_PLURALS if n in words.COUNT_NOUNS)


def moods(s: Scene) -> None:
    """A sentence of praise or blame, and which of the two it is."""
    for _ in range(s.number(1, 2)):
        good = s.chance(0.5)
        noun, adjectives = judged(s, good)
        p, q = s.cast(2)
        r, mood = s.rng.random(), "positive" if good else "negative"
        if r < 0.4:
            line = s.clause("opinion", f"the {noun}", j=pick(s.rng, adjectives))
        elif r < 0.6:
            line = s.clause("feel", p.ref, j=pick(s.rng, words.GLAD if good else words.SAD))
        elif r < 0.8:
            line = s.clause("like" if good else "dislike", p.ref, M=f"the {noun}")
        else:
            line = s.clause(
                "think", p.ref, s=s.clause("is", f"the {noun}", j=pick(s.rng, adjectives))
            )
        s.say("sentence_board", teacher(s), s=sentence(line, ""))
        ask(s, q, "ask_mood")
        s.say("sentence_mood", q.ref, j=mood, o=f"a {mood} sentence")


def plurals(s: Scene) -> None:
    p = s.cast(1)[0]
    for _ in range(s.number(2, 4)):
        noun = pick(s.rng, IRREGULAR if s.chance(0.4) else words.COUNT_NOUNS)
        r = s.rng.random()
        if r < 0.4:
            s.say("plural", tense="pres", N=noun, M=words.plural(noun))
        elif r < 0.7:
            s.say("plural_said", p, l=f"one {noun}", l2=f"two {words.plural(noun)}")
        else:
            s.join(s.clause("have", p, o=f"one {noun}"), "but",
                   s.clause("want", p.subject, o=f"two {words.plural(noun)}"))  # fmt: skip


def tenses(s: Scene) -> None:
    """Today and yesterday: the same act in two tenses."""
    for _ in range(s.number(2, 3)):
        make = simple_clause(s)
        s.add(f"today {make('pres')}")
        if s.chance(0.7):
            s.add(f"yesterday {make('past')}")
        if s.chance(0.7):
            s.add(f"tomorrow {make('fut')}")
        if s.chance(0.4):
            s.add(f"today {make('presneg')}")


def machine(s: Scene) -> None:
    """A workshop's machine takes one thing in and gives another out, by instruction."""
    thing, (material,) = pick(s.rng, list(world.MADE_OF.items()))
    p = s.cast(1)[0]
    s.say("have", p, o="a machine")
    s.say(
        "input", Ref("the machine"), M=material, o=thing if thing in words.MASS_NOUNS else a(thing)
    )
    if s.chance(0.5):
        s.say("in_out", Ref("", "3"), "pres")
    s.say("instruction", p)
    s.say("input_is", M=material)
    s.say("output", Ref("the machine"), o=thing if thing in words.MASS_NOUNS else a(thing))


def praise(s: Scene) -> None:
    if s.chance(0.25):
        s.say("rule")


SCHOOL: dict[Callable[[Scene], None], float] = {
    word_list: 6, sorting: 4, number_list: 3, grammar: 7, plurals: 2, moods: 2, tenses: 3, machine: 0.7, oral: 4,
}  # fmt: skip
