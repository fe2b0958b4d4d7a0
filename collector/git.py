"""What the local git repository of a folder knows. A missing folder, a missing git or a slow one means: nothing known, or what
was known when it was last asked."""

import os
import re
import subprocess
import tempfile
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from attribution.identity import author, authorship
from attribution.tools.remote import slug
from collector.reflog import REFLOG, BranchHistory, branch_history

if TYPE_CHECKING:
    from collector.index import Index

TIMEOUT_SECONDS = 5
# Of one repository: the newest commits, and files of each of them.
MOST_COMMITS = 2000
MOST_FILES = 200

# https://git-scm.com/docs/git-diff-tree: commits come on stdin, each against its parent; binary files and renames stay plain.
_DIFF = ("diff-tree", "--stdin", "--root", "-r", "--no-renames", "--no-ext-diff", "--no-textconv")

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
        return _inside(self.root, cwd, path)


@lru_cache(maxsize=100_000)
def _inside(root: str, cwd: str, path: str) -> str:
    """A session edits the same files again and again, and following links asks the disk for each part of a path."""
    full = Path(cwd, path)
    try:
        relative = full.parent.resolve().joinpath(full.name).relative_to(root)
    except (OSError, ValueError, RuntimeError):  # a loop of links; outside, or a NUL in the name
        return ""
    return os.fsencode(relative.as_posix()).decode(errors="replace")


class Commit(msgspec.Struct, frozen=True):
    """`author` and `authorship` are digests. `files` and `patch_id` are empty for a merge."""

    sha: str
    author: str
    authorship: str
    authored_at: datetime
    committed_at: datetime
    files: tuple[str, ...] = ()
    patch_id: str = ""


NOTHING = Facts()


class _Held(msgspec.Struct):
    """What is kept of a folder: it holds while the files at `paths` are as they were."""

    facts: Facts
    paths: tuple[str, ...]
    stamp: str


_HELD = msgspec.msgpack.Decoder(_Held)
_COMMIT = msgspec.msgpack.Decoder(Commit)
_encode = msgspec.msgpack.Encoder().encode


class Git:
    """Asks each folder once. `env` is cleaned of `GIT_*`, which a hook sets and which point at another repository."""

    def __init__(self, env: Mapping[str, str], index: "Index | None" = None) -> None:
        self._index = index
        self._fresh: dict[str, bytes] = {}
        self._env = {name: value for name, value in env.items() if not name.startswith("GIT_")}
        self._env |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}
        self._facts: dict[str, Facts] = {}
        self._roots: dict[str, Facts] = {}

    def facts(self, cwd: str) -> Facts:
        """Facts about the repository that holds the folder `cwd`."""
        if cwd not in self._facts:
            self._facts[cwd] = self._known(cwd) if Path(cwd).is_absolute() else NOTHING
        return self._facts[cwd]

    def remember(self) -> None:
        """Keep what was learnt for the next scan."""
        if self._index:
            self._index.save_facts(self._fresh)

    def _known(self, cwd: str) -> Facts:
        """Facts of the folder as git said them last, if nothing has changed since or the folder is gone."""
        try:
            above = [*Path(cwd).parents] if Path(cwd).is_dir() else None
        except ValueError:  # a NUL in the name
            return NOTHING
        held = self._index.fact(f"facts {cwd}") if self._index else None
        before = _HELD.decode(held) if held else None
        if above is None:
            return before.facts if before else NOTHING
        if not any((folder / ".git").exists() for folder in (Path(cwd), *above)):
            return NOTHING
        if before and before.stamp == _stamp(before.paths):
            return before.facts
        facts, paths = self._ask(cwd)
        if facts.root:
            self._fresh[f"facts {cwd}"] = _encode(_Held(facts, paths, _stamp(paths)))
        return facts

    def commits(self, root: str, ids: Iterable[str]) -> dict[str, Commit]:
        """Commits of the repository at `root` by the id asked for, short or full; those it lacks are left out."""
        wanted = set(ids)
        held = {name: self._index.fact(f"commit {root} {name}") for name in wanted} if self._index else {}
        known = {name: _COMMIT.decode(value) for name, value in held.items() if value}
        found = self._ask_commits(root, sorted(wanted - known.keys()))
        if any(commit.files for commit in found.values()):  # else git was too slow to say what they changed: ask again
            self._fresh |= {f"commit {root} {name}": _encode(commit) for name, commit in found.items()}
        return known | found

    def _ask_commits(self, root: str, asked: list[str]) -> dict[str, Commit]:
        request = "".join(f"{name}^{{commit}}\n" for name in asked).encode()
        answer = self._run(root, "cat-file", "--batch", stdin=request) if asked else b""
        found: dict[str, Commit] = {}
        at = 0
        for name in asked:
            header, at = _until(answer, b"\n", at)
            words = header.split()
            if len(words) != 3 or words[1] != b"commit":
                continue  # `<name> missing` or `<name> ambiguous`
            end = at + int(words[2])
            commit = _commit(words[0].decode(), _until(answer, b"\n\n", at, end)[0])
            at = end + 1
            if commit:
                found[name] = commit
        return self._with_changes(root, found)

    def _with_changes(self, root: str, found: dict[str, Commit]) -> dict[str, Commit]:
        """What the newest of the commits changed, from two processes for all of them."""
        newest = sorted({one.sha: one for one in found.values()}.values(), key=lambda one: one.committed_at)[
            -MOST_COMMITS:
        ]
        ids = "".join(f"{one.sha}\n" for one in newest).encode()
        if not ids:
            return found
        files = _files(self._run(root, *_DIFF, "-z", "--name-only", stdin=ids), {one.sha for one in newest})
        patches = self._piped(root, (*_DIFF, "-p"), ("patch-id", "--stable"), ids).splitlines()
        patch_ids = dict(line.split()[::-1] for line in patches)
        return {
            name: msgspec.structs.replace(
                one, files=tuple(sorted(files.get(one.sha, ()))[:MOST_FILES]), patch_id=patch_ids.get(one.sha, "")
            )
            for name, one in found.items()
        }

    def _ask(self, cwd: str) -> tuple[Facts, tuple[str, ...]]:
        """Facts, and the files whose change may change them."""
        said = os.fsdecode(self._run(cwd, "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir"))
        root, git_dir, common, *_ = [*said.split("\n"), "", "", ""]
        if not root:
            return NOTHING, ()
        paths = (
            str(Path(git_dir, "logs/HEAD")),
            str(Path(cwd, common, "config")),
            str(Path(git_dir, "config.worktree")),
        )
        if root not in self._roots:
            email = self._text(root, "config", "user.email").strip()
            self._roots[root] = Facts(
                root=root,
                repository=slug(self._text(root, "remote", "get-url", "origin")),
                author=author(email) if email else "",
                branches=branch_history(self._text(root, *REFLOG).splitlines(), _head(git_dir)),
            )
        return self._roots[root], (*paths, *self._own_config())

    def _own_config(self) -> tuple[str, ...]:
        """https://git-scm.com/docs/git-config#FILES"""
        home = self._env.get("HOME", "")
        base = self._env.get("XDG_CONFIG_HOME") or str(Path(home, ".config"))
        return str(Path(home, ".gitconfig")), str(Path(base, "git/config"))

    def _text(self, root: str, *arguments: str) -> str:
        return self._run(root, *arguments).decode(errors="replace")

    def _piped(self, root: str, first: Sequence[str], second: Sequence[str], stdin: bytes) -> str:
        """What `second` prints of what `first` prints, which is never held here: patches are large."""
        with tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            try:
                with subprocess.Popen(
                    ["git", "-C", root, *first],
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=self._env,
                ) as source:
                    try:
                        done = subprocess.run(
                            ["git", "-C", root, *second], stdin=source.stdout, capture_output=True, env=self._env,
                            timeout=TIMEOUT_SECONDS, check=True,
                        )  # fmt: skip
                    finally:
                        source.kill()
            except (OSError, ValueError, subprocess.SubprocessError):
                return ""
        return done.stdout.decode(errors="replace")

    def _run(self, cwd: str, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-C", cwd, *arguments]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, env=self._env, timeout=TIMEOUT_SECONDS, check=True
            )
        except (OSError, ValueError, subprocess.SubprocessError):
            return b""
        return done.stdout


def _head(git_dir: str) -> str:
    """The branch that is checked out, from https://git-scm.com/docs/gitrepository-layout#Documentation/gitrepository-layout.txt-HEAD"""
    try:
        head = Path(git_dir, "HEAD").read_text(errors="replace").strip()
    except OSError:
        return ""
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else ""


def _stamp(paths: Iterable[str]) -> str:
    found: list[str] = []
    for path in paths:
        try:
            seen = Path(path).stat()
        except OSError:
            found.append("-")
        else:
            found.append(f"{seen.st_ino} {seen.st_size} {seen.st_mtime_ns}")
    return "; ".join(found)


def _until(text: bytes, mark: bytes, start: int, end: int | None = None) -> tuple[bytes, int]:
    """What stands before the next `mark`, and where what follows it begins. Nothing is copied but that."""
    at = text.find(mark, start, end)
    at = (len(text) if end is None else end) if at < 0 else at
    return text[start:at], at + len(mark)


def _commit(sha: str, header: bytes) -> Commit | None:
    by, committed = _AUTHOR.search(header), _COMMITTER.search(header)
    if by is None or committed is None:
        return None
    email = by["email"].decode(errors="replace")
    at = datetime.fromtimestamp(int(by["at"]), UTC)
    return Commit(
        sha=sha,
        author=author(email),
        authorship=authorship(email, at),
        authored_at=at,
        committed_at=datetime.fromtimestamp(int(committed["at"]), UTC),
    )


def _files(listed: bytes, shas: Container[str]) -> dict[str, list[str]]:
    """Paths by commit from `diff-tree -z --name-only --stdin`: a commit's id, then its paths, each ended by a NUL."""
    found: dict[str, list[str]] = {}
    paths: list[str] = []
    for word in listed.decode(errors="replace").split("\0")[:-1]:
        if word in shas:
            paths = found.setdefault(word, [])
        else:
            paths.append(word)
    return found
