"""The comment on a pull request: sections in order. A section is one function in one module, and one line here.

A section takes the `CommentView` and returns Markdown, or an empty text when it has nothing to say.
"""

from collections.abc import Callable

from bot.comment import budget, headline, notes, sessions, small_print, suggestions, unconfirmed, where
from bot.comment.view import CommentView

SECTIONS: tuple[Callable[[CommentView], str], ...] = (
    headline.render,
    unconfirmed.render,
    budget.render,
    notes.render,
    where.render,
    sessions.render,
    suggestions.render,
    small_print.render,
)

# What stays of our comment where people switched it off.
OFF = "Mergecost is switched off on this pull request. `/mergecost on` brings its figures back."


def render(view: CommentView) -> str:
    """The whole comment, without the marker."""
    return "\n\n".join(part for section in SECTIONS if (part := section(view)))
