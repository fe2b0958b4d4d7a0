"""`mergecost push`: send what is new, of repositories that the server covers. Numbers, ids, times and names; never words."""

import os
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from attribution.usage import Usage
from collector.client import Client, PushError, batches, parcels
from collector.coverage import EVERYTHING, Coverage, Selection, select
from collector.guard.renew import ask, is_wanted, renew
from collector.scan import Scan, scan_with_index
from collector.settings import Settings, SettingsError, read_settings, state_file
from collector.state import State, account
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
    """How many requests the server refused, None if nothing could be sent."""
    try:
        settings = read_settings(os.environ, url, needs_server=not dry_run)
        if settings.remark:
            err(settings.remark)
        with State(state_file(os.environ)) as state:
            return _push(settings, state, scan(), dry_run=dry_run)
    except (SettingsError, PushError) as error:
        err(f"mergecost push: {error}")
        return None


def _push(settings: Settings, state: State, scan: Scan, *, dry_run: bool) -> int:
    for line in scan.tally.troubles:
        err(line)
    client = Client(settings, version("mergecost")) if settings.url else None
    coverage = client.coverage() if client else EVERYTHING
    selection = select(scan.usages, coverage, paths=settings.paths)
    known_to = account(settings)
    waiting = state.new(known_to, parcels(selection.usages))
    if dry_run or client is None:
        for parcel in waiting:
            out_json(parcel.body)
        to = settings.url or "a server that covers all these repositories (none is set)"
        err(f"Would send {len(waiting):,} requests to {to}.{_left_out(selection)}")
        return 0
    sent_count, old_count, refusals = 0, 0, list[str]()
    for batch in batches(waiting):
        refused = client.send(batch).refused
        final = {refusal.index for refusal in refused if refusal.is_final}
        reasons = {refusal.index: refusal.reason for refusal in refused if not refusal.is_final}
        state.add(known_to, [parcel for index, parcel in enumerate(batch) if index not in reasons])
        sent_count += len(batch) - len(reasons) - len(final)
        old_count += len(final)
        refusals += [f"{' '.join(batch[index].key)}: {reason}" for index, reason in sorted(reasons.items())]
    _learn_caps(client, coverage, scan.usages)
    old = len(selection.usages) - len(waiting)
    out(f"Sent {sent_count:,} requests to {settings.url}; it had {old:,} already.{_left_out(selection)}")
    if old_count:
        out(f"{old_count:,} requests are older than the server keeps, and are not sent again.")
    for refusal in refusals[:_MOST_NAMED]:
        err(f"Refused: {refusal}")
    if len(refusals) > _MOST_NAMED:
        err(f"Refused: {len(refusals) - _MOST_NAMED:,} more.")
    return len(refusals)


def _learn_caps(client: Client, coverage: Coverage, usages: Sequence[Usage]) -> None:
    """For the guard. A server that is too old to answer takes usage all the same."""
    now = time.time()
    if is_wanted(os.environ, now):
        with suppress(PushError):
            ask(client, coverage, usages, os.environ, now)
            renew(usages, os.environ, now)


def _left_out(selection: Selection) -> str:
    left = {"not covered": selection.not_covered, "repository unknown": selection.repository_unknown}
    reasons = ", ".join(f"{count:,} {why}" for why, count in left.items() if count)
    return f" Kept here: {reasons}." if reasons else ""
