# ruff: noqa: E501 (word lists and sentence frames read best one to a line)
"""Two registers kept out of pretraining: clinic notes and contracts.

    texts("clinic", "train")      # list of short documents, always the same
    texts("general", "test")      # the pretraining register, from documents it never used

Clipped notes with abbreviations and doses, and clauses with "shall" and defined parties: words and
word order that the general corpus does not have. All people and companies are invented; nothing
here is medical or legal advice.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fttools.errors import suggest
from fttools.lab import words
from fttools.lab.corpus import HELD_OUT_SEED, documents
from fttools.lab.world import pick

SPLITS = {"train": 0, "test": 1}
DEFAULT_SIZE = {"train": 2000, "test": 200}

_COMPLAINTS = """cough|sore throat|headache|back pain|fever|rash on the left arm|swollen ankle|
    earache|dizziness|stomach pain|shortness of breath|itching eyes""".replace("\n    ", "").split(
    "|"
)
_FINDINGS = """chest clear|throat red, no exudate|abdomen soft, not tender|ear drum intact|
    skin warm, no blisters|ankle bruised, full range of motion|pupils equal and reactive|
    lungs clear on both sides|no lymph nodes felt|mucosa dry""".replace("\n    ", "").split("|")
_DIAGNOSES = """viral pharyngitis|tension headache|lumbar strain|otitis media|contact dermatitis|
    ankle sprain|gastritis|seasonal allergy|bronchitis|dehydration""".replace("\n    ", "").split(
    "|"
)
_DRUGS = ["paracetamol", "ibuprofen", "cetirizine", "amoxicillin", "omeprazole", "loratadine"]
_GOODS = """timber|copper wire|printed paper|woollen cloth|glass bottles|machine parts|grain|
    leather goods|ceramic tiles|dairy produce""".replace("\n    ", "").split("|")


def clinic_note(rng: Random) -> str:
    """One visit: history, vital signs, findings, assessment, plan."""
    name, age = f"{pick(rng, words.NAMES)} {pick(rng, words.SURNAMES)}", 4 + int(rng.random() * 80)
    complaint, days = pick(rng, _COMPLAINTS), 1 + int(rng.random() * 14)
    drug, dose = pick(rng, _DRUGS), pick(rng, ("200", "250", "400", "500"))
    lines = [
        f"Pt {name}, {age} y, c/o {complaint} x {days} d.",
        pick(rng, ("No known allergies.", "Allergic to penicillin.", "Hx of asthma.",
                   "Hx of hypertension.", "Non-smoker.", "PMH unremarkable.")),
        f"Temp {36 + rng.random() * 3:.1f} C, BP {100 + int(rng.random() * 50)}/"
        f"{60 + int(rng.random() * 30)}, HR {58 + int(rng.random() * 50)}.",
        f"O/E: {pick(rng, _FINDINGS)}; {pick(rng, _FINDINGS)}.",
        f"Impression: {pick(rng, _DIAGNOSES)}.",
        f"Plan: {drug} {dose} mg {pick(rng, ('b.i.d.', 't.i.d.', 'once daily', 'p.r.n.'))} for "
        f"{3 + int(rng.random() * 8)} days; {pick(rng, ('fluids', 'rest', 'elevation', 'ice pack'))}.",
        pick(rng, ("Review in one week.", "Follow-up p.r.n.", "Return if symptoms worsen.",
                   "Bloods ordered.", "Referred to outpatient clinic.", "Discharged home.")),
    ]  # fmt: skip
    return " ".join(lines)


def contract(rng: Random) -> str:
    """A few clauses of an agreement between a seller and a buyer."""
    seller = f"{pick(rng, words.SURNAMES)} & {pick(rng, words.SURNAMES)} Ltd"
    buyer = f"{pick(rng, words.TOWNS)} {pick(rng, ('Trading', 'Holdings', 'Supplies'))} plc"
    days, goods = pick(rng, ("seven", "fourteen", "thirty", "sixty")), pick(rng, _GOODS)
    clauses = [
        f"The Seller shall deliver the Goods, namely {goods}, to the premises of the Buyer within "
        f"{days} days of the date hereof.",
        f"The Buyer shall pay the Price of {100 * (1 + int(rng.random() * 90))} pounds within "
        f"{pick(rng, ('seven', 'fourteen', 'thirty'))} days of receipt of a valid invoice.",
        "Title to the Goods shall pass to the Buyer upon payment in full.",
        f"Either party may terminate this Agreement upon {days} days' written notice to the other.",
        "Neither party shall be liable for any delay caused by events beyond its reasonable control.",
        f"The Seller warrants that the Goods shall be free from defects for a period of "
        f"{pick(rng, ('six', 'twelve', 'eighteen'))} months.",
        "This Agreement shall be governed by the laws in force at the place of delivery.",
        "No amendment shall be valid unless made in writing and signed by both parties.",
        f"The Buyer shall indemnify the Seller against any claim arising from misuse of the {goods}.",
        "Any dispute arising hereunder shall be referred to arbitration.",
    ]
    chosen = rng.sample(clauses, 3 + int(rng.random() * 3))
    head = f'This Agreement is made between {seller} (the "Seller") and {buyer} (the "Buyer").'
    return " ".join([head, *(f"{i}. {clause}" for i, clause in enumerate(chosen, 1))])


WRITERS: dict[str, Callable[[Random], str]] = {"clinic": clinic_note, "contracts": contract}
DOMAINS = (*WRITERS, "general")


def texts(name: str, split: str = "train", size: int | None = None) -> list[str]:
    """`size` documents of a domain; the splits share no document. Raises UnknownData."""
    from fttools.data import UnknownData

    if name not in DOMAINS or split not in SPLITS:
        wanted, options = (name, DOMAINS) if name not in DOMAINS else (split, tuple(SPLITS))
        raise UnknownData(f"No domain text {wanted!r}.", suggest(wanted, options))
    size = DEFAULT_SIZE[split] if size is None else size
    if name == "general":  # far apart, so that the splits cannot meet
        start = 1_000_000 * (1 + SPLITS[split])
        return list(documents(HELD_OUT_SEED, start, start + size))
    return [WRITERS[name](Random(f"{name}/{split}/{i}")) for i in range(size)]
