"""What the local git repository of a folder knows. A missing folder, a missing git or a slow one means: nothing known."""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from attribution.identity import author, authorship
from attribution.tools.remote import slug
from collector.reflog import REFLOG, BranchHistory, branch_history

TIMEOUT_SECONDS = 5

# Of a raw commit object: https://git-scm.com/docs/git-cat-file#_batch_output and `git help format-patch` for the signature.
_AUTHOR = re.compile(rb"^author .*?<(?P<email>[^>\n]*)> (?P<at>\d{1,11}) [+-]\d{4}$", re.MULTILINE)
_COMMITTER = re.compile(rb"^committer .*?> (?P<at>\d{1,11}) [+-]\d{4}$", re.MULTILINE)


class Facts(msgspec.Struct, frozen=True):
    """`root` is the top of the working tree, a worktree's own. Empty text means not known."""

    root: str = ""
    repository: str = ""
    author: str = ""
    branches: BranchHistory = BranchHistory()

    def inside(self, cwd: str, path: str) -> str:
        """`path` from `root`, with forward slashes; empty if it lies outside. Both git and this resolve symbolic links."""
        full = Path(cwd, path)
        try:
            relative = full.parent.resolve().joinpath(full.name).relative_to(self.root)
        except (OSError, ValueError, RuntimeError):  # a loop of links; outside, or a NUL in the name
            return ""
        return os.fsencode(relative.as_posix()).decode(errors="replace")


class Commit(msgspec.Struct, frozen=True):
    sha: str
    authorship: str
    committed_at: datetime


NOTHING = Facts()


class Git:
    """Asks each folder once. `env` is cleaned of `GIT_*`, which a hook sets and which point at another repository."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = {name: value for name, value in env.items() if not name.startswith("GIT_")}
        self._env |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
        self._facts: dict[str, Facts] = {}
        self._roots: dict[str, Facts] = {}

    def facts(self, cwd: str) -> Facts:
        """Facts about the repository that holds the folder `cwd`."""
        if cwd not in self._facts:
            self._facts[cwd] = self._ask(cwd) if Path(cwd).is_absolute() and Path(cwd).is_dir() else NOTHING
        return self._facts[cwd]

    def commits(self, root: str, ids: Iterable[str]) -> dict[str, Commit]:
        """Commits of the repository at `root` by the id asked for, short or full; those it lacks are left out."""
        asked = sorted(set(ids))
        request = "".join(f"{name}^{{commit}}\n" for name in asked).encode()
        answer = self._run(root, "cat-file", "--batch", stdin=request) if asked else b""
        found: dict[str, Commit] = {}
        for name in asked:
            header, _, answer = answer.partition(b"\n")
            words = header.split()
            if len(words) != 3 or words[1] != b"commit":
                continue  # `<name> missing` or `<name> ambiguous`
            size = int(words[2])
            commit = _commit(words[0].decode(), answer[:size].partition(b"\n\n")[0])
            answer = answer[size + 1 :]
            if commit:
                found[name] = commit
        return found

    def _ask(self, cwd: str) -> Facts:
        root = os.fsdecode(self._run(cwd, "rev-parse", "--show-toplevel")).removesuffix("\n")
        if not root:
            return NOTHING
        if root not in self._roots:
            email = self._text(root, "config", "user.email").strip()
            self._roots[root] = Facts(
                root=root,
                repository=slug(self._text(root, "remote", "get-url", "origin")),
                author=author(email) if email else "",
                branches=branch_history(self._text(root, *REFLOG).splitlines()),
            )
        return self._roots[root]

    def _text(self, root: str, *arguments: str) -> str:
        return self._run(root, *arguments).decode(errors="replace")

    def _run(self, cwd: str, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-C", cwd, *arguments]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, env=self._env, timeout=TIMEOUT_SECONDS, check=True
            )
        except (OSError, ValueError, subprocess.SubprocessError):
            return b""
        return done.stdout


def _commit(sha: str, header: bytes) -> Commit | None:
    by, committed = _AUTHOR.search(header), _COMMITTER.search(header)
    if by is None or committed is None:
        return None
    email = by["email"].decode(errors="replace")
    return Commit(
        sha=sha,
        authorship=authorship(email, datetime.fromtimestamp(int(by["at"]), UTC)),
        committed_at=datetime.fromtimestamp(int(committed["at"]), UTC),
    )
