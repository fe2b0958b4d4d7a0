"""Our check run on a commit, kept as it should read. https://docs.github.com/en/rest/checks/runs

The stored id first, if it stands on that commit; else our own check run is searched for there; only then one is created.
"""

import hashlib
from typing import Any, Literal

import msgspec

from bot.context import Bot
from bot.github.client import Missing, Refused
from bot.github.write_comment import take_turn
from bot.store import publications as publication_store
from bot.store.commands import PullKey
from bot.work.queue import Claimed

NAME = "Mergecost"
KIND = "check"
APPROVE = "approve"

Conclusion = Literal["neutral", "action_required", "success"]


class CheckText(msgspec.Struct, frozen=True):
    """What a check run says. `has_button`: whoever may write can approve on the spot."""

    conclusion: Conclusion
    title: str
    summary: str
    has_button: bool = False


class _Run(msgspec.Struct):
    id: int


class _Runs(msgspec.Struct):
    check_runs: list[_Run]


# GitHub shows 20 characters of the label, 40 of the description.
_BUTTON = {"label": "Approve", "description": "Let it cost more than its budget", "identifier": APPROVE}


async def put_check(bot: Bot, claimed: Claimed, full_name: str, head_sha: str, says: CheckText) -> None:
    """Make the check run on that commit say so. The same text makes no call. Raises `NotYet` and GitHub's errors."""
    installation_id, repository_id, number = claimed.ids
    key = (installation_id, repository_id, number)
    digest = hashlib.sha256(msgspec.json.encode([head_sha, says])).hexdigest()
    with bot.database.write() as connection:
        held = publication_store.publication(connection, key, KIND)
    if held and held.comment_id and held.body_sha256 == digest:
        return
    run_id = held.comment_id if held and held.head_sha == head_sha else None
    if run_id is None:
        run_id = await _search(bot, installation_id, full_name, head_sha)
    take_turn(bot, claimed)
    path, body = f"/repos/{full_name}/check-runs", _body(key, says)
    try:
        if run_id is None:
            made = await bot.github.write(installation_id, "POST", path, body | {"head_sha": head_sha}, _Run)
            run_id = made.id
        else:
            await bot.github.write(installation_id, "PATCH", f"{path}/{run_id}", body, _Run)
    except (Missing, Refused):
        # The commit or the check run is gone, or the App may not write checks here: the comment says the same.
        run_id = None
    with bot.database.write() as connection:
        publication_store.save_publication(
            bot.database,
            connection,
            key,
            KIND,
            comment_id=run_id,
            head_sha=head_sha,
            body_sha256=digest if run_id else "",
        )


def _body(key: PullKey, says: CheckText) -> dict[str, Any]:
    return {
        "name": NAME,
        "status": "completed",
        "conclusion": says.conclusion,
        # GitHub gives it back with a press of the button, where it may not name the pull request.
        "external_id": f"{key[1]}/{key[2]}",
        "output": {"title": says.title, "summary": says.summary},
        "actions": [_BUTTON] if says.has_button else [],
    }


async def _search(bot: Bot, installation_id: int, full_name: str, head_sha: str) -> int | None:
    """Our own check run on that commit: made, and then we did not hear of it."""
    params = {"check_name": NAME, "app_id": bot.github.credentials.app_id}
    try:
        found = await bot.github.get(
            installation_id, f"/repos/{full_name}/commits/{head_sha}/check-runs", _Runs, **params
        )
    except (Missing, Refused):
        return None
    return min((run.id for run in found.check_runs), default=None)
