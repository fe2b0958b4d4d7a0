"""The only printer. Names in logs, in repositories and in a server's answers are a stranger's, and a terminal obeys what it prints:
escapes change its title, its clipboard, or what was printed before."""

import sys

# Control characters but tab and line break, marks that turn the direction of writing, and halves of a character.
_UNSAFE = {
    *range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x061C, 0x200B, 0x200E, 0x200F, *range(0x2028, 0x202F),
    *range(0x2060, 0x206A), 0xFEFF, *range(0xD800, 0xE000), *range(0xE0000, 0xE0080),
}  # fmt: skip
_PLAIN = dict.fromkeys(_UNSAFE, "?")
_PLAIN_LINE = dict.fromkeys((*_UNSAFE, *b"\t\n"), "?")


class _Escapes(dict[int, str]):
    """As JSON escapes them, made when they are met."""

    def __missing__(self, code: int) -> str:
        if code not in _UNSAFE:
            raise KeyError(code)
        units = chr(code).encode("utf-16-be", errors="surrogatepass")
        return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def out(text: str) -> None:
    """Print to standard output."""
    print(text.translate(_PLAIN))


def err(text: str) -> None:
    """Print to standard error."""
    print(text.translate(_PLAIN), file=sys.stderr)


def out_json(text: bytes) -> None:
    """Print JSON with the same characters escaped: they stand in texts alone, and remain what they are."""
    print(text.decode().translate(_ESCAPES))


def line(text: str) -> str:
    """A name on one line."""
    return text.translate(_PLAIN_LINE)


_ESCAPES = _Escapes()
