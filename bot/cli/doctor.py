"""`mergecost doctor --server`: what works on the server and what does not, one line each."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import httpx
import msgspec
from sqlalchemy import Connection

from bot.clock import Clock, from_ms, system_clock
from bot.github.client import GitHubApp, GitHubError, signing_problem
from bot.github.people import GitHubAway, People, PersonError
from bot.settings import AppCredentials, Settings, SettingsError, app_credentials, from_environment, operator_settings
from bot.store import accounts as account_store
from bot.store import senders as sender_store
from bot.store.opening import opened
from bot.store.tables import Account
from bot.work import queue

# Work of ordinary days waits for minutes; GitHub's limits may take an hour.
_LONG_WAIT_MS = 2 * 3_600_000
_MOST_NAMED = 10


class Finding(msgspec.Struct, frozen=True):
    """`bad` is what keeps something from working, `note` what an operator may want to know."""

    name: str
    state: Literal["ok", "note", "bad"]
    text: str


class _App(msgspec.Struct):
    slug: str
    client_id: str


class _Delivery(msgspec.Struct):
    delivered_at: datetime
    status: str = ""


def main(argv: list[str], transport: httpx.AsyncBaseTransport | None = None, clock: Clock = system_clock) -> int:
    """Returns 1 if anything is bad. `transport` None is the network."""
    parser = argparse.ArgumentParser(prog="mergecost doctor --server", description="Says what works on this server.")
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    options = parser.parse_args(argv)
    findings = list(_findings(transport, clock))
    if options.json:
        print(msgspec.json.encode({"findings": findings}).decode())
    else:
        for finding in findings:
            print(f"{finding.state:<4}  {finding.name:<13}  {finding.text}")
    sys.stdout.flush()
    return 1 if any(finding.state == "bad" for finding in findings) else 0


def _findings(transport: httpx.AsyncBaseTransport | None, clock: Clock) -> Iterator[Finding]:
    try:
        settings = from_environment()
        operator_settings(settings)
        credentials = app_credentials(settings)
        database = opened(settings.database_url)
    except SettingsError as error:
        yield Finding("settings", "bad", str(error))
        return
    try:
        yield Finding("database", "ok", "it opens, with the tables of this version")
        if credentials is None:
            yield Finding("app", "bad", "there is no GitHub App yet: open the set-up link that the server printed")
        elif problem := signing_problem(credentials):
            yield Finding("app", "bad", problem)
        else:
            yield Finding("key", "ok", "the App's key can sign")
            yield from asyncio.run(_github(settings, credentials, transport, clock))
        with database.read() as connection:
            yield from _store(connection, clock())
    finally:
        database.close()


async def _github(
    settings: Settings, credentials: AppCredentials, transport: httpx.AsyncBaseTransport | None, clock: Clock
) -> list[Finding]:
    async with GitHubApp(settings, credentials, clock, lambda _: 0, transport) as github:
        try:
            app = await github.get(None, "/app", _App)
            deliveries = await github.get(None, "/app/hook/deliveries", list[_Delivery], per_page=100)
        except GitHubError as error:
            return [Finding("github", "bad", f"GitHub does not answer the App: {error}")]
    findings = [Finding("github", "ok", f"GitHub knows the App, {app.slug}"), _webhook(deliveries, settings)]
    async with httpx.AsyncClient(transport=transport) as client:
        try:
            await People(settings, client).begin(app.client_id)
            findings.append(Finding("login", "ok", "developers can log in with GitHub"))
        except PersonError as error:
            findings.append(Finding("login", "note", str(error)))
        except GitHubAway as error:
            findings.append(Finding("login", "note", f"{error}: nobody can log in now"))
    return findings


def _webhook(deliveries: list[_Delivery], settings: Settings) -> Finding:
    """GitHub lists them newest first."""
    if not deliveries:
        return Finding("webhook", "note", "GitHub has sent nothing in three days")
    lost = [delivery for delivery in deliveries if delivery.status != "OK"]
    newest = f"the newest at {deliveries[0].delivered_at:%Y-%m-%d %H:%M} UTC"
    if not lost:
        return Finding("webhook", "ok", f"the last {len(deliveries)} deliveries arrived, {newest}")
    text = f"{len(lost)} of the last {len(deliveries)} deliveries failed ({lost[0].status}), {newest}"
    is_down = deliveries[0].status != "OK"
    where = f": GitHub must reach {settings.public_url}/webhooks/github" if is_down else "; the newest arrived"
    return Finding("webhook", "bad" if is_down else "note", text + where)


def _store(connection: Connection, now_ms: int) -> Iterator[Finding]:
    accounts = account_store.all_accounts(connection)
    installed = [account for account in accounts if account.installation_id and not account.suspended]
    names = ", ".join(account.login for account in installed[:_MOST_NAMED]) or "none: install the App"
    yield Finding("installations", "ok" if installed else "bad", f"{len(installed):,}: {names}")
    for account in accounts:
        if account.suspended:
            yield Finding("installations", "note", f"{account.login} suspended the App: its work waits")
    yield _work(connection, now_ms)
    for account in installed:
        yield from _arrivals(connection, account, now_ms)
        yield from _machines(connection, account, now_ms)


def _work(connection: Connection, now_ms: int) -> Finding:
    waiting = [
        (kind, count, oldest_ms) for kind, count, oldest_ms in queue.waiting_by_kind(connection) if oldest_ms <= now_ms
    ]
    if not waiting:
        return Finding("work", "ok", "nothing is overdue")
    kind, _, oldest_ms = min(waiting, key=lambda row: row[2])
    minutes = (now_ms - oldest_ms) // 60_000
    text = f"{sum(row[1] for row in waiting):,} pieces are due, the oldest ({kind}) for {minutes:,} minutes"
    return Finding("work", "bad" if now_ms - oldest_ms > _LONG_WAIT_MS else "note", text)


def _arrivals(connection: Connection, account: Account, now_ms: int) -> Iterator[Finding]:
    arrivals = sender_store.arrivals(connection, account.account_id, from_ms(now_ms).date())
    if not arrivals:
        yield Finding("usage", "note", f"{account.login}: nothing in 30 days")
    for of in arrivals:
        text = f"{account.login}: {of.tool}, {of.requests:,} requests in 30 days, from {of.first} to {of.last}"
        yield Finding("usage", "ok", text)


def _machines(connection: Connection, account: Account, now_ms: int) -> Iterator[Finding]:
    numbers = sender_store.reporting(connection, account.account_id, now_ms)
    if not numbers.everybody:
        yield Finding("machines", "note", f"{account.login}: nobody is paired yet")
        return
    text = f"{account.login}: {numbers.report:,} of {numbers.everybody:,} report"
    if numbers.silent_since_ms is not None:
        text += f", {numbers.silent:,} silent since {from_ms(numbers.silent_since_ms):%A, %Y-%m-%d}"
    if numbers.never:
        text += f", {numbers.never:,} never did"
    yield Finding("machines", "note" if numbers.report < numbers.everybody else "ok", text)
    everybody = sender_store.senders(connection, account.account_id, now_ms)
    silent = [seen for seen in everybody if seen.last_used_at_ms and sender_store.is_silent(seen, now_ms)]
    for seen in sorted(silent, key=lambda seen: seen.last_used_at_ms)[:_MOST_NAMED]:
        who = seen.login or seen.sender
        yield Finding(
            "machines", "note", f"{account.login}: {who} was heard of last on {from_ms(seen.last_used_at_ms):%Y-%m-%d}"
        )
