# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""The world: what is always true in it, and the people and things that one text is about.

Facts are fixed (a cow gives milk in every text); people, things and places are drawn anew for each
document, so what happens to them can be learned from that document alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TypeVar

from fttools.lab import words
from fttools.lab.frames import Ref

T = TypeVar("T")


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """Rows "key/value/value" separated by | -> key: values."""
    rows = [row.strip().split("/") for row in text.split("|")]
    return {row[0]: tuple(row[1:]) for row in rows}


# animal: what it eats, where it lives
ANIMALS = _table("""
    cow/grass/on a farm|horse/hay/in a stable|sheep/grass/in a meadow|goat/leaves/on a farm|
    pig/potatoes/on a farm|hen/corn/on a farm|duck/bread/on a pond|dog/meat/in a house|
    cat/fish/in a house|rabbit/carrots/in a hole|mouse/cheese/in a wall|fox/hens/in a forest|
    wolf/meat/in a forest|bear/honey/in a cave|deer/leaves/in a forest|owl/mice/in a tree|
    robin/worms/in a garden|eagle/fish/on a mountain|swan/bread/on a lake|frog/insects/in a pond|
    ant/sugar/in a hill|spider/insects/in a corner|whale/fish/in the sea|seal/fish/in the sea|
    squirrel/nuts/in a tree|lion/meat/in the desert|tiger/meat/in the jungle|
    elephant/grass/in the jungle|monkey/bananas/in the jungle|penguin/fish/on the ice|
    camel/grass/in the desert|parrot/seeds/in the jungle|donkey/hay/in a stable|
    snail/leaves/in a garden|crab/fish/on a beach|otter/fish/in a river""")
GIVES = _table("cow/milk|hen/eggs|sheep/wool|bee/honey|goat/milk|duck/eggs|goose/feathers")
# job: what the worker makes or sells, uses, where the work is
JOBS = _table("""
    baker/bread/oven/in a bakery|farmer/corn/plough/on a farm|carpenter/tables/saw/in a workshop|
    tailor/coats/needle/in a shop|potter/pots/wheel/in a workshop|shoemaker/shoes/hammer/in a shop|
    watchmaker/watches/screwdriver/in a shop|blacksmith/tools/hammer/in a workshop|
    weaver/blankets/loom/in a mill|beekeeper/honey/net/in a garden|builder/houses/ladder/in a town|
    gardener/flowers/spade/in a garden|cook/meals/knife/in a kitchen|painter/pictures/brush/in a studio|
    writer/books/pen/in a study|miller/flour/wheel/in a mill|fisherman/fish/net/on a boat|
    grocer/vegetables/bag/in a shop|florist/roses/ribbon/in a shop|butcher/meat/knife/in a shop""")
WORKPLACE = _table("""
    teacher/in a school|doctor/in a hospital|nurse/in a hospital|librarian/in a library|
    waiter/in an inn|clerk/in an office|sailor/on a ship|captain/on a ship|shepherd/on a hill|
    vet/on a farm|pupil/in a school|driver/on a bus|pilot/on a plane|guard/in a castle|
    judge/in a court|actor/in a theatre|porter/at a station|student/in a library""")
MADE_OF = _table("""
    table/wood|chair/wood|bread/flour|butter/milk|cheese/milk|window/glass|bottle/glass|coat/wool|
    scarf/wool|shoe/leather|belt/leather|book/paper|letter/paper|ring/gold|coin/silver|pot/clay|
    vase/clay|hammer/iron|key/iron|kettle/copper|wall/stone|bridge/stone|house/brick|tyre/rubber|
    jam/fruit|juice/fruit|toast/bread|basket/straw""")
USES = _table("""
    knife/cutting/cut bread|spade/digging/dig a hole|needle/sewing/sew a shirt|pen/writing/write a letter|
    brush/painting/paint a wall|broom/sweeping/sweep the floor|axe/cutting/cut wood|
    hammer/building/build a house|kettle/boiling/boil water|clock/telling/tell the time|
    boat/fishing/cross the river|umbrella/keeping/stay dry|oven/baking/bake bread""")
SEASON_OF = {
    "December": "winter", "January": "winter", "February": "winter", "March": "spring",
    "April": "spring", "May": "spring", "June": "summer", "July": "summer", "August": "summer",
    "September": "autumn", "October": "autumn", "November": "autumn",
}  # fmt: skip
TASTE = _table("""
    lemon/sour/yellow|honey/sweet/golden|sugar/sweet/white|salt/salty/white|banana/sweet/yellow|
    cherry/sweet/red|strawberry/sweet/red|coffee/bitter/black|lime/sour/green|milk/fresh/white""")
LOOKS = _table("""
    grass/green|snow/white|coal/black|gold/yellow|tomato/red|carrot/orange|crow/black|swan/white|
    frog/green|mouse/grey|elephant/grey|tiger/orange|robin/red|pea/green|cucumber/green|blood/red""")
PRODUCTS = words._split("""apples cherries cheese honey wool glass bells boats clocks roses bread
    pottery horses coal silver songs music lace paper wheat fish salmon pears cider""")

INDOORS = {
    "kitchen": "in", "bedroom": "in", "bathroom": "in", "hall": "in", "cellar": "in", "attic": "in",
    "study": "in", "office": "in", "classroom": "in", "workshop": "in", "library": "in",
    "museum": "in", "bakery": "in", "barn": "in", "stable": "in", "church": "in", "theatre": "in",
    "school": "at", "hospital": "in", "inn": "at", "shop": "in", "castle": "in",
}  # fmt: skip
OUTDOORS = {
    "market": "at", "park": "in", "garden": "in", "farm": "on", "station": "at", "harbour": "at",
    "bridge": "on", "square": "in", "field": "in", "forest": "in", "lake": "at", "beach": "on",
    "hill": "on", "river": "at", "playground": "in", "orchard": "in", "meadow": "in",
    "yard": "in", "street": "in", "well": "at", "mill": "at", "pond": "at", "valley": "in",
}  # fmt: skip
PLACES = {**INDOORS, **OUTDOORS}
SPOTS = tuple(
    f"{preposition} the {noun}"
    for noun, prepositions in {
        "table": "on under", "chair": "on under", "bed": "on under", "shelf": "on", "desk": "on",
        "cupboard": "in behind", "drawer": "in", "box": "in", "basket": "in", "bag": "in",
        "sofa": "on behind", "door": "behind", "bench": "on under", "window": "near", "gate": "near",
        "tree": "under behind", "bucket": "in", "chest": "in", "trunk": "in", "wardrobe": "in",
        "carpet": "under", "jar": "in", "sack": "in", "barrel": "behind", "wall": "behind",
        "bush": "under behind", "cart": "in", "crate": "in", "stool": "on", "pillow": "under",
    }.items()
    for preposition in prepositions.split()
)  # fmt: skip
TIMES = (
    "in the morning",
    "in the evening",
    "in the afternoon",
    "at night",
    "at noon",
    "after lunch",
    "before dinner",
    "after school",
    "after work",
    "all day",
    "early in the morning",
    "late in the evening",
    "after breakfast",
    "at midnight",
    "before supper",
)
TIMES_OF = {
    "pas": ("yesterday", "last week", "last year", "one day", "that day", "last night", "long ago"),
    "pre": ("every day", "every morning", "every week", "today", "now", "every evening"),
    "fut": ("tomorrow", "next week", "next year", "soon", "one day", "tonight", "next month"),
}
PETS = ("dog", "cat", "rabbit", "pony", "parrot", "goat", "mouse", "turtle", "duck", "hen")
PORTABLE = tuple(
    n for n in (*words.NOUNS["toy"], *words.NOUNS["thing"], *words.NOUNS["tool"],
                *words.NOUNS["clothing"], *words.NOUNS["container"])
    if n not in ("swing", "stone", "crown", "top")
)  # fmt: skip
COUNTED = tuple(
    n for n in (*words.NOUNS["fruit"], *words.NOUNS["vegetable"], *words.NOUNS["dish"], "egg",
                *words.NOUNS["toy"], "coin", "shell", "button", "stamp", "bead", "feather", "flower",
                "book", "pencil", "card", "candle", "leaf", "key", "bottle", "cup", "plate")
    if n not in ("date", "top")
)  # fmt: skip


def pick(rng: Random, options: Sequence[T]) -> T:
    """One of `options`; several times faster than rng.choice, and as reproducible."""
    return options[int(rng.random() * len(options))]


@cache
def a(phrase: str) -> str:
    """The phrase with its indefinite article."""
    return f"{words.article(phrase)} {phrase}"


def count(n: int, noun: str) -> Ref:
    """ "three apples", "one apple", "no apples"."""
    if n == 1:
        return Ref(f"one {noun}", "3")
    return Ref(f"{words.number(n) if n else 'no'} {words.plural(noun)}", "p")


def series(items: Sequence[str]) -> Ref:
    """ "a, b and c"."""
    if len(items) == 1:
        return Ref(items[0], getattr(items[0], "agreement", "3"))
    return Ref(f"{', '.join(items[:-1])} and {items[-1]}", "p")


@dataclass(frozen=True)
class Person:
    """Someone in one text. `subject`, `object`, `possessive` are the pronouns."""

    name: str
    female: bool

    @property
    def ref(self) -> Ref:
        return Ref(self.name)

    @property
    def subject(self) -> Ref:
        return Ref("she" if self.female else "he")

    @property
    def object(self) -> str:
        return "her" if self.female else "him"

    @property
    def possessive(self) -> str:
        return "her" if self.female else "his"


@dataclass(frozen=True)
class Thing:
    """Something that can be carried: "a red kite", "the kite"."""

    noun: str
    adjective: str

    @property
    def full(self) -> str:
        return f"{self.adjective} {self.noun}"

    @property
    def a(self) -> Ref:
        return Ref(a(self.full))

    @property
    def the(self) -> Ref:
        return Ref(f"the {self.noun}")


def people(rng: Random, n: int) -> list[Person]:
    """`n` people with different names."""
    names: list[str] = []
    while len(names) < n:
        name = pick(rng, words.NAMES)
        if name not in names:
            names.append(name)
    return [Person(name, name in _GIRLS) for name in names]


def things(rng: Random, n: int, adjectives: Sequence[str] = ()) -> list[Thing]:
    """`n` things of different kinds, each with an adjective."""
    found: dict[str, Thing] = {}
    while len(found) < n:
        noun = pick(rng, PORTABLE)
        found.setdefault(noun, Thing(noun, pick(rng, adjectives or _LOOK)))
    return list(found.values())


def place(rng: Random) -> str:
    return pick(rng, _PLACES)


def at(noun: str) -> str:
    """ "kitchen" -> "in the kitchen"."""
    return f"{PLACES[noun]} the {noun}"


_GIRLS = frozenset(words.GIRLS)
_PLACES = tuple(PLACES)
_LOOK = (*words.COLOURS[:12], "big", "small", "old", "new", "little", "heavy", "tiny", "long")
