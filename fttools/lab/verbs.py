# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""Verbs: every form of each, and the phrase for a tense and an agreement class.

    phrase("give", "past", "3")     # "gave"
    phrase("be", "pres", "p")       # "are"
    phrase("eat", "presneg", "3")   # "does not eat"

Agreement classes: "3" third person singular, "p" plural or "you", "1" for "I".
"""

from __future__ import annotations

from functools import cache

TENSES = ("past", "pres", "fut", "pastneg", "presneg", "futneg", "pastprog", "presprog", "perf",
          "can", "could", "must")  # fmt: skip
AGREEMENTS = ("3", "p", "1")

_IRREGULAR = """
    be was been|become became become|begin began begun|bite bit bitten|blow blew blown|break broke broken|
    bring brought brought|build built built|buy bought bought|catch caught caught|choose chose chosen|
    come came come|cost cost cost|cut cut cut|dig dug dug|do did done|draw drew drawn|drink drank drunk|
    drive drove driven|eat ate eaten|fall fell fallen|feed fed fed|feel felt felt|fight fought fought|
    find found found|fly flew flown|forget forgot forgotten|freeze froze frozen|get got got|
    give gave given|go went gone|grow grew grown|hang hung hung|have had had|hear heard heard|
    hide hid hidden|hit hit hit|hold held held|hurt hurt hurt|keep kept kept|know knew known|
    lay laid laid|lead led led|leave left left|lend lent lent|let let let|lie lay lain|light lit lit|
    lose lost lost|make made made|mean meant meant|meet met met|pay paid paid|put put put|read read read|
    ride rode ridden|ring rang rung|rise rose risen|run ran run|say said said|see saw seen|
    sell sold sold|send sent sent|set set set|sew sewed sewn|shake shook shaken|shine shone shone|
    show showed shown|shut shut shut|sing sang sung|sink sank sunk|sit sat sat|sleep slept slept|
    speak spoke spoken|spend spent spent|spin spun spun|stand stood stood|steal stole stolen|
    sweep swept swept|swim swam swum|take took taken|teach taught taught|tell told told|
    think thought thought|throw threw thrown|understand understood understood|wake woke woken|
    wear wore worn|win won won|write wrote written
"""
_REGULAR = """
    add admire agree sound believe flow hand practise prepare seem wipe suppose expect tug deserve answer arrive ask bake bark bathe beg belong boil borrow bow brush bury call care
    carry carve cause change chase check cheer clap clean climb close collect colour compare cook
    copy count cover crawl cross cry cure dance decide deliver describe dislike divide
    dream dress drop drum dry end enjoy enter explain fail fasten fetch fill finish fish fix float
    fold follow gather greet guard guess hammer harvest hate help hope hunt hurry invite join
    jump kick kiss knit knock label laugh learn lift like listen live load lock look love
    march mend miss mix move name need notice obey offer open order own pack paint park pass pick
    plan plant play please plough point polish pour praise promise pull push
    race rain reach remember repair repeat reply rest return roar roll row rub rule sail save
    search serve share shout smell smile snow solve sort spell splash start stay stir stop
    study surprise talk tame taste thank tidy tie touch trade train travel trust try turn
    use visit wait walk want warm warn wash watch water wave weave weigh whisper whistle wish wonder
    work worry wrap yawn
"""
_DOUBLES = {"beg", "chop", "clap", "cut", "dig", "drop", "drum", "fit", "get", "hit", "hug", "knit",
            "let", "plan", "put", "rub", "run", "set", "shut", "sit", "spin", "stir", "stop", "swim", "travel",
            "win", "begin", "forget", "wrap"}  # fmt: skip
_PASTS = {"weave": ("wove", "woven")}
_S = {"be": "is", "have": "has", "do": "does", "go": "goes"}


def _third(v: str) -> str:
    if v in _S:
        return _S[v]
    if v.endswith(("s", "x", "ch", "sh", "z")):
        return v + "es"
    if v.endswith("y") and v[-2] not in "aeiou":
        return v[:-1] + "ies"
    return v + "s"


def _ing(v: str) -> str:
    if v in ("lie", "tie", "die"):
        return v[:-2] + "ying"
    if v in _DOUBLES:
        return v + v[-1] + "ing"
    if v.endswith("e") and not v.endswith("ee") and v != "be":
        return v[:-1] + "ing"
    return v + "ing"


def _ed(v: str) -> str:
    if v in _DOUBLES:
        return v + v[-1] + "ed"
    if v.endswith("e"):
        return v + "d"
    if v.endswith("y") and v[-2] not in "aeiou":
        return v[:-1] + "ied"
    return v + "ed"


def _table() -> dict[str, dict[str, str]]:
    forms = {}
    for row in _IRREGULAR.split("|"):
        base, past, participle = row.split()
        forms[base] = {"past": past, "en": participle}
    for base in _REGULAR.split():
        past, participle = _PASTS.get(base, (_ed(base), _ed(base)))
        forms[base] = {"past": past, "en": participle}
    for base, row_ in forms.items():
        row_ |= {"base": base, "s": _third(base), "ing": _ing(base)}
    return forms


# lemma -> {"base", "s", "past", "en", "ing"}
FORMS = _table()


@cache
def phrase(lemma: str, tense: str, agreement: str = "3") -> str:
    """The verb phrase of `lemma` in `tense` for a subject of class `agreement`."""
    form = FORMS[lemma]
    be = {"3": ("is", "was"), "p": ("are", "were"), "1": ("am", "was")}[agreement]
    do = "does" if agreement == "3" else "do"
    present = form["s"] if agreement == "3" else form["base"]
    if lemma == "be":
        simple = {
            "past": be[1],
            "pres": be[0],
            "pastneg": f"{be[1]} not",
            "presneg": f"{be[0]} not",
        }
        if tense in simple:
            return simple[tense]
    return {
        "past": form["past"],
        "pres": present,
        "fut": f"will {form['base']}",
        "pastneg": f"did not {form['base']}",
        "presneg": f"{do} not {form['base']}",
        "futneg": f"will not {form['base']}",
        "pastprog": f"{be[1]} {form['ing']}",
        "presprog": f"{be[0]} {form['ing']}",
        "perf": f"{'has' if agreement == '3' else 'have'} {form['en']}",
        "can": f"can {form['base']}",
        "could": f"could {form['base']}",
        "must": f"must {form['base']}",
    }[tense]
