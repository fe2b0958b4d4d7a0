"""Deliveries that never arrived are asked for again: GitHub sends nothing twice by itself.

https://docs.github.com/en/webhooks/using-webhooks/automatically-redelivering-failed-deliveries-for-a-github-app-webhook
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import msgspec

from bot.clock import CLOCKS_MS, DAY_MS, to_ms
from bot.context import Bot
from bot.github.client import Missing, Refusal
from bot.github.models import Present
from bot.store import webhooks as webhook_store

# GitHub keeps them for so long.
_KEPT_MS = 3 * DAY_MS
# In one sweep. What is left is found by reading, but for presses of a button, which come first.
MOST = 300
_PRESS = "check_run"


class _Delivery(msgspec.Struct):
    """One attempt; all attempts of one delivery have its `guid`."""

    id: int
    guid: str
    delivered_at: datetime
    status: str = ""
    status_code: int = 0
    event: str = ""

    @property
    def is_done(self) -> bool:
        """Arrived, or refused by us, as it would be again."""
        return self.status == "OK" or (400 <= self.status_code < 500 and self.status_code not in (408, 429))


async def failed(bot: Bot) -> None:
    """Ask for what failed since the last look. An attempt that fails again is asked for by the next sweep."""
    app_id = bot.github.credentials.app_id
    with bot.database.read() as connection:
        since_ms = max(webhook_store.read_until_ms(connection, app_id), bot.clock() - _KEPT_MS)
    deliveries = await _since(bot, since_ms)
    for delivery in _missing(deliveries)[:MOST]:
        with suppress(Missing, Refusal):  # three days old by now
            await bot.github.write(None, "POST", f"/app/hook/deliveries/{delivery.id}/attempts", {}, Present)
    if deliveries:
        # GitHub's clock is another one, and an attempt is listed once it has ended.
        until_ms = min(max(to_ms(delivery.delivered_at) for delivery in deliveries), bot.clock() - CLOCKS_MS)
        with bot.database.write() as connection:
            webhook_store.note(bot.database, connection, app_id, max(until_ms, since_ms))


async def _since(bot: Bot, since_ms: int) -> list[_Delivery]:
    """Newest first, as GitHub lists them."""
    deliveries: list[_Delivery] = []
    async for page in bot.github.pages(None, "/app/hook/deliveries", list[_Delivery]):
        fresh = [delivery for delivery in page if to_ms(delivery.delivered_at) >= since_ms]
        deliveries += fresh
        if len(fresh) < len(page):
            break
    return deliveries


def _missing(deliveries: Iterable[_Delivery]) -> list[_Delivery]:
    """The newest attempt of each delivery that no attempt brought; first those that nothing but a delivery tells of."""
    newest: dict[str, _Delivery] = {}
    done = set[str]()
    for delivery in deliveries:
        newest.setdefault(delivery.guid, delivery)
        if delivery.is_done:
            done.add(delivery.guid)
    missing = [delivery for guid, delivery in newest.items() if guid not in done]
    return sorted(missing, key=lambda delivery: delivery.event != _PRESS)
