"""Hooks outlive the installation that wrote them: an upgrade, another Python, a move. Two installations hook once."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import msgspec
import pytest

from collector.hooks import launcher
from collector.hooks.launcher import GUARD, PUSH
from tests.collector.fake_server import TOKEN, Server
from tests.collector.machine import CommandResult, mergecost, request, write_log
from tests.patience import DEADLOCK_SECONDS

PACKAGES = f"lib/python3.{sys.version_info.minor}/site-packages"


@pytest.fixture
def env(home: Path, server: Server) -> dict[str, str]:
    """A home that is paired with the server by its configuration file, and nothing in the environment that says so."""
    (home / ".claude").mkdir()
    config = home / ".config/mergecost/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'url = "{server.url}"\ntoken = "{TOKEN}"\n')
    config.chmod(0o600)
    return {"HOME": str(home), "PATH": os.environ["PATH"]}


@pytest.fixture
def state(home: Path) -> Path:
    return home / ".local/state/mergecost"


def hooks(env: dict[str, str], repo: Path, *arguments: str) -> CommandResult:
    return mergecost(repo, env, "hooks", *arguments)


def commands(home: Path) -> list[str]:
    settings = json.loads((home / ".claude/settings.json").read_text())
    return [hook["command"] for groups in settings["hooks"].values() for group in groups for hook in group["hooks"]]


def run(home: Path, env: dict[str, str], repo: Path) -> None:
    """As the tool does it, with next to nothing in its environment; and until all that it started has ended."""
    reader, writer = os.pipe()
    line = commands(home)[0].replace(" || true", f" {writer} || true")
    subprocess.run(
        ["sh", "-c", line], env=env, cwd=repo, input=b"{}", capture_output=True, check=True, pass_fds=[writer],
        timeout=DEADLOCK_SECONDS,
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader) as pipe:
        pipe.read()


def elsewhere(folder: Path) -> Path:
    """Another installation, in an environment of its own: its command."""
    venv.create(folder, symlinks=True)
    site = folder / PACKAGES
    for name in ("collector", "attribution"):
        shutil.copytree(Path(launcher.__file__).parents[2] / name, site / name)
    (site / "others.pth").write_text(f"{Path(msgspec.__file__).parents[1]}\n")
    command = folder / "bin/mergecost"
    command.write_text(f"#!{folder}/bin/python\nimport sys\nfrom collector.command import main\nsys.exit(main())\n")
    command.chmod(0o755)
    return command


def install_from(command: Path, env: dict[str, str], repo: Path) -> None:
    subprocess.run([command, "hooks", "install"], env=env, cwd=repo, check=True, capture_output=True)


def test_a_hook_pushes_without_a_shells_variables(env: dict[str, str], home: Path, repo: Path, server: Server):
    assert hooks(env, repo, "install").returncode == 0
    write_log(home, request(1, repo))
    run(home, env, repo)
    assert sorted(server.ledger) == ["msg_1"]


def test_hooks_work_on_after_the_installation_moved(
    env: dict[str, str], home: Path, repo: Path, state: Path, server: Server, tmp_path: Path
):
    command = elsewhere(tmp_path / "venv")
    install_from(command, env, repo)
    written = (home / ".claude/settings.json").read_bytes()
    assert launcher.problem(state / PUSH) == ""
    # As pipx does it with a new Python: other packages, and the command again where it was for the user.
    (home / ".local/bin").mkdir(parents=True)
    moved = tmp_path / "moved"
    (tmp_path / "venv").rename(moved)
    (moved / "bin/mergecost").write_text(
        (moved / "bin/mergecost").read_text().replace(str(tmp_path / "venv"), str(moved))
    )
    (home / ".local/bin/mergecost").symlink_to(moved / "bin/mergecost")
    write_log(home, request(1, repo))
    assert (
        f"the installation has moved: there is no {tmp_path / 'venv/bin/python'}" in hooks(env, repo, "status").stderr
    )
    run(home, env, repo)
    assert sorted(server.ledger) == ["msg_1"], "the script found the command"
    assert f"hook={moved / PACKAGES}/collector/hook.py" in (state / PUSH).read_text()
    assert hooks(env, repo, "status").returncode == 0
    assert (home / ".claude/settings.json").read_bytes() == written, "what the tool trusts is as it was"


def test_two_installations_hook_once(env: dict[str, str], home: Path, repo: Path, state: Path, tmp_path: Path):
    assert hooks(env, repo, "install", "--guard").returncode == 0
    first = commands(home)
    install_from(elsewhere(tmp_path / "venv"), env, repo)
    assert commands(home) == first
    assert str(tmp_path / "venv") in (state / PUSH).read_text()
    with_other_state = env | {"MERGECOST_STATE": str(home / "other/state.db")}
    assert hooks(with_other_state, repo, "install", "--guard").returncode == 0
    assert [command.split()[0] for command in commands(home)] == [
        str(home / "other" / name) for name in (PUSH, PUSH, GUARD, GUARD)
    ]
    assert hooks(with_other_state, repo, "uninstall").returncode == 0
    assert not (home / ".claude/settings.json").exists()


def test_a_dead_hook_is_named_and_hurts_no_tool(env: dict[str, str], home: Path, repo: Path, state: Path):
    assert hooks(env, repo, "install").returncode == 0
    for harm, words in (
        (
            lambda: (state / PUSH).write_text(f"#!/bin/sh\npython={sys.executable}\nhook=/gone/hook.py\n"),
            "the installation has moved: there is no /gone/hook.py",
        ),
        ((state / PUSH).unlink, f"{state / PUSH} is gone"),
    ):
        harm()
        status = hooks(env, repo, "status")
        assert status.returncode == 1
        assert "hooked, dead" in status.stdout
        assert f"Hooks do nothing, since {words}: run `mergecost hooks install`" in status.stderr
        run(home, env, repo)
    assert hooks(env, repo, "install").returncode == 0
    assert hooks(env, repo, "status").returncode == 0


def test_the_place_of_the_configuration_goes_along(env: dict[str, str], home: Path, repo: Path, server: Server):
    (home / "my config").mkdir()
    (home / ".config/mergecost").rename(home / "my config/mergecost")
    assert hooks(env | {"XDG_CONFIG_HOME": str(home / "my config")}, repo, "install").returncode == 0
    write_log(home, request(1, repo))
    run(home, env, repo)
    assert sorted(server.ledger) == ["msg_1"]


def test_hooks_that_could_not_push_are_not_installed(env: dict[str, str], home: Path, repo: Path, server: Server):
    config = home / ".config/mergecost/config.toml"
    settings = config.read_text()
    ours = {"MERGECOST_URL": server.url, "MERGECOST_TOKEN": TOKEN}
    for text, variables, words in (
        ("", {}, "Run `mergecost login` with its address"),
        ("", ours, "MERGECOST_URL and MERGECOST_TOKEN end with this shell, and a hook runs without them."),
        (settings.replace(TOKEN, "old"), {}, "does not accept your token (401)"),
        (settings.replace(server.url, "http://127.0.0.1:1"), {}, "cannot reach"),
    ):
        config.write_text(text)
        result = hooks(env | variables, repo, "install")
        assert result.returncode == 1
        assert "not installed, since nothing could be pushed" in result.stderr
        assert words in result.stderr
        assert "`mergecost hooks install --offline`" in result.stderr
        assert not (home / ".claude/settings.json").exists()
    assert hooks(env, repo, "install", "--offline").returncode == 0
