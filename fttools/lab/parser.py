"""Is a sentence one of the world's grammar? A recogniser over the generator's own frames.

    parse("Anna gives the ball to Tom.")     # True
    parse("Anna give the ball to Tom.")      # False: the verb does not agree
    failures(text)                           # the sentences of a text that do not parse

Frames compiled for every tense and agreement class sit in one trie; slots are filled by small
recognisers (noun phrase, place, time, list, clause) that check articles, number and agreement.
Grammar only: "the river ate Tom" passes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from fttools.lab import words, world
from fttools.lab.events import FRAMES
from fttools.lab.scene import OPENERS

TOKEN = re.compile(r"[A-Za-z]+(?:[-'][a-z]+)*|\d+|[.,:;\"!?]")
_NAMES = {*words.NAMES, *words.SURNAMES, *words.TOWNS, *words.RIVERS, *words.DAYS, *words.MONTHS}
_SINGULAR = set(words.COUNT_NOUNS)
_PLURAL = {words.plural(n) for n in words.COUNT_NOUNS}
_MASS = {*words.MASS_NOUNS, *words.COLOURS, *words.SEASONS, "home", "school", "work", "dinner",
         "breakfast", "lunch", "supper", "clothing", "noon", "night", "midnight"}  # fmt: skip
_MASS |= {u[0] for u in world.USES.values()}
_ADJECTIVES = set(words.ADJECTIVES)
_NUMBERS = set(words.NUMBERS)
_PREPOSITIONS = {
    "in",
    "on",
    "at",
    "under",
    "behind",
    "near",
    "to",
    "from",
    "by",
    "with",
    "of",
    "over",
    "across",
}
_POSSESSIVES = {"my", "your", "his", "her", "its", "our", "their"}
_SUBJECTS = {"he": "3", "she": "3", "it": "3", "everyone": "3", "everything": "3", "they": "p",
             "we": "p", "you": "p", "I": "1", "people": "p"}  # fmt: skip
_OBJECTS = {"him", "her", "it", "them", "me", "us", "you", "everyone", "both", "more"}
_TIMES = {tuple(t.split()) for row in (world.TIMES, *world.TIMES_OF.values()) for t in row} | {
    ("here",), ("there",)}  # fmt: skip
_OPENERS = {tuple(o.split()) for o in (*OPENERS, "first", "today", "yesterday", "tomorrow")}
_JOINERS = {"and", "but", "so", "because", "when", "before", "after", "while"}


def tokens(sentence: str) -> list[str]:
    """Words, numbers and marks; the capital of the first word undone unless it is a name."""
    found = TOKEN.findall(sentence)
    return _lower_first(found)


def _lower_first(found: list[str]) -> list[str]:
    if found and found[0][0].isupper() and found[0].split("'")[0] not in _NAMES and found[0] != "I":
        return [found[0][0].lower() + found[0][1:], *found[1:]]
    return found


def _trie() -> dict[str, Any]:
    root: dict[str, Any] = {}
    for frames in FRAMES.values():
        for frame in frames:
            for (_, agreement), symbols in frame.symbols.items():
                node = root
                for symbol in symbols:
                    key = f"{symbol}{agreement}" if symbol == "<subject>" else symbol
                    node = node.setdefault(key, {})
                node[""] = {}
    return root


@lru_cache(maxsize=1)
def _grammar() -> dict[str, Any]:
    return _trie()


class _Sentence:
    """Recognisers over one tokenised sentence; each gives the set of positions it can end at."""

    def __init__(self, found: list[str]) -> None:
        self.words = found
        self.memo: dict[tuple[str, int], frozenset[Any]] = {}

    def at(self, i: int) -> str:
        return self.words[i] if i < len(self.words) else ""

    def slot(self, kind: str, i: int) -> frozenset[int]:
        """Ends of a slot of `kind` that starts at `i`."""
        key = (kind, i)
        if key not in self.memo:
            self.memo[key] = frozenset()  # cut left recursion
            self.memo[key] = frozenset(self._slot(kind, i))
        return self.memo[key]

    def _slot(self, kind: str, i: int) -> set[int]:
        word = self.at(i)
        if not word:
            return set()
        if kind.startswith("<subject>"):
            return {end for end, agreement in self.nominative(i) if agreement == kind[-1]}
        match kind:
            case "<object>":
                return self.objects(i)
            case "<place>":
                return self.place(i)
            case "<time>":
                return self.time(i)
            case "<number>":
                return {i + 1} if word.isdigit() or word in _NUMBERS else set()
            case "<colour>" | "<adjective>":
                return {i + 1} if word in _ADJECTIVES else set()
            case "<noun>":
                return {i + 1} if word in _SINGULAR else set()
            case "<nouns>":
                return self.objects(i)
            case "<list>" | "<words>":
                return self.word_list(i) | self.series(i)
            case "<name>":
                return {i + 1} if word in _NAMES else set()
            case "<clause>":
                return self.clause(i)
        raise ValueError(kind)

    # noun phrases -----------------------------------------------------------------------------

    def noun_phrase(self, i: int) -> set[tuple[int, str]]:
        """(end, agreement) of simple noun phrases, without pronouns."""
        word, ends = self.at(i), set()
        if word in _NAMES:
            ends.add((i + 1, "3"))
            if self.at(i + 1) in words.SURNAMES:
                ends.add((i + 2, "3"))
        if word in ("a", "an"):
            following = self.at(i + 1)
            if following and words.article(following) == word:
                ends |= {(e, n) for e, n in self.nominal(i + 1) if n == "3" and not self.mass(e)}
        elif word in ("the", "some", "no") or word in _POSSESSIVES or self.possessor(word):
            ends |= self.nominal(i + 1)
            if word == "the" and self.at(i + 1) in words.RIVERS:
                ends.add((i + 2, "3"))
        elif word == "another":
            ends |= {(e, n) for e, n in self.nominal(i + 1) if n == "3"}
        elif word in _NUMBERS or word.isdigit():
            number = "3" if word in ("one", "1") else "p"
            ends |= {(e, n) for e, n in self.nominal(i + 1) if n == number}
            if self.at(i + 1) == "more":
                ends.add((i + 2, "p"))
        ends |= {(e, n) for e, n in self.nominal(i) if n == "p" or self.at(e - 1) in _MASS}
        for end, number in tuple(ends):  # "the mayor of Ashford", "a day of the week"
            if self.at(end) in ("of", "in", "with"):
                ends |= {(e, number) for e, _ in self.noun_phrase(end + 1)}
        return ends

    def possessor(self, word: str) -> bool:
        return word.endswith("'s") and word[:-2] in _NAMES

    def nominal(self, i: int) -> set[tuple[int, str]]:
        """Adjectives and a noun."""
        ends: set[tuple[int, str]] = set()
        while True:
            word = self.at(i)
            if word in _SINGULAR or word in _MASS:
                ends.add((i + 1, "3"))
            if word in _PLURAL:
                ends.add((i + 1, "p"))
            if word not in _ADJECTIVES:
                return ends
            i += 1

    def mass(self, end: int) -> bool:
        """Whether the noun before `end` takes no "a"."""
        return self.at(end - 1) in _MASS and self.at(end - 1) not in _SINGULAR

    def nominative(self, i: int) -> set[tuple[int, str]]:
        word = self.at(i)
        single = {(i + 1, _SUBJECTS[word])} if word in _SUBJECTS else set()
        single |= self.noun_phrase(i)
        return single | {(e, "p") for e in self.coordinated(i, {e for e, _ in single})}

    def objects(self, i: int) -> set[int]:
        single = {e for e, _ in self.noun_phrase(i)}
        if self.at(i) in _OBJECTS:
            single.add(i + 1)
        return single | self.coordinated(i, single)

    def coordinated(self, i: int, firsts: set[int]) -> set[int]:
        """Ends of "x, y and z", where `firsts` are the ends of x."""
        ends, frontier = set(), set(firsts)
        while frontier:
            following: set[int] = set()
            for end in frontier:
                if self.at(end) == "and":
                    ends |= {e for e, _ in self.noun_phrase(end + 1)}
                elif self.at(end) == ",":
                    following |= {e for e, _ in self.noun_phrase(end + 1)}
            frontier = following
        return ends

    def word_list(self, i: int) -> set[int]:
        """ "cat, dog, ant": any words of the world, with commas, perhaps an article or "and"."""
        ends: set[int] = set()
        while True:
            i += self.at(i) in ("a", "an")
            if not self.known(self.at(i)):
                return ends
            i += 1
            ends.add(i)
            if self.at(i) in (",", "and"):
                i += 1
            else:
                return ends

    def known(self, word: str) -> bool:
        return bool(word) and (
            word.isdigit() or word in _NUMBERS or word in _SINGULAR or word in _PLURAL
            or word in _MASS or word in _ADJECTIVES or word in _NAMES
        )  # fmt: skip

    def series(self, i: int) -> set[int]:
        return {e for e, _ in self.noun_phrase(i)} | self.coordinated(
            i, {e for e, _ in self.noun_phrase(i)}
        )

    # places, times ----------------------------------------------------------------------------

    def place(self, i: int) -> set[int]:
        word = self.at(i)
        ends = {i + 1} if word in ("home", "there", "here") else set()
        if word in _PREPOSITIONS:
            ends |= {e for e, _ in self.noun_phrase(i + 1)}
        return ends

    def time(self, i: int) -> set[int]:
        ends = {i + len(t) for t in _TIMES if tuple(self.words[i : i + len(t)]) == t}
        word, following = self.at(i), self.at(i + 1)
        if word == "on" and following in words.DAYS:
            ends.add(i + 2)
        if word == "in" and (following in words.MONTHS or following in words.SEASONS):
            ends.add(i + 2)
        if word == "at" and following in _NUMBERS and self.at(i + 2) == "o'clock":
            ends.add(i + 3)
        return ends

    # clauses ----------------------------------------------------------------------------------

    def clause(self, i: int) -> set[int]:
        """Ends of a clause, with or without a time after it."""
        saved = self.words
        if self.at(i) and self.at(i - 1) == ":":  # a quoted sentence starts with a capital
            self.words = [*saved[:i], *_lower_first(saved[i:])]
            self.memo.clear()
        ends = self.walk(_grammar(), i)
        ends |= {e for end in ends for e in self.slot("<time>", end)}
        if self.words is not saved:
            self.words = saved
            self.memo.clear()
        return ends

    def walk(self, node: dict[str, Any], i: int) -> set[int]:
        ends = {i} if "" in node else set()
        word = self.at(i)
        if word in node:
            ends |= self.walk(node[word], i + 1)
        for symbol, below in node.items():
            if symbol[:1] == "<":
                for end in self.slot(symbol, i):
                    ends |= self.walk(below, end)
        return ends

    def whole(self, i: int = 0) -> set[int]:
        """Ends of [opener] clause [, joiner clause]* or joiner clause, clause."""
        ends = self.clause(i)
        for opener in _OPENERS:
            if tuple(self.words[i : i + len(opener)]) == opener:
                ends |= self.clause(i + len(opener)) | self.clause(self.skip_comma(i + len(opener)))
        for end in self.time(i):
            ends |= self.clause(self.skip_comma(end))
        if self.at(i) in _JOINERS - {"and", "but", "so"}:
            for end in self.clause(i + 1):
                if self.at(end) == ",":
                    ends |= self.clause(end + 1)
        for end in tuple(ends):
            following = self.skip_comma(end)
            if self.at(following) in _JOINERS:
                ends |= self.clause(following + 1)
        return ends

    def skip_comma(self, i: int) -> int:
        return i + (self.at(i) == ",")


_SAID_AFTER = re.compile(r'^"(?P<quote>[^"]+)," said (?P<who>[A-Z]\w+)(?: to (?P<to>[A-Z]\w+))?\.$')
_SAID_BEFORE = re.compile(
    r'^(?P<who>[A-Z]\w+) said(?: to (?P<to>[A-Z]\w+))?, "(?P<quote>[^"]+)\."$'
)
_LETTER = re.compile(r"^(?:Dear (?P<to>\w+),|Your friend (?P<who>\w+))$")


def parse(sentence: str) -> bool:
    """Whether `sentence`, with its capital and end mark, is in the grammar."""
    sentence = sentence.strip()
    letter = _LETTER.match(sentence)
    if letter:
        return (letter["to"] or letter["who"]) in _NAMES
    said = _SAID_AFTER.match(sentence) or _SAID_BEFORE.match(sentence)
    if said:
        people = {said["who"], said["to"]} - {None}
        return people <= _NAMES and parse(said["quote"] + ".")
    if not sentence.endswith(".") or not (sentence[0].isupper() or sentence[0].isdigit()):
        return False
    found = tokens(sentence[:-1])
    if len("".join(found)) != len(re.sub(r"\s", "", sentence[:-1])):
        return False  # characters the grammar does not have
    return len(found) in _Sentence(found).whole()


def sentences(text: str) -> list[str]:
    """A text cut into sentences; the salutation and the signature of a letter are their own."""
    text = re.sub(r"(Dear \w+,)\s", r"\1\n", text)
    text = re.sub(r"\s(Your friend \w+)", r"\n\1", text)
    return [s.strip() for s in re.split(r'(?<=\.)\s+|(?<=\.")\s+|\n+', text) if s.strip()]


def failures(text: str, last: bool = True) -> list[str]:
    """Sentences of `text` that do not parse; `last=False` ignores a last one that was cut off."""
    found = sentences(text)
    return [s for s in (found if last else found[:-1]) if not parse(s)]
