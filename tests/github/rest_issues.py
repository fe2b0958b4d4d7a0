"""Routes of issues, labels, comments and reactions: https://docs.github.com/en/rest/issues"""

from starlette.responses import JSONResponse, Response

from . import credentials, payloads
from .call import Call, Routes, created, nothing, ok
from .errors import RequestRefusal, invalid, not_found
from .state import Comment, Issue, Label, Pull

MAX_BODY_CHARACTERS = 65_536
REACTIONS = {"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}
EITHER = ("issues", "pull_requests")

route = Routes()


@route("GET", "/repos/{owner}/{repo}/issues", *EITHER)
def list_issues(call: Call) -> Response:
    """Pull requests are listed, too. Newest first unless `direction` says otherwise."""
    if not call.repository.has_issues:
        raise RequestRefusal(410, "Issues are disabled for this repo")
    state, since = call.query("state", "open"), call.since()
    labels = {name.lower() for name in call.query("labels").split(",") if name}
    creator, sort = call.query("creator").lower(), call.query("sort", "created")
    matches = [
        issue
        for issue in call.repository.issues.values()
        if state in (issue.state, "all")
        and labels <= {label.name.lower() for label in issue.labels}
        and creator in ("", issue.user.login.lower())
        and (since is None or issue.updated_at >= since)
    ]
    matches.sort(key=lambda issue: (issue.updated_at if sort == "updated" else issue.created_at, issue.id))
    return call.paged(matches if call.query("direction") == "asc" else matches[::-1], payloads.issue)


@route("POST", "/repos/{owner}/{repo}/issues", "issues")
def create_issue(call: Call) -> Response:
    if not call.repository.has_issues:
        raise RequestRefusal(410, "Issues has been disabled in this repository.")
    title, body, labels = call.text("title", "Issue"), call.body.get("body"), call.body.get("labels", [])
    _check_length(body or "", "Issue")
    options = {"body": body, "labels": labels, "via": call.acting_app()}
    return created(payloads.issue(call.github.open_issue(call.repository, title, call.bot(), **options)))


@route("GET", "/repos/{owner}/{repo}/issues/comments", *EITHER)
def list_comments_of_repository(call: Call) -> Response:
    """Of all issues and pull requests; `since` looks at the last edit."""
    since, comments = call.since(), list(call.repository.comments.values())
    if call.query("sort"):
        comments.sort(key=lambda comment: getattr(comment, f"{call.query('sort')}_at"))
        comments = comments[::-1] if call.query("direction") == "desc" else comments
    return call.paged(
        [comment for comment in comments if since is None or comment.updated_at >= since], payloads.comment
    )


@route("GET", "/repos/{owner}/{repo}/issues/{number}", *EITHER)
def get_issue(call: Call) -> Response:
    return ok(payloads.issue(call.issue()))


@route("PATCH", "/repos/{owner}/{repo}/issues/{number}", *EITHER)
def update_issue(call: Call) -> Response:
    issue, body = call.issue(), call.body
    _check_kind(call, issue)
    if body.get("state", issue.state) not in ("open", "closed"):
        raise invalid("Issue", "state", "invalid")
    _check_length(body.get("body") or "", "Issue")
    issue.title, issue.body = body.get("title", issue.title), body.get("body", issue.body)
    if "labels" in body:
        issue.labels = [call.github.label(call.repository, name) for name in body["labels"]]
    issue.updated_at = call.github.now()
    if body.get("state", issue.state) == issue.state:
        call.github.issue_event(issue, "edited", call.bot())
    elif body["state"] == "closed":
        call.github.close_issue(call.repository, issue.number, call.bot())
        issue.state_reason = body.get("state_reason", issue.state_reason)
    else:
        issue.state, issue.state_reason, issue.closed_at = "open", "reopened", None
        call.github.issue_event(issue, "reopened", call.bot())
    return ok(payloads.issue(issue))


@route("POST", "/repos/{owner}/{repo}/labels", *EITHER)
def create_label(call: Call) -> Response:
    name, color = call.text("name", "Label"), call.body.get("color", "ededed")
    if name.lower() in call.repository.labels:
        raise invalid("Label", "name", "already_exists")
    label = Label(call.github.next_id(), name, color, call.body.get("description"))
    call.repository.labels[name.lower()] = label
    return created(payloads.label(label, call.repository))


@route("GET", "/repos/{owner}/{repo}/issues/{number}/comments", *EITHER)
def list_comments(call: Call) -> Response:
    """Oldest first; `since` looks at the last edit."""
    since, comments = call.since(), call.github.comments(call.repository, call.issue().number)
    return call.paged(
        [comment for comment in comments if since is None or comment.updated_at >= since], payloads.comment
    )


@route("POST", "/repos/{owner}/{repo}/issues/{number}/comments", *EITHER)
def create_comment(call: Call) -> Response:
    issue, body = call.issue(), _comment_body(call)
    _check_kind(call, issue)
    if issue.locked:
        raise RequestRefusal(403, "Unable to create comment because issue is locked.")
    comment = call.github.comment(call.repository, issue.number, body, call.bot(), call.acting_app())
    return created(payloads.comment(comment))


@route("GET", "/repos/{owner}/{repo}/issues/comments/{number}", *EITHER)
def get_comment(call: Call) -> Response:
    return ok(payloads.comment(_comment(call)))


@route("PATCH", "/repos/{owner}/{repo}/issues/comments/{number}", *EITHER)
def update_comment(call: Call) -> Response:
    """A comment that somebody hid stays hidden."""
    comment = _comment(call)
    _check_kind(call, comment.issue)
    call.github.edit_comment(comment, _comment_body(call), call.bot())
    return ok(payloads.comment(comment))


@route("DELETE", "/repos/{owner}/{repo}/issues/comments/{number}", *EITHER)
def delete_comment(call: Call) -> Response:
    comment = _comment(call)
    _check_kind(call, comment.issue)
    call.github.delete_comment(comment, call.bot())
    return nothing()


@route("POST", "/repos/{owner}/{repo}/issues/comments/{number}/reactions", *EITHER)
def create_reaction(call: Call) -> Response:
    """200 instead of 201 where the App reacted so before."""
    comment, content = _comment(call), call.body.get("content")
    _check_kind(call, comment.issue)
    if content not in REACTIONS:
        raise invalid("Reaction", "content", "invalid")
    reaction = call.bot().login, content
    before = reaction in comment.reactions
    comment.reactions.add(reaction)
    about = {"id": comment.id, "node_id": payloads.node_id("Reaction", comment.id), "user": payloads.user(call.bot())}
    return JSONResponse(
        about | {"content": content, "created_at": payloads.when(call.github.now())}, 200 if before else 201
    )


def _comment(call: Call) -> Comment:
    comment = call.repository.comments.get(call.number())
    if comment is None:
        raise not_found()
    return comment


def _check_kind(call: Call, issue: Issue) -> None:
    """The permission `pull_requests` opens the conversations of pull requests, not those of issues."""
    assert call.token is not None
    granted = credentials.grants(call.token.permissions, "issues", "write")
    if not granted and not isinstance(issue, Pull):
        raise RequestRefusal(403, credentials.NOT_FOR_APP, headers={"X-Accepted-GitHub-Permissions": "issues=write"})


def _comment_body(call: Call) -> str:
    body = call.body.get("body")
    if not isinstance(body, str) or not body.strip():
        raise invalid("IssueComment", "data", "unprocessable", "Body cannot be blank")
    _check_length(body, "IssueComment")
    return body


def _check_length(body: str, resource: str) -> None:
    if len(body) > MAX_BODY_CHARACTERS:
        raise invalid(resource, "body", "custom", f"body is too long (maximum is {MAX_BODY_CHARACTERS} characters)")
