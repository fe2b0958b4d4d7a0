"""The weekly issue as Markdown: whatever names come from outside, and whatever the figures are."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from attribution.cost import ZERO, Cost
from attribution.evidence import Evidence, Stage
from attribution.issues import Issue
from attribution.outcome import Details
from attribution.periods import week_of, weeks_later
from attribution.report import Row
from attribution.totals import Spend, pull_totals
from attribution.week_report import Figure
from attribution.week_totals import WeekFacts, week_cost
from bot.github.write_comment import LONGEST_BODY
from bot.issue import WeekView, render, title
from tests.attribution.strategies import costs
from tests.examples import examples
from tests.look.gfm import render as as_github_does
from tests.notation import MONDAY, pulls

ZONE = ZoneInfo("UTC")
WEEK = week_of(MONDAY, ZONE)
DOLLAR = 1_000_000
names = st.text(max_size=30) | st.sampled_from(
    ["@alice", "#99 closes #1", "a|b", "$x$", "<!-- mergecost", "`", "https://x.y"]
)


def row(
    model: str, micros: int, requests: int = 10, read: int = 900, fresh: int = 100, tool: str = "claude-code"
) -> Row:
    return Row(
        tool=tool, model=model, cost=Cost(micros, requests), uncached_input_tokens=fresh, cache_read_tokens=read,
        cache_write_tokens=0, output_tokens=5,
    )  # fmt: skip


def spend(number: int | None, dollars: float, requests: int = 1, **more) -> Spend:
    plain = {"stage": Stage.BUILD, "evidence": Evidence.COMMIT} | more
    return Spend(pull_number=number, cost=Cost(round(dollars * DOLLAR), requests), **plain)


def view(text: str, now: list[Spend], before: list[Spend], **facts) -> WeekView:
    changes = {pull.number: pull for pull in pulls(text)}
    line = tuple((weeks_later(WEEK, -i, ZONE), tuple(before) if i == 1 else ()) for i in range(11, 0, -1))
    plain = {
        "rows": (row("m", sum(part.cost.priced_micros for part in now)),),
        "before_rows": (),
        "details": {},
        "issues": {},
        "senders": frozenset(),
    }
    week_facts = WeekFacts(
        weeks=(*line, (WEEK, tuple(now))), totals=pull_totals([*before, *now]), pulls=changes, cache_saving_micros=DOLLAR,
        known_at=WEEK.to_at + timedelta(hours=6), **(plain | facts),
    )  # fmt: skip
    return WeekView(cost=week_cost(week_facts), time_zone="Europe/Berlin")


def earlier(text: str) -> dict:
    """Pull requests of the week before."""
    changes = {}
    for pull in pulls(text):
        back = {name: getattr(pull, name) - timedelta(days=7) for name in ("created_at", "closed_at", "merged_at")}
        changes[pull.number] = msgspec.structs.replace(pull, **back)
    return changes


def sentences(week: WeekView) -> str:
    return render(week).partition("\n\n| ")[0]


def test_requests_or_their_price_moved_it():
    before = "#1 a opened Mon 09:00 merged Mon 10:00"
    now = "#2 b opened Mon 09:00 merged Mon 10:00"

    def moved_by(dollars: float, requests: int, **facts) -> str:
        changes = {pull.number: pull for pull in pulls(now)} | earlier(before)
        rows = {"rows": (), "before_rows": ()} | facts
        line = tuple((weeks_later(WEEK, -i, ZONE), (spend(1, 4, 40),) if i == 1 else ()) for i in range(11, 0, -1))
        facts = WeekFacts(
            weeks=(*line, (WEEK, (spend(2, dollars, requests),))), cache_saving_micros=0, details={}, issues={},
            totals=pull_totals([spend(1, 4, 40), spend(2, dollars, requests)]), pulls=changes, senders=frozenset(),
            known_at=WEEK.to_at, **rows,
        )  # fmt: skip
        return sentences(WeekView(cost=week_cost(facts), time_zone="UTC")).split("\n\n")[1]

    assert moved_by(8, 80) == snapshot("It rose mostly because a merge took more requests. Nothing needs a decision.")
    assert moved_by(2, 20) == snapshot("It fell mostly because a merge took fewer requests. Nothing needs a decision.")
    assert moved_by(4.1, 20) == snapshot("Nothing needs a decision.")
    assert moved_by(
        2, 40, rows=(row("m", 1, read=95, fresh=5),), before_rows=(row("m", 1, read=80, fresh=20),)
    ) == snapshot(
        "It fell mostly because a request cost less: more of the input came from cache. Nothing needs a decision."
    )
    assert moved_by(
        8, 40, rows=(row("big", 9), row("small", 1)), before_rows=(row("big", 2), row("small", 8))
    ) == snapshot(
        "It rose mostly because a request cost more: more of the spend went to `big` than before. Nothing needs a decision."
    )
    assert moved_by(8, 40) == snapshot("It rose mostly because a request cost more. Nothing needs a decision.")


def test_what_needs_a_decision():
    text = "#1 a opened Mon 09:00 merged Mon 10:00\n#2 b opened Mon 09:00 closed Tue 10:00\n#3 c opened Mon 09:00 closed Tue 10:00"

    def decide(*now: Spend, **facts) -> str:
        return sentences(view(text, list(now), [], **facts)).split("\n\n")[-1]

    assert decide(spend(1, 10), spend(2, 30)) == snapshot(
        "**To decide:** $30.00, 75% of the week, shipped nothing. All of it went into #2, which was abandoned: take it up again, or let it go."
    )
    assert decide(spend(1, 10), spend(2, 3), spend(3, 3), spend(None, 1, evidence=Evidence.NONE)) == snapshot(
        "**To decide:** $7.00, 41% of the week, shipped nothing. Most of it, $6.00, went into 2 pull requests that were abandoned: take them up again, or let them go."
    )
    assert decide(spend(1, 10), spend(None, 3, evidence=Evidence.NONE), spend(2, 2)) == snapshot(
        "**To decide:** $5.00, 33% of the week, shipped nothing. Most of it, $3.00, fits no pull request: `/mergecost link` puts it where it belongs, or it came to nothing."
    )
    assert decide(spend(1, 10), spend(None, 6, evidence=Evidence.SEVERAL)) == snapshot(
        "**To decide:** $6.00, 38% of the week, shipped nothing. All of it fits several pull requests alike: `/mergecost link` in one of them decides."
    )
    assert decide(spend(1, 10), spend(None, 6, evidence=Evidence.IMPLAUSIBLE)) == snapshot(
        "**Unconfirmed: $6.00** in 1 request that may be invented. It counts as soon as somebody with write access says `/mergecost confirm SESSION` in a pull request."
    )
    silent = {1: Details(authors=("ann", "bob", "joe"))}
    assert decide(spend(1, 10), spend(2, 0.5), details=silent, senders=frozenset({"ann"})) == snapshot(
        "**To decide:** 2 of 3 people whose commits were merged send no sessions, so the figures are too low."
    )
    assert decide(spend(1, 10), spend(2, 0.5)) == snapshot("Nothing needs a decision.")


def test_titles():
    text = "#1 a opened Mon 09:00 merged Mon 10:00"
    assert title(view(text, [spend(1, 3.4)], [])) == "AI spend, week 47 of 2026: $3.40, 1 merge, median $3.40"
    assert title(view("", [spend(None, 1)], [])) == "AI spend, week 47 of 2026: $1.00, no merge"


def many(*dollars: float) -> tuple[str, list[Spend]]:
    lines = [f"#{number} b{number} opened Mon 09:00 merged Mon 10:00" for number, _ in enumerate(dollars, 1)]
    return "\n".join(lines), [spend(number, amount) for number, amount in enumerate(dollars, 1)]


def test_the_headline_names_mean_and_median_and_the_tables_hold_them():
    text, now = many(1, 2, 9)
    page = render(view(text, [*now, spend(None, 0.5)], []))
    assert page.startswith(
        "**$12.50 of AI work this week at list price; 3 merges: $4.00 each on average, $2.00 in the median.** "
        "Over their whole lives they cost $12.00 together."
    )
    assert "| A merge, on average | $4.00 | 3 |" in page
    assert "| A merge, median | $2.00 | 3 |" in page


def test_a_third_of_the_week_in_one_pull_request_is_to_decide():
    text, now = many(1, 2, 9, 12)
    assert "$12.00, 50% of the week, went into #4 alone: its comment says where." in sentences(view(text, now, []))
    even, alike = many(6, 6, 6, 6)
    assert "alone" not in sentences(view(even, alike, []))


def test_a_merge_of_twice_the_usual_cost_is_to_decide():
    text, now = many(5, 6, 7, 8, 20, 25)
    week = view(text, now, [])
    usual = Figure(
        median_micros=10 * DOLLAR, low_micros=DOLLAR, high_micros=20 * DOLLAR, total_micros=44 * DOLLAR, count=4
    )
    against = msgspec.structs.replace(week, cost=msgspec.structs.replace(week.cost, before_merge=usual))
    assert "2 merges cost at least twice what is usual: #6 for $25.00 and #5 for $20.00." in sentences(against)
    assert "usual" not in sentences(week), "without a past nothing is"


def test_the_largest_week_is_an_issue_that_github_takes():
    lines = "\n".join(f"#{number} b{number} opened Mon 09:00 merged Mon 10:00" for number in range(1, 301))
    issues = {number: Issue(number=number, created_at=MONDAY, title="x") for number in range(1000, 1300)}
    details = {
        number: Details(title="*@<|" * 64, labels=("`l" * 50 + str(number),), closes=tuple(issues))
        for number in range(1, 301)
    }
    rows = tuple(row(f"{'`m' * 50}{i}", 300 * DOLLAR // 100, tool="t|" * 30) for i in range(100))
    week = view(
        lines, [spend(number, 1.005) for number in range(1, 301)], [], details=details, issues=issues, rows=rows
    )
    text = render(week)
    assert len(text) < LONGEST_BODY - 200
    assert text.endswith("</sub>")
    assert "<summary>The 300 merges</summary>" in text
    table = text.partition("<summary>The 300 merges</summary>")[2].partition("</details>")[0].splitlines()
    cents = [int(line.split("|")[2].strip(" $*").replace(".", "")) for line in table if "$" in line]
    assert len(cents) == 52, "fifty, the others, and all of them"
    assert sum(cents[:-1]) == cents[-1] == 30150


def test_what_is_not_known_is_not_zero():
    human = "#1 a opened Mon 09:00 merged Mon 10:00"
    unpriced = Spend(pull_number=1, stage=Stage.BUILD, evidence=Evidence.COMMIT, cost=Cost(0, 3, 3))
    silent = msgspec.structs.replace(row("m", 0), cost=Cost(0, 3, 3))
    cases = {
        "only merges of people": view(human, [], [], rows=()),
        "work and merges of people": view(human, [spend(None, 2)], []),
        "without a price": view(human, [unpriced], [], rows=(silent,)),
        "nothing at all": view("", [], [], rows=()),
    }
    texts = {name: f"{title(week)} | {sentences(week).partition(chr(10))[0]}" for name, week in cases.items()}
    assert texts == snapshot(
        {
            "only merges of people": "AI spend, week 47 of 2026: none seen | **What a merge cost this week is not known**: no AI work of known price was seen on its one merge. No AI work reached us.",
            "work and merges of people": "AI spend, week 47 of 2026: $2.00, no merge of known cost | **What a merge cost this week is not known**: no AI work of known price was seen on its one merge. $2.00 was used at list price.",
            "without a price": "AI spend, week 47 of 2026: not known, no merge of known cost | **What a merge cost this week is not known**: no AI work of known price was seen on its one merge. AI work: 3 requests at a price that is not known.",
            "nothing at all": "AI spend, week 47 of 2026: none seen | **Nothing was merged this week.** No AI work reached us.",
        }
    )
    assert not [name for name, week in cases.items() if "$0.00" in f"{title(week)}{render(week)}"]


amounts = st.builds(
    Spend,
    pull_number=st.none() | st.integers(1, 4),
    stage=st.sampled_from(Stage),
    evidence=st.sampled_from(Evidence),
    cost=costs(),
)
PULLS = """
#1 a opened Mon 09:00 merged Mon 10:00
#2 b opened Mon 09:00 merged Tue 10:00
#3 c opened Mon 09:00
#4 d opened Mon 09:00 closed Tue 10:00
"""


def html_tables(html: str) -> list[list[list[str]]]:
    """Rows of cells."""
    tables = re.findall(r"<table>.*?</table>", html, re.DOTALL)
    rows = [re.findall(r"<tr>.*?</tr>", table, re.DOTALL) for table in tables]
    return [[re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL) for row in table] for table in rows]


def cents(cell: str) -> int:
    """What a cell says in whole cents; `under $0.01` is none."""
    match = re.search(r"(under )?\$([\d,]+)\.(\d\d)", cell)
    return 0 if match is None or match[1] else int(match[2].replace(",", "") + match[3])


@settings(max_examples=examples(60))
@given(st.lists(amounts, min_size=1, max_size=12), st.lists(amounts, max_size=9), names, names, names)
def test_no_name_and_no_figure_breaks_it(now, before, title, label, model):
    details = {number: Details(title=title, labels=(label,), closes=(50,)) for number in range(1, 5)}
    issues = {50: Issue(number=50, title=title, labels=(label,), created_at=MONDAY, closed_at=MONDAY)}
    whole = sum((part.cost for part in now if part.evidence != Evidence.IMPLAUSIBLE), ZERO)
    rows = (msgspec.structs.replace(row(model, 0, tool="codex"), cost=whole),)
    week = view(PULLS, now, before, details=details, issues=issues, rows=rows)
    text = render(week)
    html = as_github_does(text)
    assert "<math-renderer>" not in html
    assert 'class="user-mention' not in html
    assert set(re.findall(r"#(\d+)</a>", html)) <= {"1", "2", "3", "4", "50"}
    assert "<!--" not in html
    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        assert len({row.count("<td") + row.count("<th") for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)}) == 1
    assert week.cost.total == whole
    assert f"**{whole.show()}**" in text
    assert whole.is_known or "$0.00" not in text.partition("<details>")[0]
    for table in html_tables(html):
        for column in zip(*table, strict=True):
            for i, cell in enumerate(column):  # what is unconfirmed stands below the sum
                if "<strong>" in cell and "$" in cell:
                    assert sum(map(cents, column[1:i])) == cents(cell), column
