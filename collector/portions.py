"""What of this machine's usage goes to which account: each gets what it covers, since a repository is of one account alone."""

from collections.abc import Sequence
from importlib.metadata import version

import msgspec

from attribution.usage import Usage
from collector.client import Client, Parcel, parcels
from collector.coverage import EVERYTHING, Coverage, select
from collector.exchange import PushError
from collector.settings import Settings
from collector.state import State, account


class Portion(msgspec.Struct):
    """`waiting` is what the account has not accepted yet, `old_count` what it has. `client` is None where there is no server."""

    key: str
    client: Client | None
    coverage: Coverage
    waiting: list[Parcel]
    old_count: int


class Division(msgspec.Struct):
    """The portions of all accounts that answered, and what is kept here: because it is `not_covered`, or because its repository is
    not known."""

    portions: list[Portion]
    not_covered: int
    repository_unknown: int
    problems: list[PushError]

    @property
    def left_out(self) -> str:
        left = {"not covered": self.not_covered, "repository unknown": self.repository_unknown}
        reasons = ", ".join(f"{count:,} {why}" for why, count in left.items() if count)
        return f" Kept here: {reasons}." if reasons else ""


def divide(settings: Settings, state: State, usages: Sequence[Usage]) -> Division:
    """Asks each account what it covers. Raises PushError where none of them answers."""
    rest = [usage for usage in usages if usage.context.repository]
    division = Division([], 0, len(usages) - len(rest), [])
    for of_account in settings.accounts:
        client = Client(of_account, version("mergecost")) if settings.url else None
        try:
            coverage = client.coverage() if client else EVERYTHING
        except PushError as error:
            division.problems.append(error)
            continue
        covered = select(rest, coverage, paths=settings.paths).usages
        key = account(of_account)
        waiting = state.new(key, parcels(covered))
        division.portions.append(Portion(key, client, coverage, waiting, len(covered) - len(waiting)))
        if covered:
            slugs = {usage.context.repository for usage in rest}
            left = {slug for slug in slugs if not coverage.name(slug)}
            rest = [usage for usage in rest if usage.context.repository in left]
    if not division.portions:
        raise division.problems[0]
    division.not_covered = len(rest)
    return division
