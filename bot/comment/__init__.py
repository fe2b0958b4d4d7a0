"""The comment on a pull request: sections in order. A section is one function in one module, and one line here.

A section takes the `CommentView` and returns Markdown, or an empty text when it has nothing to say.
"""

from collections.abc import Callable

from bot.comment import headline, notes, sessions, small_print, where
from bot.comment.view import CommentView

SECTIONS: tuple[Callable[[CommentView], str], ...] = (
    headline.render,
    notes.render,
    where.render,
    sessions.render,
    small_print.render,
)


def render(view: CommentView) -> str:
    """The whole comment, without the marker."""
    return "\n\n".join(part for section in SECTIONS if (part := section(view)))
