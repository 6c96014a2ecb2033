"""Whose file is this? Names that learning platforms, browsers and Colab give to submissions.

Everything here works on text alone. `read` understands one path, `folder_name` makes an id that is
safe as a folder, `exercise_of` undoes what downloads do to a file name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

LONGEST = 80
RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
SYSTEM = re.compile(r"^(__MACOSX|__pycache__|desktop\.ini|Thumbs\.db|\.[\w.].*)$")

# Canvas: lastnamefirst_LATE_12345_67890_lora-1.ipynb (user id, attachment id, the learner's name).
CANVAS = re.compile(
    r"^(?P<who>[^_]+)(?P<late>_LATE)?_(?P<id>[0-9]{1,18})_(?P<number>[0-9]{1,18})_(?P<file>.+)$"
)
# Moodle: a folder "First Last_1234567_assignsubmission_file_", or the same before a file's name.
MOODLE = re.compile(
    r"^(?P<who>.+)_(?P<id>[0-9]{1,18})_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)$"
)
# Blackboard: Assignment_username_attempt_2026-11-24-10-15-00_lora.ipynb
BLACKBOARD = re.compile(
    r"^(?:.*_)?(?P<who>[^_]+)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<file>.+))?$"
)
# Brightspace: a folder "12345-67890 - First Last - Nov 24, 2026 1015 AM"
BRIGHTSPACE = re.compile(
    r"^(?P<id>[0-9]{1,18})-[0-9]+ ?- ?(?P<who>.+?) ?- ?(?P<when>\w{3,9} \d.*)$"
)
# nbgrader's exchange: student+lora+2026-11-24 10:15:00 UTC
EXCHANGE = re.compile(r"^(?P<who>[^+]+)\+(?P<exercise>[^+]+)\+(?P<when>\d{4}-\d\d-\d\d[^+]*)")
TIMES = ("%Y-%m-%d-%H-%M-%S", "%Y-%m-%d %H:%M:%S.%f %Z", "%Y-%m-%d %H:%M:%S %Z",
         "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H.%M.%S", "%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p",
         "%b %d, %Y %I:%M %p", "%B %d, %Y %I:%M %p")  # fmt: skip
SUFFIX = re.compile(r"(?: ?\(([0-9]{1,4})\)|-([0-9]{1,3})|[ _-]{1,3}(?i:copy|kopie)[0-9]?)$")
COPY = re.compile(r"(?i)^(?:copy|kopie|copie|copia) (?:of|von|de|di) |^(?:copy_of|copyof)_?")


@dataclass(frozen=True)
class Owner:
    """Whose a file is: `who` as written, the platform's `key` for them, and the file's own name.

    `when` is seconds since 1970 if the name says so; `number` grows with every upload (Canvas).
    """

    who: str
    file: str
    key: str = ""
    when: float = 0.0
    number: int = 0
    late: bool = False
    exercise: str | None = None
    platform: str = "folder"


def moment(text: str) -> float:
    """Seconds since 1970 of a time as platforms write it; 0 if it is none. Taken as UTC."""
    text = " ".join(text.split())
    for form in TIMES:
        try:
            return max(0.0, (datetime.strptime(text, form) - datetime(1970, 1, 1)).total_seconds())
        except ValueError:
            continue
    return 0.0


def by_platform(parts: tuple[str, ...]) -> Owner | None:
    """The owner, if one of the path's parts is named as a platform names it."""
    name = parts[-1]
    for part in parts[:-1]:
        if m := EXCHANGE.match(part):
            return Owner(m["who"], name, f"exchange:{m['who']}", moment(m["when"]),
                         exercise=m["exercise"], platform="nbgrader exchange")  # fmt: skip
        if m := MOODLE.match(part):
            return Owner(m["who"], name, f"moodle:{m['id']}", platform="Moodle")
        if m := BRIGHTSPACE.match(part):
            return Owner(m["who"], name, f"brightspace:{m['id']}", moment(m["when"]),
                         platform="Brightspace")  # fmt: skip
        if m := BLACKBOARD.match(part):
            return Owner(m["who"], name, f"blackboard:{m['who']}", moment(m["when"]),
                         platform="Blackboard")  # fmt: skip
    if (m := MOODLE.match(name)) and m["file"]:
        return Owner(m["who"], m["file"], f"moodle:{m['id']}", platform="Moodle")
    if m := BLACKBOARD.match(name):
        return Owner(m["who"], m["file"] or "", f"blackboard:{m['who']}", moment(m["when"]),
                     platform="Blackboard")  # fmt: skip
    if m := CANVAS.match(name):
        return Owner(m["who"], m["file"], f"canvas:{m['id']}", number=int(m["number"]),
                     late=bool(m["late"]), platform="Canvas")  # fmt: skip
    return None


def plain_stem(file: str) -> tuple[str, int]:
    """A file's stem without what downloads add, and the copy's number.

    "Copy of lora (2).ipynb" -> ("lora", 2); "lora-1.ipynb" -> ("lora", 1); "a.ipynb.txt" -> "a".
    """
    stem = re.sub(r"(?i)(\.ipynb|\.safetensors|\.json)?(\.txt|\.json)?$", "", file, count=1)
    number = 0
    for _ in range(3):
        m = SUFFIX.search(stem)
        if m is None or m.start() == 0:
            break
        number = max(number, int(m[1] or m[2] or 1))
        stem = stem[: m.start()]
    while m := COPY.match(stem):
        stem, number = stem[m.end() :], max(number, 1)
    return stem.strip(), number


def flat_stem(file: str) -> tuple[str, int]:
    """STUDENT and the copy's number of a STUDENT.ipynb: "s-1" is an id, "s (1)" a copy."""
    stem = re.sub(r"(?i)\.ipynb(\.txt|\.json)?$", "", file)
    m = re.search(r" ?\(([0-9]{1,4})\)$", stem)
    return (stem[: m.start()], int(m[1])) if m and m.start() else (stem, 0)


def is_notebook(file: str) -> bool:
    """Named as a notebook; browsers like to add .txt or .json."""
    return bool(re.search(r"(?i)\.ipynb(\.txt|\.json)?$", file))


def folder_name(who: str) -> str:
    """A student's id from a name: letters, digits and . _ - @ only, never hidden, never a path.

    Names of other scripts keep their letters. What had to be cut or is empty ends in a hash of the
    original, so that two names never become one by accident.
    """
    text = unicodedata.normalize("NFKC", who)
    safe = "".join(c if c.isalnum() or c in "._-@" else "_" for c in text)
    safe = re.sub(r"_{2,}", "_", safe.replace("..", "_")).strip("._-")
    mark = hashlib.sha256(who.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    if not safe:
        return f"student_{mark}"
    if RESERVED.match(safe):
        safe += "_"
    if len(safe.encode("utf-8", "replace")) > LONGEST:
        cut = safe.encode("utf-8", "replace")[: LONGEST - 9].decode("utf-8", "ignore")
        return f"{cut}_{mark}"
    return safe
