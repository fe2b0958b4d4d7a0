"""`mergecost token`: make, list and revoke tokens on the server."""

import argparse
import sys
from datetime import datetime
from typing import Any

from bot.clock import DAY_MS, from_ms, system_clock
from bot.keys import Sender
from bot.repository_settings import OperatorSettings
from bot.settings import SettingsError, from_environment, operator_settings
from bot.store import accounts as account_store
from bot.store import tokens as token_store
from bot.store.database import Database
from bot.store.opening import opened
from bot.take_back import take_back

_MOST_AT_ONCE, _MOST_DAYS = 10_000, 3650


def main(argv: list[str]) -> int:
    """Returns the exit code; a token is printed once and never again."""
    options = _parser().parse_args(argv)
    try:
        settings = from_environment()
        operator = operator_settings(settings)
        database = opened(settings.database_url)
    except SettingsError as error:
        print(f"mergecost token: {error}", file=sys.stderr)
        return 2
    try:
        if options.action == "revoke":
            return _revoke(database, operator, options)
        return {"new": _new, "list": _list}[options.action](database, options)
    finally:
        database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mergecost token", description="Tokens, which collectors send usage with and others read figures with."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    new = actions.add_parser("new", help="make a token for one account, a sender of its own, and show it once")
    new.add_argument("--account", help="the user or organization that it speaks for (not needed if there is only one)")
    new.add_argument("--read", action="store_true", help="for reading figures from /api/v1, not for sending usage")
    new.add_argument(
        "--for",
        dest="sender",
        default="",
        metavar="NAME",
        help="who sends with it: tokens of one name are one sender, such as a person's laptop and CI; without it, the token alone",
    )
    new.add_argument("--count", type=int, default=1, help="so many, each a sender of its own: NAME-01, NAME-02 ...")
    new.add_argument("--days", type=int, default=0, help="valid for so many days; without it, until revoked")
    actions.add_parser("list", help="the tokens that exist, without their secrets")
    revoke = actions.add_parser("revoke", help="refuse a token from now on")
    revoke.add_argument("token_id")
    revoke.add_argument(
        "--take-back",
        action="store_true",
        help="also withdraw all that was sent or last changed with it, as if it had never come",
    )
    return parser


def _new(database: Database, options: argparse.Namespace) -> int:
    if not 1 <= options.count <= _MOST_AT_ONCE or not 0 <= options.days <= _MOST_DAYS:
        print(f"--count is 1 to {_MOST_AT_ONCE:,}, --days at most {_MOST_DAYS:,}.")
        return 2
    if options.count > 1 and not options.sender.strip():
        print("Say --for NAME: the tokens are named NAME-01, NAME-02 and so on.")
        return 2
    with database.write() as connection:
        accounts = [account for account in account_store.all_accounts(connection) if account.installation_id]
        login = (options.account or "").lower()
        choices = [account for account in accounts if login in ("", account.login.lower())]
        if len(choices) != 1:
            logins = ", ".join(account.login for account in accounts) or "none yet: install the App first"
            print(f"Which account? Say --account LOGIN. The App is installed on: {logins}.")
            return 2
        now_ms = system_clock()
        terms = token_store.Terms(expires_at_ms=now_ms + options.days * DAY_MS if options.days else None)
        may = "read" if options.read else "ingest"
        tokens = {
            name: token_store.new(connection, choices[0].account_id, name, now_ms, may, terms)
            for name in _names(options.sender.strip(), options.count)
        }
    if options.count > 1:
        for name, token in tokens.items():
            print(f"{name} {token}")
        print(
            f"For {choices[0].login}, one machine each. They are shown this once. The same command makes the next ones: both work "
            "until the old ones end.",
            file=sys.stderr,
        )
        return 0
    print(*tokens.values())
    use = (
        "In requests to /api/v1: `Authorization: Bearer ...`"
        if options.read
        else "On a developer's machine: MERGECOST_TOKEN=... mergecost push"
    )
    print(f"For {choices[0].login}. It is shown this once. {use}")
    return 0


def _names(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}-{number:02}" for number in range(1, count + 1)]


def _list(database: Database, _options: argparse.Namespace) -> int:
    with database.read() as connection:
        logins = {account.account_id: account.login for account in account_store.all_accounts(connection)}
        for row in token_store.all_tokens(connection):
            state = (
                f"revoked {_day(row.revoked_at_ms)}" if row.revoked_at_ms else f"last used {_day(row.last_used_at_ms)}"
            )
            if row.expires_at_ms:
                state += f"  ends {_day(row.expires_at_ms)}"
            what = f"{row.token_id}  {row.may:<6}  {logins.get(row.account_id, row.account_id)}"
            print(f"{what}  made {_day(row.created_at_ms)}  {state}  {row.user_login or row.sender}")
    return 0


def _revoke(database: Database, operator: OperatorSettings, options: argparse.Namespace) -> int:
    with database.write() as connection:
        is_revoked = token_store.revoke(connection, options.token_id, system_clock())
        row = token_store.token_named(connection, options.token_id)
    if row is None or not (is_revoked or options.take_back):
        print(f"There is no live token {options.token_id!r}; see `mergecost token list`.")
        return 1
    print("Revoked." if is_revoked else "It was revoked before.")
    if options.take_back:
        sender = Sender(row.account_id, row.sender, row.token_id)
        taken = take_back(database, operator, system_clock, sender)
        print(
            f"Taken back: {taken.cost.show()} of {taken.cost.requests:,} requests; {taken.pulls:,} pull requests bore a part. "
            "Comments and weekly issues follow. Whoever really made a request may report it with another token."
        )
    return 0


def _day(at_ms: int | None) -> Any:
    return datetime.strftime(from_ms(at_ms), "%Y-%m-%d") if at_ms else "never"
