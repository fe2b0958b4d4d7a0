"""Fixtures of what is replayed."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.notation import pulls, session

WORK = "09:00 main $1.00\n09:10 feat/a $2.00 commits 1111111\n09:20 feat/b $0.50\n09:30 - nobody-knows-1"
CHANGES = "#12 feat/a opened 09:05 merged 18:00 by ann commits 1111111\n#13 feat/b opened 09:15 by ann"


def lines(values: Sequence[object]) -> bytes:
    return b"".join(msgspec.json.encode(value) + b"\n" for value in values)


@pytest.fixture
def facts(tmp_path: Path) -> list[str]:
    (tmp_path / "usage").write_bytes(lines(session(WORK)))
    (tmp_path / "pulls").write_bytes(lines(pulls(CHANGES)))
    return ["--usage", str(tmp_path / "usage"), "--pulls", str(tmp_path / "pulls")]
