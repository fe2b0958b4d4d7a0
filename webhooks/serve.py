"""`mergecost serve`: start the server."""

import argparse
import logging
import sys
from typing import Any

import uvicorn

from bot.context import Outside
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
from bot.store.database import Database
from webhooks.connections import Connections
from webhooks.server import create_app


def main(argv: list[str]) -> int:
    """Runs until stopped. Exits at once where a setting is wrong, and says how to fix it."""
    parser = argparse.ArgumentParser(prog="mergecost serve", description="Start the Mergecost server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "alembic", "apscheduler"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        settings = from_environment(public_url=f"http://{arguments.host}:{arguments.port}")
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_private(settings.data_dir)
        credentials = app_credentials(settings)
        operator = operator_settings(settings)
        outbox = Outbox(secret=alert_secret(operator))
        database = Database(settings.database_url)
    except (SettingsError, ValueError, OSError) as error:
        print(f"mergecost serve: {error}", file=sys.stderr)
        return 2
    database.migrate()
    print(f"Mergecost is at http://{arguments.host}:{arguments.port}", flush=True)
    if credentials is None:
        print(
            f"Set it up (this link works until the App exists): {settings.public_url}/setup?secret={setup_secret(settings)}"
        )
    app = create_app(settings, database, credentials, operator=operator, outside=Outside(outbox=outbox))
    uvicorn.run(app, **options(arguments.host, arguments.port))
    return 0


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
        "timeout_graceful_shutdown": 20,
    }
