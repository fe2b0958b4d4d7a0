"""Codex' rollouts, request by request."""

import json
from pathlib import Path

from attribution.tools.codex import read_log
from attribution.tools.log import LogRead
from attribution.usage import CommitMade, Usage
from attribution.usage_merge import unique

LOGS = Path(__file__).parents[1] / "fixtures/codex/sessions/2026/11/23"
FIRST, FORK, AGENT, COMPACTED = sorted(path.name for path in LOGS.iterdir())
THREAD = FIRST[-42:-6]


def lines(name: str) -> list[bytes]:
    return (LOGS / name).read_bytes().splitlines()


def read(name: str) -> LogRead:
    return read_log(lines(name), name)


def numbers(usage: Usage) -> tuple[str, int, int, int, int]:
    return (
        usage.model,
        usage.tokens.uncached_input,
        usage.tokens.cache_read,
        usage.tokens.output,
        usage.tokens.reasoning,
    )


def without_records(name: str) -> list[bytes]:
    """The rollout as versions before `token_usage_record` wrote it."""
    return [line for line in lines(name) if b'"type":"token_usage_record"' not in line]


def entry(kind: str, **payload: object) -> bytes:
    return json.dumps({"timestamp": "2026-11-23T17:00:00.000Z", "type": kind, "payload": payload}).encode()


def count(total: int, last: int) -> bytes:
    info = {"total_token_usage": {"input_tokens": total}, "last_token_usage": {"input_tokens": last}}
    return entry("event_msg", type="token_count", info=info)


def test_a_record_is_a_request():
    assert [(usage.request_id, *numbers(usage)) for usage in read(FIRST).requests] == [
        ("resp_001", "gpt-5.5", 1007, 20011, 116, 21),
        ("resp_002", "gpt-5.5", 1014, 20022, 122, 22),
        ("resp_003", "gpt-5.5", 1021, 20033, 128, 23),
        ("resp_004", "gpt-5.5", 1028, 20044, 134, 24),
        ("resp_005", "gpt-5.5", 1035, 20055, 140, 25),
        ("resp_006", "gpt-5.5", 1042, 20066, 146, 26),
    ]


def test_git_facts_edits_and_commits():
    usages = read(FIRST).requests
    assert {
        (usage.context.repository, usage.context.branch, usage.context.commit, usage.context.cwd, usage.session_id)
        for usage in usages
    } == {
        ("acme/widgets", "feat/42-rate-limit", "9ccc9fbe2d05b73c4a31a613f833142519c9f5a2", "/home/dev/widgets", THREAD)
    }
    assert {
        u.request_id: (u.work.edited_files, u.work.commits_made)
        for u in usages
        if u.work.edited_files or u.work.commits_made
    } == {
        "resp_002": (("/home/dev/widgets/app.py", "/home/dev/widgets/limiter.py"), ()),
        "resp_003": ((), (CommitMade(sha="ef3f7ae96060cecd8645e9124b52177e4321e0f3"),)),
        "resp_005": ((), (CommitMade(sha="13073423ccd3d1c2a97ae0966c1cfd858c0cdee5"),)),
    }


def test_a_fork_is_a_session_of_its_own():
    (usage,) = read(FORK).requests
    assert (usage.session_id, usage.agent_id, *numbers(usage)) == (FORK[-42:-6], "", "gpt-5.5", 1049, 20077, 152, 27)


def test_a_sub_agent_belongs_to_its_parents_session():
    parent = "01a2097b-75fb-7911-b5b4-a4a501c2def3"
    assert {(usage.session_id, usage.agent_id, usage.model) for usage in read(AGENT).requests} == {
        (parent, AGENT[-42:-6], "custom-x")
    }


def test_compaction_counts_and_what_is_emitted_again_does_not():
    counts = [("gpt-5.5", 2050, 21650, 1010, 170), ("gpt-5.5", 351, 0, 161, 0), ("gpt-5.5", 2064, 21672, 1022, 172)]
    assert [numbers(usage) for usage in read(COMPACTED).requests] == counts
    assert [numbers(usage) for usage in read_log(without_records(COMPACTED)).requests] == counts


def test_older_versions_give_the_same_numbers():
    for name in (FIRST, FORK, AGENT, COMPACTED):
        old = read_log(without_records(name), name).requests
        assert [numbers(usage) for usage in old] == [numbers(usage) for usage in read(name).requests]
        assert [usage.work.commits_made for usage in old] == [usage.work.commits_made for usage in read(name).requests]
        assert [usage.work.edited_files for usage in old] == [usage.work.edited_files for usage in read(name).requests]


def test_a_fork_that_begins_with_a_copy_of_its_parent_adds_only_its_own():
    parent = without_records(FIRST)
    meta, *rest = without_records(FORK)
    copies = read_log([meta, *parent, *rest], FORK).requests
    originals = read_log(parent, FIRST).requests
    both = unique([*copies, *originals])
    assert len(copies) == len(originals) + 1 == len(both)
    assert [usage.session_id for usage in both] == [THREAD] * len(originals) + [FORK[-42:-6]]


def test_a_file_that_an_update_continued_counts_each_request_once():
    half = [line for line in lines(FIRST) if b"resp_001" not in line and b"resp_002" not in line]
    assert [numbers(usage) for usage in read_log(half, FIRST).requests] == [
        numbers(usage) for usage in read(FIRST).requests
    ]


def test_a_fork_may_emit_its_parents_last_total_again():
    again = [line for line in lines(FIRST) if b'"token_count"' in line][-1]
    meta, *rest = lines(FORK)
    assert read_log([meta, again, *rest], FORK).requests == read(FORK).requests


def test_input_includes_cache_writes():
    usage = {"input_tokens": 100, "cached_input_tokens": 60, "cache_write_input_tokens": 30, "output_tokens": 9}
    (request,) = read_log([entry("token_usage_record", response_id="r", usage=usage)]).requests
    assert (request.tokens.uncached_input, request.tokens.cache_read, request.tokens.cache_write_5m) == (10, 60, 30)


def test_a_row_before_its_turn_takes_that_turns_model():
    usage = {"input_tokens": 1, "output_tokens": 1}
    read = read_log(
        [
            entry("turn_context", turn_id="t1", model="old", cwd="/w"),
            entry("token_usage_record", response_id="a", turn_id="t1", usage=usage),
            entry("token_usage_record", response_id="b", turn_id="t2", usage=usage),
            entry("turn_context", turn_id="t2", model="new", cwd="/w", service_tier="priority"),
            entry("token_usage_record", response_id="c", turn_id="t3", usage=usage),
        ]
    )
    assert [(u.request_id, u.model, u.service_tier) for u in read.requests] == [
        ("a", "old", ""),
        ("b", "new", "priority"),
        ("c", "new", "priority"),
    ]


def test_git_facts_do_not_follow_a_turn_into_another_folder():
    usage = {"input_tokens": 1, "output_tokens": 1}
    read = read_log(
        [
            entry("session_meta", id="s", cwd="/w", git={"repository_url": "git@github.com:acme/w.git", "branch": "b"}),
            entry("turn_context", turn_id="t1", model="m", cwd="/w"),
            entry("token_usage_record", response_id="a", turn_id="t1", usage=usage),
            entry("turn_context", turn_id="t2", model="m", cwd="/elsewhere"),
            entry("token_usage_record", response_id="b", turn_id="t2", usage=usage),
        ]
    )
    assert [(u.context.cwd, u.context.repository, u.context.branch) for u in read.requests] == [
        ("/w", "acme/w", "b"),
        ("/elsewhere", "", ""),
    ]


def test_a_total_that_does_not_change_is_no_request():
    read = read_log([entry("session_meta", id="s"), count(5, 5), count(5, 5), count(5, 0), count(9, 4)])
    assert [usage.tokens.uncached_input for usage in read.requests] == [5, 4]


def test_a_patch_that_failed_edits_nothing():
    call = entry("response_item", type="custom_tool_call", call_id="c", name="apply_patch", input="*** Begin Patch")
    usage = entry("token_usage_record", response_id="a", usage={"input_tokens": 1})
    for kind, payload in (
        ("patch_apply_end", {"call_id": "c", "success": False, "changes": {"/w/a.py": {}}}),
        ("item_completed", {"item": {"type": "FileChange", "id": "c", "status": "failed", "changes": {"/w/a.py": {}}}}),
    ):
        read = read_log([call, usage, entry("event_msg", type=kind, **payload)])
        assert [usage.work.edited_files for usage in read.requests] == [()]
    patch = entry("event_msg", type="patch_apply_end", call_id="c", success=True, changes={"/w/a.py": {"update": {}}})
    assert [usage.work.edited_files for usage in read_log([call, usage, patch]).requests] == [("/w/a.py",)]


def test_output_of_older_shells_is_json_in_a_string():
    call = entry(
        "response_item",
        type="function_call",
        call_id="c",
        name="shell",
        arguments='{"command":["bash","-lc","git commit -m x"]}',
    )
    usage = entry("token_usage_record", response_id="a", usage={"input_tokens": 1})
    output = json.dumps({"output": "[main abc1234] x\n 1 file changed", "metadata": {"exit_code": 0}})
    read = read_log([call, usage, entry("response_item", type="function_call_output", call_id="c", output=output)])
    assert read.requests[0].work.commits_made == (CommitMade(sha="abc1234"),)


def test_a_file_whose_first_line_was_lost_is_named_by_its_name():
    assert {usage.session_id for usage in read_log(lines(FIRST)[1:], FIRST).requests} == {THREAD}


def test_pull_requests_that_a_command_touched():
    commits = [
        entry("response_item", type="function_call", call_id="c1", arguments='{"cmd": "gh pr view 12"}'),
        entry("response_item", type="function_call_output", call_id="c1", output="words"),
    ]
    record = entry("token_usage_record", response_id="resp_1", usage={"input_tokens": 1, "output_tokens": 1})
    (usage,) = read_log([commits[0], record, commits[1]]).requests
    assert [(pull.number, pull.how) for pull in usage.work.pulls_seen] == [(12, "view")]


def test_the_tier_is_that_of_the_request_then_of_the_thread_then_of_the_turn():
    def record(number: int, **more: object) -> bytes:
        usage = {"input_tokens": 1, "output_tokens": 1}
        return entry("token_usage_record", response_id=f"resp_{number}", usage=usage, **more)

    log = [
        entry("turn_context", turn_id="t", model="gpt-5.5", service_tier="flex"),
        record(1),
        entry("event_msg", type="thread_settings_applied", thread_settings={"service_tier": "priority"}),
        record(2),
        record(3, service_tier="default"),
        entry("event_msg", type="thread_settings_applied", thread_settings={}),
        record(4),
    ]
    assert [usage.service_tier for usage in read_log(log).requests] == ["flex", "priority", "default", "flex"]
