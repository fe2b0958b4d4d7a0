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
from bot.store.ledger import charges, current, shares
from tests.github.state import Issue, Pull, Repository

SURVIVES, SILENT = timedelta(days=14), timedelta(days=30)
NAMES = (
    "Merged", "Still open", "Review alone", "Abandoned", "Reverted", "Fits several", "No pull request", "Questioned",
)  # fmt: skip


class Spent(msgspec.Struct):
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
        yield from (f"{repository.full_name} {one}" for one in _of_repository(quarter, repository, zone))


def _of_repository(quarter: Quarter, repository: Repository, zone: ZoneInfo) -> Iterator[str]:
    spent = _spent(quarter, repository, zone)
    weeks = {one.name: one for one in _weeks(quarter, zone)}
    made = quarter.world.weeks(repository)
    issues = {_name(one): one for one in made}
    if len(issues) < len(made):
        yield "a week has two issues"
    pulls = [one for one in repository.issues.values() if isinstance(one, Pull)]
    busy = {one.week for one in spent} | {week_of(one.merged_at, zone).name for one in pulls if one.merged_at}
    yield from (f"{name}: no issue" for name in sorted(weeks.keys() & busy - issues.keys()))
    yield from (f"{name}: an issue about a quiet week" for name in sorted(issues.keys() - busy))
    states = [issues[name].state for name in sorted(issues)]
    if states != ["closed"] * (len(states) - 1) + ["open"]:
        yield f"states are {states}"
    # All of them were built anew when the last was made.
    known_at = max(one.created_at for one in made)
    for name in sorted(issues):
        yield from (f"{name}: {one}" for one in _of_issue(issues[name], weeks[name], spent, pulls, known_at))


def _of_issue(issue: Issue, week: Week, spent: list[Spent], pulls: list[Pull], known_at: datetime) -> Iterator[str]:
    text = issue.body or ""
    rows = _rows(text)
    whole = to_cents(sum(one.micros or 0 for one in spent if one.week == week.name))
    if (total := rows.pop(f"**Week {week.number}**", 0)) != whole:
        yield f"says {total} cents, the ledger {whole}"
    if sum(rows.values()) != total:
        yield f"its rows sum to {sum(rows.values())} cents, not {total}"
    for name, micros in _kinds(week, spent, pulls, known_at).items():
        if abs(rows.pop(name, 0) - to_cents(micros)) > 1:  # rows are rounded to sum to the whole
            yield f"{name} is not {to_cents(micros)} cents"
    if any(rows.values()):
        yield f"more than there is: {rows}"
    costs = _costs_of_merges(week, spent, pulls)
    said = re.search(r"\*\*A merge cost \$([\d,.]+) this week\*\*", text)
    if (_cents(said[1]) if said else None) != (to_cents(int(median(costs))) if costs else None):
        yield f"a merge cost {median(costs) if costs else 'nothing known'}, not {said and said[1]}"


def _kinds(week: Week, spent: list[Spent], pulls: list[Pull], known_at: datetime) -> Counter[str]:
    """Micro-dollars by the name of the row, worked out in the plainest way."""
    states = {one.number: _state(one, pulls, known_at) for one in pulls}
    built = {one.number for one in spent if one.stage == "build"}
    found: Counter[str] = Counter()
    for one in spent:
        if one.week != week.name:
            continue
        if one.evidence == "implausible":
            name = "Questioned"
        elif one.number is None:
            name = "Fits several" if one.evidence == "several" else "No pull request"
        elif one.stage == "review" and one.number not in built:
            name = "Review alone"
        else:
            name = states[one.number]
        found[name] += one.micros or 0
    return found


def _state(pull: Pull, pulls: list[Pull], known_at: datetime) -> str:
    if pull.merged_at:
        takers = [one.merged_at for one in pulls if _taken_back(one) == pull.number and one.merged_at]
        return "Reverted" if any(at <= pull.merged_at + SURVIVES for at in takers) else "Merged"
    return "Abandoned" if pull.closed_at or pull.updated_at <= known_at - SILENT else "Still open"


def _costs_of_merges(week: Week, spent: list[Spent], pulls: list[Pull]) -> list[int]:
    """What the changes cost that were merged in a week and whose building was seen, over their whole lives."""
    costs: defaultdict[int, int] = defaultdict(int)
    built: Counter[int] = Counter()
    for one in spent:
        if one.number is not None:
            costs[one.number] += one.micros or 0
            built[one.number] += (one.micros or 0) if one.stage == "build" else 0
    merged = [one for one in pulls if one.merged_at and week.from_at <= one.merged_at < week.to_at]
    return [costs[one.number] for one in merged if built[one.number] and _taken_back(one) is None]


def _taken_back(pull: Pull) -> int | None:
    found = re.fullmatch(r"Reverts \S+#(\d+)", pull.body or "")
    return int(found[1]) if found else None


def _spent(quarter: Quarter, repository: Repository, zone: ZoneInfo) -> list[Spent]:
    mine = (charges.c.account_id == quarter.world.org.id) & (charges.c.repository_id == repository.id)
    told = (charges.c.at_ms, shares.c.pull_number, shares.c.stage, shares.c.evidence, shares.c.micros)
    with quarter.world.database.read() as connection:
        rows = connection.execute(select(*told).select_from(charges.join(shares, current())).where(mine)).all()
    return [Spent(week_of(from_ms(row[0]), zone).name, *row[1:]) for row in rows]


def _weeks(quarter: Quarter, zone: ZoneInfo) -> Iterator[Week]:
    """The weeks whose issue is due."""
    at = from_ms(quarter.world.now_ms - 6 * 3_600_000)
    week = week_of(at, zone)
    for _ in range(20):
        week = week_of(week.from_at - timedelta(hours=1), zone)
        yield week


def _name(issue: Issue) -> str:
    found = re.search(r"/mergecost week (\S+)`", issue.body or "")
    return found[1] if found else "?"


def _rows(text: str) -> dict[str, int]:
    """Cents by the name of the row, of the table of what became of the spend."""
    lines = text.partition("| What became of it")[2].partition("\n\n")[0].splitlines()
    cells = [[one.strip() for one in line.strip("| ").split("|")] for line in lines[2:]]
    return {one[0]: _cents(one[1].strip("*").removeprefix("$")) for one in cells if "$" in one[1]}


def _cents(text: str) -> int:
    return int(text.replace(",", "").replace(".", ""))
