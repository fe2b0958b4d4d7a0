"""The GraphQL queries that have an answer here: what an issue is tied to, and the commit that merged a pull request.

https://docs.github.com/en/graphql/reference/objects#issue and #pullrequest
"""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from . import credentials
from .call import Call, Routes, ok
from .state import Issue, Pull

route = Routes()
TIES = ("issue(number: $number)", "parent {", "closedByPullRequestsReferences(")
MERGE_COMMIT = ("pullRequest(number: $number)", "mergeCommit { oid }")


@route("POST", "/graphql")
def answer(call: Call) -> Response:
    """A query for anything else is not answered, so that no test mistakes it for an empty answer."""
    query, variables = call.body["query"], call.body["variables"]
    if all(part in query for part in TIES):
        return _below_repository(call, variables, "issues", "issue", _ties)
    if all(part in query for part in MERGE_COMMIT):
        return _below_repository(call, variables, "pull_requests", "pullRequest", _merge_commit)
    raise NotImplementedError(f"the fake GitHub does not answer {query}")


def _below_repository(
    call: Call, variables: dict[str, Any], permission: str, name: str, render: Callable[[Any], dict[str, Any]]
) -> Response:
    assert call.token is not None
    full_name = f"{variables['owner']}/{variables['name']}"
    matches = [repository for repository in call.token.repositories if repository.full_name == full_name]
    if not matches or not credentials.grants(call.token.permissions, permission, "read"):
        missing = {
            "type": "NOT_FOUND",
            "path": ["repository"],
            "message": f"Could not resolve to a Repository {full_name}.",
        }
        return ok({"data": {"repository": None}, "errors": [missing]})
    item = matches[0].issues.get(variables["number"])
    return ok({"data": {"repository": {name: render(item) if item else None}}})


def _merge_commit(pull: Pull) -> dict[str, Any]:
    return {"mergeCommit": {"oid": pull.merge_commit_sha} if pull.merged_at else None}


def _ties(issue: Issue) -> dict[str, Any]:
    return {
        "parent": _node(issue.parent) if issue.parent else None,
        "closedByPullRequestsReferences": {"nodes": [_node(issue) for issue in issue.linked_pulls]},
    }


def _node(issue: Issue) -> dict[str, Any]:
    return {"number": issue.number, "repository": {"databaseId": issue.repository.id}}
