"""Amounts that look invented stand beside the figures and in none of them, until a maintainer confirms them. On both databases."""

import msgspec
import pytest
from inline_snapshot import snapshot

from attribution.budget import Scope
from attribution.report import short_id
from attribution.usage import Usage
from bot.clock import DAY_MS, to_ms
from bot.repository_settings import OperatorSettings
from tests.channel import URL
from tests.databases import Worlds
from tests.notation import MONDAY, session
from tests.world import World

INVENTED = short_id("claude-code", "invented")
MILLION = 100_000_000
OPERATOR = OperatorSettings(defaults={"budget_pull_usd": 15, "budget_week_usd": 100, "enforce": True, "alert_url": URL})


def invented(count: int = 100, usd: int = 10_000, session_id: str = "invented", minute: int = 0) -> list[Usage]:
    """Requests of so many dollars each, as their tool says, to a model without a list price."""
    text = "\n".join(f"{11 + i // 60}:{(minute + i) % 60:02} feat/limit some-model" for i in range(count))
    return [
        msgspec.structs.replace(usage, reported_micros=usd * 1_000_000, request_id=f"{usage.request_id}-{minute}")
        for usage in session(text, session_id)
    ]


@pytest.fixture
def world(worlds: Worlds) -> World:
    """A pull request of $6.00, and 100 records that say a million."""
    world = worlds.world(OPERATOR)
    world.tick()
    world.open_pull(12, "feat/limit", title="Rate limit")
    world.work("09:00 feat/limit $4.00\n09:10 feat/limit $2.00")
    world.settle()
    world.send_usage(invented())
    world.settle()
    return world


def confirm(world: World, by: str = "alice") -> None:
    world.say(12, f"/mergecost confirm {INVENTED} because I saw the bill", by=by)
    world.settle()


def test_a_million_of_invented_dollars_stands_beside_the_total(world: World):
    parts = world.comment(12).split("\n\n")
    assert parts[:4] == snapshot(
        [
            "**This change cost $6.00** of AI work at list price.",
            "**Unconfirmed: $1,000,000.00 †** in 100 requests. It looks invented and is in no figure here.",
            "- **$1,000,000.00 †** `9dd115` Claude Code, 100 requests: dearer than any request",
            "Is it real? Somebody with write access says `/mergecost confirm 9dd115` in a comment.",
        ]
    )
    assert world.check(12)[:2] == snapshot(("neutral", "$6.00 at list price, 40% of the budget"))
    assert "$1,000,000.00" in world.check(12)[2]
    assert world.shares() == {"#12": 600, "-": MILLION}
    assert world.ledger_errors() == []


def test_it_is_beside_the_total_in_the_api_and_the_report(world: World):
    answer = world.read("/repositories/acme/widgets/pulls/12").json()
    assert (answer["total"]["list_micros"], answer["unconfirmed"]) == snapshot(
        (
            6000000,
            [
                {
                    "short_id": "9dd115",
                    "tool": "claude-code",
                    "cost": {
                        "list_micros": None,
                        "requests": 100,
                        "unpriced_requests": 0,
                        "reported_micros": 1000000000000,
                    },
                    "why": "dearer than any request",
                    "evidence": "implausible",
                }
            ],
        )
    )
    rows = world.read("/costs", by="pull").json()
    assert [(row["number"], row["cost"], row["unconfirmed_cost"]) for row in rows] == snapshot(
        [
            (
                12,
                {"list_micros": 6000000, "requests": 2, "unpriced_requests": 0, "reported_micros": 0},
                {"list_micros": 0, "requests": 0, "unpriced_requests": 0, "reported_micros": 0},
            ),
            (
                None,
                {"list_micros": 0, "requests": 0, "unpriced_requests": 0, "reported_micros": 0},
                {"list_micros": None, "requests": 100, "unpriced_requests": 0, "reported_micros": 1000000000000},
            ),
        ]
    )
    assert world.report("--by", "tool") == snapshot("""\
Tool         At list price  Requests  Not priced      Unconfirmed
claude-code          $6.00         2              $1,000,000.00 †
All                  $6.00                        $1,000,000.00 †
""")


def test_it_is_beside_the_total_in_the_weekly_issue(world: World):
    world.open_pull(13, "feat/labels", labels=["backend"])
    world.work("13:00 feat/labels $3.00", session_id="s2")
    world.work("13:30 elsewhere $1.00", session_id="s3")
    world.merge(13)
    world.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * 3_600_000
    world.tick()
    (issue,) = world.weeks()
    assert issue.title == snapshot("AI spend, week 47 of 2026: $10.00, 1 merge, median $3.00")
    body = issue.body.partition(" -->\n")[2]
    assert body == snapshot("""\
**$10.00 of AI work this week at list price; 1 merge: $3.00 over its whole life.** There are no merges before to compare with.

**Unconfirmed: $1,000,000.00 †** in 100 requests that may be invented. It counts as soon as somebody with write access says `/mergecost confirm SESSION` in a pull request.

| Cost over its whole life | This week | of |
| :-- | --: | --: |
| A merge, on average | $3.00 | 1 |
| A merge, median | $3.00 | 1 |
| A merge that stands so far, median | $3.00 | 1 |

| What became of it | Cost | Share | PRs |
| :-- | --: | --: | --: |
| Merged | $3.00 | 30% | 1 |
| Still open | $6.00 | 60% | 1 |
| No pull request | $1.00 | 10% | – |
| **Week 47** | **$10.00** | **100%** |  |
| Unconfirmed, not in the sum | $1,000,000.00 † | – | – |

<sub>Every request of the week is in one of the rows; they sum to the week's spend to the cent.</sub>

**Seen:** sessions of the one person whose commits were merged.

| Budget | Used | Cost | Of |  |
| :-- | --: | --: | --: | :-- |
| `█░░░░░░░░░` Week 47 | 10% | $10.00 | $100.00 |  |

<details><summary>The merge</summary>
<br>

| Pull request | Cost | This week | Build | Review | CI | Tied by commits |
| :-- | --: | --: | --: | --: | --: | --: |
| #13 feat/labels | $3.00 | $3.00 | $3.00 | – | – | 0% |
| **All** | **$3.00** | **$3.00** | **$3.00** | – | – |  |

The cost is that of a pull request's whole life; *This week* is the part that is in the table above. What is tied by commits (or by people) is surest; the rest was found by branch and files.

</details>

<details><summary>The week by pull request</summary>
<br>

| Pull request | This week | Share | What became of it |
| :-- | --: | --: | :-- |
| #12 | $6.00 | 60% | Still open |
| #13 | $3.00 | 30% | Merged |
| – | $1.00 | 10% | No pull request |
| **All** | **$10.00** | **100%** |  |

</details>

<details><summary>By tool, model and label</summary>
<br>

| Tool and model | Cost | Requests | Input | From cache | Output |
| :-- | --: | --: | --: | --: | --: |
| Claude Code<br>`claude-opus-5` | $10.00 | 4 | 2.0\xa0M | 0 | 0 |
| **All** | **$10.00** | **4** | **2.0\xa0M** | **0** | **0** |
| Unconfirmed, not in the sum | $1,000,000.00 † | 100 | – | – | – |

| Label | Cost | PRs |
| :-- | --: | --: |
| `backend` | $3.00 | 1 |
| No label | $6.00 | 1 |
| No pull request | $1.00 | – |
| **All** | **$10.00** |  |
| Unconfirmed, not in the sum | $1,000,000.00 † | – |

Labels are those of pull requests and of the issues that they close; what has several is shared between them.

</details>

<sub>List price of the day for the tokens used, or the tool's own figure where none is known (†), not an invoice: plans and discounts are not in it. Mon 16 Nov to Sun 22 Nov 2026, UTC, as far as it is known by now. Commits without a pull request are known from developers' machines alone: the App may not read them on GitHub. Late sessions, and what becomes of the work, change it in place. `/mergecost week 2026-W47` in a comment rebuilds it. [How it is counted](https://mergecost.example/how)</sub>\
""")
    week = world.read("/repositories/acme/widgets/weeks/2026-W47").json()
    amounts = {
        row["kind"]: (row["cost"]["list_micros"], row["unconfirmed_cost"]["reported_micros"]) for row in week["kinds"]
    }
    assert amounts == snapshot({"merged": (3000000, 0), "open": (6000000, 0), "no_pull": (1000000, 1000000000000)})
    assert week["total"]["list_micros"] == sum(own for own, _ in amounts.values()) == 10_000_000
    assert sum(row["cost"]["list_micros"] for row in week["rows"]) == 10_000_000
    assert world.report("--repository", "acme/widgets", "--week", "2026-W47", "--csv") == snapshot("""\
kind,list_micros,requests,unpriced_requests,reported_micros,pulls,unconfirmed_list_micros,unconfirmed_requests,unconfirmed_unpriced_requests,unconfirmed_reported_micros
merged,3000000,1,0,0,1,0,0,0,0
open,6000000,2,0,0,1,0,0,0,0
no_pull,1000000,1,0,0,0,,100,0,1000000000000
""")
    whole = {by: world.report("--by", by).splitlines()[-1].split() for by in ("stage", "label", "day", "model")}
    assert list(whole.values()) == [["All", "$10.00", "$1,000,000.00", "†"]] * 4


def test_it_uses_up_no_budget_and_asks_for_no_approval(world: World):
    assert world.check(12)[0] == "neutral"
    budgets = world.read("/repositories/acme/widgets/budgets").json()
    spent = {budget["name"]: budget["spend"]["list_micros"] for budget in budgets if budget["scope"] == Scope.WEEK}
    assert spent["2026-W47"] == 6_000_000
    assert world.channel.texts == [], "and raises no alert"


def test_it_lowers_no_cap_for_others(world: World):
    world.settings_file("cap_pull_usd: 20")
    world.sweep()
    question = {"repositories": [{"name": "acme/widgets", "branches": ["feat/limit"]}]}
    answer = world.send("POST", "/v1/caps", json=question, headers={"Authorization": f"Bearer {world.token}"}).json()
    assert [branch["spent_micros"] for branch in answer["repositories"][0]["branches"]] == [6_000_000]


def test_a_maintainer_confirms_it_and_then_it_counts(world: World):
    confirm(world)
    assert world.shares() == {"#12": 600 + MILLION}
    assert world.comment(12).split("\n\n")[0] == snapshot(
        "**This change cost $1,000,006.00** of AI work at list price, $1,000,000.00 of it by the tool's own figure."
    )
    assert world.check(12)[0] == "action_required"
    assert world.replies(12) == []


def test_strangers_confirm_nothing(world: World):
    confirm(world, by="mallory")
    assert world.shares() == {"#12": 600, "-": MILLION}


def test_what_arrives_after_a_confirmation_is_not_confirmed(world: World):
    confirm(world)
    world.send_usage(invented(1, 10_000, minute=50))
    world.settle()
    assert world.shares() == {"#12": 600, "-": MILLION + 1_000_000}
    confirm(world)
    assert world.shares() == {"#12": 600 + MILLION + 1_000_000}


def test_a_link_says_where_and_confirms_nothing(world: World):
    world.open_pull(14, "feat/other")
    world.say(14, f"/mergecost link {INVENTED}")
    world.settle()
    assert world.shares() == {"#12": 600, "-": MILLION}
    assert "Unconfirmed: $1,000,000.00" in world.comment(14)
    assert "Unconfirmed" not in world.comment(12)
    confirm(world)
    assert world.shares() == {"#12": 600, "#14": MILLION}


def test_there_is_nothing_to_confirm_in_real_work(world: World):
    real = short_id("claude-code", "s1")
    world.say(12, f"/mergecost confirm {real}")
    world.settle()
    assert world.replies(12) == [f"Not done: nothing of session `{real}` is unconfirmed."]


def test_a_real_session_keeps_what_is_real_of_it(world: World):
    """An invented request in somebody's session takes nothing of it away."""
    world.send_usage(invented(3, session_id="s1"))
    world.settle()
    assert world.shares() == {"#12": 600, "-": MILLION + 3_000_000}
    assert "of its $" not in world.comment(12), "the session as a whole is what is real of it"


def test_what_belongs_to_no_pull_request_is_named_in_the_weekly_issue_to_be_confirmed(world: World):
    (usage,) = session("12:00 - some-model", "elsewhere")
    world.send_usage([msgspec.structs.replace(usage, reported_micros=5_000 * 1_000_000)])
    world.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * 3_600_000
    world.tick()
    (issue,) = world.weeks()
    name = short_id("claude-code", "elsewhere")
    (line,) = [line for line in issue.body.splitlines() if line.startswith("**Unconfirmed:")]
    assert line.endswith(f" Of no pull request: $5,000.00 † in `{name}`.")
    world.say(12, f"/mergecost confirm {name} because it was a benchmark")
    world.settle()
    (issue,) = world.weeks()
    assert "Of no pull request" not in issue.body
    assert "$5,006.00 was used" in issue.body
    assert world.shares() == {"#12": 600, "-": MILLION + 500_000}
