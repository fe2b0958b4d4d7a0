"""`mergecost serve`: start the server."""

import argparse
import errno
import os
import signal
import socket
import sys
import threading
from types import FrameType
from typing import Any

import uvicorn

from bot import journal
from bot.context import Outside
from bot.github.client import signing_problem
from bot.notify import Outbox
from bot.settings import (
    SettingsError,
    alert_secret,
    app_credentials,
    from_environment,
    make_private,
    operator_settings,
    setup_secret,
)
from bot.store.opening import opened
from webhooks.connections import Connections
from webhooks.server import create_app

# From SIGTERM on: for requests, then for the pieces of work in hand (`STOP_SECONDS` of the server); then the process ends, whatever
# a database or a GitHub that stalls still keeps it from. Nothing acknowledged is lost by that.
_REQUESTS_SECONDS = 8
_CUT_SECONDS = 19.0


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        cut = threading.Timer(_CUT_SECONDS, os._exit, [0])
        cut.daemon = True
        cut.start()
        super().handle_exit(sig, frame)


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def main(argv: list[str]) -> int:
    """Runs until stopped, which is success: 0. Exits at once where a setting is wrong, and says how to fix it."""
    parser = argparse.ArgumentParser(prog="mergecost serve", description="Start the Mergecost server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=8000)
    arguments = parser.parse_args(argv)
    journal.configure()
    try:
        settings = from_environment(public_url=f"http://{arguments.host}:{arguments.port}")
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(settings.data_dir)
        credentials = app_credentials(settings)
        operator = operator_settings(settings)
        outbox = Outbox(secret=alert_secret(operator))
        if credentials is not None and (problem := signing_problem(credentials)):
            raise SettingsError(problem)
        if problem := _problem_of_port(arguments.host, arguments.port):
            raise SettingsError(problem)
        database = opened(settings.database_url)
    except (SettingsError, OSError) as error:
        print(f"mergecost serve: {error}", file=sys.stderr)
        return 2
    print(f"Mergecost is at http://{arguments.host}:{arguments.port}", flush=True)
    if credentials is None:
        print(
            f"Set it up (this link works until the App exists): {settings.public_url}/setup?secret={setup_secret(settings)}"
        )
    app = create_app(settings, database, credentials, operator=operator, outside=Outside(outbox=outbox))
    # uvicorn raises the signal that ended it once more.
    signal.signal(signal.SIGTERM, _end)
    server = _Server(uvicorn.Config(app, **options(arguments.host, arguments.port)))
    server.run()
    return 0 if server.started else 1


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 1 to 65535")
    return int(text)


def _problem_of_port(host: str, port: int) -> str:
    """Why the server could not listen there, found out before its first line; empty if it can."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = "another program listens there" if error.errno == errno.EADDRINUSE else str(error)
        return f"cannot listen on {host} port {port}: {reason}. Choose others with --host and --port"
    return ""


def options(host: str, port: int) -> dict[str, Any]:
    """How uvicorn serves the app: with limits, and headers on each answer, uvicorn's own included."""
    return {
        "host": host,
        "port": port,
        "http": Connections().protocol,
        "ws": "none",
        "log_level": "warning",
        "access_log": False,
        "proxy_headers": False,  # nothing here asks who the client is, so nobody's X-Forwarded-For is read
        "server_header": False,
        "headers": [
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Frame-Options", "DENY"),
            # Beside a page's own: of several policies all hold.
            ("Content-Security-Policy", "frame-ancestors 'none'"),
        ],
        "timeout_graceful_shutdown": _REQUESTS_SECONDS,
    }
