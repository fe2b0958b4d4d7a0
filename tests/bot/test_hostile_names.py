"""The whole comment, check run, closed issue's comment and weekly issue with hostile names: whoever chose them, the structure holds,
nobody is mentioned, nothing leads or loads anywhere, and GitHub takes the text."""

import re
from datetime import timedelta

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attribution.budget import Budget, Scope
from attribution.cost import Cost
from attribution.evidence import Evidence, Stage
from attribution.issues import Issue, IssueCost, IssuePart
from attribution.outcome import Details
from attribution.report import PullRequestCost, SessionPart, Suggestion
from attribution.totals import Spend
from bot.checks import text as check_text
from bot.comment import render as render_comment
from bot.comment.issue import render_issue
from bot.comment.view import CommentView
from bot.github.write_comment import LONGEST_BODY
from bot.issue import render as render_week
from bot.issue import title as title_of_week
from bot.markdown import fitted
from bot.repository_settings import RepositorySettings
from tests.bot.issue.test_rendering import PULLS, row, spend, view
from tests.look.gfm import render as as_github_does
from tests.notation import MONDAY

# GitHub's own limits: of a title of an issue 256 characters, of the texts of a check run and of a body 65,536.
LONGEST_TITLE = 256
PARTS = [
    "@alice", "@acme/team", "#99", "closes #1", "acme/x#1", "GH-3", "https://evil.example/x.png", "www.evil.example", "a@b.example", "|", "`",
    "```", "~~~", "\n", "\r\n", "\n\n", "\n# ", "\n- ", "\n> ", "\n---\n", "\n| a | b |\n|:-|:-|\n", "\t", "<!--", "-->", "<!-- mergecost pull",
    "</details>", "</sub>", "<img src=x onerror=1>", "![x](https://evil.example/y.png)", "[x](https://evil.example)", "[x]: https://evil.example",
    "<script>alert(1)</script>", "javascript:alert(1)", "$x$", "\\", "\\\\`", "&#64;bob", "&lt;b&gt;", "**", "__", "~~", "[^1]", ":tada:",
    "\u202e", "\u2066", "\u200f", "\u200b", "\ufeff", "\x00", "\x1b[31m", "0" * 40, "deadbeef" * 5, " ", "x", "é", "漢", "name",
]  # fmt: skip
names = st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join) | st.text(max_size=40)
LONG = ["`@a|" * 2500, "\n# x" * 2500, "<!--" * 2500, "x" * 10_000, "&#64;" * 2000, "![x](y)" * 1500]
hostile = names | st.sampled_from(LONG)
COST = Cost(1_230_000, 2)


def whys(name: str) -> tuple[str, ...]:
    """As rules of attribution word them."""
    return (f"on branch `{name}` of #12", f"edited files of `{name}`, in #12", f"linked by a maintainer: {name}")


def comment_view(name: str, other: str, count: int) -> CommentView:
    """Everything that can stand in a comment, so many times, with the two names."""
    sessions = tuple(
        SessionPart(
            short_id=f"{i:06x}", tool=name, from_at=MONDAY, to_at=MONDAY + timedelta(days=1), cost=COST,
            session_list_micros=5_000_000, session_reported_micros=0, evidence=Evidence.BRANCH, why=whys(other),
        )
        for i in range(count)
    )  # fmt: skip
    rows = tuple(row(f"{other}{i}", 1_230_000, tool=f"{name}{i}") for i in range(count))
    near = tuple(Suggestion(short_id=f"{i:06x}", tool=name, cost=COST, why=whys(other)[0]) for i in range(count))
    cost = PullRequestCost(
        number=12, total=Cost(1_230_000 * count, 2 * count, count), build=COST, review=COST, ci=COST,
        cache_saving_micros=5, unpriced_models=tuple(f"{name}{i}" for i in range(count)), rows=rows, sessions=sessions,
        price_books=(other,), unconfirmed=near,
        budget=Budget(scope=Scope.PULL, name="12", budget_micros=1_000_000, spend=COST),
    )  # fmt: skip
    return CommentView(
        cost=cost, head_sha=name, settings_problem=f"`{name}` is no setting: {other}", suggestions=near, is_enforced=True,
        weekly_problem=f"`{other}` does not say so: {name}",
    )  # fmt: skip


def assert_harmless(markdown: str, own_links: set[str]) -> None:
    """As GitHub would show it. What we write ourselves leads to pull requests and issues of its own repository alone."""
    assert len(markdown) <= LONGEST_BODY
    html = as_github_does(markdown)
    links = re.findall(r"<a\b[^>]*>(.*?)</a>", html)
    assert set(links) <= own_links | {"How it is counted"}, links
    assert 'class="mention' not in html
    assert 'class="user-mention' not in html
    for tag in ("<img", "<script", "<!--", "<math-renderer", "<h1", "<h2", "<pre", "<blockquote", "<hr", "<del>"):
        assert tag not in html, tag
    assert html.count("<details>") == html.count("</details>") == markdown.count("<details>")
    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        rows = re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
        assert len({row.count("<td") + row.count("<th") for row in rows}) == 1


@settings(max_examples=20)
@given(hostile, hostile, st.integers(1, 3))
@example("`", "`", 2)
@example("a`|b\n", "\\`", 1)
def test_a_comment_and_its_check_run(name: str, other: str, count: int):
    shown = comment_view(name, other, count)
    plain = comment_view("claude-code", "feat/a", count)
    markdown = render_comment(shown)
    assert_harmless(markdown, {"#12"})
    assert len(markdown.splitlines()) == len(render_comment(plain).splitlines()), "no name makes a line"
    for private in (True, False):
        check = check_text(shown, RepositorySettings(check_amounts_on_public=True), private=private)
        assert_harmless(check.summary, {"#12"})
        assert len(check.title) < LONGEST_TITLE
        assert "\n" not in check.title


@pytest.mark.parametrize("name", LONG)
def test_the_largest_comment_is_one_that_github_takes(name: str):
    shown = comment_view(name, name, 300)
    markdown = fitted(render_comment(shown), LONGEST_BODY)
    assert len(markdown) <= LONGEST_BODY
    assert markdown.count("<details>") == markdown.count("</details>")
    assert_harmless(markdown, {"#12"})
    check = check_text(shown, RepositorySettings(), private=True)
    assert len(check.summary) < LONGEST_BODY
    assert len(check.title) < LONGEST_TITLE


@given(
    st.lists(st.sampled_from(["a" * 10, "<details><summary>x</summary>", "</details>", "| a | b |", ""]), max_size=30)
)
def test_a_text_that_is_too_long_ends_with_a_whole_line_and_nothing_open(lines: list[str]):
    body, opened = [], 0
    for line in lines:  # as our sections are: one is closed before the next begins
        if ("<details>" in line and opened) or ("</details>" in line and not opened):
            continue
        opened += line.startswith("<details>") - line.startswith("</details>")
        body.append(line)
    text = "\n".join([*body, "</details>"] if opened else body)
    for longest in (40, 80, 150):
        short = fitted(text, longest)
        assert len(short) <= longest
        assert short.count("<details>") == short.count("</details>")
        assert set(short.splitlines()) <= set(text.splitlines()) | {""}


@settings(max_examples=12)
@given(hostile, hostile)
def test_a_weekly_issue(name: str, other: str):
    details = {number: Details(title=name, labels=(other,), closes=(50,), authors=(name,)) for number in range(1, 5)}
    issues = {50: Issue(number=50, title=name, labels=(other,), created_at=MONDAY, closed_at=MONDAY)}
    now = [spend(number, 3.5) for number in range(1, 5)] + [
        Spend(pull_number=None, stage=Stage.BUILD, evidence=Evidence.IMPLAUSIBLE, cost=COST)
    ]
    week = view(PULLS, now, [spend(1, 1)], details=details, issues=issues, rows=(row(other, 14_000_000, tool=name),))
    near = tuple(Suggestion(short_id=f"{i:06x}", tool=name, cost=COST, why=other) for i in range(30))
    week = msgspec.structs.replace(
        week,
        cost=msgspec.structs.replace(week.cost, unconfirmed_sessions=near),
        full_name="acme/widgets.of-all_kinds",  # GitHub has no others
        settings_problem=f"`{name}` is no setting: {other}",
    )
    assert_harmless(
        render_week(week), {f"{place}#{number}" for place in ("", week.full_name) for number in (1, 2, 3, 4, 50)}
    )


@settings(max_examples=12)
@given(hostile, st.integers(1, 3))
def test_the_comment_of_a_closed_issue(name: str, count: int):
    parts = tuple(
        IssuePart(pull_number=3, title=name, cost=COST, pull_cost=COST, issues=2, through=None) for _ in range(count)
    )
    cost = IssueCost(
        number=50, title=name, is_closed=True, parent=None, total=Cost(1_230_000 * count, 2), parts=parts, unseen=(4,)
    )
    assert_harmless(render_issue(cost, "https://mergecost.example/how"), {"#3", "#4"})


def test_a_title_of_a_weekly_issue_is_one_that_github_takes():
    week = msgspec.structs.replace(view(PULLS, [spend(1, 3.4)], []), full_name=f"{'o' * 39}/{'r' * 100}")
    assert len(title_of_week(week)) < LONGEST_TITLE
