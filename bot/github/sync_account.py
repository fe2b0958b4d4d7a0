"""Facts from GitHub into the store: accounts, their repositories, and which pull requests and issues changed."""

import base64
import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

import msgspec
from sqlalchemy import Connection

from bot import journal
from bot.clock import CLOCKS_MS, DAY_MS, from_ms, to_ms
from bot.context import Bot
from bot.github.client import Missing, Refusal
from bot.github.models import NAME, Comment, Present, User, is_ours
from bot.github.sync_default import default_branch
from bot.keys import PullKey, RepositoryKey
from bot.repository_settings import PATH
from bot.settings_lines import LONGEST
from bot.store import accounts as account_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import sessions as session_store
from bot.store.repositories import Difference, RepositoryFacts
from bot.store.tables import Repository
from bot.work import queue
from bot.work.queue import Kind, Work
from bot.work.stale import Change, Fact

log = logging.getLogger(__name__)
T = TypeVar("T")

# A repository's settings file is read at most this often.
_SETTINGS_FRESH_MS = 5 * 60_000
# How far back a repository is read when the App is installed.
_FIRST_LOOK_MS = 30 * DAY_MS


class _Installation(msgspec.Struct):
    id: int
    account: User = User()
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


class _Item(msgspec.Struct):
    number: int
    updated_at: datetime
    pull_request: Present | None = None


class _Comment(Comment, kw_only=True):
    updated_at: datetime
    issue_url: str = ""

    @property
    def conversation(self) -> int:
        """The number of its pull request or issue; 0 where GitHub does not say it."""
        number = self.issue_url.rpartition("/")[2]
        return int(number) if number.isdecimal() and len(number) < 19 else 0


class _File(msgspec.Struct):
    content: str = ""


async def all_accounts(bot: Bot) -> None:
    """Ask for every installation of the App to be read, and for deliveries that failed: at the start, and as the hourly sweep."""
    work = [Work(Kind.DELIVERIES)]
    async for page in bot.github.pages(None, "/app/installations", list[_Installation]):
        work += [Work(Kind.ACCOUNT, installation.account.id, 0, installation.id) for installation in page]
    with bot.database.write() as connection:
        queue.request(connection, work, bot.clock())


async def account(bot: Bot, account_id: int, installation_id: int) -> None:
    """Which repositories an account's installation covers now, and that their recent pull requests be looked at.

    GitHub gives a new id when the App is installed again: an old id changes nothing.
    """
    try:
        installation = await bot.github.get(None, f"/app/installations/{installation_id}", _Installation)
    except Missing:
        if await _installation_of(bot, account_id) == installation_id:  # GitHub errs: it lists it
            raise
        with bot.database.write() as connection:
            account_store.remove_installation(connection, account_id, installation_id)
        return
    login, is_suspended = installation.account.login, installation.suspended_at is not None
    with bot.database.write() as connection:
        account_store.save_account(bot.database, connection, account_id, login, installation_id, suspended=is_suspended)
    if is_suspended:
        return
    repositories: list[RepositoryFacts] = []
    async for page in bot.github.pages(account_id, "/installation/repositories", _Repositories):
        repositories += [repository.facts() for repository in page.repositories]
    journal.note("installation read", account=login, repositories=len(repositories))
    with bot.database.write() as connection:
        account_store.lock(connection, account_id)
        for difference in repository_store.save_repositories(bot.database, connection, account_id, repositories):
            note_difference(bot, connection, difference)
        recent = [Work(Kind.RECENT, account_id, facts.repository_id) for facts in repositories]
        queue.request(connection, recent, bot.clock())


async def recent(bot: Bot, key: RepositoryKey) -> None:
    """Ask for every pull request and issue that changed since the last look: deliveries may be lost or late. And for what was
    asked for and is not there: comments on what costs something, and pieces of work that an error ended a day ago. What was pushed
    without a pull request is read here alone."""
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, key)
    if repository is None:
        return
    await settings_file(bot, key)
    await default_branch(bot, repository)
    first = bot.clock() - _FIRST_LOOK_MS
    pulls, pulls_until_ms = await _changes(bot, repository, "pulls", repository.pulls_read_until_ms or first)
    issues, issues_until_ms = await _changes(bot, repository, "issues", repository.issues_read_until_ms or first)
    commands, comments_until_ms = await _commands(bot, repository, repository.comments_read_until_ms or first)
    work = [Work(Kind.PULL, *key, number) for number in pulls]
    work += [Work(Kind.ISSUE, *key, number) for number in issues if number not in pulls]
    work += [Work(Kind.COMMANDS, *key, number) for number in commands]
    state = {
        "pulls_read_until_ms": pulls_until_ms,
        "issues_read_until_ms": issues_until_ms,
        "comments_read_until_ms": comments_until_ms,
    }
    with bot.database.write() as connection:
        silent = set(pull_store.without_comment(connection, key, bot.clock() - _FIRST_LOOK_MS))
        silent -= queue.refusals(connection, key, Kind.COMMENT)
        work += [Work(Kind.COMMENT, *key, number) for number in sorted(silent)]
        queue.request(connection, work, bot.clock())
        queue.request_refused(connection, key, bot.clock() - DAY_MS, bot.clock())
        repository_store.note(connection, key, **state)


async def _changes(bot: Bot, repository: Repository, what: str, since_ms: int) -> tuple[list[int], int]:
    """The numbers of what changed since then, newest first, and until when it is read now. GitHub lists pull requests among the
    issues too."""
    listing = {"state": "all", "sort": "updated", "direction": "desc"}
    path = f"/repos/{repository.full_name}/{what}"
    numbers, times_ms = list[int](), list[int]()
    with suppress(Missing):  # where issues are switched off, GitHub lists none
        async for page in bot.github.pages(repository.account_id, path, list[_Item], **listing):
            fresh = [item for item in page if to_ms(item.updated_at) >= since_ms]
            numbers += [item.number for item in fresh if what == "pulls" or item.pull_request is None]
            times_ms += [to_ms(item.updated_at) for item in fresh]
            if len(fresh) < len(page):
                break
    return numbers, _until_ms(bot, times_ms, since_ms)


async def _commands(bot: Bot, repository: Repository, since_ms: int) -> tuple[list[int], int]:
    """The conversations in which a comment that was written or edited since then names us, and until when all are read now. An
    edit changes nothing in the list of issues."""
    path = f"/repos/{repository.full_name}/issues/comments"
    listing = {"since": f"{from_ms(since_ms):%Y-%m-%dT%H:%M:%SZ}", "sort": "updated", "direction": "desc"}
    numbers, times_ms = set[int](), list[int]()
    with suppress(Missing):  # as above
        async for page in bot.github.pages(repository.account_id, path, list[_Comment], **listing):
            times_ms += [to_ms(comment.updated_at) for comment in page]
            numbers |= {
                comment.conversation for comment in page if NAME in (comment.body or "") and not is_ours(bot, comment)
            }
    return sorted(numbers - {0}), _until_ms(bot, times_ms, since_ms)


def _until_ms(bot: Bot, times_ms: Iterable[int], since_ms: int) -> int:
    """GitHub gives whole seconds of a clock of its own: one that is just over may bring more news, one long over does not."""
    newest = max(times_ms, default=None)
    return since_ms if newest is None else newest + (newest < bot.clock() - CLOCKS_MS)


async def covered(bot: Bot, key: RepositoryKey) -> Repository | None:
    """The covered repository; an unknown one makes us read the account first."""
    for attempt in range(2):
        with bot.database.read() as connection:
            repository = repository_store.repository(connection, key)
            installation_id = account_store.installation_of(connection, key.account_id)
        if repository is not None or attempt:
            return repository
        installation_id = installation_id or await _installation_of(bot, key.account_id)
        if installation_id:
            await account(bot, key.account_id, installation_id)
    return None


async def _installation_of(bot: Bot, account_id: int) -> int:
    """The installation of an account of which no delivery has said so yet; 0 if there is none."""
    async for page in bot.github.pages(None, "/app/installations", list[_Installation]):
        for installation in page:
            if installation.account.id == account_id:
                return installation.id
    return 0


async def ask_of(bot: Bot, key: PullKey, full_name: str, query: str, model: type[T]) -> T | None:
    """What GraphQL says of a pull request or an issue: `query` takes $owner, $name and $number. None where GitHub does not tell: an
    old GitHub Enterprise Server does not know the fields."""
    owner, _, name = full_name.partition("/")
    try:
        return await bot.github.ask(key.account_id, query, {"owner": owner, "name": name, "number": key.number}, model)
    except (Missing, Refusal):
        return None


async def settings_file(bot: Bot, key: RepositoryKey) -> None:
    """The repository's own settings, if the App may read that one file; if not, the operator's hold and nothing breaks."""
    with bot.database.read() as connection:
        repository = repository_store.repository(connection, key)
    if repository is None or 0 <= bot.clock() - repository.settings_read_at_ms < _SETTINGS_FRESH_MS:
        return
    try:
        path = f"/repos/{repository.full_name}/contents/{PATH}"
        answer = await bot.github.get(key.account_id, path, msgspec.Raw)
        # A folder of that name is a list of what is in it.
        file = msgspec.json.decode(answer, type=_File | list[Present])
        text = _text_of(file.content) if isinstance(file, _File) else ""
    except (Missing, Refusal):
        text = ""
    with bot.database.write() as connection:
        repository_store.note(connection, key, settings_text=text, settings_read_at_ms=bot.clock())
        if text == repository.settings_text:
            return
        repository_store.note(connection, key, week_due_at_ms=0)  # the day of the weekly issue may be another
        note_settings(bot, connection, key)


def note_difference(bot: Bot, connection: Connection, difference: Difference) -> None:
    """Have everything looked at that it may change. Whatever was done or pushed on a default branch is attributed otherwise than on
    another one: of sessions without a branch, too."""
    if difference.is_visibility:
        note_settings(bot, connection, difference.key)
    repository = repository_store.repository(connection, difference.key)
    if difference.is_default_branch and repository is not None:
        session_store.request_all(connection, difference.key)
        bot.stale(repository).note(connection, Fact.DEFAULT_BRANCH, Change(repository=difference.key))


def note_settings(bot: Bot, connection: Connection, key: RepositoryKey) -> None:
    """How a repository is written about has changed: by its settings, or by who can see it."""
    if repository := repository_store.repository(connection, key):
        change = Change(repository=key, pulls=pull_store.open_pulls(connection, key), times_ms=[0])
        bot.stale(repository).note(connection, Fact.SETTINGS, change)


def _text_of(content: str) -> str:
    """A file's text from base64, as much as is stored: enough to see that it is too long. PostgreSQL stores no NUL."""
    text = base64.b64decode(content).decode(errors="replace")
    return text[: LONGEST + 1].replace("\0", "\ufffd")
