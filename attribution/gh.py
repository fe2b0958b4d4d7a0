"""Pull requests as GitHub's command line lists them: https://cli.github.com/manual/gh_api

`gh pr list --json commits` is refused for 50 and more, since it asks for a hundred authors of each commit:
https://github.com/cli/cli/issues/5114. The query here asks for one.
FILTER prints a pull request a line, with the field names of `gh pr list`.
"""

import msgspec

from attribution.evidence import Commit, Moment, PullRequest
from attribution.identity import author, authorship

QUERY = """
query($owner: String!, $name: String!, $endCursor: String) {
  repository(owner: $owner, name: $name) {
    pullRequests(first: 100, after: $endCursor, orderBy: {field: UPDATED_AT, direction: DESC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        number headRefName baseRefName createdAt closedAt mergedAt author { login }
        files(first: 100) { nodes { path } }
        commits(first: 100) { nodes { commit { oid authoredDate committedDate author { email user { login } } } } }
      }
    }
  }
}"""
FILTER = """
.data.repository.pullRequests.nodes[]
  | .files = [.files.nodes[]?]
  | .commits = [.commits.nodes[].commit | .authors = [{email: .author.email, login: .author.user.login}]]"""
# The hundred that were updated last; with `--paginate` all of them.
NEWEST = ("gh", "api", "graphql", "-F", "owner={owner}", "-F", "name={repo}", "-f", f"query={QUERY}", "--jq", FILTER)


class _Email(msgspec.Struct):
    email: str | None = ""
    login: str | None = ""


class _GhCommit(msgspec.Struct, rename="camel"):
    oid: str
    authored_date: Moment | None = None
    committed_date: Moment | None = None
    authors: list[_Email] = []


class _GhFile(msgspec.Struct):
    path: str


class _GhAuthor(msgspec.Struct, frozen=True):
    login: str = ""


class GhPull(msgspec.Struct, rename="camel"):
    """One pull request with the field names of `gh`."""

    number: int
    head_ref_name: str
    created_at: Moment
    base_ref_name: str = ""
    closed_at: Moment | None = None
    merged_at: Moment | None = None
    author: _GhAuthor | None = None
    commits: list[_GhCommit] = []
    files: list[_GhFile] = []


_LINES = msgspec.json.Decoder(GhPull)
_LIST = msgspec.json.Decoder(list[GhPull])


def from_gh(content: bytes) -> list[PullRequest]:
    """A pull request a line, or the array that `gh pr list` prints. Raises msgspec.DecodeError."""
    is_list = content.lstrip().startswith(b"[")
    return [from_gh_pull(pull) for pull in (_LIST.decode(content) if is_list else _LINES.decode_lines(content))]


def from_gh_pull(pull: GhPull) -> PullRequest:
    by_login = {
        person.login: person.email
        for commit in pull.commits
        for person in commit.authors
        if person.login and person.email
    }
    email = by_login.get(pull.author.login if pull.author else "", "")
    return PullRequest(
        number=pull.number,
        head_branch=pull.head_ref_name,
        base_branch=pull.base_ref_name,
        created_at=pull.created_at,
        closed_at=pull.closed_at,
        merged_at=pull.merged_at,
        author=author(email) if email else "",
        commits=tuple(map(_commit, pull.commits)),
        files=tuple(sorted(file.path for file in pull.files)),
    )


def _commit(commit: _GhCommit) -> Commit:
    email = (commit.authors[0].email or "") if commit.authors else ""
    return Commit(
        sha=commit.oid,
        author=author(email) if email else "",
        authorship=authorship(email, commit.authored_date) if email and commit.authored_date else "",
        authored_at=commit.authored_date,
        committed_at=commit.committed_date,
    )
