"""The check run on a commit, kept as it should read. https://docs.github.com/en/rest/checks/runs

The stored id first, if it stands on that commit; else our own check run is searched for there; only then one is created.
"""

import hashlib
from typing import Any, Literal

import msgspec

from attribution.money import Micros
from bot import journal
from bot.context import Bot
from bot.github.client import Missing, Refusal
from bot.github.models import Id
from bot.github.pacing import take_turn
from bot.keys import PullKey
from bot.markdown import fitted
from bot.store import budgets as budget_store
from bot.store import publications as publication_store
from bot.store.tables import Publication
from bot.work.queue import Lease

NAME = "Mergecost"
KIND = "check"
APPROVE = "approve"

Conclusion = Literal["neutral", "action_required", "success"]


class CheckText(msgspec.Struct, frozen=True):
    """What a check run says. Whoever may write can approve on the spot that it costs `offer_micros`, unless that is None; it is
    nowhere to be read, and another amount is another offer."""

    conclusion: Conclusion
    title: str
    summary: str
    offer_micros: Micros | None = None


class _Runs(msgspec.Struct):
    check_runs: list[Id]


# GitHub takes 65,535 characters: https://docs.github.com/en/rest/checks/runs#create-a-check-run
_LONGEST_TITLE, _LONGEST_SUMMARY = 255, 65_000
# GitHub shows 20 characters of the label, 40 of the description.
_BUTTON = {"label": "Approve", "description": "Let it cost more than its budget", "identifier": APPROVE}


async def put_check(
    bot: Bot, lease: Lease, full_name: str, head_sha: str, check: CheckText, current: Publication | None
) -> None:
    """Make the check run on that commit say so; `current` is what is stored of it. The same text makes no call. Raises `NotYet` and
    GitHub's errors."""
    key = lease.pull
    digest = hashlib.sha256(msgspec.json.encode([head_sha, check])).hexdigest()
    if current and current.comment_id and current.body_sha256 == digest:
        return
    run_id = current.comment_id if current and current.head_sha == head_sha else None
    if run_id is None:
        run_id = await _search(bot, key, full_name, head_sha)
    await take_turn(bot, lease)
    at_ms = bot.clock()
    path, body = f"/repos/{full_name}/check-runs", _body(key, check, at_ms)
    try:
        if run_id is None:
            answer = await bot.github.write(key.account_id, "POST", path, body | {"head_sha": head_sha}, Id)
            run_id = answer.id
        else:
            await bot.github.write(key.account_id, "PATCH", f"{path}/{run_id}", body, Id)
    except (Missing, Refusal):
        # The commit or the check run is gone, or the App may not write checks here: the comment says the same.
        run_id = None
    if run_id:
        journal.note("check written", repository=full_name, number=key.number, conclusion=check.conclusion)
    state = {"comment_id": run_id, "head_sha": head_sha, "body_sha256": digest if run_id else ""}
    with bot.database.write() as connection:
        publication_store.save_publication(bot.database, connection, key, KIND, **state)
        if run_id is not None and check.offer_micros is not None:
            budget_store.save_quote(bot.database, connection, key, check.offer_micros, at_ms)


def _body(key: PullKey, check: CheckText, at_ms: int) -> dict[str, Any]:
    return {
        "name": NAME,
        "status": "completed",
        "conclusion": check.conclusion,
        # GitHub gives it back with a press of the button, where it may not name the pull request, nor say when it was pressed.
        "external_id": f"{key.repository_id}/{key.number}/{at_ms}",
        "output": {"title": check.title[:_LONGEST_TITLE], "summary": fitted(check.summary, _LONGEST_SUMMARY)},
        "actions": [] if check.offer_micros is None else [_BUTTON],
    }


async def _search(bot: Bot, key: PullKey, full_name: str, head_sha: str) -> int | None:
    """Our own check run on that commit: it was created, and the answer did not arrive."""
    params = {"check_name": NAME, "app_id": bot.github.credentials.app_id}
    path = f"/repos/{full_name}/commits/{head_sha}/check-runs"
    try:
        answer = await bot.github.get(key.account_id, path, _Runs, **params)
    except (Missing, Refusal):
        return None
    return min((run.id for run in answer.check_runs), default=None)
