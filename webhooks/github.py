"""`POST /webhooks/github`: verify, note what to look at again, answer. Plain ASGI: it is the busiest, and a `Request` and a
`Response` would cost as much as verifying.

An event only says "look at this again", so deliveries may come twice, late or in any order.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Annotated

import msgspec
from starlette.types import Receive, Scope, Send

from attribution.protocol import reader
from bot import journal
from bot.github.models import NAME
from bot.github.write_check import APPROVE
from bot.store import budgets as budget_store
from bot.store.database import Unavailable
from bot.work.queue import Kind, Work
from webhooks.body import Limits, Refusal
from webhooks.edge import Edge, edge_of, in_time

# GitHub never sends more: https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
CAP_BYTES = 25 * 1024 * 1024
# GitHub waits no longer: https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
LIMITS = Limits(CAP_BYTES, seconds=10, too_large="the body is over 25 MB, more than GitHub sends")

_EVENT, _DELIVERY = b"x-github-event", b"x-github-delivery"
# GitHub's are a word and a UUID.
_LONGEST_NAME = 100
# Of a check run of ours: repository, pull request, and when it was written.
_EXTERNAL_ID = re.compile(r"([1-9][0-9]{0,17})/([1-9][0-9]{0,17})/([0-9]{1,17})")
_SIGNATURE = re.compile(rb"sha256=[0-9a-f]{64}")


# GitHub's numbers, as the database keeps them.
_Number = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Login = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\[\]-]{1,100}\Z")]


class _Id(msgspec.Struct):
    id: _Number


class _Account(msgspec.Struct):
    """32 bits, as GitHub's `databaseId` of one has, and the ledger's columns."""

    id: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class _Installation(msgspec.Struct):
    """Events about the installation itself name its account; all others name it as the repository's owner."""

    id: _Number
    account: _Account | None = None


class _Repository(msgspec.Struct):
    id: _Number
    owner: _Account


class _Present(msgspec.Struct):
    """Only its presence counts; its content is not read."""


class _Numbered(msgspec.Struct):
    number: _Number
    pull_request: _Present | None = None


class _Comment(msgspec.Struct):
    body: str = ""
    performed_via_github_app: _Id | None = None


class _Person(msgspec.Struct):
    id: _Number
    login: _Login


class _CheckRun(msgspec.Struct):
    external_id: str | None = ""
    app: _Id | None = None


class _Action(msgspec.Struct):
    identifier: str = ""


class _Event(msgspec.Struct):
    """The few fields of any event that say what to look at again, and who pressed the button, which GitHub says only here."""

    action: str = ""
    installation: _Installation | None = None
    repository: _Repository | None = None
    pull_request: _Numbered | None = None
    issue: _Numbered | None = None
    comment: _Comment | None = None
    check_run: _CheckRun | None = None
    requested_action: _Action | None = None
    sender: _Person | None = None


_event = reader(_Event)


async def receive(scope: Scope, receive: Receive, send: Send) -> None:
    status, message = await _take(edge_of(scope), dict(scope["headers"]), receive)
    body = msgspec.json.encode({"message": message})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status == 503:
        headers.append((b"retry-after", b"30"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _take(edge: Edge, headers: dict[bytes, bytes], receive: Receive) -> tuple[int, str]:
    """Status and message of the answer. The requested work is on disk by then. What a stranger sends leaves no line in the log."""
    try:
        event = await _verified(edge, headers, receive)
    except Refusal as refusal:
        return refusal.status, str(refusal)
    name, delivery = (headers.get(key, b"")[:_LONGEST_NAME].decode("latin-1") for key in (_EVENT, _DELIVERY))
    edge.last_delivery_at_ms = edge.clock()
    status, message = await _request(edge, event, _work(name, event, edge), delivery)
    journal.note("delivery", of=name, action=event.action[:_LONGEST_NAME], delivery=delivery, status=status)
    return status, message


async def _request(edge: Edge, event: _Event, work: Work | None, delivery: str) -> tuple[int, str]:
    if work is None:
        return 202, "nothing to do"
    try:
        async with in_time():
            if event.requested_action is not None:
                await edge.in_thread(lambda: _keep_press(edge, event, work, delivery.encode("latin-1")))
            await edge.intake.request(work)
    except Unavailable:
        return 503, "the database cannot take it now: redeliver later, or wait for the hourly sweep"
    return 202, "noted"


async def _verified(edge: Edge, headers: dict[bytes, bytes], receive: Receive) -> _Event:
    """The event in a signed body. Nothing is parsed before the signature of the raw bytes holds, and nothing is read of what
    cannot hold."""
    if edge.credentials is None:
        raise Refusal(503, "this server is not a GitHub App yet: open the set-up link that it printed at its start")
    signature = Signature(edge.credentials.webhook_secret, headers.get(b"x-hub-signature-256", b""))
    if not signature.is_one:
        raise _not_signed()
    if headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower() != b"application/json":
        raise Refusal(415, "set the webhook's content type to application/json")
    async with edge.bodies.read(headers, receive, LIMITS, see=signature.see) as body:
        if not signature.fits():
            raise _not_signed()
        try:
            return _event(body)
        except msgspec.DecodeError as error:
            raise Refusal(400, f"not an event as GitHub sends them in JSON: {error}") from None


def _not_signed() -> Refusal:
    return Refusal(401, "X-Hub-Signature-256 is missing or does not fit the body and the App's webhook secret")


class Signature:
    """GitHub's signature of a body that is still on its way. Compared as bytes: a header may hold anything."""

    def __init__(self, secret: str, header: bytes) -> None:
        self.is_one = bool(secret) and _SIGNATURE.fullmatch(header) is not None
        self._header = header
        self._proof = hmac.new(secret.encode(), digestmod=hashlib.sha256)
        self.see = self._proof.update

    def fits(self) -> bool:
        """Whether it is that of all pieces seen."""
        return self.is_one and hmac.compare_digest(b"sha256=" + self._proof.hexdigest().encode(), self._header)


def _work(name: str, event: _Event, edge: Edge) -> Work | None:
    find = EVENTS.get(name)
    if find is None or event.installation is None or _is_nothing_new(event, edge):
        return None
    owner = event.repository.owner if event.repository else event.installation.account
    return find(event, owner.id) if owner else None


def _is_nothing_new(event: _Event, edge: Edge) -> bool:
    """Our own comment comes back to us, often before the answer to our POST; and check runs of other Apps are not ours."""
    if edge.credentials is None:
        return False
    author = event.comment.performed_via_github_app if event.comment else None
    checker = event.check_run.app if event.check_run else None
    ours = edge.credentials.app_id
    return (author is not None and author.id == ours) or (checker is not None and checker.id != ours)


def _pull(event: _Event, account_id: int) -> Work | None:
    if event.repository is None or event.pull_request is None:
        return None
    return Work(Kind.PULL, account_id, event.repository.id, event.pull_request.number)


def _issue(event: _Event, account_id: int) -> Work | None:
    """On GitHub a pull request is an issue too, with a `pull_request` in it."""
    if event.repository is None or event.issue is None:
        return None
    kind = Kind.PULL if event.issue.pull_request else Kind.ISSUE
    return Work(kind, account_id, event.repository.id, event.issue.number)


def _comment(event: _Event, account_id: int) -> Work | None:
    """What names us. Who may say it is asked by the work: the payload's `author_association` is wrong for many members."""
    if event.repository is None or event.issue is None or event.comment is None or NAME not in event.comment.body:
        return None
    return Work(Kind.COMMANDS, account_id, event.repository.id, event.issue.number)


def _check(event: _Event, account_id: int) -> Work | None:
    """A press of a button of our check run, which is what the command says, or a wish to run it again."""
    repository, (repository_id, number, _) = event.repository, _external_id(event)
    if repository is None or repository.id != repository_id:
        return None
    if event.action == "rerequested":
        return Work(Kind.PULL, account_id, repository.id, number)
    is_pressed = event.requested_action is not None and event.requested_action.identifier == APPROVE
    return Work(Kind.COMMANDS, account_id, repository.id, number) if is_pressed and event.sender else None


def _external_id(event: _Event) -> tuple[int, int, int]:
    """Zeros where the check run is none of ours."""
    match = _EXTERNAL_ID.fullmatch((event.check_run.external_id if event.check_run else "") or "")
    return (int(match[1]), int(match[2]), int(match[3])) if match else (0, 0, 0)


def _keep_press(edge: Edge, event: _Event, work: Work, delivery: bytes) -> None:
    """Once for a delivery, which GitHub and people may send again."""
    if event.sender is None:
        return
    press_id = -1 - int.from_bytes(hashlib.sha256(delivery).digest()[:7])
    _, _, seen_at_ms = _external_id(event)
    press = {"by_id": event.sender.id, "by_login": event.sender.login, "at_ms": edge.clock(), "seen_at_ms": seen_at_ms}
    with edge.database.write() as connection:
        budget_store.save_press(edge.database, connection, work.pull, press_id, **press)


def _installation(event: _Event, account_id: int) -> Work | None:
    """What the installation covers is read again; its id comes along, since the account may have had another."""
    return Work(Kind.ACCOUNT, account_id, 0, event.installation.id) if event.installation else None


EVENTS: dict[str, Callable[[_Event, int], Work | None]] = {
    "pull_request": _pull,
    "issues": _issue,
    "issue_comment": _comment,
    "check_run": _check,
    "installation": _installation,
    "installation_repositories": _installation,
    "repository": _installation,
}
