"""Pushing to a server on the loopback interface, which records every byte."""

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest

from collector.client import Client, parcels
from collector.exchange import Busy
from collector.push_command import main
from collector.scan import scan
from collector.settings import Settings
from collector.state import State, account
from tests.collector.fake_server import TOKEN, Server
from tests.collector.machine import call, git, repository, request, result, write_log


def test_a_second_push_sends_nothing(server: Server, home: Path, repo: Path, capsys: pytest.CaptureFixture[str]):
    write_log(home, request(1, repo), request(2, repo))
    assert main(["--home", str(home)]) == 0
    assert sorted(server.ledger) == ["msg_1", "msg_2"]
    assert main(["--home", str(home)]) == 0
    assert len(server.bodies) == 1
    assert "Sent 0 requests" in capsys.readouterr().out


def test_only_what_is_new_or_changed_is_sent(server: Server, home: Path, repo: Path):
    write_log(home, request(1, repo), request(2, repo))
    main(["--home", str(home)])
    edit = request(2, repo, content=[call("t1", "Edit", file_path=str(repo / "app.py"))])
    write_log(home, request(1, repo), edit, result("t1"), request(3, repo))
    main(["--home", str(home)])
    requests = json.loads(server.bodies[1])["requests"]
    assert [(usage["request_id"], usage.get("work", {}).get("edited_files")) for usage in requests] == [
        ("msg_2", ["app.py"]),
        ("msg_3", None),
    ]


def test_without_its_state_a_push_sends_everything_again(server: Server, home: Path, repo: Path, tmp_path: Path):
    write_log(home, request(1, repo))
    main(["--home", str(home)])
    before = dict(server.ledger)
    (tmp_path / "state/state.db").unlink()
    assert main(["--home", str(home)]) == 0
    assert server.ledger == before
    assert server.bodies[0] == server.bodies[1]


def test_to_another_person_or_server_everything_is_new(tmp_path: Path, home: Path, repo: Path):
    write_log(home, request(1, repo))
    waiting = parcels(scan(home, {"PATH": os.environ["PATH"]}).usages)
    first, second, third = (
        account(Settings(url, token)) for url, token in (("https://a", "t"), ("https://a", "u"), ("https://b", "t"))
    )
    with State(tmp_path / "state.db") as state:
        state.add(first, waiting)
    with State(tmp_path / "state.db") as state:
        assert state.new(first, waiting) == []
        assert state.new(second, waiting) == state.new(third, waiting) == waiting


def test_a_refused_request_is_named_and_sent_again_by_the_next_push(
    server: Server, home: Path, repo: Path, capsys: pytest.CaptureFixture[str]
):
    write_log(home, request(1, repo), request(2, repo), request(3, repo))
    server.refusals = {"msg_2": "more tokens than any model takes"}
    assert main(["--home", str(home)]) == 1
    assert "claude-code msg_2: more tokens than any model takes" in capsys.readouterr().err
    assert sorted(server.ledger) == ["msg_1", "msg_3"]
    server.refusals = {}
    assert main(["--home", str(home)]) == 0
    assert [usage["request_id"] for usage in json.loads(server.bodies[1])["requests"]] == ["msg_2"]


def test_a_request_that_is_refused_for_good_is_not_sent_again(
    server: Server, home: Path, repo: Path, capsys: pytest.CaptureFixture[str]
):
    write_log(home, request(1, repo), request(2, repo), request(3, repo))
    server.refusals = {"msg_1": "its month is not kept any more", "msg_2": "no such model"}
    server.final_refusals = {"msg_1"}
    assert main(["--home", str(home)]) == 1
    shown = capsys.readouterr()
    assert "Sent 1 requests" in shown.out
    assert "1 requests are older than the server keeps, and are not sent again." in shown.out
    assert "msg_1" not in shown.err
    assert main(["--home", str(home)]) == 1
    assert [usage["request_id"] for usage in json.loads(server.bodies[1])["requests"]] == ["msg_2"]


def test_of_many_refused_requests_some_are_named_and_no_pause_follows(
    server: Server, home: Path, repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    write_log(home, *(request(number, repo) for number in range(12)))
    server.refusals = {f"msg_{number}": "no such model" for number in range(12)}
    assert main(["--home", str(home)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("Refused: claude-code msg_0: no such model", "Refused: 2 more.", 11)
    for _ in range(2):
        monkeypatch.setenv("HOME", str(home))
        assert main(["--if-due"]) == 0
    assert len(server.bodies) == 3


def test_requests_of_a_deleted_log_are_sent_when_the_server_is_back(server: Server, home: Path, repo: Path):
    log = write_log(home, request(1, repo))
    assert main(["--home", str(home), "--url", "http://127.0.0.1:1"]) == 1
    log.unlink()
    assert main(["--home", str(home)]) == 0
    assert sorted(server.ledger) == ["msg_1"]


def test_requests_of_repositories_that_are_not_covered_are_not_sent(
    server: Server, home: Path, repo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    secret = repository(tmp_path / "work/skunkworks", "git@github.com:acme/skunkworks.git")
    write_log(home, request(1, repo), request(2, secret), request(3, tmp_path / "gone"))
    assert main(["--home", str(home)]) == 0
    assert sorted(server.ledger) == ["msg_1"]
    assert "1 not covered, 1 repository unknown" in capsys.readouterr().out
    assert b"skunkworks" not in b"".join(server.bodies)


def test_a_dry_run_prints_what_would_be_sent(
    server: Server, home: Path, repo: Path, capsys: pytest.CaptureFixture[str]
):
    write_log(home, request(1, repo), request(2, repo))
    assert main(["--home", str(home), "--dry-run"]) == 0
    usages = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert server.bodies == []
    main(["--home", str(home)])
    assert json.loads(server.bodies[0])["requests"] == usages
    assert all(usage["tokens"]["cache_read"] == 0 and "cwd" not in usage["context"] for usage in usages)


def test_a_dry_run_without_a_server_prints_what_would_be_sent(
    server: Server, home: Path, repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    edit = request(1, repo, content=[call("t1", "Edit", file_path=str(repo / "app.py"))])
    write_log(home, edit, result("t1"), request(2, "/nowhere"))
    monkeypatch.delenv("MERGECOST_TOKEN")
    for paths, files in (("on", ["app.py"]), ("off", None)):
        monkeypatch.setenv("MERGECOST_PATHS", paths)
        assert main(["--home", str(home), "--dry-run"]) == 0
        (line,), messages = (text.splitlines() for text in capsys.readouterr())
        assert json.loads(line).get("work", {}).get("edited_files") == files
        assert messages == [
            "Would send 1 requests to a server that covers all these repositories (none is set). Kept here: 1 repository unknown."
        ]
    assert server.heads == []
    assert main(["--home", str(home)]) == 1


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((503, {"Retry_After": "3000"}), "push again in 3000 seconds"),
        ((429, {"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}), "push again later"),
        ((401, {}), "does not accept your token (401)"),
        ((500, {}), "answered 500"),
        ((307, {"Location": "http://elsewhere.example/v1/usage"}), "redirects to http://elsewhere.example"),
    ],
)
def test_after_an_error_of_the_server_the_next_push_sends_everything(
    answer: tuple[int, dict[str, str]],
    text: str,
    server: Server,
    home: Path,
    repo: Path,
    capsys: pytest.CaptureFixture[str],
):
    write_log(home, request(1, repo))
    server.answers = [answer]
    assert main(["--home", str(home)]) == 1
    assert text in capsys.readouterr().err
    assert main(["--home", str(home)]) == 0
    assert sorted(server.ledger) == ["msg_1"]


def sent(server: Server, home: Path, *answers: str, status: int = 429) -> tuple[list[float], int]:
    """How long a push of one request slept, and how often it tried, while the server was busy for so many seconds each time."""
    naps: list[float] = []
    server.answers = [(status, {"Retry_After": seconds}) for seconds in answers]
    client = Client(Settings(server.url, TOKEN), "1", sleep=naps.append)
    with suppress(Busy):
        client.send(parcels(scan(home, {"PATH": os.environ["PATH"]}).usages))
    return naps, len(server.bodies)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_gets_the_batch_again_when_it_asks_for_it(server: Server, home: Path, repo: Path, status: int):
    write_log(home, request(1, repo))
    assert sent(server, home, "5", "7", status=status) == ([5, 7], 3)
    assert sorted(server.ledger) == ["msg_1"]


@pytest.mark.parametrize(("answers", "naps"), [(["3600"], []), (["200", "200"], [200]), (["0"] * 400, [0] * 300)])
def test_a_push_does_not_wait_for_a_busy_server_for_ever(
    server: Server, home: Path, repo: Path, answers: list[str], naps: list[float]
):
    write_log(home, request(1, repo))
    assert sent(server, home, *answers) == (naps, len(naps) + 1)
    assert server.ledger == {}


def test_a_refusal_is_printed_in_the_servers_own_words(
    server: Server, home: Path, repo: Path, capsys: pytest.CaptureFixture[str]
):
    write_log(home, request(1, repo))
    server.answers = [(403, {"message": "the GitHub App is not installed on acme\x1b[2J now: an owner installs it"})]
    assert main(["--home", str(home)]) == 1
    words = capsys.readouterr().err
    assert "refuses: the GitHub App is not installed on acme[2J now: an owner installs it." in words
    assert main(["--home", str(home)]) == 0
    assert sorted(server.ledger) == ["msg_1"]


def test_a_wrong_token_no_server_and_another_server_are_explained(
    server: Server, home: Path, repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    write_log(home, request(1, repo))
    monkeypatch.setenv("MERGECOST_TOKEN", "wrong")
    assert main(["--home", str(home)]) == 1
    assert "does not accept your token (401)" in capsys.readouterr().err
    assert main(["--home", str(home), "--url", "http://127.0.0.1:1"]) == 1
    assert "cannot reach http://127.0.0.1:1/v1/coverage" in capsys.readouterr().err
    monkeypatch.setenv("MERGECOST_TOKEN", TOKEN)
    server.answers = [(200, {})]
    assert main(["--home", str(home)]) == 1
    assert "is the address right?" in capsys.readouterr().err


def test_texts_and_folders_are_never_sent(server: Server, home: Path, tmp_path: Path):
    repo = repository(tmp_path / "canary-folder/widgets")
    git(repo, "config", "user.email", "canary.person@example.com")
    git(repo, "commit", "-q", "--allow-empty", "-m", "canary-subject", at="2026-11-23T18:01:30Z")
    sha = git(repo, "rev-parse", "HEAD")
    blocks = [
        {"type": "thinking", "thinking": "canary-thought"},
        {"type": "text", "text": "canary-answer"},
        call("t1", "Edit", file_path=str(repo / "app.py"), old_string="canary-old", new_string="canary-new"),
        call(
            "t2", "Bash", command="git commit -m canary-command && git rev-parse HEAD", description="canary-description"
        ),
        call("t3", "Write", file_path=str(tmp_path / "canary-outside.txt"), content="canary-content"),
    ]
    prompt = {
        "type": "user",
        "sessionId": "s",
        "message": {"role": "user", "content": "canary-prompt"},
        "tool_use_id": "t1",
    }
    output = f"[main {sha[:7]}] canary-subject\n{sha}"
    write_log(
        home,
        prompt,
        request(1, repo, content=blocks),
        result("t1", "canary-output"),
        result("t2", output),
        result("t3"),
    )
    rollout = home / ".codex/sessions/2026/11/23/rollout-1.jsonl"
    rollout.parent.mkdir(parents=True)
    stamp = '{"timestamp":"2026-11-23T18:30:00Z",'
    remote = '"https://canary-user:canary-password@github.com/acme/widgets.git","branch":"main"'
    rollout.write_text(
        stamp + f'"type":"session_meta","payload":{{"id":"c","cwd":"{repo}","git":{{"repository_url":{remote}}},'
        '"base_instructions":{"text":"canary-instructions"}}}\n'
        + stamp + '"type":"turn_context","payload":{"turn_id":"t","model":"gpt-5.5","user_instructions":"canary-system"}}\n'
        + stamp + '"type":"token_usage_record","payload":{"response_id":"r1","turn_id":"t","usage":{"input_tokens":9},'
        '"thread_token_usage":{}}}\n'
    )  # fmt: skip
    assert main(["--home", str(home)]) == 0
    assert sorted(server.ledger) == ["msg_1", "r1"]
    assert server.ledger["msg_1"]["work"]["edited_files"] == ["app.py"]
    assert server.ledger["msg_1"]["work"]["commits_made"][0]["sha"] == sha
    wire = "".join(server.heads) + b"".join(server.bodies).decode()
    assert "canary" not in wire
    assert str(tmp_path) not in wire
    assert "example.com" not in wire
