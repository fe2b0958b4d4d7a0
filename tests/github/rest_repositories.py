"""Routes of repositories, their files, collaborators and check runs: https://docs.github.com/en/rest/repos"""

import base64
from typing import Any

from starlette.responses import Response

from . import credentials, payloads
from .call import Call, Routes, created, ok
from .deliveries import record
from .errors import RequestRefusal, invalid, not_found
from .state import CheckRun

MAX_OUTPUT_CHARACTERS = 65_535
ROLES = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read"}

route = Routes()


@route("GET", "/repos/{owner}/{repo}", "metadata")
def get_repository(call: Call) -> Response:
    return ok(payloads.full_repository(call.repository))


@route("GET", "/repos/{owner}/{repo}/contents/{path:path}", "contents", "single_file")
def get_contents(call: Call) -> Response:
    """`single_file` opens just the paths that the App named. A folder is a list of its files."""
    path, ref = call.request.path_params["path"], call.query("ref") or call.repository.default_branch
    if call.repository.private and not _may_read(call, path):
        raise RequestRefusal(403, credentials.NOT_FOR_APP)
    if ref not in call.repository.branches and ref not in call.repository.commits:
        raise RequestRefusal(404, f"No commit found for the ref {ref}")
    content = call.repository.files.get(path)
    if content is None:
        inside = [name for name in call.repository.files if name.startswith(f"{path}/")]
        if not inside:
            raise not_found()
        return ok([{"type": "file", "name": name.rsplit("/", 1)[-1], "path": name} for name in inside])
    url = f"{payloads.repository_url(call.repository)}/contents/{path}?ref={ref}"
    html = f"{payloads.WEB}/{call.repository.full_name}/blob/{ref}/{path}"
    git = f"{payloads.repository_url(call.repository)}/git/blobs/{payloads.blob_sha(content)}"
    return ok({
        "type": "file", "encoding": "base64", "size": len(content), "name": path.rsplit("/", 1)[-1], "path": path,
        "content": base64.encodebytes(content).decode(), "sha": payloads.blob_sha(content), "url": url, "git_url": git,
        "html_url": html, "download_url": html.replace("/blob/", "/raw/"),
        "_links": {"self": url, "git": git, "html": html},
    })  # fmt: skip


@route("GET", "/repos/{owner}/{repo}/collaborators/{username}/permission", "metadata")
def get_permission(call: Call) -> Response:
    user = call.github.users.get(call.request.path_params["username"].lower())
    if user is None:
        raise not_found()
    role = "admin" if user is call.repository.owner else call.repository.collaborators.get(user.login)
    role = role or ("none" if call.repository.private else "read")
    permission = ROLES.get(role, "none")
    about = payloads.user(user) | {"role_name": role}
    return ok({"permission": permission, "role_name": role, "user": about})


@route("GET", "/repos/{owner}/{repo}/commits/{ref}", "contents")
def get_commit(call: Call) -> Response:
    ref = call.request.path_params["ref"]
    commit = call.repository.commits.get(call.repository.branches.get(ref, ref))
    if commit is None:
        raise RequestRefusal(422, f"No commit found for SHA: {ref}")
    accounts = {user.email: user for user in call.github.users.values()}
    files = [{"filename": path, "additions": more, "deletions": less} for path, (more, less) in commit.files.items()]
    return ok(payloads.commit(commit, call.repository, accounts) | {"files": files})


@route("POST", "/repos/{owner}/{repo}/check-runs", "checks")
def create_check_run(call: Call) -> Response:
    sha = call.text("head_sha", "CheckRun")
    if sha not in call.repository.commits:
        raise RequestRefusal(422, f"No commit found for SHA: {sha}")
    run = CheckRun(call.github.next_id(), call.acting_app(), sha, call.text("name", "CheckRun"), call.github.now())
    _update(call, run)
    call.repository.check_runs[run.id] = run
    _record(call, run, "created")
    return created(payloads.check_run(run, call.repository))


@route("PATCH", "/repos/{owner}/{repo}/check-runs/{number}", "checks")
def update_check_run(call: Call) -> Response:
    run = call.repository.check_runs.get(call.number())
    if run is None:
        raise not_found()
    if run.app is not call.acting_app():
        message = f"Invalid app_id `{call.acting_app().id}` - check run can only be modified by the GitHub App that created it."
        raise RequestRefusal(403, message)
    _update(call, run)
    return ok(payloads.check_run(run, call.repository))


@route("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", "checks")
def list_check_runs(call: Call) -> Response:
    """`filter=latest` (the default) keeps the newest run of each name and App."""
    ref = call.request.path_params["ref"]
    sha = call.repository.branches.get(ref, ref)
    if sha not in call.repository.commits:
        raise RequestRefusal(422, f"No commit found for SHA: {ref}")
    name, app_id = call.query("check_name"), call.query("app_id")
    runs = [run for run in reversed(call.repository.check_runs.values()) if run.head_sha == sha]
    runs = [run for run in runs if name in ("", run.name) and app_id in ("", str(run.app.id))]
    if call.query("filter", "latest") == "latest":
        newest: dict[Any, CheckRun] = {}
        for run in runs:
            newest.setdefault((run.name, run.app.id), run)
        runs = list(newest.values())
    return call.paged(runs, lambda run: payloads.check_run(run, call.repository), key="check_runs")


def _may_read(call: Call, path: str) -> bool:
    assert call.token is not None
    contents = credentials.grants(call.token.permissions, "contents", "read")
    return contents or path in call.token.installation.app.single_files


def _update(call: Call, run: CheckRun) -> None:
    """A conclusion completes a run, and a completed run must have one: https://docs.github.com/en/rest/checks/runs"""
    body = call.body
    conclusion = body.get("conclusion", run.conclusion)
    status = "completed" if "conclusion" in body else body.get("status", run.status)
    if status == "completed" and conclusion is None:
        raise invalid("CheckRun", "conclusion", "missing_field", "conclusion is required if status is completed")
    for name in ("summary", "text"):
        if len(body.get("output", {}).get(name) or "") > MAX_OUTPUT_CHARACTERS:
            raise invalid("CheckRun", name, "invalid", f"Only {MAX_OUTPUT_CHARACTERS} characters are allowed")
    run.status, run.conclusion = status, conclusion if status == "completed" else None
    run.completed_at = call.github.now() if status == "completed" else None
    run.output |= {key: value for key, value in body.get("output", {}).items() if key in ("title", "summary", "text")}
    run.name, run.external_id = body.get("name", run.name), body.get("external_id", run.external_id)
    run.details_url = body.get("details_url", run.details_url)
    run.actions = _checked_actions(body.get("actions", run.actions))


def _checked_actions(actions: list[dict[str, str]]) -> list[dict[str, str]]:
    """At most three buttons, and short words on them: https://docs.github.com/en/rest/checks/runs#create-a-check-run"""
    longest = {"label": 20, "description": 40, "identifier": 20}
    if len(actions) > 3 or any(
        not 0 < len(action.get(name, "")) <= most for action in actions for name, most in longest.items()
    ):
        raise invalid(
            "CheckRun", "actions", "invalid", "an action needs a label, a description and an identifier, all short"
        )
    return actions


def _record(call: Call, run: CheckRun, action: str) -> None:
    about = {"action": action, "check_run": payloads.check_run(run, call.repository)}
    record(call.github, "check_run", call.repository, call.bot(), about)
