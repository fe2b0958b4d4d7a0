from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.database import Database
from tests.server import Server, serving


@pytest.fixture
def server(database: Database, tmp_path: Path) -> Iterator[Server]:
    with serving(database, tmp_path / "data") as server:
        yield server
