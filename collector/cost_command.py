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

from attribution.cost import NOT_KNOWN, ZERO, Cost, list_column, own_column
from attribution.ledger import Charge, charge
from attribution.money import Micros
from attribution.spreadsheet import cell
from attribution.usage import TOKENS_NOT_KNOWN, Usage
from collector.git import Git
from collector.pulls import NO_LIST, default_branch, newest_pulls, targets
from collector.scan import Scan, scan_with_index, working_folder
from collector.table import aligned, bar
from collector.terminal import err, line, out, out_json

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
    """Work under one name. Tokens are None where no tool reports them."""

    name: str
    cost: Cost
    input_tokens: int | None
    output_tokens: int | None
    last_at: datetime


def main(argv: Sequence[str]) -> int:
    """Print the table."""
    options = _parser().parse_args(argv)
    scan = scan_with_index(options.home, os.environ, bar())
    here = Git(os.environ).facts(working_folder()).repository if not options.all else ""
    by = options.by or ("branch" if here else "repository")
    usages = _selection(scan.usages, here, options.days)
    charges = [charge(usage) for usage in usages]
    if by == "pull":
        pulls = newest_pulls()
        if pulls is None:
            err(NO_LIST)
            return 1
        names = targets(usages, pulls, default_branch())
        rows = table(charges, lambda usage: names[usage.key])
    else:
        rows = table(charges, KEYS[by])
    if options.json:
        for row in rows:
            out_json(msgspec.json.encode(row))
    elif options.csv:
        _csv(by, rows)
    else:
        out(_text(by, rows, here, options.days, scan))
    for trouble in scan.tally.troubles:
        err(trouble)
    return 0


def table(charges: Iterable[Charge], key: Key) -> list[Row]:
    """Sums by `key`, the most money first."""
    groups: defaultdict[str, list[Charge]] = defaultdict(list)
    for each in charges:
        groups[key(each.usage)].append(each)
    rows = [_row(name, group) for name, group in groups.items()]
    return sorted(rows, key=lambda row: (-row.cost.priced_micros, row.name))


def _row(name: str, charges: Sequence[Charge]) -> Row:
    tokens = sum((each.usage.tokens for each in charges), TOKENS_NOT_KNOWN)
    return Row(
        name=name,
        cost=sum((each.cost for each in charges), ZERO),
        input_tokens=tokens.input if tokens.is_known else None,
        output_tokens=tokens.output if tokens.is_known else None,
        last_at=max(each.usage.at for each in charges),
    )


def _selection(usages: Iterable[Usage], repository: str, days: int) -> list[Usage]:
    since = datetime.now(UTC) - timedelta(days=days)
    return [
        usage for usage in usages if usage.at >= since and (not repository or usage.context.repository == repository)
    ]


def _text(by: str, rows: Sequence[Row], repository: str, days: int, scan: Scan) -> str:
    where = repository or "all repositories"
    if not rows:
        hint = "" if scan.files else " `mergecost scan` says where it looked."
        return f"No AI work in {where} in the last {days} days. Log files read: {scan.files}.{hint}"
    whole = sum((row.cost for row in rows), ZERO)
    tokens = sum(row.input_tokens or 0 for row in rows), sum(row.output_tokens or 0 for row in rows)
    cells = [(*_requests(row.cost), *_tokens(row), f"{row.last_at.astimezone():%d %b %H:%M}") for row in rows]
    rest = [("Requests", "Not priced", "Input", "Output", "Last"), *cells]
    rest.append((*_requests(whole), *(f"{count:,}" for count in tokens), ""))
    costs = [row.cost for row in rows]
    money = [["At list price", *list_column(costs), *list_column([whole])]]
    if whole.reported_micros:
        money.append(["Tools' own", *own_column(costs), *own_column([whole])])
    names = [by.capitalize(), *(row.name for row in rows), "All"]
    lines = [(name, *amounts, *others) for name, *amounts, others in zip(names, *money, rest, strict=True)]
    notes = [f"{where}, the last {days} days, at list price: not an invoice."]
    if whole.reported_micros:
        notes.append("Tools' own: by the tool's own figure, where no list price is known.")
    if whole.unpriced_requests:
        notes.append(f"In no amount: {whole.note()}.")
    last = len(lines[0]) - 1
    return "\n".join([*aligned(lines, left=(0, last), most_columns=100), "", *notes])


def _requests(cost: Cost) -> tuple[str, str]:
    return f"{cost.requests:,}", f"{cost.unpriced_requests:,}"


def _tokens(row: Row) -> list[str]:
    return [NOT_KNOWN if count is None else f"{count:,}" for count in (row.input_tokens, row.output_tokens)]


def _csv(by: str, rows: Sequence[Row]) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(
        (by, "list_usd", "reported_usd", "requests", "unpriced_requests", "input_tokens", "output_tokens", "last_at")
    )
    for row in rows:
        cost, tokens = row.cost, (row.input_tokens, row.output_tokens)
        writer.writerow(
            (
                cell(line(row.name)),
                _usd(cost.list_micros),
                _usd(cost.reported_micros or None),
                cost.requests,
                cost.unpriced_requests,
                *tokens,
                row.last_at.isoformat(),
            )
        )


def _usd(micros: Micros | None) -> str:
    return "" if micros is None else f"{micros // 1_000_000}.{micros % 1_000_000:06}"


def _days(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 36_500:
        raise ArgumentTypeError(f"{text!r} is no number of days")
    return int(text)


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
