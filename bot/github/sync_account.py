"""Facts from GitHub into the store: installations, their repositories, and which pull requests and issues changed."""

import base64
import logging
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from bot import weekly
from bot.clock import DAY_MS, to_ms
from bot.context import Bot
from bot.github.client import Missing, Refused
from bot.repository_settings import PATH
from bot.store import accounts as account_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store.repositories import RepositoryFacts
from bot.work import queue
from bot.work.queue import Wanted

log = logging.getLogger(__name__)

# A repository's settings file is read at most this often.
_SETTINGS_FRESH_MS = 5 * 60_000
# How far back a repository is read when the App is installed.
_FIRST_LOOK_MS = 30 * DAY_MS
# So far may GitHub's clock and ours be apart.
_CLOCKS_MS = 5 * 60_000


class Account(msgspec.Struct, frozen=True):
    login: str = ""
    type: str = ""


class _Installation(msgspec.Struct):
    id: int
    account: Account = Account()
    suspended_at: datetime | None = None


class RepositoryListed(msgspec.Struct):
    id: int
    full_name: str
    private: bool
    default_branch: str = "main"

    def facts(self) -> RepositoryFacts:
        return RepositoryFacts(
            repository_id=self.id, full_name=self.full_name, private=self.private, default_branch=self.default_branch
        )


class _Repositories(msgspec.Struct):
    repositories: list[RepositoryListed]


class _Present(msgspec.Struct):
    """Whatever it holds: that it is there is enough."""


class _Listed(msgspec.Struct):
    number: int
    updated_at: datetime
    pull_request: _Present | None = None


class _File(msgspec.Struct):
    content: str = ""


async def all_installations(bot: Bot) -> None:
    """Ask for every installation of the App to be read: at the start, and as the hourly sweep."""
    found: list[Wanted] = []
    async for page in bot.github.pages(None, "/app/installations", list[_Installation]):
        found += [Wanted("installation", str(one.id)) for one in page]
    with bot.database.write() as connection:
        queue.want(bot.database, connection, queue.once(found), bot.clock())


async def installation(bot: Bot, installation_id: int) -> None:
    """Which repositories an installation covers now, and that their recent pull requests be looked at."""
    try:
        found = await bot.github.get(None, f"/app/installations/{installation_id}", _Installation)
    except Missing:
        found = None
    if found is None or found.suspended_at is not None:
        with bot.database.write() as connection:
            account_store.deactivate_installation(connection, installation_id)
        return
    facts: list[RepositoryFacts] = []
    async for page in bot.github.pages(installation_id, "/installation/repositories", _Repositories):
        facts += [one.facts() for one in page.repositories]
    with bot.database.write() as connection:
        account_store.save_installation(bot.database, connection, installation_id, found.account.login)
        repository_store.save_repositories(bot.database, connection, installation_id, facts)
        recent = [Wanted("recent", f"{installation_id}/{one.repository_id}") for one in facts]
        queue.want(bot.database, connection, queue.once(recent), bot.clock())


async def recent(bot: Bot, installation_id: int, repository_id: int) -> None:
    """Ask for every pull request and issue that changed since we last looked: what lost or late deliveries would have told."""
    with bot.database.read() as connection:
        row = repository_store.repository(connection, installation_id, repository_id)
    if row is None:
        return
    await settings_file(bot, installation_id, repository_id)
    first = bot.clock() - _FIRST_LOOK_MS
    pulls, pulls_until_ms = await _changed(bot, installation_id, row, "pulls", row.pulls_seen_until_ms or first)
    issues, issues_until_ms = await _changed(bot, installation_id, row, "issues", row.issues_seen_until_ms or first)
    place = f"{installation_id}/{repository_id}"
    wanted = [Wanted(kind, f"{place}/{number}") for number in pulls for kind in ("pull", "commands")]
    wanted += [Wanted("issue", f"{place}/{number}") for number in issues if number not in pulls]
    state = {"pulls_seen_until_ms": pulls_until_ms, "issues_seen_until_ms": issues_until_ms}
    with bot.database.write() as connection:
        queue.want(bot.database, connection, queue.once(wanted), bot.clock())
        repository_store.note_repository(connection, installation_id, repository_id, **state)


async def _changed(bot: Bot, installation_id: int, row: Row[Any], what: str, since_ms: int) -> tuple[list[int], int]:
    """The numbers of what changed since then, newest first, and until when we have looked now. GitHub lists pull requests among
    the issues too."""
    listing = {"state": "all", "sort": "updated", "direction": "desc"}
    found, times_ms = list[int](), list[int]()
    with suppress(Missing):  # where issues are switched off, GitHub lists none
        async for page in bot.github.pages(installation_id, f"/repos/{row.full_name}/{what}", list[_Listed], **listing):
            fresh = [one for one in page if to_ms(one.updated_at) >= since_ms]
            found += [one.number for one in fresh if what == "pulls" or one.pull_request is None]
            times_ms += [to_ms(one.updated_at) for one in fresh]
            if len(fresh) < len(page):
                break
    newest = max(times_ms, default=None)
    if newest is None:
        return [], since_ms
    # GitHub tells whole seconds of a clock of its own: one that is just over may bring more news, one long over does not.
    return found, newest + (newest < bot.clock() - _CLOCKS_MS)


async def covered(bot: Bot, installation_id: int, repository_id: int) -> RepositoryFacts | None:
    """The covered repository; an unknown one makes us read the installation first."""
    for attempt in range(2):
        with bot.database.read() as connection:
            row = repository_store.repository(connection, installation_id, repository_id)
        if row is not None:
            return RepositoryFacts(
                repository_id=repository_id,
                full_name=row.full_name,
                private=row.private,
                default_branch=row.default_branch,
            )
        if attempt == 0:
            await installation(bot, installation_id)
    return None


async def settings_file(bot: Bot, installation_id: int, repository_id: int) -> None:
    """The repository's own settings, if the App may read that one file; if not, the operator's hold and nothing breaks."""
    with bot.database.read() as connection:
        row = repository_store.repository(connection, installation_id, repository_id)
    if row is None or bot.clock() - row.settings_read_at_ms < _SETTINGS_FRESH_MS:
        return
    try:
        found = await bot.github.get(installation_id, f"/repos/{row.full_name}/contents/{PATH}", _File)
        text = base64.b64decode(found.content).decode(errors="replace")
    except (Missing, Refused):
        text = ""
    with bot.database.write() as connection:
        state: dict[str, object] = {"settings_text": text, "settings_read_at_ms": bot.clock()}
        if text != row.settings_text:  # the day of the weekly issue may be another
            state["week_due_at_ms"] = 0
        repository_store.note_repository(connection, installation_id, repository_id, **state)
        if text != row.settings_text:
            _want_all(bot, connection, (installation_id, repository_id))


def _want_all(bot: Bot, connection: Connection, key: tuple[int, int]) -> None:
    """Other settings: budgets, what open pull requests say of theirs, and what is in a week, are looked at again."""
    numbers = pull_store.open_pulls(connection, *key)
    wanted = [Wanted("comment", f"{key[0]}/{key[1]}/{number}") for number in numbers]
    wanted.append(Wanted("budget", f"{key[0]}/{key[1]}"))
    queue.want(bot.database, connection, queue.once(wanted), bot.clock())
    settings, _ = bot.repository_settings(repository_store.repository(connection, *key))
    weekly.want_since(bot, connection, settings, key, [0])
