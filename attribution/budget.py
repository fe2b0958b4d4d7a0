"""Budgets: how far spend has come, which notices that calls for, and whether it needs an approval."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import msgspec

from attribution.cost import Cost
from attribution.money import Micros

# In percent of a budget: people are notified of each once.
LEVELS = (50, 80, 100)


class Scope(StrEnum):
    PULL = "pull"
    WEEK = "week"
    MONTH = "month"


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with write access allowed, for a reason, that a pull request costs up to `up_to_micros`. `comment_id` is that of the
    command; below zero where they pressed the button of the check run."""

    comment_id: int
    said_at: datetime
    reason: str
    up_to_micros: Micros


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What something may cost, and what was spent of it, at list price or by tools' own figures. `name` is the number of a pull
    request, a week (`2026-W47`) or a month (`2026-11`); these last from `from_at` to `to_at`."""

    scope: Scope
    name: str
    budget_micros: Micros
    spend: Cost
    from_at: datetime | None = None
    to_at: datetime | None = None
    approvals: tuple[Approval, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.spend.priced_micros > self.budget_micros

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels that are reached, lowest first."""
        return tuple(level for level in LEVELS if self.spend.priced_micros * 100 >= self.budget_micros * level)

    @property
    def approval(self) -> Approval | None:
        """The newest approval that covers what was spent."""
        valid = [approval for approval in self.approvals if approval.up_to_micros >= self.spend.priced_micros]
        return max(valid, key=lambda approval: (approval.said_at, approval.comment_id), default=None)

    @property
    def needs_approval(self) -> bool:
        return self.is_over and self.approval is None


def may_cost(cost: Micros, budget: Micros) -> Micros:
    """The limit of an approval by somebody who saw that cost: it, and the budget once more. Nobody approves without a limit."""
    return cost + budget


def newly_reached(budget: Budget, notified: Iterable[int]) -> tuple[int, ...]:
    """The levels that are reached and were not notified before, lowest first. Each is notified once, though spend may fall."""
    before = set(notified)
    return tuple(level for level in budget.levels if level not in before)
