"""Script in what people look at: outputs, errors, answers, names."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.attacks.kinds import Attack, code
from tests.attacks.plain import plainly

PAGE = "script in outputs"

HTML = """
from IPython.display import display, HTML, Javascript, Markdown, Latex, SVG, IFrame
run = "fetch('http://127.0.0.1:@PORT@/@TOKEN@')"
display(HTML(f"<script>/*@TOKEN@*/{run}</script>"))
display(HTML(f"<img src=x onerror=\\"{run}/*@TOKEN@*/\\"><svg onload='{run}/*@TOKEN@*/'>"))
display(HTML("<iframe src='javascript:@TOKEN@'></iframe><object data='@TOKEN@'></object>"))
display(HTML("<a href='javascript:@TOKEN@'>x</a><form action='http://127.0.0.1:@PORT@/@TOKEN@'>"
             "<input name=x autofocus onfocus='@TOKEN@()'></form><base href='//@TOKEN@/'>"))
display(HTML("<meta http-equiv=refresh content='0;url=http://127.0.0.1:@PORT@/@TOKEN@'>"
             "<link rel=stylesheet href='http://127.0.0.1:@PORT@/@TOKEN@'>"
             "<style>body{background:url(http://127.0.0.1:@PORT@/@TOKEN@)}</style>"))
display(HTML("<table><tr><td onclick='@TOKEN@()' style='position:fixed;top:0'>40/40</td></table>"))
display(HTML("<scr<script>ipt>@TOKEN@()</scr</script>ipt>"
             "<math><mi xlink:href='javascript:@TOKEN@'>"))
display(Javascript("/*@TOKEN@*/" + run))
display(Markdown("<script>/*@TOKEN@*/</script> [x](javascript:@TOKEN@) "
                 "![x](http://127.0.0.1:@PORT@/)"))
display(Latex("$$\\\\href{javascript:@TOKEN@}{x}\\\\unicode{<script>@TOKEN@</script>}$$"))
"""
TYPES = """
from IPython.display import display
kinds = ["text/html", "application/javascript", "image/svg+xml", "text/markdown", "text/latex",
         "application/vnd.jupyter.widget-view+json", "text/vnd.mermaid",
         "application/vnd.plotly.v1+json", "image/png", "image/jpeg", "application/pdf"]
for kind in kinds:
    display({kind: "<svg onload='@TOKEN@()'><script>@TOKEN@()</script></svg>", "text/plain": "x"},
            raw=True)
display({"image/png": "x' onerror='@TOKEN@()", "text/plain": "x"}, raw=True,
        metadata={"image/png": {"width": "1' onload='@TOKEN@()", "alt": "<script>@TOKEN@()"}})
display({"text/html'><script>@TOKEN@()</script>": "x"}, raw=True)
"""
TRACEBACK = """
class Evil(Exception):
    pass
Evil.__name__ = "<script>@TOKEN@()</script>"
Evil.__qualname__ = Evil.__name__
print("\\x1b]8;;javascript:@TOKEN@\\x07link\\x1b]8;;\\x07 \\x1b[2J\\x1b[H\\x1b]0;@TOKEN@\\x07")
print("<script>@TOKEN@()</script>\\u202e\\u2066<img src=x onerror=@TOKEN@()>")
raise Evil("<img src=x onerror=@TOKEN@()>\\x1b[31m<script>@TOKEN@()</script>")
"""
SOURCE = """
x = "</pre></div><script>@TOKEN@()</script><img src=x onerror=@TOKEN@()>"  # </script><!--
# <svg onload=@TOKEN@()> {{ 7 * 7 }} {% raw %}
"""
REPR = """
class Loud:
    def __repr__(self):
        return "<script>@TOKEN@()</script>"
    def _repr_html_(self):
        return "<img src=x onerror=@TOKEN@()>"
    def _repr_mimebundle_(self, **kwargs):
        return {"text/html": "<script>@TOKEN@()</script>"}, {}
    def _ipython_display_(self):
        raise KeyboardInterrupt
class LoRALinear(nn.Module):
    def __init__(self, base, rank, alpha):
        raise ValueError("<script>@TOKEN@()</script><img src=x onerror=@TOKEN@()>" * 50)
Loud()
"""


class Active(HTMLParser):
    """Collects what would run or load in a page, where the token is in it."""

    LOADS = frozenset({"script", "iframe", "object", "embed", "frame", "link", "meta", "base",
                       "form", "style", "svg", "math"})  # fmt: skip

    def __init__(self, token: str) -> None:
        super().__init__(convert_charrefs=True)
        self.token, self.found, self.inside = token, list[str](), ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag: its handlers and addresses."""
        self.inside = tag if tag in ("script", "style") else ""
        for name, value in attrs:
            if self.token not in f"{name}{value}":
                continue
            if name.startswith("on") or tag in self.LOADS or name in ("src", "href", "style"):
                self.found.append(f"<{tag} {name}={value!r}>")

    def handle_endtag(self, tag: str) -> None:
        """The end of a script or style."""
        self.inside = ""

    def handle_data(self, data: str) -> None:
        """Text; inside a script or style it runs."""
        if self.inside and self.token in data:
            self.found.append(f"<{self.inside}>{data[:80]}")


def active(page: str, token: str) -> list[str]:
    """What of a submission would run or load when `page` is opened."""
    parser = Active(token)
    parser.feed(page)
    parser.close()
    return parser.found


ATTACKS: list[Attack] = [
    code("html", PAGE, "scripts, handlers, frames and forms in displayed HTML", HTML,
         solved=("LoRALinear",), plain=plainly(HTML)),
    code("mime_types", PAGE, "scripts in every other type of output", TYPES,
         solved=("LoRALinear",)),
    code("traceback", PAGE, "scripts and terminal codes in text and errors", TRACEBACK,
         solved=("LoRALinear",)),
    code("source", PAGE, "scripts in the source itself", SOURCE, solved=("LoRALinear",)),
    code("repr", PAGE, "scripts in a repr and in a probe's error", REPR),
]  # fmt: skip
