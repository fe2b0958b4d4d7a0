"""Roo Code and Zoo Code, its successor: task folders as Cline's old ones, in their own extension's settings.
https://github.com/RooCodeInc/Roo-Code
"""

from collections.abc import Iterable

from attribution.tools import cline_tasks
from attribution.tools.log import LogRead

NAME = "roo-code"
TITLE = "Roo Code"
LOGS = (cline_tasks.source("rooveterinaryinc.roo-cline"), cline_tasks.source("zoocodeorganization.zoo-code"))


def read_log(records: Iterable[bytes], name: str = "") -> LogRead:
    """See `attribution.tools.log.Tool`."""
    return cline_tasks.read(records, name, NAME)
