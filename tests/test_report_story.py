"""The same figures everywhere: on the terminal, from the API, in the comment and in the weekly issue. And nobody in any of them."""

import csv
import io
import json
import re

import pytest
from inline_snapshot import snapshot

from attribution.breakdown import WAYS
from attribution.cost import NOT_KNOWN
from attribution.identity import author
from bot.cli.report import ReportError
from bot.clock import DAY_MS, to_ms
from bot.figures.period import BadDay
from tests.databases import Worlds
from tests.notation import MONDAY
from tests.world import World

WEEK = "/repositories/acme/widgets/weeks/2026-W47"


def two_repositories(world: World) -> None:
    """Two repositories, three pull requests of two people, an issue, and a Monday after it all."""
    world.tick()
    other = world.github.add_repository(world.org, "gadgets")
    world.installation.repositories.append(other)
    world.sweep()
    bug = world.open_issue("Clients hammer the API", ["bug"])
    world.work("Mon 09:00 feat/a $2.00\nMon 10:00 main $0.33")
    world.open_pull(12, "feat/a", title="Rate limit", body=f"Fixes #{bug}", labels=["backend"])
    world.work("Tue 23:30 feat/b $1.01", "s2", "codex", by="bob")
    world.work("Tue 23:40 feat/b some-model", "s3", "codex", by="bob")
    world.open_pull(13, "feat/b", by="bob", title="By bob")
    world.work("Wed 09:00 other $5.00", "s4", repository="acme/gadgets")
    world.open_pull(1, "other", repository=other)
    world.work("Wed 10:00 - $0.40 ci refs/pull/12/merge", "s5")
    world.settle()
    world.at("Thu 09:00")
    world.merge(12)
    world.close_issue(bug)
    world.settle()
    world.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * 3_600_000
    world.tick()
    assert len(world.weeks()) == 1


@pytest.fixture
def week(worlds: Worlds) -> World:
    return worlds.after(two_repositories)


WIDGETS = ("--repository", "acme/widgets")


def test_a_week_reads_as_its_issue(week: World):
    (issue,) = week.weeks()
    text = week.report(*WIDGETS, "--week", "2026-W47")
    assert text == week.report(*WIDGETS, "--week")
    body = issue.body.partition(" -->\n")[2]
    assert text.strip() == f"# {issue.title}\n\n{body}"
    week_cost = json.loads(week.report(*WIDGETS, "--week", "--json"))
    assert week_cost == week.read(WEEK).json()
    assert (
        week_cost["total"]["list_micros"] == sum(row["cost"]["list_micros"] for row in week_cost["kinds"]) == 3_740_000
    )
    rows = list(csv.DictReader(io.StringIO(week.report(*WIDGETS, "--week", "--csv"))))
    assert {row["kind"]: row["list_micros"] for row in rows} == {
        "merged": "2400000",
        "open": "1010000",
        "no_pull": "330000",
    }


def test_a_pull_request_and_an_issue_read_as_their_comments(week: World):
    output = week.report(*WIDGETS, "--pull", "12")
    assert (
        output.partition("\n")[0]
        == week.comment(12).partition("\n")[0]
        == "**This change cost $2.40** of AI work at list price."
    )
    assert (
        json.loads(week.report(*WIDGETS, "--pull", "12", "--json"))
        == week.read("/repositories/acme/widgets/pulls/12").json()
    )
    (comment,) = week.comments(1)
    assert week.report(*WIDGETS, "--issue", "1").strip() == comment
    assert (
        json.loads(week.report(*WIDGETS, "--issue", "1", "--json"))
        == week.read("/repositories/acme/widgets/issues/1").json()
    )


def test_everything_by_one_thing(week: World):
    assert "\n".join(f"{by}\n{week.report('--by', by)}" for by in WAYS) == snapshot("""\
repository
Repository    At list price  Requests  Not priced
acme/gadgets          $5.00         1
acme/widgets          $3.74         5           1
All                   $8.74

pull
Pull                         At list price  Requests  Not priced
acme/gadgets #1 other                $5.00         1
acme/widgets #12 Rate limit          $2.40         2
acme/widgets #13 By bob              $1.01         2           1
acme/widgets (none)                  $0.33         1
All                                  $8.74

issue
Issue                                   At list price  Requests  Not priced
acme/gadgets (none)                             $5.00         1
acme/widgets #1 Clients hammer the API          $2.40         2
acme/widgets (none)                             $1.34         3           1
All                                             $8.74

label
Label    At list price  Requests  Not priced
backend          $1.20         2
bug              $1.20         2
(none)           $6.34         4           1
All              $8.74

tool
Tool         At list price  Requests  Not priced
claude-code          $7.73         4
codex                $1.01         2           1
All                  $8.74

model
Model          At list price  Requests  Not priced
claude-opus-5          $8.74         5
some-model         not known         1           1
All                    $8.74

stage
Stage  At list price  Requests  Not priced
build          $8.34         5           1
ci             $0.40         1
All            $8.74

day
Day         At list price  Requests  Not priced
2026-11-16          $2.33         2
2026-11-17          $1.01         2           1
2026-11-18          $5.40         2
All                 $8.74
""")


def test_work_without_a_price_is_nowhere_zero(world: World):
    """Not in a comment, an issue, a table or its sum, on the terminal or in the API."""
    world.tick()
    bug = world.open_issue("Clients hammer the API", ["bug"])
    world.work("Mon 09:00 feat/a some-model\nMon 10:00 main some-model")
    world.open_pull(12, "feat/a", title="Rate limit", body=f"Fixes #{bug}", labels=["backend"])
    world.settle()
    world.at("Thu 09:00")
    world.merge(12)
    world.close_issue(bug)
    world.settle()
    world.now_ms = to_ms(MONDAY) + 7 * DAY_MS + 6 * 3_600_000
    world.tick()
    (issue,) = world.weeks()
    (about_bug,) = world.comments(bug)
    texts = [world.comment(12), about_bug, issue.title, issue.body]
    texts += [world.report("--by", by) for by in WAYS]
    assert [text for text in texts if "$0" in text.replace("not $0", "")] == []
    sums = [line for text in texts for line in text.splitlines() if re.match(r"All |\| \*\*(All|Week)", line)]
    assert len(sums) > len(WAYS)
    assert [line for line in sums if NOT_KNOWN not in line] == []
    assert world.comment(12).partition("\n\n<details>")[0] == snapshot("""\
**AI work on this change: 1 request at a price that is not known.**

Seen: 1 session of Claude Code, 1 request; the author of its commits reports.

At a price that is not known: `some-model`.\
""")
    assert issue.body.partition(" -->\n")[2].partition("\n\n<details>")[0] == snapshot("""\
**What a merge cost this week is not known**: no AI work of known price was seen on its one merge. AI work: 2 requests at a price that is not known.

**To decide:** 2 of 2 requests are at a price that is not known, so the figures are too low.

| What became of it | Cost | Share | PRs |
| :-- | --: | --: | --: |
| Merged | not known |  | 1 |
| No pull request | not known |  | – |
| **Week 47** | **not known** |  |  |

<sub>Every request of the week is in one of the rows; they sum to the week's spend to the cent. In no amount: 2 requests at a price that is not known.</sub>

**Seen:** sessions of the one person whose commits were merged. 1 merge without AI work of known price is in no figure, since what it cost is not known: #12.\
""")
    assert about_bug.partition("\n\n<sub>")[0] == snapshot("""\
**AI work on this issue: 1 request at a price that is not known.**

It was #12, Rate limit.\
""")
    assert world.report("--by", "label") == snapshot("""\
Label    At list price  Requests  Not priced
backend      not known         1           1
bug          not known         1           1
(none)       not known         1           1
All          not known
""")
    assert world.read("/repositories/acme/widgets/pulls/12").json()["total"] == snapshot(
        {"list_micros": None, "requests": 1, "unpriced_requests": 1, "reported_micros": 0}
    )
    (row,) = csv.DictReader(io.StringIO(world.report("--by", "model", "--csv")))
    assert row == snapshot(
        {
            "repository": "",
            "name": "some-model",
            "number": "",
            "list_micros": "",
            "requests": "2",
            "unpriced_requests": "2",
            "reported_micros": "0",
            "unconfirmed_list_micros": "0",
            "unconfirmed_requests": "0",
            "unconfirmed_unpriced_requests": "0",
            "unconfirmed_reported_micros": "0",
        }
    )


@pytest.mark.parametrize("by", WAYS)
def test_every_cut_is_complete(week: World, by: str):
    everything = week.read("/costs", by=by).json()
    assert sum(row["cost"]["list_micros"] or 0 for row in everything) == 8_740_000
    assert [row["cost"]["list_micros"] for row in week.read("/costs", by=by, repository="acme/gadgets").json()] == [
        5_000_000
    ]
    one_day = week.read("/costs", by=by, since="2026-11-17", until="2026-11-17").json()
    assert sum(row["cost"]["list_micros"] or 0 for row in one_day) == 1_010_000
    assert json.loads(week.report("--by", by, "--json")) == everything


def test_days_are_those_of_the_repository(week: World):
    week.settings_file("time_zone: Pacific/Kiritimati")
    week.open_pull(16, "feat/q")
    week.settle()
    days = week.read("/costs", by="day", repository="acme/widgets").json()
    assert {row["name"]: row["cost"]["list_micros"] for row in days} == {
        "2026-11-16": 2_000_000,
        "2026-11-17": 330_000,
        "2026-11-18": 1_010_000,
        "2026-11-19": 400_000,
    }


def test_pages(week: World):
    first = week.read("/costs", by="pull", per_page=2)
    links = dict(re.findall(r'<([^>]+)>; rel="(\w+)"', first.headers["link"]))
    assert {name: url.partition("?")[2] for url, name in links.items()} == snapshot(
        {"last": "by=pull&per_page=2&page=2", "first": "by=pull&per_page=2&page=1"}
    )
    second = week.read("/costs", by="pull", per_page=2, page=2)
    assert first.json() + second.json() == week.read("/costs", by="pull").json()
    assert week.read("/costs", by="pull", page=9).json() == []


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/costs?by=person", 422, None),
        ("/costs?by=day&since=yesterday", 422, "a day is written like 2026-11-23"),
        (
            "/costs?by=day&repository=acme/secret",
            404,
            "this token reads no repository 'acme/secret': see /api/v1/repositories",
        ),
        ("/repositories/acme/widgets/pulls/99", 404, "no pull request #99 is known there"),
        ("/repositories/acme/widgets/issues/99", 404, "no issue #99 is known there"),
        ("/repositories/acme/widgets/weeks/47", 404, "there is no week '47': write it like 2026-W47"),
    ],
)
def test_what_cannot_be_answered(week: World, path: str, status: int, detail: str | None):
    answer = week.read(path)
    assert answer.status_code == status
    assert detail is None or answer.json() == {"detail": detail}


def test_a_token_does_what_it_is_for(week: World):
    for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {week.token}"}):
        assert week.send("GET", "/api/v1/repositories", headers=header).status_code == 401
    week.read("/repositories")
    answer = week.send(
        "POST", "/v1/usage", json={"requests": []}, headers={"Authorization": f"Bearer {week.read_token}"}
    )
    assert answer.status_code == 401


def test_one_installation_never_sees_another(week: World):
    theirs = week.github.add_user("umbrella", type="Organization")
    secret = week.github.add_repository(theirs, "secret")
    week.github.install(week.app, theirs, [secret])
    week.deliver()
    week.sweep()
    assert [repository["full_name"] for repository in week.read("/repositories").json()] == [
        "acme/gadgets",
        "acme/widgets",
    ]
    assert week.read("/repositories/umbrella/secret/weeks/2026-W47").status_code == 404


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--pull", "12"], "which repository? Say --repository OWNER/NAME. There are: acme/gadgets, acme/widgets"),
        (["--repository", "acme/x"], "no repository 'acme/x'; there are: acme/gadgets, acme/widgets"),
        ([*WIDGETS, "--pull", "99"], "acme/widgets has no pull request #99 that Mergecost knows"),
        ([*WIDGETS, "--issue", "99"], "acme/widgets has no issue #99 that Mergecost knows"),
        ([*WIDGETS, "--week", "2026-47"], "there is no week '2026-47': write it like 2026-W47"),
        (["--since", "Monday"], "a day is written like 2026-11-23"),
    ],
)
def test_questions_put_wrongly(week: World, words: list[str], problem: str):
    with pytest.raises((ReportError, BadDay), match=re.escape(problem)):
        week.report(*words)


PEOPLE = ("alice", "bob")


def test_nobody_is_named_or_ranked_anywhere(week: World):
    """Walks every endpoint, every report, every comment and every issue of ours."""
    texts = [comment.body for comment in week.repository.comments.values() if comment.body.startswith("<!-- mergecost")]
    texts += [f"{issue.title}{issue.body}" for issue in week.weeks()]
    document = week.read("/openapi.json").json()
    for path, methods in document["paths"].items():
        assert list(methods) == ["get"]
        url = path.removeprefix("/api/v1").format(owner="acme", name="widgets", number=12, week="2026-W47")
        queries = WAYS if "/costs" in path else ("",)
        answers = [week.read(url.replace("issues/12", "issues/1"), **({"by": by} if by else {})) for by in queries]
        assert {answer.status_code for answer in answers} == {200}
        texts += [answer.text for answer in answers]
    for form in ((), ("--json",), ("--csv",)):
        texts += [week.report(*form, "--by", by) for by in WAYS]
        texts += [week.report(*WIDGETS, *form, *what) for what in (("--week",), ("--pull", "13"), ("--issue", "1"))]
    people = [week.person(login) for login in PEOPLE]
    secrets = [*PEOPLE, *(person.email for person in people), *(author(person.email) for person in people)]
    for text in texts:
        # A title is what its author wrote; all else is ours.
        assert not [name for name in secrets if name and name in text.lower().replace("by bob", "")]
    names = set(re.findall(r'"(\w+)"', json.dumps(document["components"]["schemas"])))
    assert not names & {"author", "authors", "login", "user", "email", "person", "rank", "senders", "by_login"}


def test_a_label_that_is_a_formula_is_a_text_in_a_spreadsheet(world: World):
    world.open_pull(12, "feat/a", labels=["=HYPERLINK(1)", "-minus"])
    world.work("09:00 feat/a $1.00")
    world.settle()
    rows = list(csv.DictReader(io.StringIO(world.report("--by", "label", "--csv"))))
    assert sorted(row["name"] for row in rows) == ["'-minus", "'=HYPERLINK(1)"]
    assert {row["list_micros"] for row in rows} == {"500000"}
