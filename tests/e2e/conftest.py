"""The emulator as a process, an App seeded in it, our server as a process, and a person's hands on GitHub."""

import base64
import hashlib
import hmac
import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.store.database import Database
from tests.conftest import skip_unless_ci
from tests.e2e.shim import Shim
from tests.github.accounts import PERMISSIONS, private_key
from tests.node import NodeMissing, node, npm_ci
from tests.patience import DEADLOCK_SECONDS
from tests.processes import MergecostProcess, free_port, serving_asgi

FOLDER = Path(__file__).parent
SECRET = "a webhook secret"
APP_ID, INSTALLATION_ID = 7001, 7002


class OnGitHub:
    """What a person does on GitHub, with a token of their own, straight at the emulator."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": "Bearer person_token"}, timeout=DEADLOCK_SECONDS
        )

    def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = self._client.request(method, path, json=body or None)
        answer.raise_for_status()
        return answer.json()

    def open_pull(self, branch: str) -> int:
        """A branch with one commit, and a pull request from it. Returns its number."""
        main = self.ask("GET", "/repos/acme/widgets/git/ref/heads/main")["object"]["sha"]
        self.ask("POST", "/repos/acme/widgets/git/refs", ref=f"refs/heads/{branch}", sha=main)
        content = base64.b64encode(b"limit = 5\n").decode()
        self.ask("PUT", "/repos/acme/widgets/contents/limit.py", message="Add a limit", content=content, branch=branch)
        return self.ask("POST", "/repos/acme/widgets/pulls", title="Add a limit", head=branch, base="main")["number"]

    def say(self, number: int, body: str) -> None:
        self.ask("POST", f"/repos/acme/widgets/issues/{number}/comments", body=body)

    def comments(self, number: int) -> list[str]:
        return [comment["body"] for comment in self.ask("GET", f"/repos/acme/widgets/issues/{number}/comments")]

    def check(self, number: int) -> dict[str, Any]:
        """Our one check run on the head of a pull request."""
        head = self.ask("GET", f"/repos/acme/widgets/pulls/{number}")["head"]["sha"]
        runs = self.ask("GET", f"/repos/acme/widgets/commits/{head}/check-runs")["check_runs"]
        (run,) = [run for run in runs if run["name"] == "Mergecost"]
        return run

    def issues(self) -> list[dict[str, Any]]:
        return self.ask("GET", "/repos/acme/widgets/issues?state=all")

    def close(self) -> None:
        self._client.close()


class Stage:
    """Everything running: `github` for people, `shim` to watch, `url` of our server, `token` for a collector."""

    def __init__(self, github: OnGitHub, shim: Shim, server: MergecostProcess, token: str) -> None:
        self.github = github
        self.shim = shim
        self.url = server.url
        self.token = token

    def say(self, number: int, body: str) -> None:
        """A person comments. The emulator's event does not say that the issue is a pull request, so GitHub's is delivered here."""
        self.github.say(number, body)
        self._deliver("issue_comment", issue={"number": number, "pull_request": {"url": "x"}}, comment={})

    def press(self, number: int) -> None:
        """A person presses the button of our check run. The emulator has no buttons, so GitHub's event is delivered here."""
        run = self.github.check(number)
        alice = self.github.ask("GET", "/user")
        self._deliver(
            "check_run",
            action="requested_action",
            requested_action={"identifier": "approve"},
            check_run={"external_id": run["external_id"]},
            sender={"id": alice["id"], "login": alice["login"]},
        )

    def install_again(self) -> None:
        """The App is uninstalled and installed again, which gives it a new installation id."""
        before, self.shim.installation_id = self.shim.installation_id, None
        self._deliver_installation("deleted", before)
        self.shim.installation_id = INSTALLATION_ID + 1
        self._deliver_installation("created", self.shim.installation_id)

    def _deliver_installation(self, action: str, number: int | None) -> None:
        owner = self.github.ask("GET", "/repos/acme/widgets")["owner"]
        installation = {"id": number, "account": {"id": owner["id"]}}
        self._post("installation", {"action": action, "installation": installation})

    def _deliver(self, name: str, **content: Any) -> None:
        repository = self.github.ask("GET", "/repos/acme/widgets")
        brief = {"id": repository["id"], "owner": {"id": repository["owner"]["id"]}}
        self._post(name, {"installation": {"id": self.shim.installation_id}, "repository": brief, **content})

    def _post(self, name: str, event: dict[str, Any]) -> None:
        raw = json.dumps(event).encode()
        signature = "sha256=" + hmac.digest(SECRET.encode(), raw, hashlib.sha256).hex()
        headers = {"X-GitHub-Event": name, "X-Hub-Signature-256": signature, "X-GitHub-Delivery": str(uuid.uuid4())}
        assert (
            httpx.post(
                f"{self.url}/webhooks/github", content=raw, headers=headers, timeout=DEADLOCK_SECONDS
            ).status_code
            == 202
        )

    def wait_for_check(self) -> None:
        """Until our server has made or changed a check run."""
        assert self.shim.check_written.acquire(timeout=DEADLOCK_SECONDS), "no check run was written"

    def wait_for_issue(self, times: int = 1) -> None:
        """Until our server has made or changed so many issues."""
        for _ in range(times):
            assert self.shim.issue_written.acquire(timeout=DEADLOCK_SECONDS), "no issue was written"

    def wait_for_reaction(self) -> None:
        """Until our server has answered what a person said."""
        assert self.shim.reacted.wait(DEADLOCK_SECONDS), "no reaction"

    def wait_for_comment(self, number: int, text: str) -> None:
        """Until our comment on a pull request says that, however many writes it takes."""
        self.shim.comment_write.clear()
        while not any(text in body for body in self.github.comments(number)):
            self.wait_for_write()

    def wait_for_write(self) -> None:
        """Until our server has made or changed a comment."""
        assert self.shim.comment_write.wait(DEADLOCK_SECONDS), "no comment was written"
        self.shim.comment_write.clear()


@pytest.fixture
def stage(request: pytest.FixtureRequest, database_url: str, database: Database, tmp_path: Path) -> Iterator[Stage]:
    server_port = free_port()
    with _emulator(server_port) as emulator:
        shim = Shim(emulator, "acme/widgets", INSTALLATION_ID)
        with serving_asgi(shim.app) as url:
            settings = "[defaults]\nsettle_seconds = 0\n" + "".join(getattr(request, "param", ()))
            (tmp_path / "settings.toml").write_text(settings)
            environ = {
                "MERGECOST_DATA": str(tmp_path / "data"),
                "MERGECOST_DATABASE_URL": database_url,
                "MERGECOST_SETTINGS": str(tmp_path / "settings.toml"),
                "MERGECOST_GITHUB_URL": url,
                "MERGECOST_APP_ID": str(APP_ID),
                "MERGECOST_APP_SLUG": "mergecost",
                "MERGECOST_PRIVATE_KEY": private_key(0),
                "MERGECOST_WEBHOOK_SECRET": SECRET,
            }
            server = MergecostProcess(environ, tmp_path / "server.log", server_port)
            github = OnGitHub(emulator)
            try:
                assert shim.swept.wait(DEADLOCK_SECONDS), (tmp_path / "server.log").read_text()
                account_id = github.ask("GET", "/repos/acme/widgets")["owner"]["id"]
                yield Stage(github, shim, server, server.make_token(database, account_id))
            finally:
                github.close()
                server.stop()


class _emulator:
    """The emulator's process; `with` gives its address."""

    def __init__(self, server_port: int) -> None:
        self._seed = _seed(f"http://127.0.0.1:{server_port}/webhooks/github")

    def __enter__(self) -> str:
        try:
            npm_ci(FOLDER)
            command = [node(), str(FOLDER / "emulator.mjs")]
        except NodeMissing as error:
            skip_unless_ci(str(error))
        port = free_port()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"port": port, "seed": self._seed}))
        self._process.stdin.close()
        for line in self._process.stdout:
            if line.strip() == "ready":
                return f"http://127.0.0.1:{port}"
        raise AssertionError(f"the emulator ended with {self._process.wait()}")

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _seed(webhook_url: str) -> dict[str, Any]:
    """One organization with one private repository, and our App installed on it. The first user is nobody: the emulator takes
    any unknown token for theirs, where GitHub answers 401."""
    app = {
        "app_id": APP_ID,
        "slug": "mergecost",
        "name": "Mergecost",
        "private_key": private_key(0),
        "permissions": dict(PERMISSIONS),
        "events": ["pull_request", "issue_comment", "issues"],
        "webhook_url": webhook_url,
        "webhook_secret": SECRET,
        "installations": [
            {
                "installation_id": INSTALLATION_ID,
                "account": "acme",
                "repository_selection": "all",
            }
        ],
    }
    return {
        "tokens": {"person_token": {"login": "alice", "scopes": ["repo"]}},
        "github": {
            "users": [{"login": "nobody"}, {"login": "alice", "email": "alice@example.com"}],
            "orgs": [{"login": "acme", "members": [{"login": "alice", "role": "admin"}]}],
            "repos": [{"owner": "acme", "name": "widgets", "private": True, "auto_init": True}],
            "apps": [app],
        },
    }
