"""GitHub's JSON for each record, in REST answers and webhook payloads alike.

The keys are those that https://github.com/github/rest-api-description requires, `API` is where GitHub says that they are.
"""

import base64
import hashlib
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from .history import changed_files, head_label, pull_commits
from .state import (
    App,
    CheckRun,
    Comment,
    Commit,
    Installation,
    Issue,
    Label,
    Pull,
    Repository,
    Signature,
    User,
)

API, WEB = "https://api.github.com", "https://github.com"
Json = dict[str, Any]

_USER_LINKS = (
    "followers",
    "following",
    "gists",
    "starred",
    "subscriptions",
    "orgs",
    "repos",
    "events",
    "received_events",
)
_REPOSITORY_LINKS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents",
    "contributors", "deployments", "downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks",
    "issue_comment", "issue_events", "issues", "keys", "labels", "languages", "merges", "milestones", "notifications",
    "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)  # fmt: skip
_REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def without(payload: Any, absent_keys: Collection[str]) -> Any:
    """JSON with those keys left out, however deep they stand."""
    if isinstance(payload, dict):
        return {key: without(value, absent_keys) for key, value in payload.items() if key not in absent_keys}
    return [without(item, absent_keys) for item in payload] if isinstance(payload, list) else payload


def when(at: datetime) -> str:
    """GitHub's dates: UTC, whole seconds, `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def when_or_null(at: datetime | None) -> str | None:
    return when(at) if at else None


def node_id(kind: str, number: int) -> str:
    return base64.b64encode(f"{kind}{number}".encode()).decode()


def repository_url(repository: Repository) -> str:
    return f"{API}/repos/{repository.full_name}"


def user(of: User) -> Json:
    url = f"{API}/users/{of.login}"
    links = {("organizations_url" if name == "orgs" else f"{name}_url"): f"{url}/{name}" for name in _USER_LINKS}
    return {
        "login": of.login, "id": of.id, "node_id": node_id("User", of.id), "avatar_url": f"{WEB}/{of.login}.png",
        "gravatar_id": "", "url": url, "html_url": f"{WEB}/{of.login}", **links, "type": of.type,
        "user_view_type": "public", "site_admin": False,
    }  # fmt: skip


def repository(of: Repository) -> Json:
    url, html = repository_url(of), f"{WEB}/{of.full_name}"
    still_open = sum(issue.state == "open" for issue in of.issues.values())
    return {
        "id": of.id, "node_id": node_id("Repository", of.id), "name": of.name, "full_name": of.full_name,
        "private": of.private, "owner": user(of.owner), "html_url": html, "description": None, "fork": False, "url": url,
        **{f"{name}_url": f"{url}/{name}" for name in _REPOSITORY_LINKS},
        "git_url": f"git://github.com/{of.full_name}.git", "ssh_url": f"git@github.com:{of.full_name}.git",
        "clone_url": f"{html}.git", "svn_url": html, "mirror_url": None, "homepage": None, "language": None,
        "created_at": when(of.created_at), "updated_at": when(of.updated_at), "pushed_at": when(of.pushed_at),
        "size": 0, "stargazers_count": 0, "watchers_count": 0, "forks_count": 0, "forks": 0, "watchers": 0,
        "open_issues_count": still_open, "open_issues": still_open, "has_issues": of.has_issues, "has_projects": True,
        "has_wiki": True, "has_pages": False, "has_discussions": False, "archived": of.archived, "disabled": False,
        "license": None, "allow_forking": True, "is_template": False, "web_commit_signoff_required": False, "topics": [],
        "visibility": "private" if of.private else "public", "default_branch": of.default_branch,
    }  # fmt: skip


def full_repository(of: Repository) -> Json:
    """What `GET /repos/{owner}/{repo}` adds."""
    return repository(of) | {"subscribers_count": 0, "network_count": 0}


def repository_in_brief(of: Repository) -> Json:
    """How `installation` events name a repository."""
    return {
        "id": of.id, "node_id": node_id("Repository", of.id), "name": of.name, "full_name": of.full_name,
        "private": of.private,
    }  # fmt: skip


def app(of: App) -> Json:
    return {
        "id": of.id, "client_id": of.client_id, "slug": of.slug, "node_id": node_id("App", of.id), "owner": user(of.owner),
        "name": of.slug, "description": "", "external_url": "https://example.com", "html_url": f"{WEB}/apps/{of.slug}",
        "created_at": when(of.created_at), "updated_at": when(of.created_at), "permissions": of.permissions,
        "events": of.events,
    }  # fmt: skip


def via(of: App | None) -> Json | None:
    return app(of) if of else None


def installation(of: Installation) -> Json:
    return {
        "id": of.id, "account": user(of.account), "repository_selection": "selected",
        "access_tokens_url": f"{API}/app/installations/{of.id}/access_tokens",
        "repositories_url": f"{API}/installation/repositories", "html_url": f"{WEB}/settings/installations/{of.id}",
        "app_id": of.app.id, "client_id": of.app.client_id, "app_slug": of.app.slug, "target_id": of.account.id,
        "target_type": of.account.type, "permissions": of.permissions, "events": of.app.events,
        "created_at": when(of.created_at), "updated_at": when(of.updated_at),
        "single_file_name": next(iter(of.app.single_files), None), "has_multiple_single_files": len(of.app.single_files) > 1,
        "single_file_paths": of.app.single_files, "suspended_by": None, "suspended_at": when_or_null(of.suspended_at),
    }  # fmt: skip


def label(of: Label, repository: Repository) -> Json:
    return {
        "id": of.id, "node_id": node_id("Label", of.id), "url": f"{repository_url(repository)}/labels/{of.name}",
        "name": of.name, "color": of.color, "default": False, "description": of.description, "archived_at": None,
        "archived_by": None,
    }  # fmt: skip


def issue(of: Issue) -> Json:
    """GitHub lists pull requests among the issues: those have the key `pull_request`."""
    kind = "pull" if isinstance(of, Pull) else "issues"
    url, html = (
        f"{repository_url(of.repository)}/issues/{of.number}",
        f"{WEB}/{of.repository.full_name}/{kind}/{of.number}",
    )
    links = {f"{name}_url": f"{url}/{name}" for name in ("comments", "events")}
    payload = {
        "id": of.id, "node_id": node_id("Issue", of.id), "url": url, "repository_url": repository_url(of.repository),
        "labels_url": f"{url}/labels{{/name}}", **links, "html_url": html, "number": of.number, "title": of.title,
        "user": user(of.user), "labels": [label(name, of.repository) for name in of.labels], "state": of.state,
        "state_reason": of.state_reason, "locked": of.locked, "active_lock_reason": None, "assignee": None, "assignees": [],
        "milestone": None, "comments": sum(comment.issue is of for comment in of.repository.comments.values()),
        "created_at": when(of.created_at), "updated_at": when(of.updated_at), "closed_at": when_or_null(of.closed_at),
        "author_association": _association(of.user, of.repository), "body": of.body, "performed_via_github_app": via(of.via),
    }  # fmt: skip
    if isinstance(of, Pull):
        api = f"{repository_url(of.repository)}/pulls/{of.number}"
        payload["draft"] = of.draft
        payload["pull_request"] = {"url": api, "html_url": html, "merged_at": when_or_null(of.merged_at)} | {
            f"{kind}_url": f"{html}.{kind}" for kind in ("diff", "patch")
        }
    return payload


def comment(of: Comment) -> Json:
    url = f"{repository_url(of.issue.repository)}/issues/comments/{of.id}"
    counts = {name: sum(content == name for _, content in of.reactions) for name in _REACTIONS}
    return {
        "id": of.id, "node_id": node_id("IssueComment", of.id), "url": url,
        "html_url": f"{issue(of.issue)['html_url']}#issuecomment-{of.id}",
        "issue_url": f"{repository_url(of.issue.repository)}/issues/{of.issue.number}", "user": user(of.user),
        "created_at": when(of.created_at), "updated_at": when(of.updated_at), "body": of.body,
        "author_association": _association(of.user, of.issue.repository), "pin": None,
        "minimized": {"reason": of.minimized_reason} if of.minimized_reason else None,
        "reactions": {"url": f"{url}/reactions", "total_count": len(of.reactions), **counts},
        "performed_via_github_app": via(of.via),
    }  # fmt: skip


def pull_summary(of: Pull) -> Json:
    """A pull request as lists have it: without `merged`, `commits` and the counts of lines."""
    payload = issue(of)
    payload.pop("pull_request")
    for absent in (
        "comments",
        "events_url",
        "labels_url",
        "repository_url",
        "state_reason",
        "performed_via_github_app",
    ):
        del payload[absent]
    url = f"{repository_url(of.repository)}/pulls/{of.number}"
    links = {
        "issue_url": payload["url"], "comments_url": f"{payload['url']}/comments", "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments", "review_comment_url": f"{repository_url(of.repository)}/pulls/comments",
        "statuses_url": f"{repository_url(of.repository)}/statuses/{of.head_sha}",
    }  # fmt: skip
    hrefs = {"self": url, "html": payload["html_url"]} | {
        name.removesuffix("_url"): link for name, link in links.items()
    }
    head_owner = user(of.head_repository.owner) if of.head_repository else None
    return {
        **payload, "url": url, "diff_url": f"{payload['html_url']}.diff", "patch_url": f"{payload['html_url']}.patch", **links,
        "draft": of.draft, "merged_at": when_or_null(of.merged_at), "merge_commit_sha": of.merge_commit_sha,
        "requested_reviewers": [], "requested_teams": [], "auto_merge": None,
        "head": {
            "label": head_label(of), "ref": of.head_ref, "sha": of.head_sha, "user": head_owner,
            "repo": repository(of.head_repository) if of.head_repository else None,
        },
        "base": {
            "label": f"{of.repository.owner.login}:{of.base_ref}", "ref": of.base_ref, "sha": of.base_sha,
            "user": user(of.repository.owner), "repo": repository(of.repository),
        },
        "_links": {name: {"href": href} for name, href in hrefs.items()},
    }  # fmt: skip


def pull(of: Pull) -> Json:
    """A pull request by itself, as `GET` and webhooks have it."""
    commits = pull_commits(of)
    files = changed_files(commits)
    return pull_summary(of) | {
        "merged": of.merged_at is not None, "merged_by": user(of.merged_by) if of.merged_by else None, "rebaseable": True,
        "mergeable": None if of.state == "closed" else True, "mergeable_state": "clean" if of.state == "open" else "unknown",
        "comments": issue(of)["comments"], "review_comments": 0, "maintainer_can_modify": False, "commits": len(commits),
        "additions": sum(additions for additions, _ in files.values()), "deletions": sum(deletions for _, deletions in files.values()),
        "changed_files": len(files),
    }  # fmt: skip


def signature(of: Signature) -> Json:
    return {"name": of.name, "email": of.email, "date": when(of.at)}


def commit(of: Commit, repository: Repository, accounts: dict[str, User]) -> Json:
    """`accounts` are the users by e-mail address: GitHub names an author's account only when it knows the address."""
    url, html = f"{repository_url(repository)}/commits", f"{WEB}/{repository.full_name}/commit"
    author, committer = accounts.get(of.author.email), accounts.get(of.committer.email)
    return {
        "sha": of.sha, "node_id": node_id(of.sha, 0), "url": f"{url}/{of.sha}", "html_url": f"{html}/{of.sha}",
        "comments_url": f"{url}/{of.sha}/comments",
        "commit": {
            "author": signature(of.author), "committer": signature(of.committer), "message": of.message,
            "url": f"{repository_url(repository)}/git/commits/{of.sha}", "comment_count": 0,
            "tree": {"sha": of.sha[::-1], "url": f"{repository_url(repository)}/git/trees/{of.sha[::-1]}"},
        },
        "author": user(author) if author else None, "committer": user(committer) if committer else None,
        "parents": [{"sha": sha, "url": f"{url}/{sha}", "html_url": f"{html}/{sha}"} for sha in of.parents],
    }  # fmt: skip


def blob_sha(content: bytes) -> str:
    """The id that git gives a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def check_run(of: CheckRun, repository: Repository) -> Json:
    url = f"{repository_url(repository)}/check-runs/{of.id}"
    output = {
        "title": None,
        "summary": None,
        "text": None,
        "annotations_count": 0,
        "annotations_url": f"{url}/annotations",
    }
    return {
        "id": of.id, "node_id": node_id("CheckRun", of.id), "head_sha": of.head_sha, "external_id": of.external_id,
        "url": url, "html_url": f"{WEB}/{repository.full_name}/runs/{of.id}", "details_url": of.details_url,
        "status": of.status, "conclusion": of.conclusion, "started_at": when(of.started_at),
        "completed_at": when_or_null(of.completed_at), "output": output | of.output, "name": of.name,
        "check_suite": {"id": of.app.id}, "app": app(of.app), "pull_requests": [],
    }  # fmt: skip


def _association(of: User, repository: Repository) -> str:
    if of is repository.owner:
        return "OWNER"
    return "COLLABORATOR" if of.login in repository.collaborators else "NONE"
