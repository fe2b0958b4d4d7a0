"""What is read of a line of Codex's rollouts; everything else in it is passed over.

https://github.com/openai/codex/blob/main/codex-rs/protocol/src/protocol.rs
"""

import msgspec

from attribution.tools.log import Count, Instant, Text


class Counts(msgspec.Struct, frozen=True):
    """Input includes what was read from cache and written to it, output includes reasoning."""

    input_tokens: Count = None
    cached_input_tokens: Count = None
    cache_write_input_tokens: Count = None
    output_tokens: Count = None
    reasoning_output_tokens: Count = None
    total_tokens: Count = None

    @property
    def vector(self) -> str:
        return "-".join(str(count or 0) for count in msgspec.structs.astuple(self))


class Info(msgspec.Struct):
    total_token_usage: Counts | None = None
    last_token_usage: Counts | None = None


class Git(msgspec.Struct):
    commit_hash: Text = None
    branch: Text = None
    repository_url: Text = None


class Item(msgspec.Struct):
    type: Text = None
    id: Text = None
    status: Text = None
    changes: dict[str, msgspec.Raw] | None = None


class Settings(msgspec.Struct):
    service_tier: Text = None


class Payload(msgspec.Struct):
    """What is read of any payload; `type` says which event it is."""

    type: Text = None
    id: Text = None
    session_id: Text = None
    parent_thread_id: Text = None
    forked_from_id: Text = None
    cwd: Text = None
    git: Git | None = None
    turn_id: Text = None
    model: Text = None
    service_tier: Text = None
    thread_settings: Settings | None = None
    response_id: Text = None
    usage: Counts | None = None
    info: Info | None = None
    call_id: Text = None
    arguments: Text = None
    input: Text = None
    output: msgspec.Raw = msgspec.Raw(b"null")
    item: Item | None = None
    changes: dict[str, msgspec.Raw] | None = None
    success: bool | None = None


class Line(msgspec.Struct):
    type: str
    timestamp: Instant
    payload: Payload


class OutputText(msgspec.Struct):
    text: Text = None


class OldOutput(msgspec.Struct):
    output: Text = None


class Shell(msgspec.Struct):
    cmd: str | list[str] | None = None
    command: str | list[str] | None = None
