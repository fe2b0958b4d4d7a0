"""One issue as it is now, from GitHub into the store."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from attribution.issues import Issue
from bot.clock import to_ms
from bot.context import Bot
from bot.github.client import Missing
from bot.github.models import Label, Present, line, names_of
from bot.github.sync_account import ask_of, covered, settings_file
from bot.keys import IssueKey
from bot.store import issues as issue_store
from bot.store import repositories as repository_store
from bot.work.stale import Change, Fact


class _Issue(msgspec.Struct):
    number: int
    created_at: datetime
    updated_at: datetime
    title: str = ""
    closed_at: datetime | None = None
    labels: list[Label] = []
    pull_request: Present | None = None


class _Repository(msgspec.Struct, rename={"id": "databaseId"}):
    id: int = 0


class _Node(msgspec.Struct):
    number: int
    repository: _Repository = msgspec.field(default_factory=_Repository)


class _Nodes(msgspec.Struct):
    nodes: list[_Node] = []


class _Links(msgspec.Struct, rename={"closed_by": "closedByPullRequestsReferences"}):
    parent: _Node | None = None
    closed_by: _Nodes = msgspec.field(default_factory=_Nodes)


class _WithIssue(msgspec.Struct):
    issue: _Links | None = None


class _Answer(msgspec.Struct):
    repository: _WithIssue | None = None


# REST has neither: https://docs.github.com/en/graphql/reference/objects#issue
_LINKS = """
query ($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issue(number: $number) {
      parent { number repository { databaseId } }
      closedByPullRequestsReferences(first: 50, includeClosedPrs: true) { nodes { number repository { databaseId } } }
    }
  }
}
"""


async def issue(bot: Bot, key: IssueKey) -> None:
    """Read one issue, and have its comment looked at again if that may have changed."""
    repository = await covered(bot, key.repository)
    if repository is None:
        return
    try:
        answer = await bot.github.get(key.account_id, f"/repos/{repository.full_name}/issues/{key.number}", _Issue)
    except Missing:
        answer = None
    if answer is not None and answer.pull_request is not None:
        return
    await settings_file(bot, key.repository)
    if answer is None or answer.number != key.number:  # deleted, or moved to another repository
        with bot.database.write() as connection:
            _note_change(bot, connection, key)
            issue_store.forget(connection, key)
        return
    links = await _links(bot, key, repository.full_name)
    here = key.repository_id
    facts = Issue(
        number=key.number,
        title=line(answer.title),
        labels=names_of(answer.labels),
        created_at=answer.created_at,
        closed_at=answer.closed_at,
        parent=links.parent.number if links.parent and links.parent.repository.id == here else None,
        pulls=tuple(sorted(node.number for node in links.closed_by.nodes if node.repository.id == here)),
    )
    with bot.database.write() as connection:
        # Those above it before and those above it now.
        _note_change(bot, connection, key)
        issue_store.save_issue(bot.database, connection, key, facts, to_ms(answer.updated_at))
        _note_change(bot, connection, key)


def _note_change(bot: Bot, connection: Connection, key: IssueKey) -> None:
    repository = repository_store.repository(connection, key.repository)
    if repository is not None:
        change = Change(repository=key.repository, issues=[key.number])
        bot.stale(repository).note(connection, Fact.ISSUE, change)


async def _links(bot: Bot, key: IssueKey, full_name: str) -> _Links:
    """Its parent and the pull requests that people linked to it, where GitHub says so; keywords and branches say the rest."""
    answer = await ask_of(bot, key, full_name, _LINKS, _Answer)
    return (answer.repository.issue if answer and answer.repository else None) or _Links()
