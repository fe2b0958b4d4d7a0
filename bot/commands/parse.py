"""What a person says to the bot in a pull request or issue: `/mergecost link 1f2e3d`, one command a line. Pure.

An error is a value, worded for whoever made it. Names that they typed stand in backticks, as in all our phrases.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise

import msgspec

_NAME = "/mergecost"
# https://spec.commonmark.org/0.31.2/#fenced-code-blocks: three backticks with more of them behind are code within a line.
_FENCE = re.compile(r" {0,3}(`{3,}+|~{3,}+)(?P<more>.*)")
_LINE_END = re.compile(r"\r\n|\r|\n")
# One that is not closed hides the rest: https://spec.commonmark.org/0.31.2/#html-blocks
_HTML_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_SPLIT = re.compile(r"[1-9]\d{0,3}(?:/[1-9]\d{0,3})+")
_NUMBER = re.compile(r"#?([1-9]\d{0,8})")
_WEEK = re.compile(r"2\d{3}-W(?:0[1-9]|[1-4]\d|5[0-3])")
MOST_COMMANDS = 20
LONGEST_COMMAND = 1000
# A correction's reason is kept with each request's share.
LONGEST_REASON = 300


class Correct(msgspec.Struct, frozen=True):
    """Link a session to pull requests by weight, or unlink it from them; no weights mean the pull request that it is said in.
    Or confirm what of it looks invented.

    `session` is the short id that the comment shows, or the tool's own id. `why` is what follows `because`.
    """

    says: str
    session: str
    weights: tuple[tuple[int, int], ...] = ()
    why: str = ""


class Refresh(msgspec.Struct, frozen=True):
    """Read everything about the pull request again."""


class Switch(msgspec.Struct, frozen=True):
    """Whether this pull request has our comment."""

    on: bool


class Approve(msgspec.Struct, frozen=True):
    """Let the pull request cost more than its budget, for that reason."""

    reason: str


class Rebuild(msgspec.Struct, frozen=True):
    """Build the issue about a week anew, such as `2026-W47`."""

    week: str


class CommandError(msgspec.Struct, frozen=True):
    """A command that cannot be carried out, and what to write instead."""

    problem: str


Command = Correct | Refresh | Switch | Approve | Rebuild | CommandError


def commands(body: str) -> list[Command]:
    """The commands in a comment, in order. Lines that quote, and lines within a code block, are not meant for us."""
    lines = _command_lines(body)
    if len(lines) > MOST_COMMANDS:
        return [CommandError(f"a comment may hold {MOST_COMMANDS} commands at most")]
    return [_command(line.removeprefix(_NAME).strip()) for line in lines]


def lines(body: str) -> str:
    """Only the lines of a comment that are commands, as they were written: as much of them as `commands` needs."""
    longest = len(_NAME) + LONGEST_COMMAND + 2
    return "\n".join(line[:longest] for line in _command_lines(body)[: MOST_COMMANDS + 1])


def _command_lines(body: str) -> list[str]:
    if _NAME not in body:
        return []
    return [line for line in _plain_lines(body) if line.startswith(_NAME) and not line[len(_NAME) :][:1].strip()]


def _plain_lines(body: str) -> Iterator[str]:
    """What stands in no code block and no HTML comment. Only what ends a line for GitHub ends one here: a quote hides the rest."""
    fence = ""
    for line in _LINE_END.split(_HTML_COMMENT.sub("", body)):
        mark = _FENCE.fullmatch(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark["more"].strip():
                fence = ""
        elif mark and not (mark[1][0] == "`" and "`" in mark["more"]):
            fence = mark[1]
        else:
            yield line.rstrip()


def _command(words: str) -> Command:
    if len(words) > LONGEST_COMMAND:
        return CommandError(f"a command may hold {LONGEST_COMMAND:,} characters at most")
    words, _, why = words.partition(" because ")
    name, *rest = words.replace("`", " ").split() or [""]
    form = _FORMS.get(name.lower())
    if form is None:
        close = get_close_matches(name.lower(), _FORMS, n=1)
        hint = (
            f"perhaps `{close[0]}`"
            if close
            else "there are `link`, `unlink`, `split`, `confirm`, `refresh`, `approve`, `week`, `off` and `on`"
        )
        return CommandError(f"there is no command `{name}`: {hint}" if name else f"which command? {hint.capitalize()}")
    return form(rest, why.strip()[:LONGEST_REASON])


def _link(says: str, rest: list[str], why: str) -> Command:
    if len(rest) != 1:
        return CommandError(
            f"write `/mergecost {says} SESSION`, with the short id that the comment shows, such as `1f2e3d`"
        )
    return Correct(says, rest[0], (), why)


def _split(rest: list[str], why: str) -> Command:
    usage = "write `/mergecost split SESSION 60/40 #12 #14`"
    if len(rest) < 4 or not _SPLIT.fullmatch(rest[1]):
        return CommandError(usage)
    parts = [int(part) for part in rest[1].split("/")]
    matches = [_NUMBER.fullmatch(word) for word in rest[2:]]
    numbers = [int(match[1]) for match in matches if match]
    if len(numbers) < len(matches) or len(numbers) != len(parts):
        count = f"here are {len(parts)} of those and {len(numbers)} of these"
        return CommandError(f"{usage}: as many parts as pull requests, {count}")
    if sum(parts) != 100:
        return CommandError(f"{usage}: the parts are percentages and add up to {sum(parts)} here, not to 100")
    if any(a == b for a, b in pairwise(sorted(numbers))):
        return CommandError(f"{usage}: each pull request once")
    return Correct("link", rest[0], tuple(sorted(zip(numbers, parts, strict=True))), why)


def _week(rest: list[str]) -> Command:
    usage = "write `/mergecost week 2026-W47`"
    if len(rest) != 1 or not _WEEK.fullmatch(rest[0].upper()):
        return CommandError(usage)
    return Rebuild(rest[0].upper())


def _approve(rest: list[str], why: str) -> Command:
    reason = " because ".join(part for part in (" ".join(rest), why) if part)
    return (
        Approve(reason[:LONGEST_REASON])
        if reason
        else CommandError("write `/mergecost approve REASON`, with why it may cost more")
    )


def _alone(command: Command, name: str, rest: list[str]) -> Command:
    return CommandError(f"`/mergecost {name}` takes nothing more, here is `{' '.join(rest)}`") if rest else command


_FORMS = {
    "link": lambda rest, why: _link("link", rest, why),
    "confirm": lambda rest, why: _link("confirm", rest, why),
    "unlink": lambda rest, why: _link("unlink", rest, why),
    "split": _split,
    "refresh": lambda rest, _: _alone(Refresh(), "refresh", rest),
    "off": lambda rest, _: _alone(Switch(on=False), "off", rest),
    "approve": _approve,
    "week": lambda rest, _: _week(rest),
    "on": lambda rest, _: _alone(Switch(on=True), "on", rest),
}
