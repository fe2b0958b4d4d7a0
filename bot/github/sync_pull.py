"""One pull request as it is now, from GitHub into the store."""

import logging
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from attribution.evidence import Commit, PullRequest
from attribution.identity import author, authorship
from attribution.links import closes, issues_of_branch, reverted_commits, reverts
from attribution.outcome import Details, concerned
from bot.clock import DAY_MS, to_ms
from bot.context import Bot
from bot.github.client import Missing
from bot.github.sync_account import Account, RepositoryListed, covered, settings_file
from bot.store import issues as issue_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import sessions as session_store
from bot.store.commands import PullKey
from bot.work import queue
from bot.work.queue import Wanted

log = logging.getLogger(__name__)


class _Label(msgspec.Struct):
    name: str


class _Named(msgspec.Struct):
    id: int
    full_name: str


class _Head(msgspec.Struct):
    ref: str
    sha: str
    repo: _Named | None = None


class _Base(msgspec.Struct):
    ref: str
    repo: RepositoryListed


class _Pull(msgspec.Struct):
    number: int
    head: _Head
    base: _Base
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merge_commit_sha: str | None = None
    user: Account | None = None
    title: str = ""
    body: str | None = ""
    labels: list[_Label] = []


class _Person(msgspec.Struct):
    email: str | None = None
    date: datetime | None = None


class _CommitDetails(msgspec.Struct):
    author: _Person | None = None
    committer: _Person | None = None
    message: str = ""


class _Commit(msgspec.Struct):
    sha: str
    commit: _CommitDetails
    author: Account | None = None


class _Changed(msgspec.Struct):
    filename: str


async def pull(bot: Bot, installation_id: int, repository_id: int, number: int) -> None:
    """Read one pull request; when what attribution sees has changed, ask for its sessions to be placed again."""
    repository = await covered(bot, installation_id, repository_id)
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
    await settings_file(bot, installation_id, repository_id)
    _save(bot, (installation_id, repository_id, number), found, facts, listed)


def _save(bot: Bot, key: PullKey, found: _Pull, facts: PullRequest, listed: list[_Commit]) -> None:
    """Keep what GitHub says of a pull request, and have everything looked at that it may change."""
    installation_id, repository_id, number = key
    with bot.database.write() as connection:
        details = _details(found, listed, repository_store.names_of(connection, installation_id, repository_id))
        repository_store.save_repository(bot.database, connection, installation_id, found.base.repo.facts())
        if found.head.repo and found.head.repo.id != repository_id:
            # Sessions in a fork name the fork.
            repository_store.save_alias(
                bot.database, connection, installation_id, repository_id, found.head.repo.full_name
            )
        before, (took_back, closed) = pull_store.pull(connection, key), _names(connection, key)
        changed = pull_store.save_pull(bot.database, connection, key, facts, details, found.head.sha)
        if changed and session_store.want_of_pull(connection, installation_id, repository_id, facts):
            place = Wanted("place", f"{installation_id}/{repository_id}")
            queue.want(bot.database, connection, {place: 1}, bot.clock())
        takes_back, closes_now = _names(connection, key)
        settings, _ = bot.repository_settings(repository_store.repository(connection, installation_id, repository_id))
        at_ms = bot.clock() + settings.settle_seconds * 1000
        issue_store.want_comments(bot.database, connection, key[:2], closed - closes_now, at_ms)
        known = issue_store.known_numbers(connection, installation_id, repository_id)
        news = {*details.closes, *issues_of_branch(facts.head_branch)} - known
        wanted = [*(("comment", one) for one in {number} | took_back | takes_back), *(("issue", one) for one in news)]
        named = [Wanted(kind, f"{installation_id}/{repository_id}/{one}") for kind, one in wanted]
        queue.want(bot.database, connection, queue.once(named), at_ms)
        if before is None or before.head_sha != found.head.sha:  # where the check run is required, it is waited for
            queue.want(bot.database, connection, {Wanted("check", "/".join(map(str, key))): 1}, bot.clock())
        if found.merged_at is not None:
            settled_ms = to_ms(found.merged_at) + settings.survival_days * DAY_MS
            if settled_ms > bot.clock():
                settled = Wanted("settled", "/".join(map(str, key)))
                queue.want(bot.database, connection, {settled: 1}, settled_ms)


def _names(connection: Connection, key: PullKey) -> tuple[set[int], set[int]]:
    """The pull requests whose outcome hangs on one, and the issues that it says it closes, by what is stored of it."""
    details = pull_store.details_of_pull(connection, key)
    if not details.reverts and not details.reverts_commits:
        return set(), set(details.closes)
    return concerned(*pull_store.known_pulls(connection, *key[:2]), key[2]), set(details.closes)


def _details(found: _Pull, listed: list[_Commit], names: set[str]) -> Details:
    """What a pull request says of itself. Its text is read here and not kept."""
    messages = "\n".join(one.commit.message for one in listed)
    told = f"{found.title}\n{found.body or ''}"
    people = {
        author(one.commit.author.email)
        for one in listed
        if one.commit.author and one.commit.author.email and not (one.author and one.author.type == "Bot")
    }
    return Details(
        title=found.title,
        labels=tuple(sorted(label.name for label in found.labels)),
        closes=tuple(sorted({*closes(told, names), *closes(messages, names)})),
        reverts=reverts(found.body or "", names),
        reverts_commits=tuple(sorted({*reverted_commits(messages), *reverted_commits(found.body or "")})),
        merge_commit=(found.merge_commit_sha or "") if found.merged_at else "",
        authors=tuple(sorted(people)),
        updated_at=found.updated_at,
    )


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
