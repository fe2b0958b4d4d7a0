"""What the routes share: settings, database, the App's credentials once they exist, and the intake."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from bot.clock import Clock
from bot.repository_settings import OperatorSettings
from bot.settings import AppCredentials, Settings
from bot.store.database import Database
from bot.work.intake import Intake
from webhooks.body import Bodies


class Edge(msgspec.Struct, kw_only=True):
    """One for a server. `wake` is called when work was requested, `on_app` when the set-up page has made the
    App; `setup` is who is making it."""

    settings: Settings
    operator: OperatorSettings
    database: Database
    clock: Clock
    intake: Intake
    wake: Callable[[], None]
    credentials: AppCredentials | None
    on_app: Callable[[AppCredentials], None]
    transport: Any = None
    bodies: Bodies = msgspec.field(default_factory=Bodies)
    setup: asyncio.Lock = msgspec.field(default_factory=asyncio.Lock)


def edge_of(scope: Mapping[str, Any]) -> Edge:
    """Of an ASGI scope, or a `Request`, which reads like its scope."""
    return cast("Edge", scope["app"].state.edge)
