"""The whole path against an emulator of GitHub that nobody here wrote: a signed delivery in, a comment out, the same one edited."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import msgspec

from attribution.report import short_id
from attribution.usage import Usage
from tests.e2e.conftest import Stage
from tests.notation import session


def usage_now(text: str, session_id: str) -> list[Usage]:
    """A session in text notation, moved to today so that the server's own clock has seen it."""
    usages = session(text, session_id)
    shift = datetime.now(UTC) - timedelta(minutes=5) - usages[-1].at
    return [msgspec.structs.replace(usage, at=usage.at + shift) for usage in usages]


def push(stage: Stage, usages: list[Usage]) -> None:
    body = {"requests": [json.loads(msgspec.json.encode(usage)) for usage in usages]}
    answer = httpx.post(
        f"{stage.url}/v1/usage", json=body, headers={"Authorization": f"Bearer {stage.token}"}, timeout=20
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["refused"] == []


def test_a_delivery_in_a_comment_out_more_usage_and_the_same_comment_edited(stage: Stage):
    number = stage.github.open_pull("feat/limit")
    push(stage, usage_now("09:00 main $0.50\n09:10 feat/limit $1.25", "first"))
    stage.wait_for_write()
    (first,) = stage.github.comments(number)
    assert "**This change cost $1.75**" in first

    push(stage, usage_now("10:00 feat/limit $2.00", "second"))
    stage.wait_for_write()
    (second,) = stage.github.comments(number)
    assert "**This change cost $3.75**" in second
    assert [method for method, _ in stage.shim.writes] == ["POST", "PATCH"]


def test_a_maintainer_takes_a_session_off_in_the_pull_request(stage: Stage):
    number = stage.github.open_pull("feat/limit")
    push(stage, usage_now("09:10 feat/limit $1.25", "first"))
    stage.wait_for_write()
    push(stage, usage_now("10:00 feat/limit $2.00", "second"))
    stage.wait_for_write()
    stage.say(number, f"/mergecost unlink {short_id('claude-code', 'first')}")
    stage.wait_for_write()
    ours, said = stage.github.comments(number)
    assert "**This change cost $2.00**" in ours
    assert said.startswith("/mergecost unlink")
    assert [path.rpartition("/")[2] for _, path in stage.shim.reactions] == ["reactions"]
