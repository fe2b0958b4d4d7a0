"""`mergecost push`: send what is new, of repositories that the server covers. Numbers, ids, times and names; never words."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from collector.client import Answer, Client, Parcel, PushError, batches, parcels
from collector.coverage import Sorted, sort_out
from collector.scan import scan_with_index
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

        return push_if_due(os.environ, lambda: main(["--url", options.url] if options.url else []))
    try:
        settings = read_settings(os.environ, options.url)
        with State(state_file(os.environ)) as state:
            return _push(settings, state, options.home, dry_run=options.dry_run)
    except (SettingsError, PushError) as error:
        _say(f"mergecost push: {error}")
        return 1


def _push(settings: Settings, state: State, home: Path | None, *, dry_run: bool) -> int:
    client = Client(settings, version("mergecost"))
    coverage = client.coverage()
    sorted_out = sort_out(scan_with_index(home, os.environ).usages, coverage, paths=settings.paths)
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
    old = len(sorted_out.covered) - len(waiting)
    print(f"Sent {sent} requests to {settings.url}; it had {old} already.{_left_out(sorted_out)}")
    return 1 if refused else 0


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
