"""Make a learner's outputs safe to look at: formgrader and feedback pages put them into HTML raw.

Kept: text, PNG and JPEG images that are images, and HTML reduced to tables and text. Scripts, event
handlers, styles, frames, forms, SVG, LaTeX, Markdown and widgets are not.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

TAGS = frozenset({"a", "b", "blockquote", "br", "caption", "code", "dd", "div", "dl", "dt", "em",
                  "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "s",
                  "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
                  "tr", "ul"})  # fmt: skip
ATTRIBUTES = {"td": ["colspan", "rowspan"], "th": ["colspan", "rowspan"], "a": ["title"]}
MOST_HTML = 200_000
MOST_TAGS = 20_000
MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
LEFT_OUT = "[output left out]"
# Colours are drawn by ansi2html; every other control sequence only hides text from a terminal.
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-HJKSTfhlnsu]|\x1b\][^\x07]*(\x07|$)|[\x00-\x08\x0e-\x1a]")


def outputs(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The outputs of a cell with the exact types of the notebook format, and nothing active."""
    return [clean for output in found if (clean := one(output)) is not None]


def one(output: dict[str, Any]) -> dict[str, Any] | None:
    """One output, or None for what is no output."""
    kind = output.get("output_type")
    if kind == "stream":
        return {**output, "text": text(output["text"])}
    if kind == "error":
        lines = [text(line) for line in output["traceback"]]
        return {**output, "ename": text(output["ename"]), "evalue": text(output["evalue"]),
                "traceback": lines}  # fmt: skip
    if kind in ("display_data", "execute_result"):
        return {**output, "data": bundle(output["data"]), "metadata": {}}
    return None


def text(value: Any) -> str:
    """A string without control sequences or lone surrogates."""
    found = "".join(map(str, value)) if isinstance(value, list) else str(value)
    return CONTROL.sub("", found.encode("utf-8", "replace").decode("utf-8"))


def bundle(data: dict[str, Any]) -> dict[str, str]:
    """A MIME bundle reduced to the allow-listed types."""
    kept: dict[str, str] = {}
    if "text/plain" in data:
        kept["text/plain"] = text(data["text/plain"])
    if "text/html" in data and (safe := html(text(data["text/html"]))).strip():
        kept["text/html"] = safe
    for kind in MAGIC:
        if kind in data and (image := picture(kind, data[kind])) is not None:
            kept[kind] = image
    return kept or {"text/plain": LEFT_OUT}


def html(value: str) -> str:
    """HTML reduced to text and tables; too much of it is left out (a table of a thousand rows)."""
    import bleach

    if len(value) > MOST_HTML or value.count("<") > MOST_TAGS:
        return ""
    # The text of a script or style is not worth showing.
    value = re.sub(r"(?is)<(script|style)\b.*?(</\1\s*>|$)", "", value)
    return str(bleach.clean(value, tags=TAGS, attributes=ATTRIBUTES, strip=True))


def picture(kind: str, value: Any) -> str | None:
    """Base64 of an image of that kind, or None."""
    try:
        raw = base64.b64decode("".join(text(value).split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(raw).decode() if raw.startswith(MAGIC[kind]) else None


def markdown(value: str) -> str:
    """A learner's Markdown with its raw HTML shown as text and no link that runs."""
    value = re.sub(r"<(?=[a-zA-Z/!?])", "&lt;", value)
    return re.sub(r"(?i)(javascript|vbscript|data)\s*:", r"\1&#58;", value)
