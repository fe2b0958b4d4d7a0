"""Fixtures of a developer's machine."""

from pathlib import Path

import pytest

from tests.collector.machine import repository


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "work/widgets")
