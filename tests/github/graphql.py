"""The GraphQL queries that have an answer here: what an issue is tied to, the commit that merged a pull request, and the history of
a branch.

https://docs.github.com/en/graphql/reference/objects#issue, #pullrequest and #commit
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.responses import Response

from . import credentials, payloads
from .call import Call, Routes, ok
from .history import ancestry, pull_commits
from .state import Commit, Issue, Pull, Repository

route = Routes()
TIES = ("issue(number: $number)", "parent {", "closedByPullRequestsReferences(")
MERGE_COMMIT = ("pullRequest(number: $number)", "mergeCommit { oid }")
HISTORY = ("ref(qualifiedName: $branch)", "history(first: 100, since: $since, until: $until, after: $after)")
PAGE = 100


@route("POST", "/graphql")
def answer(call: Call) -> Response:
    """A query for anything else is not answered, so that no test mistakes it for an empty answer."""
    query, variables = call.body["query"], call.body["variables"]
    if all(part in query for part in TIES):
        return _below_repository(call, variables, "issues", "issue", _ties)
    if all(part in query for part in MERGE_COMMIT):
        return _below_repository(call, variables, "pull_requests", "pullRequest", _merge_commit)
    if all(part in query for part in HISTORY):
        return _history(call, variables)
    raise NotImplementedError(f"the fake GitHub does not answer {query}")


def _below_repository(
    call: Call, variables: dict[str, Any], permission: str, name: str, render: Callable[[Any], dict[str, Any]]
) -> Response:
    assert call.token is not None
    repository = _repository(call, variables)
    if repository is None or not credentials.grants(call.token.permissions, permission, "read"):
        return _not_found(variables)
    item = repository.issues.get(variables["number"])
    return ok({"data": {"repository": {name: render(item) if item else None}}})


def _repository(call: Call, variables: dict[str, Any]) -> Repository | None:
    assert call.token is not None
    full_name = f"{variables['owner']}/{variables['name']}"
    return next((repository for repository in call.token.repositories if repository.full_name == full_name), None)


def _not_found(variables: dict[str, Any]) -> Response:
    message = f"Could not resolve to a Repository {variables['owner']}/{variables['name']}."
    missing = {"type": "NOT_FOUND", "path": ["repository"], "message": message}
    return ok({"data": {"repository": None}, "errors": [missing]})


def _history(call: Call, variables: dict[str, Any]) -> Response:
    """Commits are code: of a private repository they are for those who may read its contents."""
    assert call.token is not None
    repository = _repository(call, variables)
    if repository is None:
        return _not_found(variables)
    if repository.private and not credentials.grants(call.token.permissions, "contents", "read"):
        refusal = {"type": "FORBIDDEN", "path": ["repository", "ref", "target"], "message": credentials.NOT_FOR_APP}
        return ok({"data": {"repository": {"ref": None}}, "errors": [refusal]})
    tip = repository.branches.get(variables["branch"].removeprefix("refs/heads/"))
    if tip is None:
        return ok({"data": {"repository": {"ref": None}}})
    since, until = (datetime.fromisoformat(variables[name].replace("Z", "+00:00")) for name in ("since", "until"))
    shas = ancestry(repository, tip)
    commits = [
        commit for sha, commit in repository.commits.items() if sha in shas and since <= commit.committer.at <= until
    ]
    commits.sort(key=lambda commit: commit.committer.at)
    commits.reverse()
    start = int(variables["after"] or 0)
    page = {"hasNextPage": start + PAGE < len(commits), "endCursor": str(start + PAGE)}
    nodes = [_commit(commit, repository) for commit in commits[start : start + PAGE]]
    return ok({"data": {"repository": {"ref": {"target": {"history": {"pageInfo": page, "nodes": nodes}}}}}})


def _commit(commit: Commit, repository: Repository) -> dict[str, Any]:
    pulls = [pull for pull in repository.issues.values() if isinstance(pull, Pull) and _made(pull, commit)]
    return {
        "oid": commit.sha,
        "authoredDate": payloads.when(commit.author.at),
        "author": {"email": commit.author.email},
        "parents": {"totalCount": len(commit.parents)},
        "associatedPullRequests": {"totalCount": len(pulls)},
    }


def _made(pull: Pull, commit: Commit) -> bool:
    """Rebasing keeps who wrote a commit, and when, and its message."""
    what = (commit.author, commit.message)
    return commit.sha == pull.merge_commit_sha or any(
        own.sha == commit.sha or (pull.merged_at is not None and (own.author, own.message) == what)
        for own in pull_commits(pull)
    )


def _merge_commit(pull: Pull) -> dict[str, Any]:
    return {"mergeCommit": {"oid": pull.merge_commit_sha} if pull.merged_at else None}


def _ties(issue: Issue) -> dict[str, Any]:
    return {
        "parent": _node(issue.parent) if issue.parent else None,
        "closedByPullRequestsReferences": {"nodes": [_node(issue) for issue in issue.linked_pulls]},
    }


def _node(issue: Issue) -> dict[str, Any]:
    return {"number": issue.number, "repository": {"databaseId": issue.repository.id}}
