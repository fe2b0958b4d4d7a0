"""What the sections of a pull request's comment are made from."""

import msgspec

from attribution.report import PullRequestCost, Suggestion


class CommentView(msgspec.Struct, frozen=True, kw_only=True):
    """`settings_problem` is what is wrong with the repository's settings file, in a sentence, or empty. `suggestions`
    are booked nowhere and may belong here."""

    cost: PullRequestCost
    head_sha: str
    settings_problem: str = ""
    suggestions: tuple[Suggestion, ...] = ()


def tool_title(tool: str) -> str:
    """`claude-code` as people write it."""
    return " ".join(word.capitalize() for word in tool.split("-"))
