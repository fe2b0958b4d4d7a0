"""The week's figures: nothing missing, nothing twice, medians of what is known."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from attribution.cost import ZERO, Cost
from attribution.evidence import Evidence, Stage
from attribution.issues import Issue, issue_cost, issues_of_pulls, shares_of_issues
from attribution.outcome import Details
from attribution.periods import week_of, weeks_later
from attribution.totals import PullTotal, Spend, pull_totals
from attribution.week_report import Kind
from attribution.week_totals import WeekFacts, figure, week_cost
from tests.attribution.strategies import costs
from tests.notation import MONDAY, pulls

ZONE = ZoneInfo("UTC")
WEEK = week_of(MONDAY, ZONE)
DOLLAR = 1_000_000


def spend(number: int | None, dollars: int, stage: Stage = Stage.BUILD, evidence: Evidence = Evidence.COMMIT) -> Spend:
    return Spend(pull_number=number, stage=stage, evidence=evidence, cost=Cost(dollars * DOLLAR, 1))


def facts(text: str, *amounts: Spend, before: tuple[Spend, ...] = (), **more: object) -> WeekFacts:
    by_number = {pull.number: pull for pull in pulls(text)}
    line = tuple((weeks_later(WEEK, -i, ZONE), before if i == 1 else ()) for i in range(11, 0, -1))
    plain = WeekFacts(
        weeks=(*line, (WEEK, amounts)), rows=(), before_rows=(), cache_saving_micros=0, totals=pull_totals([*before, *amounts]),
        pulls=by_number, details={}, issues={}, senders=frozenset(), known_at=MONDAY + timedelta(days=7, hours=6),
    )  # fmt: skip
    return msgspec.structs.replace(plain, **more)


def dollars(cost) -> dict[str, int]:
    return {str(row.kind): row.cost.priced_micros // DOLLAR for row in cost.kinds}


PULLS = """
#1 a opened Mon 09:00 merged Mon 10:00
#2 b opened Mon 09:00 merged Tue 10:00
#3 c opened Mon 09:00
#4 d opened Mon 09:00 closed Tue 10:00
#5 e opened Mon 09:00 merged Wed 10:00
"""


def test_every_kind_has_a_row_and_the_rows_sum_to_the_week():
    amounts = (
        spend(1, 5), spend(2, 3), spend(2, 1, Stage.REVIEW), spend(3, 2), spend(4, 7), spend(5, 4, Stage.REVIEW),
        spend(None, 1, evidence=Evidence.NONE), spend(None, 2, evidence=Evidence.SEVERAL),
        spend(None, 6, evidence=Evidence.IMPLAUSIBLE), spend(6, 9),
    )  # fmt: skip
    cost = week_cost(facts(PULLS, *amounts, details={3: Details(reverts=(1,)), 5: Details()}))
    assert dollars(cost) == {
        "merged": 9, "open": 11, "review": 4, "abandoned": 7, "shared": 2, "no_pull": 1,
    }  # fmt: skip
    assert cost.total.list_micros == sum(row.cost.priced_micros for row in cost.kinds) == 34 * DOLLAR
    assert cost.nothing == Cost(10 * DOLLAR, 3)
    assert cost.unconfirmed == Cost(6 * DOLLAR, 1)
    assert cost.no_pull == Cost(3 * DOLLAR, 2)


def test_a_merge_that_was_only_reviewed_has_no_known_cost():
    cost = week_cost(facts(PULLS, spend(1, 5), spend(5, 4, Stage.REVIEW)))
    assert [merge.number for merge in cost.merges] == [1]
    assert cost.unseen_merges == (2, 5)
    assert cost.per_merge.count == 1


def test_a_merge_on_a_boundary_is_in_the_week_that_begins_there():
    by_number = {number: msgspec.structs.replace(pull, merged_at=at, closed_at=at) for number, pull, at in (
        (1, *pulls("#1 a opened Mon 00:00"), WEEK.from_at), (2, *pulls("#2 b opened Mon 00:00"), WEEK.to_at),
    )}  # fmt: skip
    cost = week_cost(facts(PULLS, spend(1, 5), spend(2, 3), pulls=by_number))
    assert [merge.number for merge in cost.merges] == [1]
    issues = {
        50: Issue(number=50, created_at=MONDAY, closed_at=WEEK.from_at),
        51: Issue(number=51, created_at=MONDAY, closed_at=WEEK.to_at),
    }
    closing = {1: Details(closes=(50,)), 2: Details(closes=(51,))}
    cost = week_cost(facts(PULLS, spend(1, 5), spend(2, 3), pulls=by_number, details=closing, issues=issues))
    assert (cost.per_issue.median_micros, cost.per_issue.count) == (5 * DOLLAR, 1)
    late = msgspec.structs.replace(by_number[1], merged_at=WEEK.from_at - timedelta(microseconds=1))
    cost = week_cost(facts(PULLS, spend(3, 1), before=(spend(1, 5),), pulls={1: late}))
    assert (cost.merges, cost.before_merge.count) == ((), 1)


def test_a_merge_counts_with_all_that_it_cost_before():
    cost = week_cost(facts(PULLS, spend(1, 5), before=(spend(1, 20),)))
    assert cost.per_merge.median_micros == 25 * DOLLAR
    assert cost.merges[0].in_week == Cost(5 * DOLLAR, 1)
    assert cost.total.list_micros == 5 * DOLLAR


def test_a_revert_ships_nothing_and_neither_does_what_it_takes_back():
    text = PULLS + "#6 revert-1 opened Thu 09:00 merged Thu 10:00"
    cost = week_cost(facts(text, spend(1, 5), spend(2, 3), spend(6, 1), details={6: Details(reverts=(1,))}))
    assert dollars(cost) == {"merged": 4, "reverted": 5}
    assert [merge.number for merge in cost.merges] == [1, 2]
    assert (cost.per_merge.median_micros, cost.per_surviving.median_micros) == (4 * DOLLAR, 3 * DOLLAR)


def test_the_outcome_of_a_merge_is_the_one_known_now():
    """What is abandoned later was spent on nothing all the same, and no later week would say so."""
    (later,) = pulls("#3 c opened Mon 09:00 closed Tue 09:00")
    later = msgspec.structs.replace(later, closed_at=WEEK.to_at + timedelta(days=3))
    plain = facts(PULLS, spend(3, 2))
    closed_later = msgspec.structs.replace(plain, pulls={**plain.pulls, 3: later})
    assert dollars(week_cost(closed_later)) == {"open": 2}
    cost = week_cost(msgspec.structs.replace(closed_later, known_at=WEEK.to_at + timedelta(days=4)))
    assert dollars(cost) == {"abandoned": 2}
    assert cost.points[-1].nothing == Cost(2 * DOLLAR, 1)
    silent = week_cost(msgspec.structs.replace(plain, known_at=MONDAY + timedelta(days=31)))
    assert dollars(silent) == {"abandoned": 2}


def test_a_change_that_reverts_a_try_of_its_own_is_a_merge():
    cost = week_cost(facts(PULLS, spend(1, 5), details={1: Details(reverts_commits=("1f2e3d4",))}))
    assert [merge.number for merge in cost.merges] == [1]


def test_ten_pull_requests_for_one_issue_are_one_closed_issue():
    text = "\n".join(f"#{i} b{i} opened Mon 09:00 merged Mon 10:00" for i in range(1, 11))
    issue = Issue(number=50, created_at=MONDAY, closed_at=MONDAY + timedelta(days=2))
    details_by_number = {i: Details(closes=(50,)) for i in range(1, 11)}
    cost = week_cost(facts(text, *(spend(i, 2) for i in range(1, 11)), issues={50: issue}, details=details_by_number))
    assert cost.per_merge.median_micros == 2 * DOLLAR
    assert (cost.per_issue.median_micros, cost.per_issue.count) == (20 * DOLLAR, 1)


def test_people_are_counted():
    details_by_number = {1: Details(authors=("ann", "bob")), 2: Details(authors=("ann",)), 3: Details(authors=("zoe",))}
    cost = week_cost(facts(PULLS, spend(1, 5), details=details_by_number, senders=frozenset({"ann", "joe"})))
    assert (cost.coverage.people, cost.coverage.seen_people) == (2, 1)


def test_median_and_middle_half():
    assert figure([]) is None
    assert figure([3]) == figure([3])
    assert [getattr(figure([1, 2, 3, 100]), name) for name in ("median_micros", "low_micros", "high_micros")] == [
        2,
        1,
        27,
    ]
    assert figure([5, 1]).high_micros == 5


def test_an_issue_bears_its_part_and_its_children():
    by_number = {pull.number: pull for pull in pulls(PULLS)}
    issues = {
        50: Issue(number=50, created_at=MONDAY, closed_at=MONDAY),
        51: Issue(number=51, created_at=MONDAY, parent=50, pulls=(2,)),
        52: Issue(number=52, created_at=MONDAY),
    }
    details_by_number = {1: Details(closes=(50, 52)), 2: Details(), 3: Details(closes=(99,)), 4: Details(closes=(50,))}
    links = issues_of_pulls(by_number, details_by_number, issues)
    assert links == {1: (50, 52), 2: (51,), 4: (50,)}
    totals = {1: PullTotal(build=Cost(5, 2, 1)), 2: PullTotal(build=Cost(7, 1)), 3: PullTotal(build=Cost(9, 1))}
    assert shares_of_issues(links, totals) == {50: {1: Cost(3, 2, 1)}, 52: {1: Cost(2, 2, 1)}, 51: {2: Cost(7, 1)}}
    cost = issue_cost(50, issues, links, totals, details_by_number)
    assert (cost.total, cost.unseen) == (Cost(10, 3, 1), (4,))
    assert [(part.pull_number, part.through, part.cost.list_micros) for part in cost.parts] == [
        (2, 51, 7),
        (1, None, 3),
    ]


def test_a_branch_names_an_issue_that_was_open_then():
    by_number = {pull.number: pull for pull in pulls("#1 fix/7-limit opened Tue 09:00\n#2 503-retry opened Tue 09:00")}
    old = Issue(number=503, created_at=MONDAY - timedelta(days=9), closed_at=MONDAY)
    assert issues_of_pulls(by_number, {}, {7: Issue(number=7, created_at=MONDAY), 503: old}) == {1: (7,)}


amounts = st.builds(
    Spend,
    pull_number=st.none() | st.integers(1, 7),
    stage=st.sampled_from(Stage),
    evidence=st.sampled_from(Evidence),
    cost=costs(),
)
labels = st.lists(st.sampled_from(["bug", "feature", "x"]), unique=True, max_size=3).map(tuple)
details_by_number = st.dictionaries(
    st.integers(1, 7),
    st.builds(Details, labels=labels, closes=st.lists(st.integers(50, 52), max_size=2).map(tuple), reverts=st.just(())),
)
issues = st.just({number: Issue(number=number, created_at=MONDAY, labels=("bug",)) for number in (50, 51)})


@given(st.lists(amounts, max_size=30), st.lists(amounts, max_size=9), details_by_number, issues)
def test_whatever_happens_the_week_is_complete(spends, before, details, issues):
    cost = week_cost(facts(PULLS, *spends, before=tuple(before), details=details, issues=issues))
    unconfirmed = sum((part.cost for part in spends if part.evidence == Evidence.IMPLAUSIBLE), ZERO)
    spends = [part for part in spends if part.evidence != Evidence.IMPLAUSIBLE]
    whole = sum((part.cost for part in spends), ZERO)
    assert cost.unconfirmed == unconfirmed
    assert sum((row.cost for row in cost.kinds), ZERO) == whole == cost.points[-1].cost
    assert whole.priced_micros == cost.total.priced_micros
    in_pulls = sum((part.cost for part in spends if part.pull_number is not None), ZERO)
    assert sum(row.cost.priced_micros for row in cost.labels) == in_pulls.priced_micros
    assert cost.no_pull + in_pulls == whole
    assert sum((pull.cost for row in cost.kinds for pull in row.pulls), ZERO) == in_pulls
    assert cost.points[-1].nothing == cost.nothing
    assert Kind.MERGED not in {row.kind for row in cost.kinds} or cost.kinds[0].kind == Kind.MERGED
