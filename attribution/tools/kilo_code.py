"""Kilo Code since spring 2026 keeps OpenCode's store: `~/.local/share/kilo/kilo*.db` (XDG_DATA_HOME); before, an editor extension
with Cline's task folders. Exact and missing are as there. https://github.com/Kilo-Org/kilocode
"""

from collections.abc import Iterable

from attribution.tools import cline_tasks, opencode
from attribution.tools.log import LogRead, Sqlite

NAME = "kilo-code"
TITLE = "Kilo Code"
LOGS = (
    Sqlite(
        folders=(".local/share/kilo",),
        variables=(("XDG_DATA_HOME", "kilo"),),
        patterns=("kilo*.db",),
        queries=opencode.QUERIES,
    ),
    cline_tasks.source("kilocode.kilo-code"),
)


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`."""
    if name.endswith(".json"):
        return cline_tasks.read(records, name, NAME)
    return opencode.read(records, name, NAME)
