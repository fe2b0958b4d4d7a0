"""What GitHub sends to an App's webhook: https://docs.github.com/en/webhooks/webhook-events-and-payloads"""

import hashlib
import hmac
import json
from typing import Any

from . import payloads
from .state import Delivery, Installation, Repository, State, User

# An App gets these without asking for them.
ALWAYS_SENT = {"installation", "installation_repositories", "installation_target", "github_app_authorization"}


def request_of(delivery: Delivery, secret: str) -> tuple[dict[str, str], bytes]:
    """The headers and the body of the POST, signed with the webhook's secret."""
    body = json.dumps(delivery.payload, separators=(",", ":")).encode()

    def sign(digest: str) -> str:
        return f"{digest}={hmac.new(secret.encode(), body, digest).hexdigest()}"

    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/" + hashlib.sha256(secret.encode()).hexdigest()[:7],
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(delivery.app.id),
        "X-GitHub-Hook-Installation-Target-ID": str(delivery.app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature": sign("sha1"),
        "X-Hub-Signature-256": sign("sha256"),
    }, body


def record(state: State, event: str, repository: Repository, sender: User, content: dict[str, Any]) -> None:
    """Send an event of a repository to every App that is installed on it and subscribes to it."""
    for installation in list(state.installations.values()):
        if repository not in installation.repositories or installation.suspended_at:
            continue
        if event in ALWAYS_SENT or event in installation.app.events:
            at = {"installation": {"id": installation.id, "node_id": payloads.node_id("Installation", installation.id)}}
            _send(state, event, installation, content | _about(repository, sender) | at)


def record_installation(
    state: State, event: str, installation: Installation, action: str, content: dict[str, Any]
) -> None:
    """Send an event of the installation itself. These carry the whole installation, and no single repository."""
    about = {"action": action, "installation": payloads.installation(installation), "requester": None}
    _send(state, event, installation, about | content | {"sender": payloads.user(installation.account)})


def redeliver(state: State, delivery: Delivery) -> Delivery:
    """The same event once more: a new attempt, but GitHub keeps the GUID."""
    again = Delivery(
        id=state.next_id(), guid=delivery.guid, app=delivery.app, event=delivery.event, payload=delivery.payload,
        delivered_at=state.now(), redelivery=True,
    )  # fmt: skip
    state.deliveries.append(again)
    return again


def _send(state: State, event: str, installation: Installation, payload: dict[str, Any]) -> None:
    # A payload says how things were when it was sent, so it is frozen here.
    snapshot = payloads.without(json.loads(json.dumps(payload)), state.absent_keys)
    attempt = state.next_id(), state.next_guid(), installation.app, event, snapshot, state.now()
    state.deliveries.append(Delivery(*attempt))


def _about(repository: Repository, sender: User) -> dict[str, Any]:
    about = {"repository": payloads.repository(repository), "sender": payloads.user(sender)}
    if repository.owner.type == "Organization":
        about["organization"] = payloads.user(repository.owner)
    return about
