"""One issue as it is now, from GitHub into the store."""

from datetime import datetime

import msgspec

from attribution.issues import Issue
from bot.clock import to_ms
from bot.context import Bot
from bot.github.client import Missing, Refused
from bot.github.sync_account import covered, settings_file
from bot.store import issues as issue_store
from bot.store import repositories as repository_store
from bot.store.issues import IssueKey


class _Label(msgspec.Struct):
    name: str


class _Present(msgspec.Struct):
    """Whatever it holds: that it is there is enough."""


class _Issue(msgspec.Struct):
    number: int
    created_at: datetime
    updated_at: datetime
    title: str = ""
    closed_at: datetime | None = None
    labels: list[_Label] = []
    pull_request: _Present | None = None


class _In(msgspec.Struct, rename={"id": "databaseId"}):
    id: int = 0


class _Number(msgspec.Struct):
    number: int
    repository: _In = msgspec.field(default_factory=_In)


class _Nodes(msgspec.Struct):
    nodes: list[_Number] = []


class _Ties(msgspec.Struct, rename={"closed_by": "closedByPullRequestsReferences"}):
    parent: _Number | None = None
    closed_by: _Nodes = msgspec.field(default_factory=_Nodes)


class _TiesIn(msgspec.Struct):
    issue: _Ties | None = None


class _Answer(msgspec.Struct):
    repository: _TiesIn | None = None


# REST tells neither: https://docs.github.com/en/graphql/reference/objects#issue
_TIES = """
query ($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issue(number: $number) {
      parent { number repository { databaseId } }
      closedByPullRequestsReferences(first: 50, includeClosedPrs: true) { nodes { number repository { databaseId } } }
    }
  }
}
"""


async def issue(bot: Bot, installation_id: int, repository_id: int, number: int) -> None:
    """Read one issue, and have its cost told if that may have changed."""
    repository = await covered(bot, installation_id, repository_id)
    if repository is None:
        return
    try:
        path = f"/repos/{repository.full_name}/issues/{number}"
        found = await bot.github.get(installation_id, path, _Issue)
    except Missing:
        found = None
    if found is not None and found.pull_request is not None:
        return
    await settings_file(bot, installation_id, repository_id)
    if found is None or found.number != number:  # deleted, or moved to another repository
        _forget(bot, (installation_id, repository_id, number))
        return
    ties = await _ties(bot, installation_id, repository.full_name, number)
    facts = Issue(
        number=number,
        title=found.title,
        labels=tuple(sorted(label.name for label in found.labels)),
        created_at=found.created_at,
        closed_at=found.closed_at,
        parent=ties.parent.number if ties.parent and ties.parent.repository.id == repository_id else None,
        pulls=tuple(sorted(one.number for one in ties.closed_by.nodes if one.repository.id == repository_id)),
    )
    key = (installation_id, repository_id, number)
    with bot.database.write() as connection:
        settings, _ = bot.repository_settings(repository_store.repository(connection, *key[:2]))
        at_ms = bot.clock() + settings.settle_seconds * 1000
        # Those above it before and those above it now.
        issue_store.want_comments(bot.database, connection, key[:2], [number], at_ms)
        issue_store.save_issue(bot.database, connection, key, facts, to_ms(found.updated_at))
        issue_store.want_comments(bot.database, connection, key[:2], [number], at_ms)


def _forget(bot: Bot, key: IssueKey) -> None:
    with bot.database.write() as connection:
        issue_store.want_comments(bot.database, connection, key[:2], [key[2]], bot.clock())
        issue_store.forget(connection, key)


async def _ties(bot: Bot, installation_id: int, full_name: str, number: int) -> _Ties:
    """Its parent and the pull requests that people linked to it, where GitHub tells; keywords and branches say the rest."""
    owner, _, name = full_name.partition("/")
    try:
        answer = await bot.github.ask(installation_id, _TIES, {"owner": owner, "name": name, "number": number}, _Answer)
    except (Missing, Refused):  # an old GitHub Enterprise Server does not know the fields
        return _Ties()
    return (answer.repository.issue if answer.repository else None) or _Ties()
