"""How many examples a property is tried on that is dear, because each of them fills a database or calls a server."""

import os

# `make fuzz` asks for more, of every property.
TIMES = int(os.environ.get("FUZZ_TIMES", "1"))


def examples(count: int) -> int:
    return count * TIMES
