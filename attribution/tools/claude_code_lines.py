"""What is read of a line of Claude Code's transcripts; everything else in it is passed over.

An odd tool call never costs a request: such a line is read again with any `Content`.
`usage` is that of the Messages API: https://platform.claude.com/docs/en/api/messages
"""

from typing import Generic, TypeVar

import msgspec

from attribution.tools.log import Count, Instant, Text

Content = TypeVar("Content")


class CacheWrites(msgspec.Struct):
    ephemeral_5m_input_tokens: Count = None
    ephemeral_1h_input_tokens: Count = None


class ServerTools(msgspec.Struct):
    web_search_requests: Count = None


class OutputDetails(msgspec.Struct):
    thinking_tokens: Count = None


class Counts(msgspec.Struct):
    input_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_creation: CacheWrites | None = None
    output_tokens: Count = None
    output_tokens_details: OutputDetails | None = None


class Iteration(Counts):
    """A step of a response: see `attribution.response_bill`."""

    type: Text = None
    model: Text = None


class ResponseUsage(Counts):
    server_tool_use: ServerTools | None = None
    service_tier: Text = None
    speed: Text = None
    inference_geo: Text = None
    iterations: list[Iteration] | None = None


class Input(msgspec.Struct):
    file_path: str = ""
    notebook_path: str = ""
    command: str = ""


class Block(msgspec.Struct):
    """A part of a message: a call, the result of one, words, thoughts."""

    type: Text = None
    id: Text = None
    name: Text = None
    input: Input | None = None
    text: Text = None
    tool_use_id: Text = None
    is_error: bool | None = None
    content: msgspec.Raw = msgspec.Raw(b"null")


class Message(msgspec.Struct, Generic[Content]):
    id: Text = None
    model: Text = None
    stop_reason: Text = None
    usage: ResponseUsage | None = None
    content: Content | None = None


class Entry(msgspec.Struct, Generic[Content], rename="camel"):
    type: Text = None
    uuid: Text = None
    request_id: Text = None
    timestamp: Instant | None = None
    message: Message[Content] | None = None
    tool_use_result: msgspec.Raw = msgspec.Raw(b"null")


class Progress(msgspec.Struct, Generic[Content], rename="camel"):
    agent_id: Text = None
    message: Entry[Content] | None = None


class Line(Entry[Content], rename="camel"):
    """`Content` are blocks or text; anything in a line with an odd block."""

    session_id: Text = None
    request_session_id: Text = None  # on lines copied by a fork: the session that made the request
    cwd: Text = None
    git_branch: Text = None
    is_sidechain: bool | None = None
    agent_id: Text = None
    data: Progress[Content] | None = None


class Commit(msgspec.Struct):
    sha: str = ""


class GitOperation(msgspec.Struct):
    commit: Commit | None = None


class ToolUseResult(msgspec.Struct, rename="camel"):
    git_operation: GitOperation | None = None
