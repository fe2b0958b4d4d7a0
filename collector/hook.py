"""What a tool runs when a session or a turn ends: note it, start a push that goes on by itself, and be gone in milliseconds.

Run as `python -I -S hook.py FOLDER`: the standard library alone, nothing printed, and no failure that a tool would show.
"""

import os
import sys
import time


def main(folder: str) -> None:
    with open(f"{folder}/woken", "w") as file:
        file.write(f"{int(time.time())}\n")
    if os.fork():
        return
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    # Tools pass on little of the environment; the folder is the one that the hook was installed with.
    os.environ.setdefault("MERGECOST_STATE", f"{folder}/state.db")
    # -P: a package of that name in the folder where the tool works is not ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "collector.command", "push", "--if-due"])  # noqa: S606


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except OSError:
        os._exit(0)
