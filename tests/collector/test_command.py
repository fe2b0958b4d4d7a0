"""The command line, as a process where that matters."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from collector.command import CommandUnavailable, load, main
from collector.settings import SettingsError, read_settings, state_file
from collector.state import State
from tests.collector.machine import request, write_log
from tests.patience import DEADLOCK_SECONDS

ROOT = Path(__file__).parents[2]


def mergecost(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "collector.command", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | (env or {}),
        capture_output=True,
        text=True,
        timeout=DEADLOCK_SECONDS,
        check=False,
    )


def test_scan_as_a_table(home: Path, repo: Path):
    write_log(home, request(1, repo), request(2, repo))
    run = mergecost("scan", "--home", str(home))
    assert run.returncode == 0
    assert run.stdout.splitlines() == [
        "Tool         Model            Requests  Uncached input  Cached input  Cache writes  Output",
        "claude-code  claude-opus-5-5         2               3             0             0      30",
        "Total                                2               3             0             0      30",
        "",
        "Sessions: 1. Log files read: 1.",
    ]


def test_scan_as_json_has_every_token_field(home: Path, repo: Path):
    write_log(home, request(1, repo))
    (line,) = mergecost("scan", "--json", "--home", str(home)).stdout.splitlines()
    row = json.loads(line)
    assert row["tokens"] == {
        "is_known": True, "uncached_input": 1, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0, "output": 10, "reasoning": 0,
    }  # fmt: skip
    assert (row["tool"], row["at"]) == ("claude-code", "2026-11-23T18:01:00.500000Z")
    assert (row["request_id"], row["aliases"]) == ("msg_1", ["req_1"])


def test_unreadable_lines_are_reported_below_the_table_and_beside_json(home: Path, repo: Path):
    with write_log(home, request(1, repo)).open("a") as log:
        log.write('{"output_tokens": nonsense}\n')
    message = "Lines that could not be read: 1.\n"
    assert mergecost("scan", "--home", str(home)).stdout.endswith(message)
    as_json = mergecost("scan", "--json", "--home", str(home))
    assert (len(as_json.stdout.splitlines()), as_json.stderr) == (1, message)


def test_scan_of_an_empty_home_names_the_folder_and_the_tools(home: Path):
    run = mergecost("scan", "--home", str(home))
    assert run.returncode == 0
    assert f"Looked below {home}, or where their variables point, for the logs of aider, amp, claude-code" in run.stdout


def test_scan_never_imports_what_only_pushing_or_serving_needs(home: Path):
    code = (
        "import sys; from collector.command import main; main(['scan', '--home', sys.argv[1]]); "
        "heavy = {'urllib.request', 'subprocess', 'genai_prices', 'fastapi', 'sqlmodel', 'githubkit', 'bot', 'webhooks'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code, str(home)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_help_the_version_and_a_misspelt_command(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    assert re.search(r"scan +show what", capsys.readouterr().out)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("mergecost 0.")
    assert main(["psuh"]) == 2
    assert "did you mean 'push'?" in capsys.readouterr().err
    assert main(["zzz"]) == 2
    assert "there are cost, scan, login" in capsys.readouterr().err


def test_a_command_whose_package_is_missing_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "needs_a_package.py").write_text("import no_such_package.deep\n")
    (tmp_path / "needs_our_own.py").write_text("import webhooks.no_such_module\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(CommandUnavailable, match=r"needs no_such_package, .*pip install 'mergecost\[server\]'"):
        load("needs_a_package:main")
    with pytest.raises(ModuleNotFoundError, match=r"webhooks\.no_such_module"):
        load("needs_our_own:main")


def test_a_closed_pipe_is_not_an_error(home: Path, repo: Path):
    write_log(home, *(request(number % 60, repo, requestId=f"r{number}") for number in range(60)))
    command = f"{sys.executable} -m collector.command scan --json --home {home}"
    process = subprocess.Popen(command.split(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


def test_an_interrupt_prints_no_traceback(tmp_path: Path):
    (tmp_path / "interrupted.py").write_text(
        "import os, signal\ndef main(argv):\n    os.kill(os.getpid(), signal.SIGINT)\n    signal.pause()\n"
    )
    program = (
        # Whoever runs the tests in the background has it ignored, and so would this process.
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from collector.command import COMMANDS, main; "
        "COMMANDS['wait'] = ('interrupted:main', ''); sys.exit(main(['wait']))"
    )
    env = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, check=False)
    assert (run.returncode, run.stderr) == (128 + signal.SIGINT, b"")


def test_settings_come_from_the_option_the_environment_or_the_file(tmp_path: Path):
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    with pytest.raises(
        SettingsError, match=f"mergecost login` with its address, .*; {tmp_path}/mergecost/config.toml has none"
    ):
        read_settings(env, None)
    (tmp_path / "mergecost").mkdir()
    (tmp_path / "mergecost/config.toml").write_text('url = "https://file.example/"\ntoken = "t1"\n')
    settings = read_settings(env, None)
    assert (settings.url, settings.token) == ("https://file.example", "t1")
    env |= {"MERGECOST_URL": "https://env.example", "MERGECOST_TOKEN": "t2"}
    settings = read_settings(env, None)
    assert (settings.url, settings.token) == ("https://env.example", "t2")
    assert read_settings(env, "https://option.example").url == "https://option.example"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://mergecost.example", "in the clear: use https://mergecost.example"),
        ("http://localhost.example", "in the clear"),
        ("http://127.evil.example", "in the clear"),
        ("http://127.0.0.1.evil.example", "in the clear"),
        ("http://127.1", "in the clear"),
        ("http://localhost.", "in the clear"),
        ("http://[::ffff:10.0.0.1]", "in the clear"),
        ("http://127.0.0.1@evil.example", "characters"),
        ("http://127.0.0.1\\@evil.example", "characters"),
        ("https://mergecost.example/?to=", "characters"),
        ("https://mergecost.example#", "characters"),
        ("ftp://mergecost.example", "starts with https://"),
        ("mergecost.example", "starts with https://"),
        ("https://mergecost.example:port", "not the address of a server"),
        ("https://merge cost.example", "characters"),
    ],
)
def test_addresses_that_are_refused(url: str, message: str, tmp_path: Path):
    with pytest.raises(SettingsError, match=message):
        read_settings({"XDG_CONFIG_HOME": str(tmp_path), "MERGECOST_TOKEN": "t"}, url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://127.9.9.9", "http://localhost:8000", "http://[::1]:8000"]
)
def test_plain_http_is_accepted_only_for_this_machine(url: str, tmp_path: Path):
    assert read_settings({"XDG_CONFIG_HOME": str(tmp_path), "MERGECOST_TOKEN": "t"}, url).url == url


@pytest.mark.parametrize("text", ["url = ", 'adress = "https://a.example"', "url = 7", "\ud800"])
def test_a_broken_file_is_named(text: str, tmp_path: Path):
    (tmp_path / "mergecost").mkdir()
    (tmp_path / "mergecost/config.toml").write_text(text, errors="surrogatepass")
    with pytest.raises(SettingsError, match=r"cannot use .*config\.toml"):
        read_settings({"XDG_CONFIG_HOME": str(tmp_path)}, None)


def test_a_token_with_control_characters_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="copy it again"):
        read_settings({"XDG_CONFIG_HOME": str(tmp_path), "MERGECOST_TOKEN": "t\r\nHost: x"}, "https://a.example")


def test_the_environment_decides_where_the_state_is(tmp_path: Path):
    assert state_file({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "mergecost/state.db"
    assert state_file({"MERGECOST_STATE": "/elsewhere.db", "XDG_STATE_HOME": str(tmp_path)}) == Path("/elsewhere.db")


def test_a_state_file_that_is_not_a_database_is_named(tmp_path: Path):
    (tmp_path / "state.db").write_text("not a database, certainly not one of ours" * 100)
    with pytest.raises(SettingsError, match="Deleting it loses nothing"), State(tmp_path / "state.db"):
        pass
    with pytest.raises(SettingsError, match="Deleting it loses nothing"), State(tmp_path / "state.db/state.db"):
        pass


def test_push_without_settings_says_what_to_do(tmp_path: Path):
    run = mergecost("push", env={"XDG_CONFIG_HOME": str(tmp_path), "MERGECOST_URL": "", "MERGECOST_TOKEN": ""})
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("mergecost push: which server? Run `mergecost login`")
