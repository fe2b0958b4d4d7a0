"""The command `mergecost`. Only the module of the sub-command is imported, so that a scan does not import the server."""

import sys
from importlib import import_module

from collector.terminal import err, out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# name -> (module:function, description). The function takes the arguments after the name and returns the exit status.
COMMANDS: dict[str, tuple[str, str]] = {
    "cost": ("collector.cost_command:main", "what AI work in this clone cost, from local logs; the same as no command"),
    "scan": ("collector.unchanged:main", "show what your AI tools have used on this machine; sends nothing"),
    "login": ("collector.login_command:main", "pair this machine with your server, by a login on GitHub"),
    "logout": ("collector.login_command:logout", "end this machine's tokens on the server, and forget them"),
    "whoami": ("collector.login_command:whoami", "whom this machine speaks for on the server"),
    "doctor": ("collector.doctor_command:main", "what works here and what does not; with --server, on the server"),
    "push": ("collector.push_command:main", "send new usage of covered repositories to your server"),
    "hooks": ("collector.hooks_command:main", "push automatically when a session ends, and tie commits to sessions"),
    "guard": ("collector.guard_command:main", "the caps at which AI tools are stopped here, and how to go on"),
    "replay": ("bot.cli.replay:main", "say what pull requests cost, offline, from facts in files"),
    "report": (
        "bot.cli.report:main",
        "on the server: what things cost, by pull request, issue, week, label, tool ...",
    ),
    "ledger": ("bot.cli.ledger:main", "on the server: check that every charge is shared out completely"),
    "rebuild": (
        "bot.cli.rebuild:main",
        "on the server: count the sums of days again from the ledger, and correct them",
    ),
    "serve": ("webhooks.serve:main", "run the server"),
    "token": ("bot.cli.token:main", "make or revoke the tokens with which people push, and others read figures"),
}

_OURS = {"attribution", "bot", "collector", "deploy", "webhooks"}


class CommandUnavailable(Exception):
    """A package that the command needs is not installed."""


def main(argv: "Sequence[str] | None" = None) -> int:
    """Run one sub-command. Returns the exit status: 0 done, 1 not done, 2 wrong usage."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except CommandUnavailable as error:
        err(f"mergecost: {error}")
        return 1
    except BrokenPipeError:
        # The reader has exited (`| head`). Python would report that again when it flushes at exit:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        import os  # noqa: PLC0415

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _run(arguments: list[str]) -> int:
    if arguments and arguments[0] in ("-h", "--help", "help"):
        out(_help())
        return 0
    if not arguments or (arguments[0].startswith("--") and arguments[0] != "--version"):
        arguments = ["cost", *arguments]
    name, *rest = arguments
    if name in ("-V", "--version"):
        from importlib.metadata import version  # noqa: PLC0415

        out(f"mergecost {version('mergecost')}")
        return 0
    if name not in COMMANDS:
        err(_unknown_command(name))
        return 2
    return load(COMMANDS[name][0])(rest)


def load(target: str) -> "Callable[[list[str]], int]":
    """The function with the name `module:function`. Raises CommandUnavailable if a package that it needs is not installed."""
    module, _, function = target.partition(":")
    try:
        return getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in _OURS:
            raise
        raise CommandUnavailable(
            f"this command needs {error.name}, which is not installed: pip install 'mergecost[server]'"
        ) from error


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items())
    return f"usage: mergecost [COMMAND] [OPTION...]\n\n{commands}\n\nSee also: mergecost COMMAND --help, mergecost --version"


def _unknown_command(name: str) -> str:
    from difflib import get_close_matches  # noqa: PLC0415

    close = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(COMMANDS)}"
    return f"mergecost: no command {name!r}: {hint}"


if __name__ == "__main__":
    sys.exit(main())
