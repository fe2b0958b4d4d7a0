"""GitHub-flavoured Markdown from plain values. Every text that we did not write ourselves goes through `text` or `code`.

Names come from logs, branches and settings files, so they are hostile until shown otherwise: they may not break a table, mention
a person, link, load a picture or forge our marker.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST_NAME = 80
LONGEST_TEXT = 400
# Each of its parts may be as long as a name or text.
LONGEST_PHRASE = 1000
NO_BREAK = "\u00a0"

_SPECIAL = re.compile(r"([\\`*_\[\]<>&|~$])")
_LEADS_TO_A_LINK = re.compile(r"([@#]|(?:www|https?|ftp|mailto)\b|GH-)", re.IGNORECASE)
_LONG_HEX = re.compile(r"([0-9a-f]{6})(?=[0-9a-f])", re.IGNORECASE)
_ZERO_WIDTH_SPACE = "\u200b"


def text(value: str, longest: int = LONGEST_TEXT) -> str:
    """Plain words: nothing in them is markup, and GitHub makes no mention, reference or link of them.

    GitHub links `@name`, `#12`, commit ids and addresses after Markdown is rendered, so escapes do not stop it; an invisible
    space does.
    """
    plain = _LEADS_TO_A_LINK.sub(rf"\1{_ZERO_WIDTH_SPACE}", _clean(value, longest))
    plain = _LONG_HEX.sub(rf"\1{_ZERO_WIDTH_SPACE}", plain)
    return _SPECIAL.sub(lambda match: f"&#{ord(match[1])};", plain)


def code(value: str) -> str:
    """A name in code style, where GitHub links nothing. A dollar sign would make a formula with that of an amount before it."""
    name = _clean(value, LONGEST_NAME).replace("`", "'").replace("\\", "/").replace("$", "＄") or "?"
    return f"`{name}`"


def phrase(value: str) -> str:
    """Words of ours around names in backticks, as evidence is worded: names become code, the rest text."""
    parts = value[:LONGEST_PHRASE].split("`")
    return "".join(code(part) if i % 2 else _text_within(part) for i, part in enumerate(parts))


def _text_within(part: str) -> str:
    """`text` that keeps its distance from what stands before and after it."""
    before, after = part[:1].isspace(), part[-1:].isspace()
    words = text(part)
    return f"{' ' if before else ''}{words}{' ' if after and words else ''}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a column whose title begins with `>` is aligned right, for figures."""
    head = [title.removeprefix(">") for title in columns]
    rule = ["--:" if title.startswith(">") else ":--" for title in columns]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in (head, rule, *rows))


def folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n<br>\n\n{body}\n\n</details>"


def fitted(body: str, longest: int) -> str:
    """As many lines as fit, with what they open closed: no line of ours needs the next one."""
    if len(body) <= longest:
        return body
    close = "\n\n</details>"
    kept = body[: longest - len(close)].rpartition("\n")[0]
    return kept + (close if kept.count("<details>") > kept.count("</details>") else "")


def small(body: str) -> str:
    return f"<sub>{body}</sub>"


def count(number: int, singular: str, plural: str = "") -> str:
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def listed(words: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def tokens(number: int) -> str:
    """`61234` -> `61 k`, `3900000` -> `3.9 M`; the number and its unit stay on one line."""
    if number < 1000:
        return str(number)
    for limit, size, unit in ((999_500, 1e3, "k"), (999_500_000, 1e6, "M"), (float("inf"), 1e9, "G")):
        if number < limit:
            figure = number / size
            digits = 1 if figure < 9.95 else 0
            return f"{figure:.{digits}f}{NO_BREAK}{unit}"
    raise AssertionError("the last limit is infinite")


def share_of(part: int, whole: int) -> str:
    """A percentage that says 0% and 100% only when it is, and is above 100% when the part is more."""
    if part in (0, whole):
        return "100%" if part else "0%"
    if part > whole > 0:
        return f"{-(-100 * part // whole):,}%"
    percent = 100 * part / whole
    return "<1%" if percent < 1 else ">99%" if percent > 99 else f"{percent:.0f}%"


def bar(part: int, whole: int, width: int = 14) -> str:
    """A bar that is empty only at nothing and full only at the whole. Of more it shows the whole, an end, and what is beyond."""
    if part > whole > 0:
        full = max(1, (width - 1) * whole // part)
        return f"`{'█' * full}┃{'▒' * (width - 1 - full)}`"
    full = max(0, min(width * part // whole, width)) if whole else 0
    return f"`{'█' * (full or (part > 0))}{'░' * (width - (full or (part > 0)))}`"


def _clean(value: str, longest: int) -> str:
    """One line of visible characters: no control, direction or private ones."""
    visible = "".join(" " if c.isspace() else c for c in value if c.isspace() or unicodedata.category(c)[0] != "C")
    line = " ".join(visible.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _cell(value: str) -> str:
    return value.replace("|", "\\|")
