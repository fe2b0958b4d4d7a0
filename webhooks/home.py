"""`GET /`: what this server is, how far its App has come, and what to do next. Anybody may read it: it counts, and names nobody."""

from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from bot.markdown import count
from bot.store.progress import Progress, progress
from webhooks.edge import Edge, edge_of
from webhooks.pages import page

router = APIRouter()

_SECOND_MS, _MINUTE_MS, _HOUR_MS, _DAY_MS = 1000, 60_000, 3_600_000, 86_400_000


@router.get("/", include_in_schema=False)
async def home(request: Request) -> HTMLResponse:
    edge = edge_of(request)
    what = (
        "<p>Mergecost says on each pull request what the change cost in AI tokens, and each week in an issue what shipped and what "
        'did not. <a href="/how">How it is counted</a>.</p>'
    )
    if edge.credentials is None:
        todo = (
            "<p><b>It is not a GitHub App yet.</b> The server printed a set-up link when it started: open it. If that is out of "
            "sight, start the server again, which prints the same link.</p>"
        )
        return page("Mergecost", what + todo)
    state = await edge.in_thread(lambda: _progress(edge))
    return page("Mergecost", what + _steps(edge, state))


def _progress(edge: Edge) -> Progress:
    with edge.database.read() as connection:
        return progress(connection)


def _steps(edge: Edge, state: Progress) -> str:
    """The road from the App to the first comment: what is done, and the first thing that is not."""
    slug = edge.credentials.slug if edge.credentials else ""
    install = escape(f"{edge.settings.github_url}/apps/{slug}/installations/new")
    steps = [
        (True, "The GitHub App exists.", ""),
        (
            state.repositories > 0,
            f"It is installed on {count(state.repositories, 'repository', 'repositories')} of "
            f"{count(state.accounts, 'account')}. <a href='{install}'>More</a>",
            f"<a href='{install}'>Install it</a> on the repositories whose pull requests should say what they cost.",
        ),
        (
            edge.last_delivery_at_ms > 0,
            f"GitHub's last delivery came {_ago(edge.clock() - edge.last_delivery_at_ms)}.",
            f"No delivery of GitHub has come since this process started, {_ago(edge.clock() - edge.started_at_ms)}. Each push to "
            "a pull request makes one; what became of it stands in the App's settings on GitHub, under <i>Advanced</i>.",
        ),
        (
            state.has_usage,
            'Usage arrives. Further machines are paired as on <a href="/download">this page</a>.',
            'No usage has arrived. <a href="/download">Pair a developer\'s machine</a>: three lines.',
        ),
        (
            state.has_comment,
            "The first comment is written.",
            "No comment yet: it appears a minute after work on an open pull request was sent.",
        ),
    ]
    items = "".join(f"<li>{'✓' if is_done else '→'} {done if is_done else todo}</li>" for is_done, done, todo in steps)
    return f'<ol class="steps">{items}</ol>{_worker(edge)}'


def _worker(edge: Edge) -> str:
    problem = edge.runner.problem
    return f"<p class=warning>Work waits: {escape(problem)}.</p>" if problem else ""


def _ago(age_ms: int) -> str:
    for size_ms, name in ((_DAY_MS, "day"), (_HOUR_MS, "hour"), (_MINUTE_MS, "minute"), (_SECOND_MS, "second")):
        if age_ms >= size_ms:
            return f"{count(age_ms // size_ms, name)} ago"
    return "just now"
