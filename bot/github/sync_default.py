"""The commits of the default branch that are in no pull request: GitHub tells of them by `push` events, for which an App needs the
permission to read code. Where it has that, or the repository is public, they are read at each look; else they stay unknown."""

import logging
from datetime import datetime, timedelta

import msgspec

from attribution.identity import author, authorship
from attribution.reported_commits import ReportedCommit
from attribution.usage import CommitMade
from bot.clock import from_ms
from bot.context import Bot
from bot.github.client import Missing, Refusal
from bot.github.models import LONGEST_NAME
from bot.store import accounts as account_store
from bot.store import commits as commit_store
from bot.store import repositories as repository_store
from bot.store import session_clues as clue_store
from bot.store import sessions as session_store
from bot.store.tables import Repository
from bot.work.stale import Change, Fact

log = logging.getLogger(__name__)

# A look goes back to the commit that the last one ended at, and no further than this.
_FIRST_LOOK = timedelta(days=30)
_MOST_PAGES = 5
# By then GitHub knows which pull request made a commit.
_AFTER = timedelta(minutes=10)
# Files are told of one commit at a time.
_MOST_WITH_FILES = 100

_HISTORY = """
query ($owner: String!, $name: String!, $branch: String!, $since: GitTimestamp!, $until: GitTimestamp!, $after: String) {
  repository(owner: $owner, name: $name) {
    ref(qualifiedName: $branch) {
      target {
        ... on Commit {
          history(first: 100, since: $since, until: $until, after: $after) {
            pageInfo { hasNextPage endCursor }
            nodes {
              oid
              authoredDate
              author { email }
              parents(first: 1) { totalCount }
              associatedPullRequests(first: 1) { totalCount }
            }
          }
        }
      }
    }
  }
}
"""


class _Person(msgspec.Struct):
    email: str | None = None


class _Count(msgspec.Struct, rename="camel", frozen=True):
    total_count: int = 0


class _Commit(msgspec.Struct, rename="camel"):
    oid: str
    authored_date: datetime | None = None
    author: _Person | None = None
    parents: _Count = _Count()
    associated_pull_requests: _Count | None = None

    @property
    def is_direct(self) -> bool:
        """In no pull request, as far as GitHub says so. A merge of branches has no work of its own."""
        pulls = self.associated_pull_requests
        is_alone = pulls is not None and not pulls.total_count
        return is_alone and self.parents.total_count < 2 and self.authored_date is not None


class _PageInfo(msgspec.Struct, rename="camel", frozen=True):
    has_next_page: bool = False
    end_cursor: str | None = None


class _History(msgspec.Struct, rename="camel", frozen=True):
    nodes: list[_Commit] = []
    page_info: _PageInfo = _PageInfo()


class _Tip(msgspec.Struct):
    history: _History = _History()


class _Ref(msgspec.Struct):
    target: _Tip | None = None


class _WithRef(msgspec.Struct):
    ref: _Ref | None = None


class _Answer(msgspec.Struct):
    repository: _WithRef | None = None


class _File(msgspec.Struct):
    filename: str


class _WithFiles(msgspec.Struct):
    files: list[_File] = []


async def default_branch(bot: Bot, repository: Repository) -> None:
    """Store what was pushed without a pull request since the last look; the sessions that it may concern are attributed again."""
    key = repository.key
    try:
        newest, commits = await _pushed(bot, repository)
    except (Missing, Refusal) as error:
        # GraphQL shows commits to those who may read code: https://github.com/palantir/policy-bot/issues/42
        log.info("commits without a pull request stay unknown in %s: %s", repository.full_name, error)
        newest, commits = None, list[_Commit]()
    if newest == repository.default_sha:
        return
    with bot.database.read() as connection:
        known = commit_store.listed(connection, key, [commit.oid for commit in commits])
    unknown = [commit for commit in commits if commit.oid not in known]
    files = [await _files(bot, repository, commit.oid) for commit in unknown[:_MOST_WITH_FILES]]
    files += [()] * (len(unknown) - len(files))
    branch = repository.default_branch
    listed = [_as_report(commit, its, branch) for commit, its in zip(unknown, files, strict=True)]
    with bot.database.write() as connection:
        account_store.lock(connection, key.account_id)
        repository_store.note(connection, key, default_sha=newest)
        commit_store.save_listed(connection, key, listed)
        sessions = clue_store.concerned_by_commits(connection, key, listed)
        session_store.request(connection, key, sessions)
        if sessions:
            bot.stale(repository).note(connection, Fact.COMMITS, Change(repository=key))


async def _pushed(bot: Bot, repository: Repository) -> tuple[str, list[_Commit]]:
    """The newest commit of the default branch (empty: there is none), and those without a pull request since the last look, newest
    first."""
    owner, _, name = repository.full_name.partition("/")
    now = from_ms(bot.clock())
    variables: dict[str, str | None] = {
        "owner": owner,
        "name": name,
        "branch": f"refs/heads/{repository.default_branch}",
        "since": _timestamp(now - _FIRST_LOOK),
        "until": _timestamp(now - _AFTER),
        "after": None,
    }
    newest, commits = "", list[_Commit]()
    for _ in range(_MOST_PAGES):
        answer = await bot.github.ask(repository.account_id, _HISTORY, variables, _Answer)
        tip = answer.repository and answer.repository.ref and answer.repository.ref.target
        nodes, page = (tip.history.nodes, tip.history.page_info) if tip else ([], _PageInfo())
        newest = newest or next((commit.oid for commit in nodes), "")
        commits += [commit for commit in nodes if commit.is_direct]
        # Work that was merged by hand may be older than what was read before: of the page all is looked at.
        if not page.has_next_page or any(commit.oid == repository.default_sha for commit in nodes):
            break
        variables["after"] = page.end_cursor
    return newest, commits


def _timestamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


async def _files(bot: Bot, repository: Repository, sha: str) -> tuple[str, ...]:
    """The files that a commit changes, as far as GitHub shows them: the first 300."""
    path = f"/repos/{repository.full_name}/commits/{sha}"
    try:
        answer = await bot.github.get(repository.account_id, path, _WithFiles)
    except (Missing, Refusal):
        return ()
    return tuple(sorted(file.filename for file in answer.files if len(file.filename) <= LONGEST_NAME))


def _as_report(commit: _Commit, files: tuple[str, ...], branch: str) -> ReportedCommit:
    email, at = commit.author.email if commit.author else None, commit.authored_date
    return ReportedCommit(
        author(email) if email else "",
        CommitMade(
            sha=commit.oid,
            authorship=authorship(email, at) if email and at else "",
            branch=branch,
            authored_at=at,
            files=files,
        ),
    )
