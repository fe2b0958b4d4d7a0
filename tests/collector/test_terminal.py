"""Nothing that a stranger named commands the terminal."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.terminal import line, out, out_json
from tests.collector.developer import Developer
from tests.collector.fake_server import TOKEN, Server
from tests.collector.machine import git

ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b2J\x7f\u202e\r\b"
UNSAFE = set("\x1b\x07\x9b\x7f\u202e\r\b")


@given(st.text())
def test_json_stays_what_it_is(text: str):
    import io
    from contextlib import redirect_stdout

    with redirect_stdout(io.StringIO()) as output:
        out_json(json.dumps(text, ensure_ascii=False).encode())
        out(text + ESCAPES)
    first, _, rest = output.getvalue().partition("\n")
    assert json.loads(first) == text
    assert UNSAFE.isdisjoint(first + rest)
    assert "\n" not in line(text)


@pytest.fixture
def dev(home: Path, repo: Path, server: Server) -> Developer:
    dev = Developer(home, repo, MERGECOST_URL=server.url, MERGECOST_TOKEN=TOKEN)
    del dev.env["MERGECOST_STATE"]
    return dev


def test_names_in_logs_repositories_and_answers_command_no_terminal(dev: Developer, repo: Path, server: Server):
    dev.set_caps(session_usd=1, day_usd=1)
    branch = "feat/\u202e\x9bx"
    git(repo, "checkout", "-q", "-b", branch)
    dev.work(2, f"session {ESCAPES}\n", model=f"model {ESCAPES}\n", gitBranch=f"b {ESCAPES}")
    dev.work(3, f"other {ESCAPES}", version=ESCAPES, gitBranch=f"b {ESCAPES}", cwd="/nowhere")
    (dev.home / f".claude/projects/p/{ESCAPES}.jsonl").symlink_to("/dev/null")
    (dev.home / ".claude/projects/p/a\x1b[2J.jsonl").mkdir()
    server.refusals = {"r0": f"reason {ESCAPES}"}
    commands = [
        ("--by", "branch"), ("--by", "model", "--all"), ("--by", "session", "--all", "--csv"), ("--all", "--json"), ("scan",), ("scan", "--json"),
        ("scan", "--explain", "r0"), ("guard",), ("guard", "--json"), ("push", "--dry-run"), ("push",), ("hooks", "install", "--dry-run"),
        ("hooks", "status"), ("guard", "--unlock", "1h", "--reason", f"r {ESCAPES}"), ("guard",), (f"unknown{ESCAPES}",),
    ]  # fmt: skip
    for arguments in commands:
        run = dev.mergecost(*arguments)
        assert UNSAFE.isdisjoint(run.stdout.replace("\r\n", "\n") + run.stderr), arguments
    for message in (f"no {ESCAPES}", "x"):
        server.answers = [(403, {"message": message})]
        run = dev.mergecost("push")
        assert UNSAFE.isdisjoint(run.stdout + run.stderr)


def test_a_redirect_and_a_reason_of_a_server_command_no_terminal(dev: Developer, server: Server):
    dev.work(1)
    server.answers = [(302, {"Location": "/\x1b[2J"})]
    assert "\x1b" not in dev.mergecost("push").stderr
