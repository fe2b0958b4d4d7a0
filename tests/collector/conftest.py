"""Fixtures of a developer's machine."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector.fake_server import TOKEN, Server
from tests.collector.machine import repository


@pytest.fixture(autouse=True)
def patient_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """The collector gives up on a slow git after seconds. On a busy machine git is slow, and no test is about that."""
    monkeypatch.setattr("collector.processes.GIT_SECONDS", 300)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "work/widgets")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    with Server() as fake:
        thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for name, value in {
            "MERGECOST_URL": fake.url, "MERGECOST_TOKEN": TOKEN, "MERGECOST_STATE": str(tmp_path / "state/state.db"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        yield fake
        fake.shutdown()
        thread.join()
