"""`mergecost push`: send what is new, of repositories that the server covers. Numbers, ids, times and names; never words."""

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from attribution.usage import Usage
from collector.client import Answer, Client, Parcel, PushError, batches, parcels
from collector.coverage import Coverage, Sorted, sort_out
from collector.guard.renew import ask, is_wanted, renew
from collector.scan import Scan, scan_with_index
from collector.settings import Settings, SettingsError, read_settings, state_file
from collector.state import State, account


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
        from collector.due import push_if_due  # noqa: PLC0415

        return push_if_due(os.environ, lambda found: _try(options.url, lambda: found))
    return _try(options.url, lambda: scan_with_index(options.home, os.environ), dry_run=options.dry_run)


def _try(url: str | None, scan: Callable[[], Scan], *, dry_run: bool = False) -> int:
    try:
        settings = read_settings(os.environ, url)
        with State(state_file(os.environ)) as state:
            return _push(settings, state, scan, dry_run=dry_run)
    except (SettingsError, PushError) as error:
        _say(f"mergecost push: {error}")
        return 1


def _push(settings: Settings, state: State, scan: Callable[[], Scan], *, dry_run: bool) -> int:
    client = Client(settings, version("mergecost"))
    coverage = client.coverage()
    usages = scan().usages
    sorted_out = sort_out(usages, coverage, paths=settings.paths)
    known_to = account(settings)
    waiting = state.new(known_to, parcels(sorted_out.covered))
    if dry_run:
        for parcel in waiting:
            print(parcel.body.decode())
        _say(f"Would send {len(waiting)} requests to {settings.url}.{_left_out(sorted_out)}")
        return 0
    sent = refused = 0
    for batch in batches(waiting):
        answer = client.send(batch)
        taken = _taken(batch, answer)
        state.accepted(known_to, taken)
        sent += len(taken)
        refused += len(batch) - len(taken)
    _learn_caps(client, coverage, usages)
    old = len(sorted_out.covered) - len(waiting)
    print(f"Sent {sent} requests to {settings.url}; it had {old} already.{_left_out(sorted_out)}")
    return 1 if refused else 0


def _learn_caps(client: Client, coverage: Coverage, usages: Sequence[Usage]) -> None:
    """For the guard. A server that is too old to answer takes usage all the same."""
    now = time.time()
    if is_wanted(os.environ, now):
        with suppress(PushError):
            ask(client, coverage, usages, os.environ, now)
            renew(usages, os.environ, now)


def _taken(batch: list[Parcel], answer: Answer) -> list[Parcel]:
    """The batch without what was refused, which is named."""
    reasons = {refusal.index: refusal.reason for refusal in answer.refused}
    for index in sorted(reasons):
        tool, request_id = batch[index].key
        _say(f"Refused: {tool} {request_id}: {reasons[index]}")
    return [parcel for index, parcel in enumerate(batch) if index not in reasons]


def _left_out(sorted_out: Sorted) -> str:
    left = {"not covered": sorted_out.not_covered, "repository unknown": sorted_out.repository_unknown}
    named = ", ".join(f"{count} {why}" for why, count in left.items() if count)
    return f" Kept here: {named}." if named else ""


def _say(text: str) -> None:
    print(text, file=sys.stderr)
