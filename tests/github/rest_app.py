"""Routes of the App itself: https://docs.github.com/en/rest/apps"""

import re
from datetime import timedelta

from starlette.responses import JSONResponse, Response

from . import credentials, payloads
from .call import Call, Routes, created, ok
from .deliveries import redeliver
from .errors import RequestRefusal, not_found
from .state import Delivery, Installation

route = Routes()


@route("GET", "/app")
def get_app(call: Call) -> Response:
    app = call.app()
    count = sum(installation.app is app for installation in call.github.installations.values())
    return ok(payloads.app(app) | {"installations_count": count})


@route("GET", "/app/installations")
def list_installations(call: Call) -> Response:
    app = call.app()
    return call.paged(
        [installation for installation in call.github.installations.values() if installation.app is app],
        payloads.installation,
    )


@route("GET", "/app/installations/{number}")
def get_installation(call: Call) -> Response:
    return ok(payloads.installation(_installation(call)))


@route("POST", "/app/installations/{number}/access_tokens")
def create_token(call: Call) -> Response:
    token = credentials.mint(call.github, _installation(call), call.body)
    body = {
        "token": token.value,
        "expires_at": payloads.when(token.expires_at),
        "permissions": token.permissions,
        "repository_selection": "selected",
    }
    if call.body.get("repositories") or call.body.get("repository_ids"):
        body["repositories"] = [payloads.repository(repository) for repository in token.repositories]
    return created(body)


@route("GET", "/installation/repositories")
def list_repositories(call: Call) -> Response:
    if call.token is None:
        raise RequestRefusal(401, "Requires authentication")
    return call.paged(call.token.repositories, payloads.repository, key="repositories")


@route("POST", "/app-manifests/{code}/conversions")
def convert_manifest(call: Call) -> Response:
    """A code works once: https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest"""
    accepted = call.github.manifests.pop(call.request.path_params["code"], None)
    if accepted is None:
        raise not_found()
    manifest, owner = accepted
    slug = re.sub(r"[^a-z0-9]+", "-", manifest["name"].lower())
    permissions, events = manifest.get("default_permissions", {}), manifest.get("default_events", [])
    app = call.github.add_app(slug, owner, permissions=permissions, events=events)
    secret = {"client_secret": app.client_secret, "webhook_secret": app.webhook_secret, "pem": app.private_key}
    return created(payloads.app(app) | {"name": manifest["name"]} | secret)


@route("GET", "/app/hook/deliveries")
def list_deliveries(call: Call) -> Response:
    """Newest first, by cursor: a page begins below the id that the cursor names."""
    size = min(int(call.query("per_page", "30")), 100)
    below = int(call.query("cursor") or 2**63)
    rows = [delivery for delivery in reversed(_deliveries(call)) if delivery.id < below]
    page, more = rows[:size], len(rows) > size
    url = call.request.url.include_query_params(cursor=page[-1].id) if more else None
    return JSONResponse([_row(delivery) for delivery in page], headers={"Link": f'<{url}>; rel="next"'} if url else {})


@route("POST", "/app/hook/deliveries/{number}/attempts")
def redeliver_delivery(call: Call) -> Response:
    matches = [delivery for delivery in _deliveries(call) if delivery.id == call.number()]
    if not matches:
        raise not_found()
    redeliver(call.github, matches[0])
    return JSONResponse({}, 202)


@route("GET", "/rate_limit")
def get_rate_limit(call: Call) -> Response:
    return ok(call.github.rate_limit(call.token.installation if call.token else None).resources())


def _installation(call: Call) -> Installation:
    app, installation = call.app(), call.github.installations.get(call.number())
    if installation is None or installation.app is not app:
        raise not_found()
    return installation


def _deliveries(call: Call) -> list[Delivery]:
    """GitHub keeps them for three days: https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries"""
    app, oldest = call.app(), call.github.now() - timedelta(days=3)
    return [delivery for delivery in call.github.deliveries if delivery.app is app and delivery.delivered_at >= oldest]


def _row(of: Delivery) -> dict[str, object]:
    words = {502: "failed to connect to host", 504: "timed out"}
    status = "OK" if of.status_code < 400 else words.get(of.status_code, f"Invalid HTTP Response: {of.status_code}")
    return {
        "id": of.id, "guid": of.guid, "delivered_at": payloads.when(of.delivered_at), "redelivery": of.redelivery,
        "duration": 0.27, "status": status, "status_code": of.status_code, "event": of.event,
        "action": of.payload.get("action"), "installation_id": of.payload["installation"]["id"],
        "repository_id": of.payload.get("repository", {}).get("id"), "throttled_at": None,
    }  # fmt: skip
