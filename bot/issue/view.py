"""What the sections of a weekly issue are rendered from."""

import msgspec

from attribution.week_report import WeekCost
from bot.settings import HOW_URL


class WeekView(msgspec.Struct, frozen=True, kw_only=True):
    """`full_name` is the repository that the week is about, empty where the issue is in it. `before_number` and `after_number`
    are the issues about the weeks before and after, where they stand beside this one. `is_default_shown`: GitHub shows us commits
    of the default branch that are in no pull request."""

    cost: WeekCost
    time_zone: str
    how_url: str = HOW_URL
    full_name: str = ""
    settings_problem: str = ""
    before_number: int | None = None
    after_number: int | None = None
    is_default_shown: bool = True
