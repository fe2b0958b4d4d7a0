"""What is wrong with the weekly issues of a quarter: counted anew, from the rows of the ledger and from GitHub."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from attribution.money import to_cents
from attribution.periods import Week, week_of
from benchmarks.quarter.play import Quarter
from bot.clock import from_ms
from bot.store.ledger_tables import CURRENT, MICROS, charges, origins, reasons
from tests.github.state import Issue, Pull, Repository

SURVIVES, SILENT = timedelta(days=14), timedelta(days=30)
NAMES = (
    "Merged", "Still open", "Review alone", "Abandoned", "Reverted", "Fits several", "No pull request", "Unconfirmed",
)  # fmt: skip


class SpendRow(msgspec.Struct):
    """One share of one request."""

    week: str
    number: int | None
    stage: str
    evidence: str
    micros: int | None


def problems(quarter: Quarter, zones: dict[str, str]) -> Iterator[str]:
    yield from (f"ledger: {error}" for error in quarter.world.ledger_errors()[:5])
    for repository in quarter.repositories:
        zone = ZoneInfo(zones[repository.full_name])
        yield from (f"{repository.full_name} {problem}" for problem in _of_repository(quarter, repository, zone))


def _of_repository(quarter: Quarter, repository: Repository, zone: ZoneInfo) -> Iterator[str]:
    spend = _spend(quarter, repository, zone)
    weeks = {week.name: week for week in _weeks(quarter, zone)}
    week_issues = quarter.world.weeks(repository)
    issues = {_name(issue): issue for issue in week_issues}
    if len(issues) < len(week_issues):
        yield "a week has two issues"
    pulls = [issue for issue in repository.issues.values() if isinstance(issue, Pull)]
    busy = {row.week for row in spend} | {week_of(row.merged_at, zone).name for row in pulls if row.merged_at}
    yield from (f"{name}: no issue" for name in sorted(weeks.keys() & busy - issues.keys()))
    yield from (f"{name}: an issue about a quiet week" for name in sorted(issues.keys() - busy))
    states = [issues[name].state for name in sorted(issues)]
    if states != ["closed"] * (len(states) - 1) + ["open"]:
        yield f"states are {states}"
    # All of them were built anew when the last was made.
    known_at = max(issue.created_at for issue in week_issues)
    for name in sorted(issues):
        yield from (f"{name}: {problem}" for problem in _of_issue(issues[name], weeks[name], spend, pulls, known_at))


def _of_issue(issue: Issue, week: Week, spend: list[SpendRow], pulls: list[Pull], known_at: datetime) -> Iterator[str]:
    text = issue.body or ""
    rows = _rows(text)
    whole = to_cents(sum(row.micros or 0 for row in spend if row.week == week.name))
    if (total := rows.pop(f"**Week {week.number}**", 0)) != whole:
        yield f"says {total} cents, the ledger {whole}"
    if sum(rows.values()) != total:
        yield f"its rows sum to {sum(rows.values())} cents, not {total}"
    for name, micros in _kinds(week, spend, pulls, known_at).items():
        if abs(rows.pop(name, 0) - to_cents(micros)) > 1:  # rows are rounded to sum to the whole
            yield f"{name} is not {to_cents(micros)} cents"
    if any(rows.values()):
        yield f"more than there is: {rows}"
    costs = _costs_of_merges(week, spend, pulls)
    figure = re.search(r"\*\*A merge cost \$([\d,.]+) this week\*\*", text)
    if (_cents(figure[1]) if figure else None) != (to_cents(int(median(costs))) if costs else None):
        yield f"a merge cost {median(costs) if costs else 'nothing known'}, not {figure and figure[1]}"


def _kinds(week: Week, spend: list[SpendRow], pulls: list[Pull], known_at: datetime) -> Counter[str]:
    """Micro-dollars by the name of the row, worked out in the plainest way."""
    states = {pull.number: _state(pull, pulls, known_at) for pull in pulls}
    with_build = {row.number for row in spend if row.stage == "build"}
    kinds: Counter[str] = Counter()
    for row in spend:
        if row.week != week.name:
            continue
        if row.evidence == "implausible":
            name = "Questioned"
        elif row.number is None:
            name = "Fits several" if row.evidence == "several" else "No pull request"
        elif row.stage == "review" and row.number not in with_build:
            name = "Review alone"
        else:
            name = states[row.number]
        kinds[name] += row.micros or 0
    return kinds


def _state(pull: Pull, pulls: list[Pull], known_at: datetime) -> str:
    if pull.merged_at:
        takers = [other.merged_at for other in pulls if _reverted_number(other) == pull.number and other.merged_at]
        return "Reverted" if any(at <= pull.merged_at + SURVIVES for at in takers) else "Merged"
    return "Abandoned" if pull.closed_at or pull.updated_at <= known_at - SILENT else "Still open"


def _costs_of_merges(week: Week, spend: list[SpendRow], pulls: list[Pull]) -> list[int]:
    """What the changes cost that were merged in a week and whose building was seen, over their whole lives."""
    costs: defaultdict[int, int] = defaultdict(int)
    build_micros: Counter[int] = Counter()
    for row in spend:
        if row.number is not None:
            costs[row.number] += row.micros or 0
            build_micros[row.number] += (row.micros or 0) if row.stage == "build" else 0
    merges = [pull for pull in pulls if pull.merged_at and week.from_at <= pull.merged_at < week.to_at]
    return [costs[pull.number] for pull in merges if build_micros[pull.number] and _reverted_number(pull) is None]


def _reverted_number(pull: Pull) -> int | None:
    match = re.fullmatch(r"Reverts \S+#(\d+)", pull.body or "")
    return int(match[1]) if match else None


def _spend(quarter: Quarter, repository: Repository, zone: ZoneInfo) -> list[SpendRow]:
    mine = (charges.c.account_id == quarter.world.org.id) & (origins.c.repository_id == repository.id)
    columns = (charges.c.at_ms, reasons.c.pull_number, reasons.c.stage, reasons.c.evidence, MICROS)
    with quarter.world.database.read() as connection:
        rows = connection.execute(
            select(*columns).select_from(CURRENT).where(mine, reasons.c.reason_id.is_not(None))
        ).all()
    return [SpendRow(week_of(from_ms(row[0]), zone).name, *row[1:]) for row in rows]


def _weeks(quarter: Quarter, zone: ZoneInfo) -> Iterator[Week]:
    """The weeks whose issue is due."""
    at = from_ms(quarter.world.now_ms - 6 * 3_600_000)
    week = week_of(at, zone)
    for _ in range(20):
        week = week_of(week.from_at - timedelta(hours=1), zone)
        yield week


def _name(issue: Issue) -> str:
    match = re.search(r"/mergecost week (\S+)`", issue.body or "")
    return match[1] if match else "?"


def _rows(text: str) -> dict[str, int]:
    """Cents by the name of the row, of the table of what became of the spend."""
    lines = text.partition("| What became of it")[2].partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines[2:]]
    return {row[0]: _cents(row[1].strip("*").removeprefix("$")) for row in cells if "$" in row[1]}


def _cents(text: str) -> int:
    return int(text.replace(",", "").replace(".", ""))
