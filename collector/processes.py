"""The only module that starts other programs: git, and GitHub's command line.

A repository may be a stranger's: whoever wrote its `.git/config` could name programs there for git to run. So every such setting
is overridden, nothing is fetched, and no variable but a few reaches git. Time and output are bounded.
https://git-scm.com/docs/git-config · https://git-scm.com/docs/git#_security
"""

import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import IO

GIT_SECONDS = 5
GH_SECONDS = 30
MOST_BYTES = 128 * 1024 * 1024
_BLOCK_BYTES = 256 * 1024

# What stands on the command line overrides every file of configuration.
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "core.editor": "false",
    "core.askPass": "false",
    "core.sshCommand": "false",
    "core.alternateRefsCommand": "false",
    "credential.helper": "",
    "gpg.program": "false",
    "gpg.openpgp.program": "false",
    "gpg.ssh.program": "false",
    "gpg.x509.program": "false",
    "log.showSignature": "false",
    "log.mailmap": "false",
    "protocol.allow": "never",
    # A folder of the working tree that looks like a repository has a configuration that came with a clone.
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
}
_VARIABLES = ("HOME", "PATH", "TMPDIR", "XDG_CONFIG_HOME")
_GIT_VARIABLES = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    # A partial clone lacks objects, which git would fetch by programs that its configuration names. Versions before 2.45 know
    # only the second of these two.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
}


class ProcessFailed(Exception):
    """A program is missing, failed, or printed too much."""


class TooSlow(ProcessFailed):
    """A program was not done in time."""


def git(env: Mapping[str, str], folder: str, *arguments: str, stdin: bytes = b"") -> bytes:
    """What `git` prints in `folder`. Raises ProcessFailed."""
    return _output([_git_command(env, folder, arguments)], _git_env(env), GIT_SECONDS, stdin)


def git_pipe(
    env: Mapping[str, str], folder: str, first: Sequence[str], second: Sequence[str], stdin: bytes = b""
) -> bytes:
    """What `git first | git second` prints. Raises ProcessFailed."""
    commands = [_git_command(env, folder, arguments) for arguments in (first, second)]
    return _output(commands, _git_env(env), GIT_SECONDS, stdin)


def hooks_folder(env: Mapping[str, str], folder: str) -> bytes:
    """Where git looks for hooks: the one answer in which a repository's `core.hooksPath` counts. No hook runs. Raises
    ProcessFailed."""
    settings = {name: value for name, value in _SETTINGS.items() if name != "core.hooksPath"}
    command = _git_command(env, folder, ("rev-parse", "--git-path", "hooks"), settings)
    return _output([command], _git_env(env), GIT_SECONDS)


def gh(env: Mapping[str, str], *arguments: str) -> bytes:
    """What GitHub's command line prints. It runs git itself, with the same settings. Raises ProcessFailed."""
    plain = {name: value for name, value in env.items() if not name.startswith("GIT_")}
    settings = {"GIT_CONFIG_COUNT": str(len(_SETTINGS))}
    for number, (name, value) in enumerate(_SETTINGS.items()):
        settings |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return _output([[_program("gh", env), *arguments]], plain | _GIT_VARIABLES | settings, GH_SECONDS)


def _git_command(
    env: Mapping[str, str], folder: str, arguments: Sequence[str], settings: Mapping[str, str] = _SETTINGS
) -> list[str]:
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [_program("git", env), "--no-pager", "--no-optional-locks", *options, "-C", folder, *arguments]


def _git_env(env: Mapping[str, str]) -> dict[str, str]:
    """Hooks set `GIT_*`, which may point at another repository."""
    return {name: env[name] for name in _VARIABLES if name in env} | _GIT_VARIABLES


def _program(name: str, env: Mapping[str, str]) -> str:
    """The program's full path. A relative folder of PATH would be one of the repository. Raises ProcessFailed."""
    folders = [folder for folder in env.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder)]  # noqa: PTH117
    path = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
    if path is None:
        raise ProcessFailed(f"{name} is not installed")
    return path


def _output(commands: Sequence[Sequence[str]], env: Mapping[str, str], seconds: float, stdin: bytes = b"") -> bytes:
    """What the last command prints; each reads what the one before it prints. Raises ProcessFailed."""
    deadline = time.monotonic() + seconds
    with ExitStack() as stack:
        source: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
        source.write(stdin)
        source.seek(0)
        processes: list[subprocess.Popen[bytes]] = []
        try:
            for command in commands:
                processes.append(_start(command, source, env))
                stack.callback(_end, processes[-1])
                source = processes[-1].stdout or source
            output = _read(source, deadline)
            status = processes[-1].wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired as error:
            raise TooSlow(f"{error}") from error
        except (OSError, ValueError) as error:  # also a NUL in an argument
            raise ProcessFailed(f"{error}") from error
        if status:
            raise ProcessFailed(f"{commands[-1][0]} failed with status {status}")
        return output


def _start(command: Sequence[str], stdin: IO[bytes], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """In a session of its own: it has no terminal to ask on, and ends with all that it started."""
    return subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, start_new_session=True
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout:
        process.stdout.close()


def _read(stream: IO[bytes], deadline: float) -> bytes:
    blocks, size = list[bytes](), 0
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while selector.select(max(deadline - time.monotonic(), 0)):
            block = os.read(stream.fileno(), _BLOCK_BYTES)
            if not block:
                return b"".join(blocks)
            blocks.append(block)
            size += len(block)
            if size > MOST_BYTES:
                raise ProcessFailed(f"more than {MOST_BYTES >> 20} MiB of output")
    raise TooSlow("no answer in time")
