"""`mergecost replay`: run the attribution engine offline on facts in files, show every share with its evidence, and how often the
runaway rule would have been wrong."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, groupby

import msgspec

from attribution.attribute import RepositoryIndex, attribute
from attribution.cost import OWN_LEGEND, ZERO, Cost, column, cost_of_request
from attribution.evidence import Correction, Evidence, PullRequest
from attribution.ledger import Charge, Share, charge, check, share_out
from attribution.money import Micros
from attribution.report import short_id
from attribution.reported_commits import direct_commits, reported_commits, with_reports
from attribution.runaway_backtest import session_records
from attribution.usage import Usage
from bot.cli.replay_facts import BadFacts, corrections, default_branch, pulls, usages
from bot.cli.replay_runaways import runaways, runaways_line

Booking = tuple[Charge, Share]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One share, as --json prints it. `micros` is None without a known price."""

    repository: str
    tool: str
    session_id: str
    request_id: str
    pull_number: int | None
    micros: Micros | None
    stage: str
    evidence: str
    why: str


def main(argv: list[str]) -> int:
    """Returns the exit status: 0, or 2 for facts that cannot be used."""
    options = _parser().parse_args(argv)
    try:
        if [*options.usage, *options.pulls, *options.corrections].count("-") > 1:
            raise BadFacts("- is the standard input, which can be read once")
        everything = usages(options.usage)
        repository, requests = _in_repository(everything, options.repository)
        changes, fixes = pulls(options.pulls), corrections(options.corrections)
    except BadFacts as error:
        print(f"mergecost replay: {error}", file=sys.stderr)
        return 2
    bookings = replay(requests, changes, fixes, options.default_branch or default_branch(changes))
    _warn_of_strangers(requests, changes, fixes)
    left_out = sum(not usage.context.repository for usage in everything) if repository else 0
    if left_out:
        print(f"Left out, requests of no known repository: {left_out:,}.", file=sys.stderr)
    sessions = session_records(bookings, changes)
    if options.json:
        for line in (*(_line(repository, charge, share) for charge, share in bookings), runaways_line(sessions)):
            print(msgspec.json.encode(line).decode())
    else:
        print("\n\n".join((report(repository, bookings), *runaways(sessions))))
    return 0


def replay(
    usages: Sequence[Usage], pulls: Sequence[PullRequest], corrections: Sequence[Correction], default_branch: str
) -> list[Booking]:
    """Every share of every request, by session and time."""
    reports = reported_commits(usages)
    pulls = with_reports(pulls, reports)
    direct = direct_commits(pulls, reports, default_branch)
    index = RepositoryIndex(pulls, default_branch, corrections=corrections, direct=direct)
    bookings: list[Booking] = []
    by_session = sorted(usages, key=lambda usage: (usage.tool, usage.session_id, usage.at, usage.request_id))
    for _, group in groupby(by_session, key=lambda usage: (usage.tool, usage.session_id)):
        session = list(group)
        claims = attribute(session, index)
        for usage in session:
            entry = charge(usage)
            bookings += [(entry, share) for share in share_out(entry, claims[usage.key], 1)]
    errors = check({entry.key: entry for entry, _ in bookings}.values(), [share for _, share in bookings])
    if errors:
        raise AssertionError(f"the ledger does not balance: {errors[0]}")
    return bookings


def _warn_of_strangers(
    usages: Sequence[Usage], pulls: Sequence[PullRequest], corrections: Sequence[Correction]
) -> None:
    """What corrections name and the other files do not hold."""
    numbers = {number for correction in corrections for number, _ in correction.weights} - {
        pull.number for pull in pulls
    }
    sessions = {(correction.tool, correction.session_id) for correction in corrections} - {
        (usage.tool, usage.session_id) for usage in usages
    }
    names = [
        *(f"#{number}" for number in sorted(numbers)),
        *(f"{tool} {session}" for tool, session in sorted(sessions)),
    ]
    if names:
        print(f"Corrections name what the other files do not hold: {', '.join(names)}.", file=sys.stderr)


def report(repository: str, bookings: Sequence[Booking]) -> str:
    """Totals by pull request and evidence, then each session's stretches with their reasons."""
    if not bookings:
        return "No requests."
    whole = _cost(bookings)
    targets = sorted({share.pull_number for _, share in bookings}, key=lambda number: (number is None, number or 0))
    by_target = {_name(number): [each for each in bookings if each[1].pull_number == number] for number in targets}
    by_evidence = {level.value: [each for each in bookings if each[1].evidence == level] for level in Evidence}
    parts = [
        f"{repository or 'Repository not known'}: {whole.amount} {whole.kind_of_price}",
        OWN_LEGEND if whole.reported_micros else "",
        f"In no amount: {whole.note()}." if whole.unpriced_requests else "",
        _totals("Pull request", by_target),
        _totals("Evidence", {level: its for level, its in by_evidence.items() if its}),
        "\n".join(_stretches(bookings)),
    ]
    return "\n\n".join(part for part in parts if part)


def _totals(title: str, groups: Mapping[str, Sequence[Booking]]) -> str:
    """A table whose cents sum to the whole."""
    amounts = column([_cost(its) for its in groups.values()])
    rows = [(title, "Cost", "Requests")]
    rows += [(name, amount, f"{len(groups[name]):,}") for name, amount in zip(groups, amounts, strict=True)]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows)


def _stretches(bookings: Sequence[Booking]) -> Iterable[str]:
    """A line for each run of requests of one session with the same answer, and for each that bears a part of it."""
    for (tool, session_id), session in groupby(
        bookings, key=lambda pair: (pair[0].usage.tool, pair[0].usage.session_id)
    ):
        yield f"{short_id(tool, session_id)}  {tool} {session_id}"
        requests = [list(shares) for _, shares in groupby(session, key=lambda pair: pair[0].key)]
        for _, run in groupby(requests, key=_answer):
            pairs = list(chain.from_iterable(run))
            for number in dict.fromkeys(share.pull_number for _, share in pairs):
                yield _stretch([pair for pair in pairs if pair[1].pull_number == number])


def _answer(shares: Sequence[Booking]) -> list[tuple[int | None, str]]:
    """Who bears a request, and why."""
    return [(share.pull_number, share.why) for _, share in shares]


def _stretch(pairs: Sequence[Booking]) -> str:
    first, share = pairs[0]
    cost = _cost(pairs).show()
    return f"  {first.usage.at:%Y-%m-%d %H:%M}  {_name(share.pull_number):<13} {cost:>10}  {share.why}"


def _cost(bookings: Iterable[Booking]) -> Cost:
    return sum((cost_of_request(share.micros, is_own=charge.is_own) for charge, share in bookings), ZERO)


def _name(number: int | None) -> str:
    return "unattributed" if number is None else f"#{number}"


def _line(repository: str, charge: Charge, share: Share) -> Line:
    return Line(
        repository=repository, tool=charge.usage.tool, session_id=charge.usage.session_id, request_id=charge.usage.request_id,
        pull_number=share.pull_number, micros=share.micros, stage=share.stage.value, evidence=share.evidence.value, why=share.why,
    )  # fmt: skip


def _in_repository(usages: Sequence[Usage], repository: str) -> tuple[str, list[Usage]]:
    """The requests of one repository, which must be named where there are several. Raises BadFacts."""
    by_name = {
        usage.context.repository.lower(): usage.context.repository for usage in usages if usage.context.repository
    }
    if repository:
        by_name = {name: spelling for name, spelling in by_name.items() if name == repository.lower()}
        if not by_name:
            raise BadFacts(f"no request was made in {repository}")
    if len(by_name) > 1:
        names = ", ".join(sorted(by_name.values()))
        raise BadFacts(f"the requests were made in several repositories: choose with --repository, of {names}")
    ((name, spelling),) = by_name.items() or [("", "")]
    return spelling, [usage for usage in usages if usage.context.repository.lower() == name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mergecost replay",
        description="Say what pull requests cost, from facts in files. Asks nobody, keeps nothing.",
    )
    parser.add_argument(
        "--usage",
        action="append",
        required=True,
        metavar="FILE",
        help="what `mergecost scan --json` printed; - is stdin",
    )
    parser.add_argument(
        "--pulls",
        action="append",
        required=True,
        metavar="FILE",
        help="pull requests: JSON lines, or what `gh` printed",
    )
    parser.add_argument(
        "--corrections", action="append", default=[], metavar="FILE", help="what maintainers said, as JSON lines"
    )
    parser.add_argument(
        "--repository", default="", metavar="OWNER/NAME", help="where the requests were made in several"
    )
    parser.add_argument(
        "--default-branch", default="", metavar="NAME", help="of the repository; where most pull requests go"
    )
    parser.add_argument("--json", action="store_true", help="one share a line, then the alerts, as JSON")
    return parser
