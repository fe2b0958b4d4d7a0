"""One pull request as it is now, from GitHub into the store."""

import logging
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from attribution.evidence import Commit, PullRequest
from attribution.identity import author, authorship
from attribution.links import MOST_COMMITS, closes, reverted_commits, reverts
from attribution.outcome import Details, concerned
from attribution.references import issues_named_by
from bot.clock import DAY_MS, to_ms
from bot.context import Bot
from bot.github.client import Missing
from bot.github.models import LONGEST_NAME, Label, User, line, names_of
from bot.github.sync_account import RepositoryListed, ask_of, covered, note_difference, settings_file
from bot.keys import PullKey
from bot.store import accounts as account_store
from bot.store import issues as issue_store
from bot.store import pulls as pull_store
from bot.store import repositories as repository_store
from bot.store import session_clues as clue_store
from bot.store import sessions as session_store
from bot.store.tables import Pull
from bot.work import queue
from bot.work.queue import Kind, Work
from bot.work.stale import Change, Delay, Fact, Stale

log = logging.getLogger(__name__)

# GitHub lists no more: https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
_MOST_FILES = 3000
# What a message refers to stands near its beginning.
_LONGEST_MESSAGE = 10_000


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
    user: User | None = None
    title: str = ""
    body: str | None = ""
    labels: list[Label] = []


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
    author: User | None = None
    committer: User | None = None


class _File(msgspec.Struct):
    filename: str


class _MergeCommit(msgspec.Struct):
    oid: str = ""


class _Merged(msgspec.Struct, rename={"merge_commit": "mergeCommit"}):
    merge_commit: _MergeCommit | None = None


class _WithPull(msgspec.Struct, rename={"pull": "pullRequest"}):
    pull: _Merged | None = None


class _Answer(msgspec.Struct):
    repository: _WithPull | None = None


# REST drops `merge_commit_sha`: https://docs.github.com/en/rest/about-the-rest-api/breaking-changes
_MERGE_COMMIT = """
query ($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { mergeCommit { oid } } }
}
"""


async def pull(bot: Bot, key: PullKey) -> None:
    """Read one pull request; when what attribution sees has changed, ask for its sessions to be attributed again."""
    repository = await covered(bot, key.repository)
    if repository is None:
        return
    path = f"/repos/{repository.full_name}/pulls/{key.number}"
    try:
        answer = await bot.github.get(key.account_id, path, _Pull)
        commits = await _commits(bot, key, path)
        files = await _files(bot, key, path)
    except Missing:
        log.info("pull request %s is not there for us", path)
        return
    facts = PullRequest(
        number=key.number,
        head_branch=line(answer.head.ref),
        created_at=answer.created_at,
        closed_at=answer.closed_at,
        merged_at=answer.merged_at,
        commits=tuple(map(_as_commit, commits)),
        base_branch=line(answer.base.ref),
        author=_digest_of(answer.user.login if answer.user else "", commits),
        files=tuple(sorted(files)),
    )
    await settings_file(bot, key.repository)
    if answer.merged_at and not answer.merge_commit_sha:
        answer.merge_commit_sha = await _merge_commit(bot, key, repository.full_name)
    _save(bot, key, answer, facts, commits)


def _save(bot: Bot, key: PullKey, answer: _Pull, facts: PullRequest, commits: list[_Commit]) -> None:
    """Store what GitHub says of a pull request, and have everything looked at that it may change."""
    with bot.database.write() as connection:
        account_store.lock(connection, key.account_id)
        details = _details(answer, commits, repository_store.names_of(connection, key.repository))
        facts_of_base = answer.base.repo.facts()
        difference = repository_store.save_repository(bot.database, connection, key.account_id, facts_of_base)
        note_difference(bot, connection, difference)
        if answer.head.repo and answer.head.repo.id != key.repository_id:
            # Sessions in a fork name the fork.
            repository_store.save_alias(bot.database, connection, key.repository, answer.head.repo.full_name)
        before, (reverted_before, issues_before) = pull_store.pull(connection, key), _mentions(connection, key)
        changed = pull_store.save_pull(bot.database, connection, key, facts, details, answer.head.sha)
        reverted, issues = _mentions(connection, key)
        repository = repository_store.repository(connection, key.repository)
        if repository is None:
            return
        stale = bot.stale(repository)
        if changed and request_sessions(connection, key, before, facts):
            stale.note(connection, Fact.PULL_TIMELINE, Change(repository=key.repository))
        pulls = {key.number} | reverted_before | reverted
        change = Change(repository=key.repository, pulls=pulls, issues=issues_before - issues)
        stale.note(connection, Fact.PULL, change)
        named = issues_named_by(facts, details)
        unread = named - issue_store.by_number(connection, key.repository, named).keys()
        stale.note(connection, Fact.LINKS, Change(repository=key.repository, issues=unread))
        _note_times(bot, connection, key, stale, before, answer)


def request_sessions(connection: Connection, key: PullKey, before: Pull | None, facts: PullRequest) -> bool:
    """Have the sessions attributed again that may find a pull request as it is, or found it as it was. Whether there are any."""
    pulls = [facts] if before is None else [facts, msgspec.json.decode(before.facts, type=PullRequest)]
    sessions = clue_store.concerned_by_pulls(connection, key.repository, pulls)
    session_store.request(connection, key.repository, sessions)
    return bool(sessions)


def _note_times(
    bot: Bot, connection: Connection, key: PullKey, stale: Stale, before: Pull | None, answer: _Pull
) -> None:
    """What is due at a time of its own: the check run on a new head at once, and the word on a merge that lasted."""
    if before is None or before.head_sha != answer.head.sha:
        # A check run that is required is waited for; the comment beside it still waits until the data has settled.
        pull_store.note(connection, key, comment_due_at_ms=stale.run_at_ms(Delay.SETTLED))
        stale.note(connection, Fact.HEAD, Change(repository=key.repository, pulls=[key.number]))
    if answer.merged_at is not None:
        survived_at_ms = to_ms(answer.merged_at) + stale.settings.survival_days * DAY_MS
        if survived_at_ms > bot.clock():
            queue.request(connection, [Work(Kind.SURVIVAL, *key)], survived_at_ms)


def _mentions(connection: Connection, key: PullKey) -> tuple[set[int], set[int]]:
    """The pull requests whose outcome depends on one, and the issues that it says it closes, by what is stored of it."""
    details = pull_store.details_of_pull(connection, key)
    if not details.reverts and not details.reverts_commits:
        return set(), set(details.closes)
    return concerned(*pull_store.with_reverts(connection, key.repository, [key.number]), key.number), set(
        details.closes
    )


def _details(answer: _Pull, commits: list[_Commit], names: set[str]) -> Details:
    """What a pull request says of itself. Its text is read here and not stored."""
    body = answer.body or ""
    messages = [commit.commit.message[:_LONGEST_MESSAGE] for commit in commits]
    people = {
        author(commit.commit.author.email)
        for commit in commits
        if commit.commit.author and commit.commit.author.email and not (commit.author and commit.author.type == "Bot")
    }
    users = [answer.user, *(user for commit in commits for user in (commit.author, commit.committer))]
    return Details(
        title=line(answer.title),
        labels=names_of(answer.labels),
        closes=closes([f"{answer.title}\n{body}", *messages], names),
        reverts=reverts(body, names),
        reverts_commits=tuple(sorted(reverted_commits([body, *messages]))),
        merge_commit=(answer.merge_commit_sha or "") if answer.merged_at else "",
        authors=tuple(sorted(people)),
        people_ids=tuple(sorted({user.id for user in users if user and user.id})),
        updated_at=answer.updated_at,
    )


async def _merge_commit(bot: Bot, key: PullKey, full_name: str) -> str:
    """The commit that a merge made, where REST has none: as it is stored, else from GraphQL; empty where neither says so."""
    with bot.database.read() as connection:
        stored = pull_store.details_of_pull(connection, key).merge_commit
    if stored:
        return stored
    answer = await ask_of(bot, key, full_name, _MERGE_COMMIT, _Answer)
    commit = answer and answer.repository and answer.repository.pull and answer.repository.pull.merge_commit
    return commit.oid if commit else ""


async def _commits(bot: Bot, key: PullKey, path: str) -> list[_Commit]:
    """The pull request's commits, at most the 250 that GitHub lists."""
    commits: list[_Commit] = []
    async for page in bot.github.pages(key.account_id, f"{path}/commits", list[_Commit]):
        commits += page
        if len(commits) >= MOST_COMMITS:
            break
    return commits[:MOST_COMMITS]


async def _files(bot: Bot, key: PullKey, path: str) -> list[str]:
    """The names of the files that it changes, as far as people give files such names."""
    files: list[_File] = []
    async for page in bot.github.pages(key.account_id, f"{path}/files", list[_File]):
        files += page
        if len(files) >= _MOST_FILES:
            break
    return [file.filename for file in files[:_MOST_FILES] if len(file.filename) <= LONGEST_NAME]


def _digest_of(login: str, commits: list[_Commit]) -> str:
    """The digest of a person's e-mail, where one of the commits is theirs for GitHub."""
    own = [commit.commit.author for commit in commits if commit.author and commit.author.login == login]
    return next((author(person.email) for person in own if person and person.email), "")


def _as_commit(commit: _Commit) -> Commit:
    """As GitHub lists it: with times and, as digests, its author, but without its files."""
    by, committer = commit.commit.author, commit.commit.committer
    email, at = (by.email, by.date) if by else (None, None)
    return Commit(
        sha=commit.sha,
        author=author(email) if email else "",
        authorship=authorship(email, at) if email and at else "",
        authored_at=at,
        committed_at=committer.date if committer else None,
    )
