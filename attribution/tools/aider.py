"""Aider: the file that `--analytics-log` or AIDER_ANALYTICS_LOG names, and the commits that it signs.

A `message_send` is one request, with Aider's own cost; no split by cache, no folder, no session, so a run of the program stands
for the session. Its commits name it, by their committer or in a `Co-authored-by`: they say where a run worked, and without the
file all that is known, which is no tokens. Its chat history is rounded and is not read.
https://github.com/Aider-AI/aider/blob/main/aider/analytics.py · https://aider.chat/docs/git.html#commit-attribution
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from attribution.tools.log import Count, JsonLines, LogRead, Text, decode, usd_micros
from attribution.usage import CommitMade, Context, ContextSource, Tokens, Usage, Work
from attribution.usage_merge import unique

NAME = "aider"
TITLE = "Aider"
LOGS = (
    JsonLines(
        folders=(),
        variables=(("AIDER_ANALYTICS_LOG", ""),),
        patterns=("*.jsonl",),
        needles=(b'"message_send"', b'"launched"'),
    ),
)

_SIGNATURE = re.compile(r"\baider \((?P<model>[^()\s]*)\) <", re.IGNORECASE)

Seconds = Annotated[float, msgspec.Meta(ge=0, le=10**10)]


class _Properties(msgspec.Struct):
    main_model: Text = None
    prompt_tokens: Count = None
    completion_tokens: Count = None
    cost: Annotated[float, msgspec.Meta(ge=0, lt=10_000)] | None = None
    total_cost: float | None = None


class _Event(msgspec.Struct):
    event: Text = None
    time: Seconds | None = None
    properties: _Properties | None = None


_EVENT = msgspec.json.Decoder(_Event)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:  # noqa: ARG001 (the events say all)
    """See `attribution.tools.log.Tool`."""
    log, launched = LogRead(requests=[]), 0.0
    for raw in records:
        event = decode(_EVENT, raw)
        if event is None or event.time is None:
            log.unreadable_records += 1
        elif event.event == "launched":
            launched = event.time
        elif event.event == "message_send" and event.properties:
            log.requests.append(_usage(f"{int(launched or event.time)}", event.time, event.properties))
    log.requests = unique(log.requests)
    return log


def model_signed(committer: str, co_authors: str) -> str | None:
    """The model with which Aider made a commit, None for a commit that is not its own. Empty text: the commit names no model."""
    signature = _SIGNATURE.search(co_authors)
    return signature["model"] if signature else "" if committer.endswith("(aider)") else None


def from_commit(sha: str, authorship: str, at: datetime, model: str, cwd: str) -> Usage:
    """The work behind a commit that no log records. An amended or rebased commit keeps its `authorship`."""
    return Usage(
        tool=NAME,
        session_id=f"commit:{authorship}",
        request_id=f"commit:{authorship}",
        at=at,
        model=model,
        is_sum=True,
        context=Context(source=ContextSource.LOG, cwd=cwd),
        work=Work(commits_made=(CommitMade(sha=sha),)),
    )


def _usage(session_id: str, at: float, properties: _Properties) -> Usage:
    prompt, completion = properties.prompt_tokens or 0, properties.completion_tokens or 0
    return Usage(
        tool=NAME,
        session_id=session_id,
        request_id=f"{session_id}:{int(at)}:{prompt}:{completion}:{properties.total_cost or 0}",
        at=datetime.fromtimestamp(at, UTC),
        model=properties.main_model or "",
        reported_micros=usd_micros(properties.cost),
        tokens=Tokens(uncached_input=prompt, output=completion),
    )
