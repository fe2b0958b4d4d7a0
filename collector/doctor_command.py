"""`mergecost doctor`: what is right on this machine and what is not, one line each. With --server, on the server."""

import os
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import msgspec

from attribution.protocol import TokenOwner
from collector import last_push
from collector.exchange import PushError
from collector.hooks import launcher, tools
from collector.hooks.codex_trust import HOW
from collector.login_command import owner_of
from collector.portions import divide
from collector.scan import scan_with_index
from collector.settings import Settings, SettingsError, config_file, read_settings, state_file
from collector.state import State
from collector.terminal import line, out, out_json

# The server refuses requests of a time that has not come.
_CLOCK_SECONDS = 120
_SOON_DAYS = 14


class Finding(msgspec.Struct, frozen=True):
    """`bad` is what keeps something from working, `note` what a person may want to know."""

    name: str
    state: Literal["ok", "note", "bad"]
    text: str


def main(argv: Sequence[str]) -> int:
    """Returns 1 if anything is bad."""
    parser = ArgumentParser(prog="mergecost doctor", description="Says what works on this machine and what does not.")
    parser.add_argument("--server", action="store_true", help="look at the server instead, where it runs")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    options = parser.parse_args(argv)
    if options.server:
        from collector.command import load  # noqa: PLC0415 (the command itself imports this module)

        return load("bot.cli.doctor:main")(["--json"] if options.json else [])
    findings = list(_findings())
    if options.json:
        out_json(msgspec.json.encode({"findings": findings}))
    else:
        for finding in findings:
            out(line(f"{finding.state:<4}  {finding.name:<12}  {finding.text}"))
    return 1 if any(finding.state == "bad" for finding in findings) else 0


def _findings() -> Iterator[Finding]:
    yield from _tools(Path.home())
    try:
        settings = read_settings(os.environ, None)
    except SettingsError as error:
        yield Finding("address", "bad", str(error))
    else:
        yield _address(settings)
        yield from _server(settings)
    yield _last_push()


def _address(settings: Settings) -> Finding:
    if settings.remark:
        return Finding("address", "bad", settings.remark)
    where = (
        "the environment, which hooks may not have"
        if os.environ.get("MERGECOST_TOKEN")
        else str(config_file(os.environ))
    )
    return Finding("address", "note" if os.environ.get("MERGECOST_TOKEN") else "ok", f"{settings.url}, from {where}")


def _server(settings: Settings) -> Iterator[Finding]:
    owners: list[TokenOwner] = []
    for account in settings.accounts:
        try:
            owners.append(owner_of(account))
            yield _token(owners[-1])
        except PushError as error:
            yield Finding("token", "bad", str(error))
    if not owners:
        return
    yield _clock(owners[-1])
    yield _version(owners[-1], settings.url)
    try:
        scan = scan_with_index(None, os.environ)
        with State(state_file(os.environ)) as state:
            division = divide(settings, state, scan.usages)
    except (PushError, SettingsError) as error:
        yield Finding("waiting", "bad", str(error))
        return
    covered = sum(len(portion.coverage.repositories) for portion in division.portions)
    yield Finding("coverage", "ok" if covered else "bad", f"repositories: {covered:,}")
    waiting = sum(len(portion.waiting) for portion in division.portions)
    yield Finding("waiting", "note" if waiting else "ok", f"{waiting:,} requests are not sent yet.{division.left_out}")
    for trouble in scan.tally.troubles:
        yield Finding("logs", "bad", trouble)


def _token(owner: TokenOwner) -> Finding:
    who = f"{owner.login or 'made by the operator'}, for {owner.account}"
    if owner.expires_at is None:
        return Finding("token", "ok", who)
    days = (owner.expires_at - owner.now).days
    text = f"{who}, until {owner.expires_at:%Y-%m-%d}"
    return Finding("token", "note" if days < _SOON_DAYS else "ok", text)


def _clock(owner: TokenOwner) -> Finding:
    ahead = time.time() - owner.now.timestamp()
    if abs(ahead) < _CLOCK_SECONDS:
        return Finding("clock", "ok", "as the server's")
    which = "ahead of" if ahead > 0 else "behind"
    return Finding("clock", "bad", f"{abs(ahead):,.0f} s {which} the server's: set this machine's time by the network")


def _version(owner: TokenOwner, url: str) -> Finding:
    own = version("mergecost")
    if own == owner.version:
        return Finding("version", "ok", f"{own}, as the server's")
    return Finding("version", "note", f"{own}, and the server's is {owner.version}: see {url}/download")


def _tools(home: Path) -> Iterator[Finding]:
    """The tools on this machine, each with its hook."""
    env = os.environ
    places = {name: tool for name, tool in tools.TOOLS.items() if tool.push and tool.place(home, env).is_dir()}
    for name, tool in places.items():
        path = tool.path(home, env)
        problems = [why for script in tools.scripts(path) if (why := launcher.problem(script))]
        if not tools.is_hooked(path, launcher.PUSH):
            yield Finding(name, "note", "not hooked: mergecost hooks install")
        elif problems:
            yield Finding(name, "bad", f"its hook is dead, since {problems[0]}: mergecost hooks install")
        elif tools.untrusted(name, home, env):
            yield Finding(name, "bad", f"it skips the hook, which is not trusted: {HOW}")
        else:
            yield Finding(name, "ok", "hooked")
    for name, why in tools.without_hooks(home, env).items():
        yield Finding(name, "note", f"cannot be hooked, since {why}: a timer pushes what it logs")
    if not places:
        yield Finding("tools", "note", "no tool with hooks is here")


def _last_push() -> Finding:
    last = last_push.read(state_file(os.environ).parent)
    when = f"last push {_when(last.at)}" if last.at else "never pushed"
    if last.error:
        return Finding("push", "bad", f"{when}; {_when(last.failed_at)}: {last.error}")
    return Finding("push", "ok" if last.at else "note", when)


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%Y-%m-%d %H:%M}"
