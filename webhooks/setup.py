"""The set-up pages: from a one-time link to a GitHub App in two clicks, by GitHub's manifest flow.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

import asyncio
import hashlib
import hmac
import json
import re
from html import escape
from pathlib import Path
from typing import Any

import httpx
import msgspec
import yaml
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from attribution.protocol import reader
from bot import journal
from bot.settings import AppCredentials, Settings, forget_setup_secret, setup_secret, store_app_credentials
from webhooks.edge import Edge, edge_of
from webhooks.pages import page

MANIFEST = Path(__file__).parent.parent / "app.yml"

router = APIRouter()

# https://docs.github.com/en/rest/apps/apps#create-a-github-app-from-a-manifest: GitHub's codes are letters and digits.
_CODE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_ORGANIZATION = re.compile(r"[A-Za-z0-9_-]{1,100}")


class _CreatedApp(msgspec.Struct):
    """GitHub's answer to a manifest's code, less what we never keep (the client secret)."""

    id: int
    slug: str
    pem: str
    webhook_secret: str
    html_url: str


_created_app = reader(_CreatedApp)


@router.get("/setup", include_in_schema=False)
def start(request: Request, secret: str = "", organization: str = "") -> HTMLResponse:
    """The page that creates the App. Guarded by the secret in the link that the server printed."""
    edge = edge_of(request)
    if edge.credentials is not None:
        return page(
            "Mergecost is set up", "<p>This server has its GitHub App. The set-up link no longer works.</p>", 410
        )
    if not _is_secret(edge.settings, secret):
        return page("Not this link", "<p>Use the whole set-up link that the server printed when it started.</p>", 403)
    if organization and not _ORGANIZATION.fullmatch(organization):
        return page("No such organization", "<p>Enter its name as GitHub's addresses have it.</p>", 422)
    owner = f"organizations/{organization}/settings" if organization else "settings"
    action = f"{edge.settings.github_url}/{owner}/apps/new?state={_state(edge.settings)}"
    body = _form(edge.settings, action, secret, organization)
    return page("Create the GitHub App", body, form_action=f"'self' {edge.settings.github_url}")


@router.get("/setup/created", include_in_schema=False)
async def finish(request: Request, code: str = "", state: str = "") -> HTMLResponse:
    """GitHub sends the browser back here with a code that is worth the App's credentials, once: so they are taken even if this
    request has to end before GitHub answers."""
    edge = edge_of(request)
    edge.conversion = asyncio.ensure_future(_in_turn(edge, code, state))
    return await asyncio.shield(edge.conversion)


async def _in_turn(edge: Edge, code: str, state: str) -> HTMLResponse:
    async with edge.setup:  # the answer may come several times, and each code would make an App
        return await _finish(edge, code, state)


async def _finish(edge: Edge, code: str, state: str) -> HTMLResponse:
    if edge.credentials is not None:
        return page("Mergecost is set up", "<p>This server has its GitHub App already.</p>", 410)
    if not _CODE.fullmatch(code) or not hmac.compare_digest(state.encode(), _state(edge.settings).encode()):
        return page("Not from here", "<p>Start again with the set-up link that the server printed.</p>", 403)
    app = await _convert(edge, code)
    if isinstance(app, str):
        return page(
            "GitHub did not create the App", f"<p>{escape(app)}</p><p>Start again with the set-up link.</p>", 502
        )
    credentials = AppCredentials(app_id=app.id, slug=app.slug, private_key=app.pem, webhook_secret=app.webhook_secret)
    store_app_credentials(edge.settings, credentials)
    forget_setup_secret(edge.settings)
    edge.credentials = credentials
    edge.runner.start(credentials)
    journal.note("app created", slug=app.slug, app_id=app.id)
    return page("The App exists", _next_steps(edge.settings, app))


def manifest(settings: Settings) -> dict[str, Any]:
    """`app.yml` with the addresses of this server."""
    values = yaml.safe_load(MANIFEST.read_text())
    values["hook_attributes"]["url"] = f"{settings.public_url}/webhooks/github"
    values["redirect_url"] = f"{settings.public_url}/setup/created"
    return values


def _is_secret(settings: Settings, secret: str) -> bool:
    return hmac.compare_digest(secret.encode("utf-8", "surrogatepass"), setup_secret(settings).encode())


def _state(settings: Settings) -> str:
    """Ties GitHub's answer to our page without saying the secret to anybody."""
    return hmac.new(setup_secret(settings).encode(), b"state", hashlib.sha256).hexdigest()


async def _convert(edge: Edge, code: str) -> _CreatedApp | str:
    """The new App's credentials for the code, or why not."""
    async with httpx.AsyncClient(base_url=edge.settings.api_url, timeout=20, transport=edge.transport) as client:
        try:
            answer = await client.post(
                f"/app-manifests/{code}/conversions", headers={"Accept": "application/vnd.github+json"}
            )
        except httpx.HTTPError as error:
            return f"GitHub could not be reached: {error}"
    if answer.status_code != httpx.codes.CREATED:
        return f"GitHub answered {answer.status_code} to the code, which works once and for an hour."
    try:
        return _created_app(answer.content)
    except msgspec.DecodeError as error:
        return f"GitHub's answer could not be read: {error}"


def _form(settings: Settings, action: str, secret: str, organization: str) -> str:
    local = any(f"://{host}" in settings.public_url for host in ("127.0.0.1", "localhost", "[::1]"))
    warning = (
        "<p class=warning>GitHub must be able to reach this server, and <code>"
        f"{escape(settings.public_url)}</code> is only this machine. Start it with <code>MERGECOST_PUBLIC_URL</code> set to "
        "its public https address, then open the new set-up link.</p>"
    )
    value = escape(json.dumps(manifest(settings)))
    where = f"the organization <b>{escape(organization)}</b>" if organization else "your own account"
    return f"""
{warning if local else ""}
<p>GitHub shows one page with the name to confirm, then sends you back here. The App may read metadata, and write to pull
requests, issues and checks. It never gets to read code.</p>
<form action="{escape(action)}" method="post">
<input type="hidden" name="manifest" value="{value}"><button>Create the App on GitHub</button> for {where}</form>
<form action="/setup"><input type="hidden" name="secret" value="{escape(secret)}">
<label>For an organization instead: <input name="organization" placeholder="its name" pattern="[A-Za-z0-9-]+" required></label>
<button class=plain>Use it</button></form>"""


def _next_steps(settings: Settings, app: _CreatedApp) -> str:
    install = f"{settings.github_url}/apps/{app.slug}/installations/new"
    permissions = f"{app.html_url}/permissions" if app.html_url else settings.github_url
    return f"""
<ol>
<li><a href="{escape(install)}">Install it</a> on the repositories whose pull requests should say what they cost.</li>
<li>In <a href="{escape(app.html_url or settings.github_url)}">the App's settings</a> tick <b>Enable Device Flow</b>, so that
developers can log in with GitHub.</li>
<li>On a developer's machine: the three lines of <a href="/download">{escape(settings.public_url)}/download</a></li>
</ol>
<p>If repositories should keep settings of their own in <code>.github/mergecost.yml</code>: open
<a href="{escape(permissions)}">the App's permissions</a>, set <b>Single file</b> to <i>Read-only</i> and enter the path
<code>.github/mergecost.yml</code>. Nothing else becomes readable. Without it, this server's <code>mergecost.toml</code> holds.</p>
<p>What is pushed to private repositories without a pull request is known from developers' machines alone. If GitHub should say
it, too, set <b>Contents</b> to <i>Read-only</i> there. That opens code, of which commits and names of files are read.</p>
<p><a href="/">This server's first page</a> says how far it has come.</p>
<p>Its secrets are in <code>{escape(str(settings.data_dir / "app.json"))}</code>, readable by this server's user alone.</p>"""
