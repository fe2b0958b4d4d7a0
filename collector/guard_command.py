"""`mergecost guard`: the caps at which AI tools are stopped here, what is spent against them, and unlocks."""

import os
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import msgspec

from attribution.money import show
from collector.exchange import PushError
from collector.files import read_bytes
from collector.guard.caps import local
from collector.guard.figures import Figures
from collector.guard.hook import FIGURES, UNLOCKS, caps, place
from collector.guard.renew import ask_server, renew
from collector.guard.unlocks import BadUnlock, Line, Unlock, append, parse_duration, parse_reason, read
from collector.hooks.codex_trust import HOW
from collector.hooks.tools import tools_with_guard, untrusted
from collector.scan import scan_with_index
from collector.settings import SettingsError, config_file, read_settings, state_file
from collector.stamps import SESSION_VARIABLES
from collector.table import aligned
from collector.terminal import err, line, out, out_json

# Of the latest sessions, and of unlocks, so many are shown; with sessions over their cap, at most so many lines.
_MOST_LATEST, _MOST_LINES = 3, 12


class State(msgspec.Struct):
    """`repository` and `branch` are where the command runs, empty if not known; `tools` are those with the guard installed, of
    which the `untrusted` skip it; `unlocked_until` is in seconds since 1970."""

    repository: str
    branch: str
    tools: list[str]
    untrusted: list[str]
    caps: list[Line]
    unlocked_until: int | None
    unlocks: list[Unlock]


def main(argv: Sequence[str]) -> int:
    """Show the caps, or unlock. Returns 1 if a setting is wrong or the unlock cannot be recorded."""
    parser = ArgumentParser(
        prog="mergecost guard", description="The caps at which AI tools are stopped on this machine."
    )
    parser.add_argument("--unlock", metavar="FOR", help="go on in spite of every cap: 30m, 2h, at most 1d; recorded")
    parser.add_argument("--reason", default="", help="why")
    parser.add_argument("--json", action="store_true", help="the state as JSON, money in millionths of a dollar")
    options = parser.parse_args(argv)
    try:
        return _unlock(options.unlock, options.reason) if options.unlock is not None else _show(as_json=options.json)
    except (BadUnlock, SettingsError, OSError) as error:
        err(f"mergecost guard: {error}")
        return 1


def _unlock(duration: str, reason: str) -> int:
    now, path = int(time.time()), state_file(os.environ).with_name(UNLOCKS)
    over = [line for line in lines(_figures(), str(Path.cwd())) if line.is_over]
    append(path, unlock := Unlock(now, now + parse_duration(duration), parse_reason(reason), over, _session()))
    out(f"Unlocked until {_clock(unlock.until)}; recorded in {path}.")
    for cap in over:
        out(f"Over its cap: {cap.what}, {show(cap.spent_micros)} of {show(cap.cap_micros)} at list price.")
    return 0


def _show(*, as_json: bool) -> int:
    local(os.environ)
    usages, now = scan_with_index(None, os.environ).usages, time.time()
    try:
        settings = read_settings(os.environ, None)
        if settings.remark:
            err(settings.remark)
        ask_server(settings, usages, os.environ, now)
    except SettingsError:
        pass  # the guard needs no server
    except PushError as error:
        err(f"The caps of the server may be out of date: {error}")
    figures = msgspec.to_builtins(renew(usages, os.environ, now))
    git, branch = place(str(Path.cwd()))
    unlocks = read(state_file(os.environ).with_name(UNLOCKS))
    until = unlocks[-1].until if unlocks and unlocks[-1].until > now else None
    guarded = tools_with_guard(Path.home(), os.environ)
    state = State(
        repository=figures["repositories"].get(git, ""),
        branch=branch,
        tools=guarded,
        untrusted=[name for name in guarded if untrusted(name, Path.home(), os.environ)],
        caps=lines(figures, str(Path.cwd())),
        unlocked_until=until,
        unlocks=unlocks,
    )
    if as_json:
        out_json(msgspec.json.encode(state))
    else:
        out(_text(state))
    return 0


def lines(figures: dict, folder: str) -> list[Line]:
    """The caps in force in `folder`: of its branch, of the day, of the latest sessions, and of all sessions over their cap."""
    where, today = place(folder), time.strftime("%Y-%m-%d")
    rows = [line for line in _lines(figures, "", where, today) if line.kind != "session"]
    for number, session in enumerate(figures.get("sessions", ())):
        rows += [
            msgspec.structs.replace(line, what=f"session {session}")
            for line in _lines(figures, session, where, today)
            if line.kind == "session" and (number < _MOST_LATEST or line.is_over)
        ]
    return rows[:_MOST_LINES]


def _lines(figures: dict, session: str, where: tuple[str, str], today: str) -> list[Line]:
    return msgspec.convert(caps(figures, session, where, today), list[Line]) if figures else []


def _figures() -> dict:
    """The hook's current figures; empty if they cannot be read."""
    try:
        content = read_bytes(state_file(os.environ).with_name(FIGURES))
        return msgspec.to_builtins(msgspec.json.decode(content, type=Figures))
    except (OSError, msgspec.DecodeError):
        return {}


def _session() -> str:
    """The AI session that runs this command, if one does."""
    return next((f"{tool} {os.environ[name]}" for name, tool in SESSION_VARIABLES.items() if os.environ.get(name)), "")


def _text(state: State) -> str:
    here = [part for part in (state.repository, state.branch and f"branch {state.branch}") if part]
    tools = (
        f"Installed in {', '.join(state.tools)}." if state.tools else "Not installed: mergecost hooks install --guard"
    )
    notes = [f"Here: {', '.join(here) or 'no branch'}. {tools}"]
    notes += [f"Not in force in {name}, which skips hooks that are not trusted: {HOW}." for name in state.untrusted]
    if state.unlocked_until:
        notes.append(f"Unlocked until {_clock(state.unlocked_until)}: nothing is refused.")
    notes += [_unlock_note(unlock) for unlock in state.unlocks[-_MOST_LATEST:]]
    if not state.caps:
        example = "[guard]\nsession_usd = 20\nday_usd = 100\n"
        return "\n".join([f"No cap is set here. Write one in {config_file(os.environ)}:\n\n{example}", *notes])
    rows = [("At list price", "Spent", "Cap", "", "Set in")]
    rows += [
        (line.what, _spent(line), show(line.cap_micros), "over" if line.is_over else "", line.set_in)
        for line in state.caps
    ]
    return "\n".join(
        [*aligned(rows, left=(0, 3, 4)), "", *notes, "Requests at a price that is not known are in no amount."]
    )


def _spent(line: Line) -> str:
    """What is known of it: no price is no zero."""
    if not line.is_partial:
        return show(line.spent_micros)
    return f"at least {show(line.spent_micros)}" if line.spent_micros else "not known"


def _unlock_note(unlock: Unlock) -> str:
    by = f", by {unlock.session} itself" if unlock.session else ""
    return line(f"Unlocked {_clock(unlock.at)} to {_clock(unlock.until)}{by}: {unlock.reason}")


def _clock(at: int) -> str:
    return time.strftime("%d %b %H:%M", time.localtime(at))
