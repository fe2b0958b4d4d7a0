"""Facts from GitHub into the store: installations, their repositories, and pull requests as they are now."""

import base64
import logging
from datetime import datetime

import msgspec

from attribution.evidence import Commit, PullRequest
from attribution.identity import author, authorship
from bot import jobs, session_store, store
from bot.clock import to_ms
from bot.context import Bot
from bot.github import Missing, Refused
from bot.jobs import Wanted
from bot.repository_settings import PATH
from bot.store import RepositoryFacts

log = logging.getLogger(__name__)

# A repository's settings file is read at most this often.
_SETTINGS_FRESH_MS = 5 * 60_000
# How far back a repository is read when the App is installed.
_FIRST_LOOK_MS = 30 * 24 * 3_600_000


class _Account(msgspec.Struct, frozen=True):
    login: str = ""


class _Installation(msgspec.Struct):
    id: int
    account: _Account = _Account()
    suspended_at: datetime | None = None


class _Named(msgspec.Struct):
    id: int
    full_name: str


class _Repository(msgspec.Struct):
    id: int
    full_name: str
    private: bool
    default_branch: str = "main"

    def facts(self) -> RepositoryFacts:
        return RepositoryFacts(
            repository_id=self.id, full_name=self.full_name, private=self.private, default_branch=self.default_branch
        )


class _Repositories(msgspec.Struct):
    repositories: list[_Repository]


class _Head(msgspec.Struct):
    ref: str
    sha: str
    repo: _Named | None = None


class _Base(msgspec.Struct):
    ref: str
    repo: _Repository


class _Pull(msgspec.Struct):
    number: int
    head: _Head
    base: _Base
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    user: _Account | None = None


class _Listed(msgspec.Struct):
    number: int
    updated_at: datetime


class _Person(msgspec.Struct):
    email: str | None = None
    date: datetime | None = None


class _CommitDetails(msgspec.Struct):
    author: _Person | None = None
    committer: _Person | None = None


class _Commit(msgspec.Struct):
    sha: str
    commit: _CommitDetails
    author: _Account | None = None


class _Changed(msgspec.Struct):
    filename: str


class _File(msgspec.Struct):
    content: str = ""


async def all_installations(bot: Bot) -> None:
    """Ask for every installation of the App to be read: at the start, and as the hourly sweep."""
    found: list[Wanted] = []
    async for page in bot.github.pages(None, "/app/installations", list[_Installation]):
        found += [Wanted("installation", str(one.id)) for one in page]
    with bot.database.write() as connection:
        jobs.want(bot.database, connection, jobs.once(found), bot.clock())


async def installation(bot: Bot, installation_id: int) -> None:
    """Which repositories an installation covers now, and that their recent pull requests be looked at."""
    try:
        found = await bot.github.get(None, f"/app/installations/{installation_id}", _Installation)
    except Missing:
        found = None
    if found is None or found.suspended_at is not None:
        with bot.database.write() as connection:
            store.deactivate_installation(connection, installation_id)
        return
    facts: list[RepositoryFacts] = []
    async for page in bot.github.pages(installation_id, "/installation/repositories", _Repositories):
        facts += [one.facts() for one in page.repositories]
    with bot.database.write() as connection:
        store.save_installation(bot.database, connection, installation_id, found.account.login)
        store.save_repositories(bot.database, connection, installation_id, facts)
        recent = [Wanted("recent", f"{installation_id}/{one.repository_id}") for one in facts]
        jobs.want(bot.database, connection, jobs.once(recent), bot.clock())


async def recent(bot: Bot, installation_id: int, repository_id: int) -> None:
    """Ask for every pull request that changed since we last looked: what lost or late deliveries would have told."""
    with bot.database.read() as connection:
        row = store.repository(connection, installation_id, repository_id)
    if row is None:
        return
    since = row.pulls_seen_until_ms or bot.clock() - _FIRST_LOOK_MS
    newest, changed = since, list[Wanted]()
    listing = {"state": "all", "sort": "updated", "direction": "desc"}
    async for page in bot.github.pages(installation_id, f"/repos/{row.full_name}/pulls", list[_Listed], **listing):
        fresh = [one for one in page if to_ms(one.updated_at) >= since]
        numbers = [f"{installation_id}/{repository_id}/{one.number}" for one in fresh]
        changed += [Wanted(kind, key) for kind in ("pull", "commands") for key in numbers]
        newest = max([newest, *(to_ms(one.updated_at) for one in fresh)])
        if len(fresh) < len(page):
            break
    with bot.database.write() as connection:
        jobs.want(bot.database, connection, jobs.once(changed), bot.clock())
        store.note_repository(connection, installation_id, repository_id, pulls_seen_until_ms=newest)


async def pull(bot: Bot, installation_id: int, repository_id: int, number: int) -> None:
    """Read one pull request; when what attribution sees has changed, ask for its sessions to be placed again."""
    repository = await _repository(bot, installation_id, repository_id)
    if repository is None:
        return
    path = f"/repos/{repository.full_name}/pulls/{number}"
    try:
        found = await bot.github.get(installation_id, path, _Pull)
        listed = await _commits(bot, installation_id, path)
        files = [
            one.filename
            async for page in bot.github.pages(installation_id, f"{path}/files", list[_Changed])
            for one in page
        ]
    except Missing:
        log.info("pull request %s is not there for us", path)
        return
    facts = PullRequest(
        number=number,
        head_branch=found.head.ref,
        created_at=found.created_at,
        closed_at=found.closed_at,
        merged_at=found.merged_at,
        commits=tuple(map(_as_commit, listed)),
        base_branch=found.base.ref,
        author=_digest_of(found.user.login if found.user else "", listed),
        files=tuple(sorted(files)),
    )
    await _settings_file(bot, installation_id, repository_id)
    key = (installation_id, repository_id, number)
    with bot.database.write() as connection:
        store.save_repository(bot.database, connection, installation_id, found.base.repo.facts())
        if found.head.repo and found.head.repo.id != repository_id:
            # Sessions in a fork name the fork.
            store.save_alias(bot.database, connection, installation_id, repository_id, found.head.repo.full_name)
        changed = store.save_pull(bot.database, connection, key, facts, found.head.sha, to_ms(found.updated_at))
        if changed and session_store.want_of_pull(connection, installation_id, repository_id, facts):
            place = Wanted("place", f"{installation_id}/{repository_id}")
            jobs.want(bot.database, connection, {place: 1}, bot.clock())
        comment = Wanted("comment", f"{installation_id}/{repository_id}/{number}")
        settings, _ = bot.repository_settings(store.repository(connection, installation_id, repository_id))
        jobs.want(bot.database, connection, {comment: 1}, bot.clock() + settings.settle_seconds * 1000)


async def _repository(bot: Bot, installation_id: int, repository_id: int) -> RepositoryFacts | None:
    """The covered repository; an unknown one makes us read the installation first."""
    for attempt in range(2):
        with bot.database.read() as connection:
            row = store.repository(connection, installation_id, repository_id)
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


async def _commits(bot: Bot, installation_id: int, path: str) -> list[_Commit]:
    """The pull request's commits, at most the 250 that GitHub lists."""
    return [one async for page in bot.github.pages(installation_id, f"{path}/commits", list[_Commit]) for one in page]


def _digest_of(login: str, commits: list[_Commit]) -> str:
    """The digest of a person's e-mail, where one of the commits is theirs for GitHub."""
    emails = [
        one.commit.author.email for one in commits if one.author and one.author.login == login and one.commit.author
    ]
    return next((author(email) for email in emails if email), "")


def _as_commit(one: _Commit) -> Commit:
    """As GitHub lists it: with times and, as digests, its author, but without its files."""
    by, committed = one.commit.author, one.commit.committer
    email, at = (by.email, by.date) if by else (None, None)
    return Commit(
        sha=one.sha,
        author=author(email) if email else "",
        authorship=authorship(email, at) if email and at else "",
        authored_at=at,
        committed_at=committed.date if committed else None,
    )


async def _settings_file(bot: Bot, installation_id: int, repository_id: int) -> None:
    """The repository's own settings, if the App may read that one file; if not, the operator's hold and nothing breaks."""
    with bot.database.read() as connection:
        row = store.repository(connection, installation_id, repository_id)
    if row is None or bot.clock() - row.settings_read_at_ms < _SETTINGS_FRESH_MS:
        return
    try:
        found = await bot.github.get(installation_id, f"/repos/{row.full_name}/contents/{PATH}", _File)
        text = base64.b64decode(found.content).decode(errors="replace")
    except (Missing, Refused):
        text = ""
    with bot.database.write() as connection:
        state = {"settings_text": text, "settings_read_at_ms": bot.clock()}
        store.note_repository(connection, installation_id, repository_id, **state)
