"""Routes of pull requests: https://docs.github.com/en/rest/pulls"""

from starlette.responses import Response

from . import payloads
from .call import Call, Routes, ok
from .errors import invalid
from .history import changed_files, head_label, pull_commits
from .state import Pull

# "Lists a maximum of 250 commits for a pull request."
MAX_COMMITS, MAX_FILES = 250, 3000
SORT = {"created": "created_at", "updated": "updated_at"}

route = Routes()


@route("GET", "/repos/{owner}/{repo}/pulls", "pull_requests")
def list_pulls(call: Call) -> Response:
    """Newest first if sorted by `created`; by anything else oldest first, unless `direction` says otherwise."""
    state, sort = call.query("state", "open"), call.query("sort", "created")
    if state not in ("open", "closed", "all") or sort not in SORT:
        raise invalid("PullRequest", "state" if sort in SORT else "sort", "invalid")
    filters = {"head": call.query("head"), "base": call.query("base")}
    matches = [
        pull
        for pull in call.repository.issues.values()
        if isinstance(pull, Pull)
        and state in (pull.state, "all")
        and filters["head"] in ("", head_label(pull))
        and filters["base"] in ("", pull.base_ref)
    ]
    direction = call.query("direction", "desc" if sort == "created" else "asc")
    matches.sort(key=lambda pull: (getattr(pull, SORT[sort]), pull.id), reverse=direction == "desc")
    return call.paged(matches, payloads.pull_summary)


@route("GET", "/repos/{owner}/{repo}/pulls/{number}", "pull_requests")
def get_pull(call: Call) -> Response:
    return ok(payloads.pull(call.pull()))


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/commits", "pull_requests")
def list_commits(call: Call) -> Response:
    accounts = {user.email: user for user in call.github.users.values()}
    commits = pull_commits(call.pull())[:MAX_COMMITS]
    return call.paged(commits, lambda commit: payloads.commit(commit, call.repository, accounts))


@route("GET", "/repos/{owner}/{repo}/pulls/{number}/files", "pull_requests")
def list_files(call: Call) -> Response:
    pull = call.pull()
    files = list(changed_files(pull_commits(pull)).items())[:MAX_FILES]
    return call.paged(files, lambda file: _changed_file(file[0], *file[1], pull))


def _changed_file(path: str, additions: int, deletions: int, of: Pull) -> dict[str, object]:
    html = f"{payloads.WEB}/{of.repository.full_name}"
    return {
        "sha": payloads.blob_sha(path.encode()), "filename": path, "status": "modified", "additions": additions,
        "deletions": deletions, "changes": additions + deletions, "blob_url": f"{html}/blob/{of.head_sha}/{path}",
        "raw_url": f"{html}/raw/{of.head_sha}/{path}",
        "contents_url": f"{payloads.repository_url(of.repository)}/contents/{path}?ref={of.head_sha}",
    }  # fmt: skip
