"""`POST /webhooks/github`: verify, note what to look at again, answer. Plain ASGI: it is the busiest, and a `Request` and a
`Response` would cost as much as verifying.

An event only says "look at this again", so deliveries may come twice, late or in any order.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable

import msgspec
from sqlalchemy.exc import DBAPIError
from starlette.types import Receive, Scope, Send

from bot.github.write_check import APPROVE
from bot.store import budgets as budget_store
from bot.work.queue import Kind, Work
from webhooks.body import TooLarge, read
from webhooks.edge import Edge, edge_of

# GitHub never sends more: https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
CAP_BYTES = 25 * 1024 * 1024

_NAME = "/mergecost"


class _Id(msgspec.Struct):
    id: int


class _Installation(msgspec.Struct):
    """Events about the installation itself name its account; all others name it as the repository's owner."""

    id: int
    account: _Id | None = None


class _Repository(msgspec.Struct):
    id: int
    owner: _Id


class _Present(msgspec.Struct):
    """Only its presence counts; its content is not read."""


class _Numbered(msgspec.Struct):
    number: int
    pull_request: _Present | None = None


class _Comment(msgspec.Struct):
    body: str = ""
    performed_via_github_app: _Id | None = None


class _Person(msgspec.Struct):
    id: int
    login: str


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


_decode = msgspec.json.Decoder(_Event).decode


class _Rejection(Exception):
    """This is not a delivery to act on."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def receive(scope: Scope, receive: Receive, send: Send) -> None:
    status, message = await _take(edge_of(scope), dict(scope["headers"]), receive)
    body = msgspec.json.encode({"message": message})
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _take(edge: Edge, headers: dict[bytes, bytes], receive: Receive) -> tuple[int, str]:
    """Status and message of the answer. The requested work is on disk by then."""
    try:
        event = await _verified(edge, headers, receive)
    except _Rejection as error:
        return error.status, str(error)
    work = _work(headers.get(b"x-github-event", b"").decode("latin-1"), event, edge)
    if work is None:
        return 202, "nothing to do"
    try:
        if event.requested_action is not None:
            await asyncio.to_thread(_keep_press, edge, event, work, headers.get(b"x-github-delivery", b""))
        await edge.intake.request(work)
    except DBAPIError:
        return 503, "the database cannot take it now: redeliver later, or wait for the hourly sweep"
    return 202, "noted"


async def _verified(edge: Edge, headers: dict[bytes, bytes], receive: Receive) -> _Event:
    """The event in a signed body. Nothing is parsed before the signature of the raw bytes holds."""
    if edge.credentials is None:
        raise _Rejection(503, "this server is not a GitHub App yet: open the set-up link that it printed at its start")
    try:
        body = await read(headers, receive, CAP_BYTES)
    except TooLarge:
        raise _Rejection(413, "the body is over 25 MB") from None
    if not is_signed(edge.credentials.webhook_secret, body, headers.get(b"x-hub-signature-256", b"").decode("latin-1")):
        raise _Rejection(401, "X-Hub-Signature-256 is missing or does not fit the body and the App's webhook secret")
    try:
        return _decode(body)
    except msgspec.DecodeError as error:
        raise _Rejection(400, f"not an event as GitHub sends them in JSON: {error}") from None


def is_signed(secret: str, body: bytes, header: str) -> bool:
    """True if the header is GitHub's signature of these bytes. Compared as bytes: a header may hold anything."""
    if not secret or not header.startswith("sha256="):
        return False
    signature = "sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    return hmac.compare_digest(signature.encode(), header.encode("utf-8", "surrogateescape"))


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
    if event.repository is None or event.issue is None or event.comment is None or _NAME not in event.comment.body:
        return None
    return Work(Kind.COMMANDS, account_id, event.repository.id, event.issue.number)


def _check(event: _Event, account_id: int) -> Work | None:
    """A press of a button of our check run, which is what the command says, or a wish to run it again."""
    run, repository = event.check_run, event.repository
    place, _, number = ((run.external_id if run else "") or "").partition("/")
    if repository is None or place != str(repository.id) or not number.isdecimal():
        return None
    if event.action == "rerequested":
        return Work(Kind.PULL, account_id, repository.id, int(number))
    is_pressed = event.requested_action is not None and event.requested_action.identifier == APPROVE
    return Work(Kind.COMMANDS, account_id, repository.id, int(number)) if is_pressed and event.sender else None


def _keep_press(edge: Edge, event: _Event, work: Work, delivery: bytes) -> None:
    """Once for a delivery, which GitHub and people may send again."""
    if event.sender is None:
        return
    press_id = -1 - int.from_bytes(hashlib.sha256(delivery).digest()[:7])
    press = {"by_id": event.sender.id, "by_login": event.sender.login, "at_ms": edge.clock()}
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
