"""A pull request that one person makes dear stops the tools of another: collector, server and hook together."""

import time
from pathlib import Path

from bot.store.database import Database
from tests.collector.desk import Desk
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
        desk = Desk(
            tmp_path / "home",
            repository(tmp_path / "work/widgets"),
            MERGECOST_URL=url,
            MERGECOST_TOKEN=world.token,
            MERGECOST_STATE=str(tmp_path / "home/.local/state/mergecost/state.db"),
        )
        desk("hooks", "install", "--guard")
        desk.work(2)
        assert desk("push").returncode == 0
        world.settle()
        assert "$59.00" in world.comment(12)
        assert "pull request #12" in desk("guard").stdout
        assert desk.tries() == ""
        desk.work(1.01)
        desk("push")
        world.settle()
        desk("guard")
        assert "pull request #12 has cost $60.01 at list price, over the cap of $60.00" in desk.tries()
        assert "cap_pull_usd in the settings of acme/widgets" in desk.tries("copilot-cli", "preToolUse")
        world.merge(12)
        world.settle()
        desk("guard")
        assert desk.tries() == ""
