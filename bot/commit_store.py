"""Commits as the machines that made them know them, joined to what GitHub lists."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, select

from attribution.evidence import Commit, PullRequest
from attribution.usage import CommitMade, Usage
from bot.clock import to_ms
from bot.database import Database, table
from bot.tables import CommitRow

commits = table(CommitRow)

# In one statement: databases bound the number of parameters.
_AT_ONCE = 200


class Told(msgspec.Struct, frozen=True):
    """A commit with its files, and the digest of who made it."""

    author: str
    made: CommitMade

    @property
    def commit(self) -> Commit:
        made = self.made
        return Commit(
            sha=made.sha, authorship=made.authorship, author=self.author, authored_at=made.authored_at,
            committed_at=made.authored_at, files=made.files, patch_id=made.patch_id,
        )  # fmt: skip


def told(usages: Iterable[Usage]) -> list[Told]:
    """The commits that come with usage, each once, where files, author and time are known."""
    found = {
        made.sha: Told(usage.author, made)
        for usage in usages
        for made in (*usage.commits_made, *usage.commits_after)
        if usage.author and made.files and made.authored_at
    }
    return [found[sha] for sha in sorted(found)]


def save_commits(
    database: Database, connection: Connection, installation_id: int, repository_id: int, usages: Iterable[Usage]
) -> list[Told]:
    """Keep the commits that come with usage. Returns those that are new or changed."""
    found = {one.made.sha: one for one in told(usages)}
    before = _known(connection, installation_id, repository_id, sorted(found))
    fresh = [one for sha, one in sorted(found.items()) if before.get(sha) != one]
    insert = database.insert(commits)
    statement = insert.on_conflict_do_update(
        index_elements=["installation_id", "repository_id", "sha"],
        set_={"facts": insert.excluded.facts, "at_ms": insert.excluded.at_ms},
    )
    rows = [
        {
            "installation_id": installation_id, "repository_id": repository_id, "sha": one.made.sha,
            "facts": msgspec.json.encode(one).decode(), "at_ms": to_ms(one.made.authored_at),
        }
        for one in fresh if one.made.authored_at
    ]  # fmt: skip
    if rows:
        connection.execute(statement, rows)
    return fresh


def all_commits(connection: Connection, installation_id: int, repository_id: int) -> list[Told]:
    mine = (commits.c.installation_id == installation_id) & (commits.c.repository_id == repository_id)
    decode = msgspec.json.Decoder(Told).decode
    return [decode(facts) for facts in connection.execute(select(commits.c.facts).where(mine)).scalars()]


def joined(pulls: Iterable[PullRequest], known: Sequence[Told]) -> list[PullRequest]:
    """Pull requests whose commits have the files that their makers told: by id, or by what amend and rebase keep."""
    by_name: dict[str, CommitMade] = {}
    for one in sorted(known, key=lambda one: one.made.sha):
        for name in filter(None, (one.made.sha, one.made.authorship)):
            by_name.setdefault(name, one.made)

    def with_files(listed: Commit) -> Commit:
        made = by_name.get(listed.sha) or by_name.get(listed.authorship)
        if made is None or listed.files:
            return listed
        return msgspec.structs.replace(listed, files=made.files, patch_id=made.patch_id)

    return [
        msgspec.structs.replace(pull, commits=tuple(map(with_files, pull.commits))) if pull.commits else pull
        for pull in pulls
    ]


def pushed_directly(pulls: Iterable[PullRequest], known: Iterable[Told], default_branch: str) -> list[Commit]:
    """Commits made on the default branch that no pull request holds, in whatever form."""
    held = {name for pull in pulls for one in pull.commits for name in (one.sha, one.authorship, one.patch_id) if name}
    return [
        one.commit
        for one in known
        if one.made.branch == default_branch and held.isdisjoint((one.made.sha, one.made.authorship, one.made.patch_id))
    ]


def _known(connection: Connection, installation_id: int, repository_id: int, shas: Sequence[str]) -> dict[str, Told]:
    mine = (commits.c.installation_id == installation_id) & (commits.c.repository_id == repository_id)
    decode, found = msgspec.json.Decoder(Told).decode, dict[str, Told]()
    for start in range(0, len(shas), _AT_ONCE):
        named = select(commits.c.facts).where(mine, commits.c.sha.in_(shas[start : start + _AT_ONCE]))
        found |= {one.made.sha: one for one in map(decode, connection.execute(named).scalars())}
    return found
