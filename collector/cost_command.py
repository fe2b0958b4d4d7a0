"""`mergecost` alone: what the work in this clone cost, from the logs on this machine, without a server.

By branch, as git knows it; by pull request where GitHub's command line is signed in, whose list places the work as the server
would.
"""

import csv
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from attribution.ledger import Charge, charge
from attribution.money import Micros, cents_that_sum, show_cents
from attribution.usage import NOT_KNOWN, Usage
from collector.git import Git
from collector.pulls import NO_LIST, default_branch, newest_pulls, targets
from collector.scan import Scan, scan_with_index, working_folder
from collector.table import aligned, bar

Key = Callable[[Usage], str]
KEYS: dict[str, Key] = {
    "branch": lambda usage: usage.context.branch or "(branch not known)",
    "tool": lambda usage: usage.tool,
    "model": lambda usage: usage.model or "(model not known)",
    "day": lambda usage: f"{usage.at.astimezone():%Y-%m-%d}",
    "session": lambda usage: f"{usage.tool} {usage.session_id}",
    "repository": lambda usage: usage.context.repository or "(no repository)",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`micros` at list price, None where no request has one; `unpriced_requests` are in no amount. Tokens are None where no tool
    says them."""

    name: str
    micros: Micros | None
    requests: int
    unpriced_requests: int
    input_tokens: int | None
    output_tokens: int | None
    last_at: datetime


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    options = _parser().parse_args(argv)
    found = scan_with_index(options.home, os.environ, bar())
    here = Git(os.environ).facts(working_folder()).repository if not options.all else ""
    by = options.by or ("branch" if here else "repository")
    usages = _wanted(found.usages, here, options.days)
    charges = [charge(usage) for usage in usages]
    if by == "pull":
        pulls = newest_pulls()
        if pulls is None:
            print(NO_LIST, file=sys.stderr)
            return 1
        placed = targets(usages, pulls, default_branch())
        rows = table(charges, lambda usage: placed[usage.key])
    else:
        rows = table(charges, KEYS[by])
    if options.json:
        for row in rows:
            print(msgspec.json.encode(row).decode())
    elif options.csv:
        _csv(by, rows)
    else:
        print(_text(by, rows, here, options.days, found))
    for line in found.tally.troubles:
        print(line, file=sys.stderr)
    return 0


def table(charges: Iterable[Charge], key: Key) -> list[Row]:
    """Sums by `key`, the most money first."""
    groups: defaultdict[str, list[Charge]] = defaultdict(list)
    for one in charges:
        groups[key(one.usage)].append(one)
    rows = [_row(name, group) for name, group in groups.items()]
    return sorted(rows, key=lambda row: (-(row.micros or 0), row.name))


def _row(name: str, charges: Sequence[Charge]) -> Row:
    used = sum((one.usage.tokens for one in charges), NOT_KNOWN)
    amounts = [one.list_micros for one in charges if one.list_micros is not None]
    return Row(
        name=name,
        micros=sum(amounts) if amounts else None,
        requests=len(charges),
        unpriced_requests=len(charges) - len(amounts),
        input_tokens=used.input if used.is_known else None,
        output_tokens=used.output if used.is_known else None,
        last_at=max(one.usage.at for one in charges),
    )


def _wanted(usages: Iterable[Usage], repository: str, days: int) -> list[Usage]:
    since = datetime.now(UTC) - timedelta(days=days)
    return [
        usage for usage in usages if usage.at >= since and (not repository or usage.context.repository == repository)
    ]


_SUMMED = ("requests", "unpriced_requests", "input_tokens", "output_tokens")


def _text(by: str, rows: Sequence[Row], repository: str, days: int, found: Scan) -> str:
    where = repository or "all repositories"
    if not rows:
        hint = "" if found.files else " `mergecost scan` says where it looked."
        return f"No AI work in {where} in the last {days} days. Log files read: {found.files}.{hint}"
    cents = cents_that_sum([row.micros or 0 for row in rows])
    lines: list[tuple[str, ...]] = [(by.capitalize(), "Cost", "Requests", "Unpriced", "Input", "Output", "Last")]
    for row, amount in zip(rows, cents, strict=True):
        cost = "not known" if row.micros is None else show_cents(amount)
        counts = f"{row.requests:,}", f"{row.unpriced_requests:,}"
        tokens = _tokens(row.input_tokens), _tokens(row.output_tokens)
        lines.append((row.name, cost, *counts, *tokens, f"{row.last_at.astimezone():%d %b %H:%M}"))
    sums = (sum(getattr(row, name) or 0 for row in rows) for name in _SUMMED)
    lines.append(("All", show_cents(sum(cents)), *(f"{one:,}" for one in sums), ""))
    notes = [f"{where}, the last {days} days, at list price: not an invoice."]
    if unpriced := sum(row.unpriced_requests for row in rows):
        notes.append(f"Requests in no amount, since their price is not known: {unpriced:,}.")
    return "\n".join([*aligned(lines, left=(0, 6), most_columns=100), "", *notes])


def _tokens(count: int | None) -> str:
    return "not known" if count is None else f"{count:,}"


def _csv(by: str, rows: Sequence[Row]) -> None:
    out = csv.writer(sys.stdout)
    out.writerow((by, "list_usd", "requests", "unpriced_requests", "input_tokens", "output_tokens", "last_at"))
    for row in rows:
        usd = "" if row.micros is None else f"{row.micros // 1_000_000}.{row.micros % 1_000_000:06}"
        out.writerow(
            (
                row.name,
                usd,
                row.requests,
                row.unpriced_requests,
                row.input_tokens,
                row.output_tokens,
                row.last_at.isoformat(),
            )
        )


def _days(given: str) -> int:
    if not given.isdecimal() or not 0 < int(given) <= 36_500:
        raise ArgumentTypeError(f"{given!r} is no number of days")
    return int(given)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="mergecost", description="What AI work in this clone cost, from local logs. Sends nothing."
    )
    parser.add_argument("--by", choices=[*KEYS, "pull"], help="group by this; branch in a clone, repository elsewhere")
    parser.add_argument("--days", type=_days, default=30, help="look back so far; 30")
    parser.add_argument("--all", action="store_true", help="every repository")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one row a line, money in millionths of a dollar")
    form.add_argument("--csv", action="store_true", help="one row a line, money in dollars")
    parser.add_argument("--home", type=Path, metavar="DIR", help="read the logs of this home folder")
    return parser
