"""The narrow models of GitHub's JSON that several modules read, and how much of a person's text is stored."""

from collections.abc import Iterable

import msgspec

from bot.context import Bot

# What every command begins with.
NAME = "/mergecost"
# A title holds 256 characters on GitHub, a branch and a label fewer; the path of a file may be longer, but no person's is.
LONGEST_NAME = 500
# https://docs.github.com/en/issues/using-labels-and-milestones-to-track-work: GitHub gives an issue 100 labels at most.
_MOST_LABELS = 100


class App(msgspec.Struct):
    id: int = 0


class User(msgspec.Struct, frozen=True):
    id: int = 0
    login: str = ""
    type: str = ""


class Label(msgspec.Struct):
    name: str


def line(text: str) -> str:
    """As much of a title or name as is stored. PostgreSQL stores no NUL."""
    return text[:LONGEST_NAME].replace("\0", "")


def names_of(labels: Iterable[Label]) -> tuple[str, ...]:
    return tuple(sorted(line(label.name) for label in labels)[:_MOST_LABELS])


class Present(msgspec.Struct):
    """Only its presence counts; its content is not read."""


class Number(msgspec.Struct):
    number: int


class Id(msgspec.Struct):
    id: int


class Comment(msgspec.Struct):
    """A comment, or an issue, which has a number."""

    id: int
    number: int = 0
    body: str | None = ""
    user: User | None = None
    performed_via_github_app: App | None = None
    minimized: Present | None = None


def is_ours(bot: Bot, comment: Comment) -> bool:
    """Whether this App wrote it."""
    app = comment.performed_via_github_app
    if app is not None:
        return app.id == bot.github.credentials.app_id
    return comment.user is not None and comment.user.login == f"{bot.github.credentials.slug}[bot]"
