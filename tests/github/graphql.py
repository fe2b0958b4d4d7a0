"""The one GraphQL query that has an answer here: what an issue is tied to. https://docs.github.com/en/graphql/reference/objects#issue"""

from typing import Any

from starlette.responses import Response

from . import credentials
from .call import Call, Routes, ok
from .state import Issue

route = Routes()
QUERY_PARTS = ("issue(number: $number)", "parent {", "closedByPullRequestsReferences(")


@route("POST", "/graphql")
def answer(call: Call) -> Response:
    """A query for anything else is not answered, so that no test mistakes it for an empty answer."""
    query, variables = call.body["query"], call.body["variables"]
    if not all(part in query for part in QUERY_PARTS):
        raise NotImplementedError(f"the fake GitHub does not answer {query}")
    assert call.token is not None
    full_name = f"{variables['owner']}/{variables['name']}"
    matches = [repository for repository in call.token.repositories if repository.full_name == full_name]
    if not matches or not credentials.grants(call.token.permissions, "issues", "read"):
        missing = {
            "type": "NOT_FOUND",
            "path": ["repository"],
            "message": f"Could not resolve to a Repository {full_name}.",
        }
        return ok({"data": {"repository": None}, "errors": [missing]})
    issue = matches[0].issues.get(variables["number"])
    return ok({"data": {"repository": {"issue": _ties(issue) if issue else None}}})


def _ties(issue: Issue) -> dict[str, Any]:
    return {
        "parent": _node(issue.parent) if issue.parent else None,
        "closedByPullRequestsReferences": {"nodes": [_node(issue) for issue in issue.linked_pulls]},
    }


def _node(issue: Issue) -> dict[str, Any]:
    return {"number": issue.number, "repository": {"databaseId": issue.repository.id}}
