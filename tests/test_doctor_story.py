"""`mergecost doctor` on a machine that is paired with the real server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot

from bot.clock import system_clock
from collector.hooks.launcher import PUSH
from tests.collector.machine import request, write_log
from tests.processes import serving_asgi
from tests.test_pairing_story import Machine
from tests.world import World


@pytest.fixture
def machine(world: World, tmp_path: Path) -> Iterator[Machine]:
    """At the real time, which is what a clock is compared with."""
    world.now_ms = system_clock()
    with serving_asgi(world.app_of_server) as url:
        machine = Machine(world, url, tmp_path / "machine")
        (machine.home / ".claude").mkdir()
        yield machine


def pair(machine: Machine) -> None:
    assert machine.log_in("--yes", after=1).returncode == 0
    machine.world.now_ms = system_clock()
    assert machine.run("hooks", "install").returncode == 0


def findings(machine: Machine) -> dict[str, tuple[str, str]]:
    result = machine.run("doctor", "--json")
    found: list[dict[str, Any]] = json.loads(result.stdout)["findings"]
    assert result.returncode == int(any(of["state"] == "bad" for of in found))
    return {of["name"]: (of["state"], of["text"]) for of in found}


def test_all_is_well(machine: Machine):
    pair(machine)
    doctor = machine.run("doctor")
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME", machine.shown(doctor.stdout))
    assert (doctor.returncode, doctor.stderr) == (0, "")
    assert text == snapshot("""\
ok    claude-code   hooked
ok    address       SERVER, from CONFIG
ok    token         alice, for acme
ok    clock         as the server's
ok    version       0.1.0, as the server's
ok    coverage      repositories: 1
ok    waiting       0 requests are not sent yet.
ok    push          last push TIME
""")


def test_a_machine_that_is_not_paired(machine: Machine):
    found = findings(machine)
    assert found["address"][0] == "bad"
    assert "Run `mergecost login`" in found["address"][1]
    assert found["claude-code"] == ("note", "not hooked: mergecost hooks install")
    assert found["push"] == ("note", "never pushed")


def test_what_is_wrong_is_named_each_in_its_line(machine: Machine, world: World):
    pair(machine)
    write_log(machine.home, request(1, machine.repo), request(2, "/gone"))
    assert findings(machine)["waiting"] == ("note", "1 requests are not sent yet. Kept here: 1 repository unknown.")
    (machine.home / ".local/state/mergecost" / PUSH).unlink()
    assert findings(machine)["claude-code"][0] == "bad"
    world.now_ms -= 3_600_000
    state, text = findings(machine)["clock"]
    assert (state, re.sub(r"[\d,]+ s", "N s", text)) == (
        "bad", "N s ahead of the server's: set this machine's time by the network",
    )  # fmt: skip
    token = re.findall(r"mergecost_ingest_[\w-]+", machine.config.read_text())[0]
    world.end_token(token)
    found = findings(machine)
    assert found["token"][0] == "bad"
    assert "Run `mergecost login`" in found["token"][1]
    assert machine.run("push").returncode == 1
    state, text = findings(machine)["push"]
    assert state == "bad"
    assert "does not accept your token (401)" in text


def test_a_server_that_is_away_is_named(machine: Machine):
    pair(machine)
    machine.config.write_text(machine.config.read_text().replace(machine.url, "http://127.0.0.1:1"))
    state, text = findings(machine)["token"]
    assert state == "bad"
    assert "cannot reach http://127.0.0.1:1" in text
