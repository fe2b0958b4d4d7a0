"""What the sections of a pull request's comment are made from."""

import re

import msgspec

from attribution.forecast import Forecast
from attribution.outcome import Outcome
from attribution.report import PullRequestCost, Suggestion
from attribution.usual import Usual
from attribution.week_report import Coverage
from bot.markdown import phrase
from bot.settings import HOW_URL

_NUMBER = re.compile(r"#[0-9]++")


class CommentView(msgspec.Struct, frozen=True, kw_only=True):
    """`settings_problem` is what is wrong with the repository's settings file, in a sentence, or empty. `suggestions`
    are booked nowhere and may belong here. `outcome` is what became of the pull request. `is_enforced`: over its budget it needs
    an approval, and `is_approved_by_others` than its people.
    `weekly_problem` is why the repository has no weekly issue elsewhere. `usual` is what merges here cost, where there are enough;
    `coverage` how many people wrote its commits, and how many of them report.
    `how_url` is the page that says how it is counted, `comment_url` the comment itself, once there is one."""

    cost: PullRequestCost
    head_sha: str
    settings_problem: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    outcome: Outcome | None = None
    survival_days: int = 14
    forecast: Forecast | None = None
    is_enforced: bool = False
    is_approved_by_others: bool = False
    weekly_problem: str = ""
    how_url: str = HOW_URL
    comment_url: str = ""
    usual: Usual | None = None
    coverage: Coverage = Coverage(people=0, seen_people=0)


def reason(why: str, number: int) -> str:
    """Why something counts, as the comment on pull request `number` says it. What stands in backticks is a name."""
    parts = why.split("`")
    own = f"#{number}"
    parts[::2] = [
        _NUMBER.sub(lambda match: "this pull request" if match[0] == own else match[0], part) for part in parts[::2]
    ]
    return phrase("`".join(parts))
