"""What an administrator pushes to many machines works on one of them."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.processes import serving_asgi
from tests.world import World

FLEET = Path(__file__).parents[2] / "deploy/fleet"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home/.claude").mkdir(parents=True)
    return tmp_path / "home"


def run(script: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = home / "mergecost"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m collector.command "$@"\n')
    command.chmod(0o755)
    clean = {"HOME": str(home), "PATH": os.environ["PATH"], "MERGECOST_COMMAND": str(command)}
    return subprocess.run([FLEET / script], env=clean | env, cwd=home, capture_output=True, text=True, check=False)


def test_a_machine_is_paired_hooked_and_gets_the_next_token(world: World, home: Path, tmp_path: Path):
    file = tmp_path / "token"
    with serving_asgi(world.app_of_server) as url:
        env = {"MERGECOST_SERVER": url, "MERGECOST_TOKEN_FILE": str(file)}
        assert run("login.sh", home, **env).returncode != 0, "there is no token yet"
        config = home / ".config/mergecost/config.toml"
        first = world.token
        with world.sending_as("laptop-01"):
            second = world.token
        for token in (first, first, second):
            file.write_text(f"{token}\n")
            result = run("login.sh", home, **env)
            assert result.returncode == 0, result.stderr
            assert token in config.read_text()
            assert json.loads(run("otel-headers.sh", home).stdout) == {"Authorization": f"Bearer {token}"}
    assert "mergecost-hook-push" in (home / ".claude/settings.json").read_text()


def test_managed_settings_name_one_server_and_hold_no_secret():
    texts = {path.name: path.read_text() for path in FLEET.iterdir()}
    json.loads(texts["gemini.json"])
    json.loads(texts["claude-code.json"])
    tomllib.loads(texts["codex.toml"])
    for name in ("gemini.json", "claude-code.json", "codex.toml"):
        assert texts[name].count("https://mergecost.example.com") == 1
    assert not any("mergecost_ingest_" in texts[name] for name in ("gemini.json", "claude-code.json", "codex.toml"))
