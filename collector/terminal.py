"""The only printer. Names in logs, in repositories and in a server's answers are a stranger's, and a terminal obeys what it prints:
escapes change its title, its clipboard, or what was printed before."""

import re
import sys

# Control characters but tab and line break, marks that turn the direction of writing, and halves of a character.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_UNSAFE_IN_A_LINE = re.compile(f"[\t\n]|{_UNSAFE.pattern}")


def out(text: str) -> None:
    """Print to standard output."""
    print(_UNSAFE.sub("?", text))


def err(text: str) -> None:
    """Print to standard error."""
    print(_UNSAFE.sub("?", text), file=sys.stderr)


def out_json(text: bytes) -> None:
    """Print JSON with the same characters escaped: they stand in texts alone, and remain what they are."""
    print(_UNSAFE.sub(_escaped, text.decode()))


def line(text: str) -> str:
    """A name on one line."""
    return _UNSAFE_IN_A_LINE.sub("?", text)


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
