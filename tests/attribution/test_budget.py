"""Budgets: levels, approvals, and what nobody can spend away."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attribution.budget import LEVELS, Approval, Budget, Scope, may_cost, newly_reached
from attribution.cost import Cost
from attribution.periods import month_of, months_later

AT = datetime(2026, 11, 16, 9, tzinfo=UTC)
AMOUNTS = st.integers(0, 10**12)


def budget(spent_micros: int, whole: int = 15_000_000, *approvals: Approval) -> Budget:
    return Budget(scope=Scope.PULL, name="12", budget_micros=whole, spend=Cost(spent_micros, 1), approvals=approvals)


def approval(up_to: int, hours: int = 0) -> Approval:
    return Approval(comment_id=hours, said_at=AT + timedelta(hours=hours), reason=f"{hours}", up_to_micros=up_to)


@pytest.mark.parametrize(
    ("spent_micros", "levels", "is_over"),
    [
        (7_499_999, (), False),
        (7_500_000, (50,), False),
        (12_000_000, (50, 80), False),
        (15_000_000, LEVELS, False),
        (15_000_001, LEVELS, True),
    ],
)
def test_levels_are_reached_to_the_micro_dollar(spent_micros: int, levels: tuple[int, ...], is_over: bool):
    assert (budget(spent_micros).levels, budget(spent_micros).is_over) == (levels, is_over)


def test_the_newest_approval_that_covers_what_was_spent_holds():
    state = budget(20_000_000, 15_000_000, approval(30_000_000, 1), approval(21_000_000, 2), approval(19_000_000, 3))
    assert state.approval == approval(21_000_000, 2)
    assert not state.needs_approval
    assert budget(31_000_000, 15_000_000, *state.approvals).needs_approval


@given(AMOUNTS, st.integers(1, 10**12))
def test_an_approval_covers_what_it_was_given_for_and_is_never_without_a_limit(spent_micros: int, whole: int):
    state = budget(spent_micros, whole)
    given_now = approval(may_cost(state.spend.priced_micros, state.budget_micros))
    assert not budget(spent_micros, whole, given_now).needs_approval
    assert budget(spent_micros + whole + 1, whole, given_now).needs_approval


@given(st.lists(AMOUNTS, max_size=20), st.integers(1, 10**12))
def test_each_level_is_reported_once_whatever_spend_does(amounts: list[int], whole: int):
    levels: list[int] = []
    for amount in amounts:
        levels += newly_reached(budget(amount, whole), levels)
    assert sorted(levels) == list(budget(max(amounts, default=0), whole).levels)


@given(AMOUNTS, AMOUNTS, st.integers(1, 10**12))
def test_more_spend_never_reaches_less(a: int, b: int, whole: int):
    low, high = sorted((a, b))
    assert set(budget(low, whole).levels) <= set(budget(high, whole).levels)


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "UTC"])
def test_months_follow_each_other_without_a_gap(name: str):
    zone = ZoneInfo(name)
    first = month_of(datetime(2026, 1, 15, tzinfo=UTC), zone)
    months = [months_later(first, by, zone) for by in range(-13, 27)]
    assert [a.to_at for a in months[:-1]] == [b.from_at for b in months[1:]]
    assert all(month_of(month.from_at, zone) == month for month in months)
    assert all(month_of(month.to_at - timedelta(microseconds=1), zone) == month for month in months)
    assert (months[0].name, months[-1].name) == ("2024-12", "2028-03")
