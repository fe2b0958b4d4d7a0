"""What AI tools run: two small scripts in the state folder, which find this installation.

A tool's settings name the script alone, so an upgrade, another Python or a move changes nothing in them, and what a person trusted
there stays trusted. Two installations write the same script: the tool runs one hook, that of the last `mergecost hooks install`.
If that installation is gone, the script starts the `mergecost` command that is in its place, which writes the script anew.
"""

import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from collector.files import read_bytes, write_bytes

PUSH, GUARD = "mergecost-hook-push", "mergecost-hook-guard"
_FOLDER = Path(__file__).parents[1]
HOOKS = {PUSH: _FOLDER / "hook.py", GUARD: _FOLDER / "guard/hook.py"}


def script(hook: Path, state: Path, config_home: str, commands: Iterable[Path], python: str = sys.executable) -> str:
    """The script for one `hook`. It never waits and starts nothing that the folder it runs in names: with the first two variables a
    project could name another Python, whose `site-packages` count; `-I` does not cover them
    (https://github.com/python/cpython/blob/3.11/Modules/getpath.py and `Lib/site.py`)."""
    quote = shlex.quote
    state_file = quote(str(state / "state.db"))
    home = f'XDG_CONFIG_HOME="${{XDG_CONFIG_HOME:-{config_home}}}"' if config_home else ""
    return "\n".join(
        [
            "#!/bin/sh",
            "# AI tools run this. `mergecost hooks install` wrote it; `mergecost push` does where the installation is gone.",
            f"python={quote(python)}",
            f"hook={quote(str(hook))}",
            *([f"export {home}"] if home else []),
            'if [ -x "$python" ] && [ -f "$hook" ]; then',
            "  export PYTHONEXECUTABLE= __PYVENV_LAUNCHER__=",
            f'  exec "$python" -I -S "$hook" {quote(str(state))} "$@"',
            "fi",
            f"for command in {' '.join(quote(str(command)) for command in commands)}; do",
            '  if [ -x "$command" ]; then',
            f'    /usr/bin/env -i HOME="$HOME" PATH="$PATH" MERGECOST_STATE={state_file} {home} "$command" push --if-due \\',
            "      </dev/null >/dev/null 2>&1 &",
            "    exit 0",
            "  fi",
            "done",
            "",
        ]
    )


def install(state: Path, env: Mapping[str, str]) -> None:
    """Both scripts, for this installation. The folder is there. Raises OSError."""
    for name in HOOKS:
        write_bytes(state / name, _own(name, state, env).encode(), 0o700)


def mend(state: Path, env: Mapping[str, str]) -> None:
    """Write a script anew whose installation is gone. Raises OSError."""
    paths = [state / name for name in HOOKS]
    for path in paths:
        if path.exists() and problem(path):
            write_bytes(path, _own(path.name, state, env).encode(), 0o700)


def uninstall(state: Path) -> None:
    for name in HOOKS:
        (state / name).unlink(missing_ok=True)


def problem(path: Path) -> str:
    """Why the hook whose script is at `path` does nothing; empty while it works."""
    try:
        text = _read(path)
    except OSError:
        return f"{path} is gone"
    values = _values(text)
    gone = [values.get(name, name) for name in ("python", "hook") if not Path(values.get(name, "")).is_file()]
    return f"the installation has moved: there is no {gone[0]}" if gone else ""


def _own(name: str, state: Path, env: Mapping[str, str]) -> str:
    """Where the command of an installation stays when it is upgraded: that which runs, and where pipx and uv put theirs."""
    commands = [Path(sys.executable).with_name("mergecost"), Path.home() / ".local/bin/mergecost"]
    if Path(sys.argv[0]).name == "mergecost":
        commands.insert(0, Path(sys.argv[0]).absolute())
    config_home = env.get("XDG_CONFIG_HOME", "")
    # A path with quotes or other signs of the shell's is not passed on.
    is_plain = config_home.startswith("/") and not set(config_home) & set("\"'\\$`}\n")
    return script(HOOKS[name], state, config_home if is_plain else "", dict.fromkeys(commands))


def _read(path: Path) -> str:
    return read_bytes(path, 10_000).decode(errors="replace")


def _values(text: str) -> dict[str, str]:
    """Of the lines `name=value`."""
    lines = [line.partition("=") for line in text.splitlines()]
    return {name: "".join(shlex.split(value)) for name, _, value in lines if name in ("python", "hook")}
