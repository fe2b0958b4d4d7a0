"""`mergecost report`: the figures of the comments and weekly issues, on the server's terminal."""

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from attribution.breakdown import WAYS, BreakdownRow
from attribution.cost import ZERO, Cost, column, list_column, own_column
from attribution.periods import last_published, week_named
from attribution.report import short_id
from attribution.spreadsheet import cell
from bot.clock import from_ms, system_clock
from bot.comment import render as render_comment
from bot.comment.issue import render_issue
from bot.comments import REASONS, Skip
from bot.context import settings_of
from bot.figures import breakdown as breakdown_figures
from bot.figures import issue as issue_figures
from bot.figures import pull as pull_figures
from bot.figures import usual as usual_figures
from bot.figures import week as week_figures
from bot.figures.period import BadDay, span
from bot.issue import WeekView, render, title
from bot.keys import PullKey
from bot.repository_settings import OperatorSettings, RepositorySettings
from bot.settings import SettingsError, from_environment, operator_settings
from bot.store import accounts as account_store
from bot.store import ledger_history
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store.ledger_history import Revision
from bot.store.opening import opened
from bot.store.tables import Repository


class ReportError(Exception):
    """The question cannot be answered as it was put; the message says what to do."""


def main(argv: list[str]) -> int:
    """Returns the exit status: 0, or 2 for a question that cannot be answered."""
    options = _parser().parse_args(argv)
    try:
        settings = from_environment()
        operator = operator_settings(settings)
        database = opened(settings.database_url)
        try:
            with database.read() as connection:
                print(report(connection, operator, options, system_clock(), settings.how_url), end="")
        finally:
            database.close()
    except (ReportError, BadDay, SettingsError) as error:
        print(f"mergecost report: {error}", file=sys.stderr)
        return 2
    return 0


def report(
    connection: Connection, operator: OperatorSettings, options: argparse.Namespace, now_ms: int, how_url: str
) -> str:
    """What was asked for, as text, JSON or CSV. Raises `ReportError` and `BadDay`."""
    rows = _repositories(connection, options)
    if options.pull or options.issue or options.week:
        if len(rows) != 1:
            raise ReportError(f"which repository? Say --repository OWNER/NAME. There are: {_names(rows)}")
        return _one(connection, rows[0], settings_of(operator, rows[0])[0], options, now_ms, how_url)
    zone = settings_of(operator, rows[0])[0].zone if len(rows) == 1 else ZoneInfo("UTC")
    lines = breakdown_figures.of_repositories(
        connection, rows, options.by, span(options.since, options.until, zone, now_ms)
    )
    if options.json or options.csv:
        return _as_json(lines) if options.json else _as_csv(lines)
    return _as_table(options.by, lines)


def _one(
    connection: Connection,
    row: Repository,
    settings: RepositorySettings,
    options: argparse.Namespace,
    now_ms: int,
    how_url: str,
) -> str:
    key = row.key
    if options.pull:
        if pull_store.pull(connection, key.pull(options.pull)) is None:
            raise ReportError(f"{row.full_name} has no pull request #{options.pull} that Mergecost knows")
        if options.history:
            return _history(connection, key.pull(options.pull))
        usual, _ = usual_figures.of_repository(connection, row, from_ms(now_ms))
        view = pull_figures.view_of(connection, key.pull(options.pull), settings, None, from_ms(now_ms), usual)
        view = msgspec.structs.replace(view, how_url=how_url)
        text = render_comment(view) + (_why(connection, key.pull(options.pull)) if options.why else "")
        return _output(view.cost, view.cost.rows, text, options)
    if options.issue:
        issue = issue_figures.cost_of(connection, key.pull(options.issue))
        if issue is None:
            raise ReportError(f"{row.full_name} has no issue #{options.issue} that Mergecost knows")
        return _output(issue, issue.parts, render_issue(issue, how_url), options)
    name = (
        last_published(from_ms(now_ms), settings.weekly_day, settings.zone).name
        if options.week == "last"
        else options.week
    )
    week = week_named(name, settings.zone) and week_figures.cost_of(connection, settings, key.week(name), now_ms)
    if week is None:
        raise ReportError(f"there is no week {name!r}: write it like 2026-W47")
    view = WeekView(
        cost=week, time_zone=settings.time_zone, how_url=how_url, is_default_shown=row.default_sha is not None
    )
    return _output(week, week.kinds, f"# {title(view)}\n\n{render(view)}", options)


def _why(connection: Connection, key: PullKey) -> str:
    """Whether the pull request has a comment, and why not."""
    row = pull_store.pull(connection, key)
    if row is None or not row.skip:
        return "\n\nThis is its comment, as of now."
    return f"\n\nIt has no comment on GitHub: {REASONS[Skip(row.skip)]}."


def _history(connection: Connection, key: PullKey) -> str:
    """Every decision on the work that a pull request bears or bore."""
    lines = [
        f"{revision.at:%Y-%m-%d %H:%M}  {short_id(revision.tool, revision.session_id)}  {revision.cost.show():>10}  "
        f"{revision.cost.requests:>6,} requests  revision {revision.revision}  {_target(revision)}: {revision.why}  "
        f"(sent by {revision.sender.name} with token {revision.sender.token_id})"
        for revision in ledger_history.history_of_pull(connection, key)
    ]
    return "".join(f"{line}\n" for line in lines) or "Nothing was ever booked to it.\n"


def _target(revision: Revision) -> str:
    return f"to #{revision.pull_number}" if revision.pull_number else "to no pull request"


def _output(cost: msgspec.Struct, rows: Sequence[msgspec.Struct], text: str, options: argparse.Namespace) -> str:
    if options.json:
        return _as_json(cost)
    return _as_csv(rows) if options.csv else f"{text}\n"


def _as_json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _as_csv(rows: Sequence[msgspec.Struct]) -> str:
    """Plain columns: a cost has its own, what is a list is a count."""
    out = io.StringIO()
    if rows:
        lines = [_columns(row) for row in rows]
        writer = csv.DictWriter(out, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return out.getvalue()


def _columns(row: msgspec.Struct, prefix: str = "") -> dict[str, object]:
    columns: dict[str, object] = {}
    for name, value in msgspec.structs.asdict(row).items():
        if isinstance(value, Cost):
            columns |= _columns(value, name.removesuffix("cost"))
        else:
            columns[f"{prefix}{name}"] = len(value) if isinstance(value, tuple) else cell(value)
    return columns


def _as_table(by: str, rows: Sequence[BreakdownRow]) -> str:
    """A table whose cents sum to the whole. List prices and tools' own figures have columns of their own."""
    if not rows:
        return "Nothing was used in that time.\n"
    costs, unconfirmed = [row.cost for row in rows], [row.unconfirmed_cost for row in rows]
    whole, apart = sum(costs, ZERO), sum(unconfirmed, ZERO)
    columns = [
        [by.capitalize(), *map(_label, rows), "All"],
        ["At list price", *list_column(costs), *list_column([whole])],
        ["Tools' own", *own_column(costs), *own_column([whole])] if whole.reported_micros else [],
        ["Requests", *(f"{cost.requests:,}" for cost in costs), ""],
        ["Not priced", *(f"{cost.unpriced_requests:,}" if cost.unpriced_requests else "" for cost in costs), ""],
        ["Unconfirmed", *_beside(unconfirmed), apart.show()] if apart.requests else [],
    ]
    lines = list(zip(*filter(None, columns), strict=True))
    widths = [max(map(len, cells)) for cells in filter(None, columns)]
    return "".join(
        "  ".join(
            f"{cell:>{width}}" if i else f"{cell:<{width}}"
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        + "\n"
        for line in lines
    )


def _beside(costs: Sequence[Cost]) -> list[str]:
    return [amount if cost.requests else "" for cost, amount in zip(costs, column(costs), strict=True)]


def _label(row: BreakdownRow) -> str:
    number = f"#{row.number} " if row.number is not None else ""
    name = f"{number}{row.name}".strip() or "(none)"
    return name[:60] if row.repository in ("", row.name) else f"{row.repository} {name[:60]}"


def _repositories(connection: Connection, options: argparse.Namespace) -> list[Repository]:
    login = options.account.lower()
    accounts = [account for account in account_store.all_accounts(connection) if login in ("", account.login.lower())]
    rows = [row for account in accounts for row in repository_store.repositories_of(connection, account.account_id)]
    if not options.repository:
        return rows
    matching = [row for row in rows if row.full_name.lower() == options.repository.lower()]
    if len(matching) != 1:
        raise ReportError(
            f"no repository {options.repository!r}; there are: {_names(rows)}" if not matching else "which --account?"
        )
    return matching


def _names(rows: list[Repository]) -> str:
    return ", ".join(row.full_name for row in rows[:20]) or "none yet: install the App first"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mergecost report",
        description="What AI work cost, from the server's ledger. Without a question: the last 30 days.",
    )
    parser.add_argument("--repository", default="", metavar="OWNER/NAME")
    parser.add_argument("--account", default="", metavar="LOGIN")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--pull", type=int, default=0, metavar="NUMBER", help="one pull request")
    what.add_argument("--issue", type=int, default=0, metavar="NUMBER", help="one issue, over its pull requests")
    what.add_argument(
        "--week", nargs="?", const="last", default="", metavar="2026-W47", help="one week, as its issue says it"
    )
    what.add_argument("--by", choices=WAYS, default="pull", help="everything in a time, by one thing")
    parser.add_argument("--since", default="", metavar="DAY", help="from that day on")
    parser.add_argument("--until", default="", metavar="DAY", help="up to that day")
    parser.add_argument("--why", action="store_true", help="with --pull: also whether it has a comment, and why not")
    parser.add_argument(
        "--history", action="store_true", help="with --pull: every decision on the work that it bears or bore"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--csv", action="store_true")
    return parser
