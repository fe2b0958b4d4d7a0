"""What is read of a line of Claude Code's transcripts; everything else in it is passed over.

Only what decides whether a line holds a request is typed: the rest stays raw, so that an odd tool call never costs a request.
`usage` is that of the Messages API: https://platform.claude.com/docs/en/api/messages
"""

import msgspec

from attribution.tools.log import Count, Instant, Text


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


class Message(msgspec.Struct):
    id: Text = None
    model: Text = None
    stop_reason: Text = None
    usage: ResponseUsage | None = None
    content: msgspec.Raw = msgspec.Raw(b"null")


class Entry(msgspec.Struct, rename="camel"):
    type: Text = None
    uuid: Text = None
    request_id: Text = None
    timestamp: Instant | None = None
    message: Message | None = None
    tool_use_result: msgspec.Raw = msgspec.Raw(b"null")


class Progress(msgspec.Struct, rename="camel"):
    agent_id: Text = None
    message: Entry | None = None


class Line(Entry, rename="camel"):
    session_id: Text = None
    request_session_id: Text = None  # on lines copied by a fork: the session that made the request
    cwd: Text = None
    git_branch: Text = None
    is_sidechain: bool | None = None
    agent_id: Text = None
    data: Progress | None = None


class Block(msgspec.Struct):
    type: Text = None
    id: Text = None
    name: Text = None
    text: Text = None
    input: msgspec.Raw = msgspec.Raw(b"null")
    tool_use_id: Text = None
    is_error: bool | None = None
    content: msgspec.Raw = msgspec.Raw(b"null")


class Input(msgspec.Struct):
    file_path: str = ""
    notebook_path: str = ""
    command: str = ""


class Call(msgspec.Struct):
    """A block as all of them are, but for an odd one: its arguments are decoded with it."""

    type: Text = None
    id: Text = None
    name: Text = None
    input: Input | None = None


class Commit(msgspec.Struct):
    sha: str = ""


class GitOperation(msgspec.Struct):
    commit: Commit | None = None


class ToolUseResult(msgspec.Struct, rename="camel"):
    git_operation: GitOperation | None = None
