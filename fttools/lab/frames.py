"""Clause frames: written once, compiled for every tense and agreement.

    "<A> [give] <o> to <b>"
        <A>      a slot; the letter is its type (below), digits may follow to tell two apart
        [give]   a verb, inflected for the clause's tense and its subject
        [a|b|c]  any of these verbs: the frame is expanded into one a verb
        [be:ing] a fixed form of a verb: base, ing, en, past, s

The generator renders a frame by filling a ready-made format string; the parser walks the same
compiled symbols, so what is generated and what is recognised cannot drift apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from random import Random

from fttools.lab.verbs import AGREEMENTS, FORMS, TENSES, phrase

# A slot's type by its letter.
SLOTS = {
    "A": "subject",  # noun phrase in the nominative; the verb agrees with it
    "o": "object", "q": "object", "b": "object",  # noun phrases in the accusative
    "p": "place", "t": "time", "n": "number", "c": "colour", "j": "adjective",
    "N": "noun", "M": "nouns", "l": "list", "w": "words", "s": "clause", "m": "name",
    "x": "poss",  # a possessive: her, Tom's
}  # fmt: skip
_PART = re.compile(r"<(\w+)>|\[([^\]]+)\]|([^<\[\s]+)")


class Ref(str):
    """A noun phrase with its agreement class; plain strings count as "3"."""

    agreement: str

    def __new__(cls, text: str, agreement: str = "3") -> Ref:
        self = super().__new__(cls, text)
        self.agreement = agreement
        return self


@dataclass(frozen=True)
class Frame:
    """One frame: format strings and symbol lists by (tense, agreement)."""

    text: str
    forms: dict[tuple[str, str], str]
    symbols: dict[tuple[str, str], tuple[str, ...]]


def _choices(text: str) -> list[str]:
    """Expand [a|b] into one text a verb."""
    parts = re.split(r"(\[[^\]]*\|[^\]]*\])", text)
    options = [
        [f"[{v}]" for v in part[1:-1].split("|")]
        if part.startswith("[") and "|" in part
        else [part]
        for part in parts
    ]
    return ["".join(combination) for combination in product(*options)]


def compile_frame(text: str) -> Frame:
    """The compiled frame; symbols of slots look like "<subject:A>"."""
    forms, symbols = {}, {}
    for tense, agreement in product(TENSES, AGREEMENTS):
        shown: list[str] = []
        parsed: list[str] = []
        for slot, verb, literal in _PART.findall(text):
            if slot:
                shown.append("{" + slot + "}")
                parsed.append(f"<{SLOTS[slot[0]]}>")
                continue
            if verb and ":" in verb:
                lemma, form = verb.split(":")
                literal = FORMS[lemma][form]
            elif verb:
                literal = phrase(verb, tense, agreement)
            shown.append(literal)
            parsed += re.findall(r"[\w'-]+|[.,:;\"!?]", literal)
        forms[tense, agreement] = re.sub(r" (?=[,:;.!?])", "", " ".join(shown))
        symbols[tense, agreement] = tuple(parsed)
    return Frame(text, forms, symbols)


def load(inventory: dict[str, str]) -> dict[str, tuple[Frame, ...]]:
    """Compile an inventory: key -> frames, one a line."""
    return {
        key: tuple(
            compile_frame(one)
            for line in lines.strip().splitlines()
            for one in _choices(line.strip())
        )
        for key, lines in inventory.items()
    }


def render(rng: Random, frames: tuple[Frame, ...], tense: str, slots: dict[str, str]) -> str:
    """A clause without capital or full stop, from one of `frames` drawn by `rng`."""
    frame = frames[int(rng.random() * len(frames))]
    agreement = getattr(slots.get("A"), "agreement", "3")
    return frame.forms[tense, agreement].format_map(slots)
