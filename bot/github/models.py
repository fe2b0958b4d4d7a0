"""The narrow models of GitHub's JSON that several modules read."""

import msgspec

from bot.context import Bot


class App(msgspec.Struct):
    id: int = 0


class User(msgspec.Struct, frozen=True):
    id: int = 0
    login: str = ""
    type: str = ""


class Label(msgspec.Struct):
    name: str


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


def is_ours(bot: Bot, comment: Comment) -> bool:
    """Whether this App wrote it."""
    app = comment.performed_via_github_app
    if app is not None:
        return app.id == bot.github.credentials.app_id
    return comment.user is not None and comment.user.login == f"{bot.github.credentials.slug}[bot]"
