"""A scene under construction: who is in it, and sentences made of clauses.

scene = Scene(rng)
anna, tom = scene.cast(2)
scene.say("give", anna, o="the ball", b="Tom")      # Anna gave the ball to Tom.
"""

from __future__ import annotations

from random import Random

from fttools.lab import words, world
from fttools.lab.events import FRAMES
from fttools.lab.frames import Ref, render
from fttools.lab.world import Person, pick

OPENERS = ("then", "so", "soon", "later", "after that", "at last", "suddenly", "luckily", "now",
           "in the end", "next", "of course", "finally", "once more", "at first")  # fmt: skip
FILLERS = ("then", "soon", "later", "after that", "next")


def sentence(clause: str, end: str = ".") -> str:
    """Capital letter and full stop."""
    return clause[0].upper() + clause[1:] + end


class Scene:
    """Collects sentences. `tense` is the default of its clauses."""

    def __init__(self, rng: Random, tense: str = "past") -> None:
        self.rng = rng
        self.tense = tense
        self.sentences: list[str] = []
        self.last: Person | None = None

    def cast(self, n: int) -> list[Person]:
        return world.people(self.rng, n)

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def number(self, low: int, high: int) -> int:
        return low + int(self.rng.random() * (high - low + 1))

    def sample(self, options: tuple[str, ...] | list[str], n: int) -> list[str]:
        return self.rng.sample(options, n)

    def subject(self, who: Person | Ref | str) -> Ref:
        """A person is named, or called "she" or "he" when just the last one spoken of."""
        if isinstance(who, Person):
            if who is self.last and self.rng.random() < 0.4:
                return who.subject
            self.last = who
            return who.ref
        self.last = None
        return who if isinstance(who, Ref) else Ref(who)

    def clause(
        self, key: str, who: Person | Ref | str | None = None, tense: str = "", **slots: str
    ) -> str:
        if who is not None:
            slots["A"] = self.subject(who)
        return render(self.rng, FRAMES[key], tense or self.tense, slots)

    def add(self, clause: str, end: str = ".") -> None:
        self.sentences.append(sentence(clause, end))

    def say(
        self, key: str, who: Person | Ref | str | None = None, tense: str = "", **slots: str
    ) -> str:
        """Add a clause as a sentence, now and then with an opener or a time before it."""
        clause = self.clause(key, who, tense, **slots)
        self.add(clause)
        return clause

    def then(
        self, key: str, who: Person | Ref | str | None = None, tense: str = "", **slots: str
    ) -> None:
        """Like `say`, opened by a word that leads on."""
        clause = self.clause(key, who, tense, **slots)
        opener = pick(self.rng, FILLERS) if self.rng.random() < 0.45 else ""
        self.add(f"{opener} {clause}" if opener else clause)

    def time(self, tense: str = "") -> str:
        """A time that suits the tense: "last week" is past, "tomorrow" is to come."""
        tense, r = tense or self.tense, self.rng.random()
        if r < 0.2:
            return pick(self.rng, world.TIMES_OF.get(tense[:3], world.TIMES))
        if r < 0.5:
            return pick(self.rng, world.TIMES)
        if r < 0.7:
            return f"on {pick(self.rng, words.DAYS)}"
        if r < 0.8:
            return f"in {pick(self.rng, words.MONTHS)}"
        if r < 0.9:
            return f"in {pick(self.rng, words.SEASONS)}"
        return f"at {words.number(1 + int(self.rng.random() * 12))} o'clock"

    def timed(
        self, key: str, who: Person | Ref | str | None = None, tense: str = "", **slots: str
    ) -> None:
        """A sentence with a time: first or last."""
        time, clause = self.time(tense), self.clause(key, who, tense, **slots)
        self.add(f"{time}, {clause}" if self.rng.random() < 0.5 else f"{clause} {time}")

    def join(self, first: str, word: str, second: str) -> None:
        comma = "," if word in ("and", "but", "so") else ""
        if word in ("because", "when", "before", "after", "while") and self.rng.random() < 0.3:
            self.add(f"{word} {second}, {first}")
        else:
            self.add(f"{first}{comma} {word} {second}")

    def quote(self, who: Person, clause: str, listener: Person | None = None) -> None:
        """Direct speech; `clause` is in the speaker's own voice."""
        spoken = clause[0].upper() + clause[1:]
        to = f" to {listener.name}" if listener is not None else ""
        if self.rng.random() < 0.6:
            self.sentences.append(f'"{spoken}," said {who.name}{to}.')
        else:
            self.sentences.append(f'{who.name} said{to}, "{spoken}."')
        self.last = None

    def text(self) -> str:
        """The sentences so far, as paragraphs."""
        parts, line = [], []
        for one in self.sentences:
            line.append(one)
            if len(line) >= 5 and self.rng.random() < 0.25:
                parts.append(" ".join(line))
                line = []
        if line:
            parts.append(" ".join(line))
        return "\n".join(parts)
