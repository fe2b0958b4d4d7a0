"""`mergecost push`: send what is new, of repositories that the server covers. Numbers, ids, times and names; never words."""

import os
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from attribution.usage import Usage
from collector.client import Client, batches
from collector.exchange import PushError
from collector.guard.renew import ask, is_wanted, renew
from collector.last_push import note
from collector.portions import Division, Portion, divide
from collector.scan import Scan, scan_with_index
from collector.settings import Settings, SettingsError, read_settings, state_file
from collector.state import State
from collector.terminal import err, out, out_json

# Of the requests that a server refused.
_MOST_NAMED = 10


def main(argv: Sequence[str]) -> int:
    """Push, or with --dry-run print the JSON lines that would be sent. Returns 1 if anything was not accepted."""
    parser = ArgumentParser(prog="mergecost push", description="Send new usage of covered repositories to your server.")
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be sent, one request a line, and send nothing"
    )
    parser.add_argument("--home", type=Path, metavar="DIR", help="read the logs of this home folder")
    parser.add_argument("--url", help="the server, instead of MERGECOST_URL or the configuration file")
    parser.add_argument(
        "--if-due",
        action="store_true",
        help="for hooks and timers: one at a time, after a pause when the server was away",
    )
    options = parser.parse_args(argv)
    if options.if_due:
        from collector.background_push import push_if_due  # noqa: PLC0415

        # What the server refuses now it refuses later, too: nothing to wait for.
        return push_if_due(os.environ, lambda scan: int(_try(options.url, lambda: scan) is None))
    count = _try(options.url, lambda: scan_with_index(options.home, os.environ), dry_run=options.dry_run)
    return 0 if count == 0 else 1


def _try(url: str | None, scan: Callable[[], Scan], *, dry_run: bool = False) -> int | None:
    """How many requests, or accounts, the server refused, None if nothing could be sent."""
    try:
        settings = read_settings(os.environ, url, needs_server=not dry_run)
        if settings.remark:
            err(settings.remark)
        with State(state_file(os.environ)) as state:
            refused_count = push(settings, state, scan(), dry_run=dry_run)
        error = ""
    except (SettingsError, PushError) as failure:
        err(f"mergecost push: {failure}")
        refused_count, error = None, str(failure)
    if not dry_run:
        note(state_file(os.environ).parent, error)
    return refused_count


def push(settings: Settings, state: State, scan: Scan, *, dry_run: bool = False) -> int:
    """How many requests, or accounts, the server refused. Raises PushError where nothing could be sent."""
    for line in scan.tally.troubles:
        err(line)
    division = divide(settings, state, scan.usages)
    for problem in division.problems:
        err(f"mergecost push: {problem}")
    if dry_run:
        _show(division, settings.url)
        return len(division.problems)
    receipts = [_send(portion.client, portion, state) for portion in division.portions if portion.client]
    _learn_caps(division, scan.usages)
    sent_count, old_count = sum(receipt[0] for receipt in receipts), sum(receipt[1] for receipt in receipts)
    refusals = [refusal for receipt in receipts for refusal in receipt[2]]
    known_count = sum(portion.old_count for portion in division.portions)
    out(f"Sent {sent_count:,} requests to {settings.url}; it had {known_count:,} already.{division.left_out}")
    if old_count:
        out(f"{old_count:,} requests are older than the server keeps, and are not sent again.")
    for refusal in refusals[:_MOST_NAMED]:
        err(f"Refused: {refusal}")
    if len(refusals) > _MOST_NAMED:
        err(f"Refused: {len(refusals) - _MOST_NAMED:,} more.")
    return len(refusals) + len(division.problems)


def _show(division: Division, url: str) -> None:
    waiting = [parcel for portion in division.portions for parcel in portion.waiting]
    for parcel in waiting:
        out_json(parcel.body)
    to = url or "a server that covers all these repositories (none is set)"
    err(f"Would send {len(waiting):,} requests to {to}.{division.left_out}")


def _send(client: Client, portion: Portion, state: State) -> tuple[int, int, list[str]]:
    """How many requests were accepted, how many are too old, and why others were refused. Raises PushError."""
    sent_count, old_count, refusals = 0, 0, list[str]()
    for batch in batches(portion.waiting):
        refused = client.send(batch).refused
        final = {refusal.index for refusal in refused if refusal.is_final}
        reasons = {refusal.index: refusal.reason for refusal in refused if not refusal.is_final}
        state.add(portion.key, [parcel for index, parcel in enumerate(batch) if index not in reasons])
        sent_count += len(batch) - len(reasons) - len(final)
        old_count += len(final)
        refusals += [f"{' '.join(batch[index].key)}: {reason}" for index, reason in sorted(reasons.items())]
    return sent_count, old_count, refusals


def _learn_caps(division: Division, usages: Sequence[Usage]) -> None:
    """For the guard. A server that is too old to answer takes usage all the same."""
    now = time.time()
    if is_wanted(os.environ, now):
        with suppress(PushError):
            ask(
                [(portion.client, portion.coverage) for portion in division.portions if portion.client],
                usages,
                os.environ,
                now,
            )
            renew(usages, os.environ, now)
