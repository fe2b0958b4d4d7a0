"""The server killed at the worst moment: GitHub has made the comment, and we have not stored its id."""

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import update
from starlette.applications import Starlette
from starlette.routing import Mount

from attribution.usage import with_context
from bot.keys import PullKey, Sender
from bot.store import publications as publication_store
from bot.store import requests as request_store
from bot.store.database import Database
from bot.store.day_sums import changes_of
from bot.work import queue
from bot.work.queue import Kind, Work
from tests.notation import session
from tests.patience import DEADLOCK_SECONDS
from tests.processes import MergecostProcess, serving_asgi
from tests.world import World

CREATE = ("POST", "/issues/12/comments")
SEARCH = ("GET", "/issues/12/comments")


class Watched:
    """The fake GitHub as a server; tells when a request has been carried out, before its answer is sent."""

    def __init__(self, app: Any) -> None:
        self.app = Starlette(routes=[Mount("/api/v3", app)])
        self.events: dict[tuple[str, str], threading.Event] = {CREATE: threading.Event(), SEARCH: threading.Event()}
        self.may_answer = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer: list[Any] = []

        async def keep(message: Any) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        for (method, path), event in self.events.items():
            if scope["type"] == "http" and scope["method"] == method and scope["path"].endswith(path):
                event.set()
                if method == "POST":
                    self.may_answer.wait(DEADLOCK_SECONDS)
        for message in answer:
            await send(message)


def test_killed_between_creating_the_comment_and_storing_its_id_it_is_still_one(
    database: Database, database_url: str, tmp_path: Path
):
    with World(database, tmp_path / "world") as world:
        killed_and_started_again(world, database_url, tmp_path)
        assert world.ledger_errors() == []


def killed_and_started_again(world: World, database_url: str, tmp_path: Path) -> None:
    world.open_pull(12, "feat/a")
    world.settle()
    work = session("09:00 feat/a $1.00")
    with world.database.write() as connection, changes_of(connection, world.org.id) as sums:
        here = [with_context(usage, repository=str(world.repository.id)) for usage in work]
        request_store.save_usage(connection, Sender(world.org.id), here, world.now_ms, sums)
        attribution = Work(Kind.ATTRIBUTE, world.org.id, world.repository.id)
        queue.request(connection, [attribution], 0)
    (tmp_path / "settings.toml").write_text("[defaults]\nsettle_seconds = 0\n")
    github = Watched(world.github.app)
    with serving_asgi(github) as url:
        environ = {
            "MERGECOST_DATA": str(tmp_path / "data"),
            "MERGECOST_DATABASE_URL": database_url,
            "MERGECOST_GITHUB_URL": url,
            "MERGECOST_SETTINGS": str(tmp_path / "settings.toml"),
            "MERGECOST_APP_ID": str(world.app.id),
            "MERGECOST_APP_SLUG": world.app.slug,
            "MERGECOST_PRIVATE_KEY": world.app.private_key,
            "MERGECOST_WEBHOOK_SECRET": world.app.webhook_secret,
        }
        first = MergecostProcess(environ, tmp_path / "first.log")
        assert github.events[CREATE].wait(DEADLOCK_SECONDS), (tmp_path / "first.log").read_text()
        first.kill()
        github.may_answer.set()
        assert len(world.comments(12)) == 1
        with world.database.write() as connection:
            key = PullKey(world.org.id, world.repository.id, 12)
            assert publication_store.publication(connection, key, "pull") is None
            connection.execute(update(queue.jobs).values(lease_until_ms=0))  # as if the lease had run out
        github.events[SEARCH].clear()
        second = MergecostProcess(environ, tmp_path / "second.log")
        assert github.events[SEARCH].wait(DEADLOCK_SECONDS), (tmp_path / "second.log").read_text()
        assert second.stop() == 0
    assert "$1.00" in world.comment(12)
    with world.database.write() as connection:
        assert publication_store.publication(connection, key, "pull").comment_id is not None
