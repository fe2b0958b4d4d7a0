"""A developer's machine is paired with the real server, over a socket, by a login on the fake GitHub."""

import json
import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from inline_snapshot import snapshot
from starlette.responses import JSONResponse

from bot.clock import to_ms
from collector import login_command
from tests.collector.machine import CommandResult, git, mergecost, repository, request, run_there, write_log
from tests.github.state import User
from tests.processes import serving_asgi
from tests.world import World

DOLLAR = {"model": "claude-opus-5", "content": [], "usage": {"input_tokens": 200_000, "output_tokens": 0}}


class Machine:
    """A home folder and a clone on it, and the person in front of it."""

    def __init__(self, world: World, url: str, folder: Path) -> None:
        self.world, self.url = world, url
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.repo = repository(folder / "work/widgets")
        self.env = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        self.config = self.home / ".config/mergecost/config.toml"
        self.naps: list[float] = []

    def run(self, *arguments: str, **env: str) -> CommandResult:
        return mergecost(self.repo, self.env | env, *arguments)

    def log_in(
        self, *options: str, person: User | None = None, after: int = 2, says: str = "y", **env: str
    ) -> CommandResult:
        """The person confirms on GitHub while the machine waits for the `after`th time."""

        def sleep(seconds: float) -> None:
            self.naps.append(seconds)
            self.world.now_ms += int(seconds * 1000)
            if len(self.naps) == after:
                (code,) = [of for of in self.world.github.device_logins.values() if not of.is_used]
                self.world.github.confirm_login(code.user_code, person or self.world.alice)

        arguments = [self.url, *options]
        return run_there(
            self.repo, self.env | env, lambda: login_command.main(arguments, sleep=sleep, ask=lambda: says)
        )

    def shown(self, text: str) -> str:
        """What differs from run to run, by its name."""
        text = text.replace(self.url, "SERVER").replace(str(self.config), "CONFIG")
        return re.sub(r"[0-9A-F]{4}-[0-9A-F]{4}", "CODE", re.sub(r"token [0-9a-f]{8}", "token ID", text))


@pytest.fixture
def machine(world: World, tmp_path: Path) -> Iterator[Machine]:
    world.now_ms = to_ms(datetime(2026, 11, 23, 19, tzinfo=UTC))  # after the work of the logs
    with serving_asgi(world.app_of_server) as url:
        yield Machine(world, url, tmp_path / "machine")


def test_from_the_login_to_the_comment(machine: Machine, world: World):
    git(machine.repo, "checkout", "-q", "-b", "feat/a", at="2026-11-23T17:50:00Z")
    write_log(
        machine.home, *(request(number, machine.repo, message=DOLLAR | {"id": f"m{number}"}) for number in (1, 2))
    )
    world.github.add_user("dev", email="dev@example.com")
    login = machine.log_in()
    assert (login.returncode, login.stderr) == (0, "")
    assert machine.shown(login.stdout) == snapshot("""\
Open https://github.com/login/device and enter the code CODE
Logged in as alice, for acme.
SERVER covers 1 repository.
Would send from  Tool         Requests
acme/widgets     claude-code         2
Sent are token counts, ids, times, and names of models and branches, commit ids and paths of files within the repository; never a prompt, an answer, a diff or a command.
Send this now, and from now on what is new of these repositories? [y/N]
Paired: CONFIG holds the address and the token, for you alone.
Sent 2 requests to SERVER; it had 0 already.
To send what is new by itself from now on: mergecost hooks install
""")
    assert stat.S_IMODE(machine.config.stat().st_mode) == 0o600
    assert machine.shown(machine.run("whoami").stdout) == snapshot("alice, for acme on SERVER (token ID)\n")
    world.open_pull(12, "feat/a", "1f2e3d4", by="dev")
    world.settle()
    assert "$2.00" in world.comment(12)


def test_nothing_is_sent_or_kept_before_the_person_agrees(machine: Machine, world: World):
    write_log(machine.home, request(1, machine.repo))
    for says in ("n", "", "what?"):
        machine.naps.clear()
        refusal = machine.log_in(says=says)
        assert refusal.returncode == 1
        assert "Nothing was sent and nothing is kept" in refusal.stderr
    assert not machine.config.exists()
    assert world.shares() == {}
    tokens = [line for line in world.tokens() if line.user_id]
    assert [token.revoked_at_ms is None for token in tokens] == [False] * 3


def test_where_nobody_can_be_asked_a_script_agrees_with_yes(machine: Machine):
    refusal = machine.run("login", machine.url)
    assert refusal.returncode == 1
    assert "with --yes you agree" in refusal.stderr
    assert machine.log_in("--yes", says="never asked").returncode == 0


def test_a_person_with_several_accounts_has_one_login(machine: Machine, world: World, tmp_path: Path):
    notes = world.github.add_repository(world.alice, "notes")
    world.github.install(world.app, world.alice, [notes])
    world.deliver()
    world.settle()
    clone = repository(tmp_path / "work/notes", "git@github.com:alice/notes.git")
    elsewhere = repository(tmp_path / "work/other", "git@github.com:rival/other.git")
    write_log(machine.home, request(1, machine.repo), request(2, clone), request(3, elsewhere))
    login = machine.log_in("--yes")
    assert "Logged in as alice, for acme, alice." in login.stdout
    assert re.findall(r"Sent \d.*", machine.shown(login.stdout)) == snapshot(
        ["Sent 2 requests to SERVER; it had 0 already. Kept here: 1 not covered."]
    )
    assert len(machine.run("whoami").stdout.splitlines()) == 2
    assert "Sent 0 requests" in machine.run("push").stdout
    with_tokens = machine.config.read_text()
    token = re.findall(r"mergecost_ingest_[\w-]+", with_tokens)[0]
    world.end_token(token)
    write_log(machine.home, *(request(number, repo) for number, repo in ((1, machine.repo), (2, clone), (4, clone))))
    push = machine.run("push")
    assert push.returncode == 1
    assert "does not accept your token (401)" in push.stderr
    assert "Sent 1 requests" in push.stdout, "one account's trouble is not another's"


def test_a_login_keeps_what_else_is_in_the_file_and_a_logout_too(machine: Machine):
    own = "# mine\npaths = false\n\n[guard]\nday_usd = 50 # enough\n"
    machine.config.parent.mkdir(parents=True)
    machine.config.write_text('url = "https://old.example"\ntoken = "old"\n' + own)
    assert machine.log_in("--yes").returncode == 0
    text = machine.config.read_text()
    assert text.endswith(own)
    assert "old" not in text
    assert "paths of files" not in machine.run("push").stdout
    token = re.findall(r"mergecost_ingest_[\w-]+", text)[0]
    assert machine.run("logout").returncode == 0
    assert machine.config.read_text() == own
    assert "run `mergecost login`" in machine.run(
        "whoami", MERGECOST_URL=machine.url, MERGECOST_TOKEN=token
    ).stderr.replace("R", "r")
    assert machine.run("logout").returncode == 1


def test_a_logout_that_the_server_does_not_hear_of_forgets_nothing(machine: Machine):
    assert machine.log_in("--yes").returncode == 0
    text = machine.config.read_text().replace(machine.url, "http://127.0.0.1:1")
    machine.config.write_text(text)
    logout = machine.run("logout")
    assert logout.returncode == 1
    assert "cannot reach http://127.0.0.1:1" in logout.stderr
    assert machine.config.read_text() == text


@pytest.mark.parametrize("text", ['token = """\nold"""\n', "x = 1\n", '"token" = "old"\nurl = "https://old.example"\n'])
def test_a_file_that_cannot_be_changed_is_left_as_it_is(machine: Machine, text: str):
    machine.config.parent.mkdir(parents=True)
    machine.config.write_text(text)
    login = machine.log_in("--yes")
    assert login.returncode == 1
    assert str(machine.config) in login.stderr
    assert machine.config.read_text() == text


def test_a_code_that_nobody_enters_runs_out(machine: Machine):
    login = machine.log_in("--yes", after=1000)
    assert login.returncode == 1
    assert "the code was not entered in time" in login.stderr
    assert sum(machine.naps) <= 905


def test_a_machine_asks_as_slowly_as_github_wants(machine: Machine, world: World):
    world.github.fail_next("POST", "/login/oauth/access_token", status=503)
    slow_down = {"error": "slow_down", "interval": 17}
    world.github.answer_next("POST", "/login/oauth/access_token", JSONResponse(slow_down))
    assert machine.log_in("--yes", after=4).returncode == 0
    assert machine.naps == [5, 5, 17, 17]


def test_a_token_of_the_operator_pairs_a_machine_without_github(machine: Machine, world: World, tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(f"{world.token}\n")
    login = machine.run("login", machine.url, "--yes", "--token-file", str(file))
    assert login.returncode == 0, login.stderr
    assert "a token that the server's operator made, for acme" in machine.run("whoami").stdout
    file.write_text("mergecost_ingest_wrong\n")
    assert machine.run("login", machine.url, "--yes", "--token-file", str(file)).returncode == 1
    assert world.token in machine.config.read_text(), "the token that works is kept"


def test_the_environment_goes_before_the_file(machine: Machine, world: World):
    assert machine.log_in("--yes").returncode == 0
    other = machine.run("whoami", MERGECOST_TOKEN=world.token)
    assert "the server's operator made" in other.stdout


def test_an_address_that_is_no_server_of_ours_is_said(machine: Machine):
    for url, words in (
        (f"{machine.url}/nowhere", "is the address right"),
        ("http://mergecost.example", "in the clear"),
        ("http://127.0.0.1:1", "cannot reach"),
    ):
        result = machine.run("login", url, "--yes")
        assert result.returncode == 1
        assert words in result.stderr, json.dumps(result.stderr)
