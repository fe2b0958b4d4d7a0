"""`mergecost login`, `logout` and `whoami`: this machine's tokens on a server, which a person gets by a login on GitHub.

The server talks to GitHub, so that no token of GitHub's comes to this machine. Nothing is sent or kept before the person has seen
what would be sent, and agreed.
"""

import os
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import msgspec

from attribution.protocol import (
    LOGIN_PATH,
    LOGIN_TOKENS_PATH,
    TOKEN_PATH,
    LoginAnswer,
    LoginCode,
    LoginQuery,
    Message,
    TokenOwner,
)
from collector import settings_edit
from collector.exchange import Busy, Exchange, PushError, TokenRefused
from collector.files import read_bytes
from collector.last_push import note
from collector.portions import Division, divide
from collector.push_command import push
from collector.scan import scan_with_index
from collector.settings import (
    Settings,
    SettingsError,
    check_token,
    check_url,
    config_file,
    is_paths_sent,
    read_file,
    read_settings,
    state_file,
)
from collector.state import State
from collector.table import aligned
from collector.terminal import err, line, out

# What RFC 8628 asks for where a server says nothing.
_INTERVAL_SECONDS = 5
_MOST_TOKEN_BYTES = 10_000
_MOST_REPOSITORIES = 20


def main(argv: Sequence[str], sleep: Callable[[float], None] = time.sleep, ask: Callable[[], str] = input) -> int:
    """Returns 1 if there is no login, or the person does not agree to what would be sent."""
    parser = ArgumentParser(
        prog="mergecost login",
        description="Pair this machine with your Mergecost server. Shows what would be sent, and asks before anything is.",
    )
    parser.add_argument("url", help="the server's address, such as https://mergecost.example.com")
    parser.add_argument("--yes", action="store_true", help="agree to what is sent, without being asked: for scripts")
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="use the token in this file (- is the standard input), which the server's operator made, and not GitHub",
    )
    options = parser.parse_args(argv)
    try:
        if not options.yes and not sys.stdin.isatty() and ask is input:
            raise SettingsError(
                "nobody can be asked here: with --yes you agree to what `mergecost push --dry-run` shows"
            )
        url = check_url(options.url)
        by_file = options.token_file
        tokens = [_token_in(by_file)] if by_file else _log_in(Exchange(url, "", version("mergecost")), sleep)
        return _pair(url, tokens, ask=None if options.yes else ask, is_new=not by_file)
    except (SettingsError, PushError, OSError) as error:
        err(f"mergecost login: {error}")
        return 1


def logout(argv: Sequence[str]) -> int:
    """Returns 1 where the server did not hear of it: then the tokens stay, so that it can be tried again."""
    ArgumentParser(prog="mergecost logout", description="End this machine's tokens, and forget them.").parse_args(argv)
    path = config_file(os.environ)
    try:
        file = read_file(path)
        if not file.tokens:
            raise SettingsError(f"there is no token in {path}")
        for token in file.tokens:
            _end(check_url(file.url), token)
        settings_edit.remove(path)
    except (SettingsError, PushError) as error:
        err(f"mergecost logout: {error}")
        return 1
    out(f"Logged out of {file.url}: its tokens are revoked and no longer in {path}. Hooks stay, and send nothing.")
    if os.environ.get("MERGECOST_TOKEN"):
        err("MERGECOST_TOKEN is set in this shell, and is still used in it.")
    return 0


def whoami(argv: Sequence[str]) -> int:
    """Returns 1 where a token is refused or the server does not answer."""
    ArgumentParser(prog="mergecost whoami", description="Whom this machine speaks for.").parse_args(argv)
    try:
        settings = read_settings(os.environ, None)
        if settings.remark:
            err(settings.remark)
        for account in settings.accounts:
            owner = owner_of(account)
            who = owner.login or "a token that the server's operator made"
            until = f", until {owner.expires_at:%Y-%m-%d}" if owner.expires_at else ""
            out(line(f"{who}, for {owner.account} on {settings.url} (token {owner.token_id}{until})"))
    except (SettingsError, PushError) as error:
        err(f"mergecost whoami: {error}")
        return 1
    return 0


def owner_of(settings: Settings) -> TokenOwner:
    """Whom the one token of these settings speaks for. Raises PushError."""
    return Exchange(settings.url, settings.token, version("mergecost")).ask(TOKEN_PATH, None, TokenOwner)


def _token_in(name: str) -> str:
    content = sys.stdin.buffer.read(_MOST_TOKEN_BYTES) if name == "-" else read_bytes(Path(name), _MOST_TOKEN_BYTES)
    token = content.decode(errors="replace").strip()
    check_token(token)
    return token


def _log_in(server: Exchange, sleep: Callable[[float], None]) -> list[str]:
    """One token for each account of the person who confirms on GitHub. Raises PushError."""
    code = server.ask(LOGIN_PATH, b"{}", LoginCode)
    out(line(f"Open {code.verification_uri} and enter the code {code.user_code}"))
    sys.stdout.flush()
    left, interval = code.expires_in_seconds, max(code.interval_seconds, _INTERVAL_SECONDS)
    body = msgspec.json.encode(LoginQuery(code.device_code))
    while left > 0:
        pause = interval
        sleep(pause)
        left -= pause
        try:
            answer = server.ask(LOGIN_TOKENS_PATH, body, LoginAnswer)
        except Busy as busy:
            interval = max(interval, busy.seconds)
            continue
        if answer.tokens:
            out(line(f"Logged in as {answer.login}, for {', '.join(of.account for of in answer.tokens)}."))
            return [of.token for of in answer.tokens]
        interval = max(interval, answer.interval_seconds)
    raise PushError("the code was not entered in time: run `mergecost login` again, and enter the new one")


def _pair(url: str, tokens: Sequence[str], ask: Callable[[], str] | None, *, is_new: bool) -> int:
    """Keep the tokens and push, if the person agrees. Else tokens that are new end at once."""
    path = config_file(os.environ)
    for token in tokens:
        check_token(token)
    settings = Settings(url, tokens[0], is_paths_sent(os.environ), more=tuple(tokens[1:]))
    scan = scan_with_index(None, os.environ)
    with State(state_file(os.environ)) as state:
        division = divide(settings, state, scan.usages)
    if division.problems:
        raise division.problems[0]
    for text in _preview(division, url, paths=settings.paths):
        out(text)
    if ask is not None and not _agrees(ask):
        if is_new:
            for token in tokens:
                _end(url, token)
        err("Nothing was sent and nothing is kept: this machine is not paired.")
        return 1
    settings_edit.write(path, url, tokens)
    out(f"Paired: {path} holds the address and the token, for you alone.")
    if os.environ.get("MERGECOST_URL") or os.environ.get("MERGECOST_TOKEN"):
        err("MERGECOST_URL or MERGECOST_TOKEN is set in this shell, and goes before that file.")
    with State(state_file(os.environ)) as state:
        refused_count = push(settings, state, scan)
    note(state_file(os.environ).parent, "")
    out("To send what is new by itself from now on: mergecost hooks install")
    return 1 if refused_count else 0


def _preview(division: Division, url: str, *, paths: bool) -> list[str]:
    """What would be sent, by repository and tool; never more than a screen."""
    counts = Counter(
        (parcel.usage.context.repository, parcel.usage.tool)
        for portion in division.portions
        for parcel in portion.waiting
    )
    repositories = sum(len(portion.coverage.repositories) for portion in division.portions)
    texts = [f"{url} covers {repositories:,} {'repository' if repositories == 1 else 'repositories'}."]
    if counts:
        rows = [("Would send from", "Tool", "Requests")]
        rows += [(repository, tool, f"{count:,}") for (repository, tool), count in sorted(counts.items())]
        texts += aligned(rows[: _MOST_REPOSITORIES + 1], left=(0, 1))
        if len(rows) > _MOST_REPOSITORIES + 1:
            texts.append(f"and {len(rows) - _MOST_REPOSITORIES - 1:,} more rows: `mergecost push --dry-run`")
    else:
        texts.append("Nothing of it was worked on here with an AI tool yet.")
    what = "token counts, ids, times, and names of models and branches, commit ids" + (
        " and paths of files within the repository" if paths else ""
    )
    texts.append(f"Sent are {what}; never a prompt, an answer, a diff or a command.{division.left_out}")
    return texts


def _agrees(ask: Callable[[], str]) -> bool:
    out("Send this now, and from now on what is new of these repositories? [y/N]")
    sys.stdout.flush()
    try:
        return ask().strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _end(url: str, token: str) -> None:
    """A token that the server does not know has ended already."""
    with suppress(TokenRefused):
        Exchange(url, token, version("mergecost")).ask(TOKEN_PATH, None, Message, "DELETE")
