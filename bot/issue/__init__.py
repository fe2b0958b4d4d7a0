"""The weekly issue: sections in order. A section is one function in one module, and one line here.

A section takes the `WeekView` and returns Markdown, or an empty text when it has nothing to say.
"""

from collections.abc import Callable

from bot.issue import against, breakdown, budget, chart, headline, kinds, merges, pulls, small_print, unseen
from bot.issue.headline import title
from bot.issue.view import WeekView

__all__ = ["SECTIONS", "WeekView", "render", "title"]

SECTIONS: tuple[Callable[[WeekView], str], ...] = (
    headline.render,
    against.render,
    kinds.render,
    unseen.render,
    budget.render,
    chart.render,
    merges.render,
    pulls.render,
    breakdown.render,
    small_print.render,
)


def render(view: WeekView) -> str:
    """The whole issue, without the marker."""
    return "\n\n".join(part for section in SECTIONS if (part := section(view)))
