"""A pull request over its cap because of one person stops the tools of another: collector, server and hook together."""

import time
from pathlib import Path

from bot.store.database import Database
from tests.collector.developer import Developer
from tests.collector.machine import repository
from tests.processes import serving_asgi
from tests.world import World


def test_what_others_spent_on_the_pull_request_stops_this_machine(database: Database, tmp_path: Path):
    with (
        World(database, tmp_path / "data", now_ms=int(time.time() * 1000)) as world,
        serving_asgi(world.app_of_server) as url,
    ):
        world.settings_file("cap_pull_usd: 60\n")
        world.open_pull(12, "feat/x", "1f2e3d4")
        for i in range(6):
            world.send_at("feat/x", 9.5, f"theirs-{i}")
        world.settle()
        dev = Developer(
            tmp_path / "home",
            repository(tmp_path / "work/widgets"),
            MERGECOST_URL=url,
            MERGECOST_TOKEN=world.token,
            MERGECOST_STATE=str(tmp_path / "home/.local/state/mergecost/state.db"),
        )
        dev.mergecost("hooks", "install", "--offline", "--guard")
        dev.work(2)
        assert dev.mergecost("push").returncode == 0
        world.settle()
        assert "$59.00" in world.comment(12)
        assert "pull request #12" in dev.mergecost("guard").stdout
        assert dev.run_hook() == ""
        dev.work(1.01)
        dev.mergecost("push")
        world.settle()
        dev.mergecost("guard")
        assert "pull request #12 has cost $60.01 at list price, over the cap of $60.00" in dev.run_hook()
        assert "cap_pull_usd in the settings of acme/widgets" in dev.run_hook("copilot-cli", "preToolUse")
        world.merge(12)
        world.settle()
        dev.mergecost("guard")
        assert dev.run_hook() == ""
