"""Readers of tools of which there is no recording, on logs written after what is public of their formats."""

from datetime import UTC, datetime

from inline_snapshot import snapshot

from attribution.usage import Usage
from attribution.usage_merge import unique
from tests.tools import recordings


def requests(tool: str) -> list[Usage]:
    return unique(usage for log in recordings.read(tool) for usage in log.requests)


def rows(tool: str) -> list[tuple[object, ...]]:
    """Id, time, model, tokens (plain input, cache read, cache written, output, of it reasoning), dollars and credits reported."""
    return [
        (
            usage.request_id, f"{usage.at:%m-%d %H:%M:%S}", usage.model, usage.tokens.uncached_input, usage.tokens.cache_read,
            usage.tokens.cache_write, usage.tokens.output, usage.tokens.reasoning, usage.reported_micros, usage.credits_micros,
        )
        for usage in requests(tool)
    ]  # fmt: skip


def effects(tool: str) -> list[tuple[object, ...]]:
    return [
        (
            usage.request_id,
            usage.work.edited_files,
            [commit.sha for commit in usage.work.commits_made],
            [pull.number for pull in usage.work.pulls_seen],
        )
        for usage in requests(tool)
        if usage.work.edited_files or usage.work.commits_made or usage.work.pulls_seen
    ]


def test_goose():
    """Ledger rows, whose totals tell whether input has the cache in it; the sum only of a session without any row."""
    assert rows("goose") == snapshot(
        [
            ("20250101_1", "01-01 08:00:00", "gpt-4o", 9000, 0, 0, 100, 0, None, None),
            ("20261123_1:1", "11-23 17:30:00", "claude-sonnet-4-5", 100, 800, 100, 50, 0, 10000, None),
            ("20261123_1:2", "11-23 17:31:00", "claude-sonnet-4-5", 300, 700, 100, 100, 0, None, None),
            ("20261123_2:3", "11-23 17:31:30", "claude-sonnet-4-5", 500, 0, 0, 20, 0, None, None),
        ]
    )
    assert [(usage.session_id, usage.agent_id, usage.is_sum) for usage in requests("goose")] == snapshot(
        [
            ("20250101_1", "", True),
            ("20261123_1", "", False),
            ("20261123_1", "", False),
            ("20261123_1", "20261123_2", False),
        ]
    )


def test_zed():
    """A packed thread, and one whose parts say more than its sum; an empty one is none."""
    assert rows("zed") == snapshot(
        [
            ("t2", "11-23 16:31:00", "claude-sonnet-4-5", 17, 0, 2, 8, 0, None, None),
            ("t1", "11-23 17:30:00", "claude-sonnet-4-5", 100, 900, 0, 50, 0, None, None),
        ]
    )
    assert all(usage.is_sum for usage in requests("zed"))


def test_amp():
    """A new thread, in disjoint kinds, and an old one with credits, one event of it without tokens."""
    assert rows("amp") == snapshot(
        [
            ("T-0002:e1", "11-23 17:30:05", "claude-sonnet-4", 300, 0, 0, 20, 0, None, 1250000),
            ("T-0002:e2", "11-23 17:31:05", "claude-sonnet-4", 0, 0, 0, 0, 0, None, 500000),
            ("T-0001:3", "11-23 17:30:00", "", 6, 1200, 0, 30, 0, None, None),
            ("T-0001:1", "11-23 17:30:05", "claude-opus-4-5", 5, 1000, 200, 60, 0, None, None),
        ]
    )
    assert effects("amp") == snapshot([("T-0001:1", ("/home/dev/widgets/app.py",), ["1f2e3d4"], [])])
    assert [usage.tokens.is_known for usage in requests("amp")] == [True, False, True, True]


def test_factory_droid():
    """A session's one sum; a session without any stays out."""
    assert rows("factory-droid") == snapshot(
        [("d1", "11-23 17:30:00", "claude-opus-4-5", 100, 2000, 30, 48, 8, None, None)]
    )
    assert effects("factory-droid") == snapshot([("d1", ("/home/dev/widgets/app.py",), ["1f2e3d4"], [])])


def test_roo_code():
    """What was summed up when the conversation was cut counts, and so does a sub-agent; what was cancelled does not."""
    assert rows("roo-code") == snapshot(
        [
            ("task-1:1795455000000", "11-23 17:30:00", "", 100, 900, 10, 50, 0, 12300, None),
            ("task-1:1795455009500:deleted_api_reqs", "11-23 17:30:09", "", 7, 0, 0, 3, 0, 1000, None),
            ("task-1:1795455009900:subagent_usage", "11-23 17:30:09", "", 9, 0, 0, 4, 0, 2000, None),
        ]
    )
    assert effects("roo-code") == snapshot([("task-1:1795455000000", ("src/app.py",), [], [12])])


def test_kilo_code():
    """The new store and the old task folders, where a request may say that its usage is not known."""
    assert rows("kilo-code") == snapshot(
        [
            ("task-2:1795455000000", "11-23 17:30:00", "", 100, 900, 10, 50, 0, 12300, None),
            ("task-2:1795455003000", "11-23 17:30:03", "", 0, 0, 0, 0, 0, None, None),
            (
                "1795455190242:test-model:1014:20022:0:100:22",
                "11-23 17:33:10",
                "test-model",
                1014,
                20022,
                0,
                122,
                22,
                10879,
                None,
            ),
            (
                "1795455199925:test-model:1021:20033:0:105:23",
                "11-23 17:33:19",
                "test-model",
                1021,
                20033,
                0,
                128,
                23,
                10993,
                None,
            ),
            (
                "1795455202607:test-model:1028:20044:0:110:24",
                "11-23 17:33:22",
                "test-model",
                1028,
                20044,
                0,
                134,
                24,
                11107,
                None,
            ),
        ]
    )
    assert [usage.tokens.is_known for usage in requests("kilo-code")].count(False) == 1


def test_vscode_copilot_chat():
    """A whole chat, a log of operations, and one without a folder; a turn without its prompt's size is not known."""
    assert rows("vscode-copilot-chat") == snapshot(
        [
            ("request_1", "11-23 17:30:01", "gpt-5.5", 1200, 0, 0, 80, 0, None, None),
            ("request_2", "11-23 17:30:02", "gpt-5.5", 0, 0, 0, 0, 0, None, None),
            ("request_3", "11-23 17:30:03", "gpt-5.5", 900, 0, 0, 60, 0, None, None),
            ("request_4", "11-23 17:30:04", "gpt-5.5", 0, 0, 0, 0, 0, None, None),
            ("request_5", "11-23 17:30:05", "gpt-5.5", 0, 0, 0, 0, 0, None, None),
        ]
    )
    assert [(usage.context.cwd, usage.tokens.is_known) for usage in requests("vscode-copilot-chat")] == snapshot(
        [
            ("/home/dev/widgets 2", True),
            ("/home/dev/widgets 2", False),
            ("/home/dev/widgets 2", True),
            ("/home/dev/widgets 2", False),
            ("", False),
        ]
    )


def test_aider():
    assert rows("aider") == snapshot(
        [
            ("1795455000:1795455009:1234:56:0.00456", "11-23 17:30:09", "gpt-5.5", 1234, 0, 0, 56, 0, 4560, None),
            ("1795455000:1795455020:10:5:0.00456", "11-23 17:30:20", "openai/REDACTED", 10, 0, 0, 5, 0, None, None),
        ]
    )
    assert {usage.session_id for usage in requests("aider")} == {"1795455000"}


def test_cursor():
    """Zeros mean that nobody knows."""
    assert rows("cursor") == snapshot(
        [
            ("b3", "05-01 10:00:00", "claude-sonnet-4", 500, 0, 0, 40, 0, None, None),
            ("r1", "11-23 17:30:01", "composer-2", 0, 0, 0, 0, 0, None, None),
        ]
    )
    assert [usage.tokens.is_known for usage in requests("cursor")] == [True, False]


def test_kiro():
    """Credits, and no tokens."""
    assert rows("kiro") == snapshot(
        [
            ("k1:0", "11-23 17:29:00", "", 0, 0, 0, 0, 0, None, 375000),
            ("k1:1", "11-23 17:30:00", "", 0, 0, 0, 0, 0, None, None),
        ]
    )
    assert not any(usage.tokens.is_known for usage in requests("kiro"))


def test_windsurf():
    """A session with its files and commits, and nothing that could be priced."""
    (usage,) = requests("windsurf")
    assert (usage.tokens.is_known, usage.context.cwd) == (False, "/home/dev/widgets")
    assert usage.at <= datetime.now(UTC)
    assert effects("windsurf") == snapshot([("trajectory-1", ("/home/dev/widgets/app.py",), ["1f2e3d4"], [])])
