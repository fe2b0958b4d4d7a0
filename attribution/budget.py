"""Budgets: how far spend has come, which notices that calls for, and whether it needs an approval."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from attribution.money import Micros

# At so many percent of a budget people are told, once each.
LEVELS = (50, 80, 100)


class Scope(StrEnum):
    PULL = "pull"
    WEEK = "week"
    MONTH = "month"


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with write access said, for a reason, that a pull request may cost up to `up_to_micros`. `comment_id` is where
    they said it; below zero where they pressed the button of the check run."""

    comment_id: int
    said_at: datetime
    reason: str
    up_to_micros: Micros


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What something is meant to cost and what it has cost, both at list price. `name` is the number of a pull request, a week
    (`2026-W47`) or a month (`2026-11`), which last from `from_at` to `to_at`. `unpriced_requests` are in no amount."""

    scope: Scope
    name: str
    budget_micros: Micros
    spent_micros: Micros
    unpriced_requests: int = 0
    from_at: datetime | None = None
    to_at: datetime | None = None
    approvals: tuple[Approval, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.spent_micros > self.budget_micros

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels that are reached, lowest first."""
        return tuple(level for level in LEVELS if self.spent_micros * 100 >= self.budget_micros * level)

    @property
    def approval(self) -> Approval | None:
        """The newest approval that covers what was spent."""
        held = [one for one in self.approvals if one.up_to_micros >= self.spent_micros]
        return max(held, key=lambda one: (one.said_at, one.comment_id), default=None)

    @property
    def needs_approval(self) -> bool:
        return self.is_over and self.approval is None


def may_cost(budget: Budget) -> Micros:
    """Up to where an approval given now holds: what was spent, and the budget once more. Nobody approves without a limit."""
    return budget.spent_micros + budget.budget_micros


def newly_reached(budget: Budget, told: Iterable[int]) -> tuple[int, ...]:
    """The levels that are reached and were not told of, lowest first. What was told stays told, though spend may fall."""
    known = set(told)
    return tuple(level for level in budget.levels if level not in known)
