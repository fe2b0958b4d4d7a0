"""Facts from the local git repository of a folder. If the folder or git is missing, or git is too slow, the facts of the last scan
are used, or none."""

import os
import re
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from attribution.identity import author, authorship
from attribution.tools.remote import slug
from collector import processes
from collector.files import read_bytes
from collector.reflog import REFLOG, BranchHistory, branch_history

if TYPE_CHECKING:
    from collector.index import Index

# After so many questions that git was too slow for, a scan asks no more.
MOST_TIMEOUTS = 6
# Of one repository: the newest commits, and files of each of them.
MOST_COMMITS = 2000
MOST_FILES = 200

# https://git-scm.com/docs/git-diff-tree: each commit from standard input against its parent, renames as a deletion and an addition.
_DIFF = ("diff-tree", "--stdin", "--root", "-r", "--no-renames", "--no-ext-diff", "--no-textconv", "--submodule=short")

# Of a raw commit object: https://git-scm.com/docs/git-cat-file#_batch_output and `git help format-patch` for the signature.
_AUTHOR = re.compile(rb"^author .*?<(?P<email>[^>\n]*)> (?P<at>\d{1,11}) [+-]\d{4}$", re.MULTILINE)
_COMMITTER = re.compile(rb"^committer .*?> (?P<at>\d{1,11}) [+-]\d{4}$", re.MULTILINE)


class Facts(msgspec.Struct, frozen=True):
    """`root` is the top of the working tree, of a worktree its own. Empty text means not known."""

    root: str = ""
    repository: str = ""
    author: str = ""
    branches: BranchHistory = BranchHistory()

    def inside(self, cwd: str, path: str) -> str:
        """`path` relative to `root`, with forward slashes; empty if it is outside. Symbolic links are resolved, as git does."""
        return _inside(self.root, cwd, path)


@lru_cache(maxsize=100_000)
def _inside(root: str, cwd: str, path: str) -> str:
    """Cached: a session edits the same files again and again, and resolving links reads the disk for each part of a path."""
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


class _FolderFacts(msgspec.Struct):
    """The cached facts of a folder. They are valid while the files at `paths` have the same `stamp`."""

    facts: Facts
    paths: tuple[str, ...]
    stamp: str


_FOLDER_FACTS = msgspec.msgpack.Decoder(_FolderFacts)
_COMMIT = msgspec.msgpack.Decoder(Commit)
_encode = msgspec.msgpack.Encoder().encode


class Git:
    """Asks git once about each folder."""

    def __init__(self, env: Mapping[str, str], index: "Index | None" = None) -> None:
        self._index = index
        self._fresh: dict[str, bytes] = {}
        self._env = env
        self._timeout_count = 0
        self._facts: dict[str, Facts] = {}
        self._roots: dict[str, Facts] = {}

    def facts(self, cwd: str) -> Facts:
        """Facts about the repository around the folder `cwd`."""
        if cwd not in self._facts:
            self._facts[cwd] = self._read(cwd) if Path(cwd).is_absolute() else NOTHING
        return self._facts[cwd]

    def remember(self) -> None:
        """Save new facts for the next scan."""
        if self._index:
            self._index.save_facts(self._fresh)

    def _read(self, cwd: str) -> Facts:
        """Facts of the folder, from the cache if nothing has changed since or if the folder is gone."""
        try:
            parents = [*Path(cwd).parents] if Path(cwd).is_dir() else None
        except ValueError:  # a NUL in the name
            return NOTHING
        value = self._index.fact(f"facts {cwd}") if self._index else None
        cache = _FOLDER_FACTS.decode(value) if value else None
        if parents is None:
            return cache.facts if cache else NOTHING
        if not any((folder / ".git").exists() for folder in (Path(cwd), *parents)):
            return NOTHING
        if cache and cache.stamp == _stamp(cache.paths):
            return cache.facts
        facts, paths = self._ask(cwd)
        if facts.root:
            self._fresh[f"facts {cwd}"] = _encode(_FolderFacts(facts, paths, _stamp(paths)))
        return facts

    def commits(self, root: str, ids: Iterable[str]) -> dict[str, Commit]:
        """Commits of the repository at `root`, by the given ids, short or full. Ids that it does not have are left out."""
        names = set(ids)
        values = {name: self._index.fact(f"commit {root} {name}") for name in names} if self._index else {}
        cache = {name: _COMMIT.decode(value) for name, value in values.items() if value}
        fresh = self._ask_commits(root, sorted(names - cache.keys()))
        if any(
            commit.files for commit in fresh.values()
        ):  # else git was too slow to list their files: the next scan asks again
            self._fresh |= {f"commit {root} {name}": _encode(commit) for name, commit in fresh.items()}
        return cache | fresh

    def _ask_commits(self, root: str, names: list[str]) -> dict[str, Commit]:
        request = "".join(f"{name}^{{commit}}\n" for name in names).encode()
        answer = self._run(root, "cat-file", "--batch", stdin=request) if names else b""
        commits: dict[str, Commit] = {}
        at = 0
        for name in names:
            header, at = _until(answer, b"\n", at)
            words = header.split()
            if len(words) != 3 or words[1] != b"commit":
                continue  # `<name> missing` or `<name> ambiguous`
            end = at + int(words[2])
            commit = _commit(words[0].decode(), _until(answer, b"\n\n", at, end)[0])
            at = end + 1
            if commit:
                commits[name] = commit
        return self._with_changes(root, commits)

    def _with_changes(self, root: str, commits: dict[str, Commit]) -> dict[str, Commit]:
        """The commits, the newest of them with their files and patch ids. Two processes serve all of them."""
        by_sha = {commit.sha: commit for commit in commits.values()}
        newest = sorted(by_sha, key=lambda sha: by_sha[sha].committed_at)[-MOST_COMMITS:]
        ids = "".join(f"{sha}\n" for sha in newest).encode()
        if not ids:
            return commits
        files = _files(self._run(root, *_DIFF, "-z", "--name-only", stdin=ids), set(newest))
        patches = self._ask_git(
            lambda: processes.git_pipe(self._env, root, (*_DIFF, "-p"), ("patch-id", "--stable"), ids)
        )
        patch_ids = dict(line.split()[::-1] for line in patches.decode(errors="replace").splitlines())
        return {
            name: msgspec.structs.replace(
                commit,
                files=tuple(sorted(files.get(commit.sha, ()))[:MOST_FILES]),
                patch_id=patch_ids.get(commit.sha, ""),
            )
            for name, commit in commits.items()
        }

    def _ask(self, cwd: str) -> tuple[Facts, tuple[str, ...]]:
        """Facts, and the files whose change may change them."""
        folders = os.fsdecode(self._run(cwd, "rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir"))
        root, git_dir, common, *_ = [*folders.split("\n"), "", "", ""]
        # A repository's `core.worktree` may name any folder as its top.
        if not root or not Path(os.path.realpath(cwd)).is_relative_to(root):
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

    def _run(self, folder: str, *arguments: str, stdin: bytes = b"") -> bytes:
        return self._ask_git(lambda: processes.git(self._env, folder, *arguments, stdin=stdin))

    def _ask_git(self, ask: Callable[[], bytes]) -> bytes:
        """git's answer, empty if there is none."""
        if self._timeout_count >= MOST_TIMEOUTS:
            return b""
        try:
            return ask()
        except processes.TooSlow:
            self._timeout_count += 1
        except processes.ProcessFailed:
            pass
        return b""


def _head(git_dir: str) -> str:
    """The branch that is checked out, from https://git-scm.com/docs/gitrepository-layout#Documentation/gitrepository-layout.txt-HEAD"""
    try:
        head = read_bytes(Path(git_dir, "HEAD")).decode(errors="replace").strip()
    except OSError:
        return ""
    return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else ""


def _stamp(paths: Iterable[str]) -> str:
    """Changes when one of the files does."""
    stamps: list[str] = []
    for path in paths:
        try:
            status = Path(path).stat()
        except OSError:
            stamps.append("-")
        else:
            stamps.append(f"{status.st_ino} {status.st_size} {status.st_mtime_ns}")
    return "; ".join(stamps)


def _until(text: bytes, mark: bytes, start: int, end: int | None = None) -> tuple[bytes, int]:
    """The bytes before the next `mark`, and the position after it. Only those bytes are copied."""
    at = text.find(mark, start, end)
    at = (len(text) if end is None else end) if at < 0 else at
    return text[start:at], at + len(mark)


def _commit(sha: str, header: bytes) -> Commit | None:
    by, committer = _AUTHOR.search(header), _COMMITTER.search(header)
    if by is None or committer is None:
        return None
    email = by["email"].decode(errors="replace")
    at = datetime.fromtimestamp(int(by["at"]), UTC)
    return Commit(
        sha=sha,
        author=author(email),
        authorship=authorship(email, at),
        authored_at=at,
        committed_at=datetime.fromtimestamp(int(committer["at"]), UTC),
    )


def _files(output: bytes, shas: Container[str]) -> dict[str, list[str]]:
    """Paths by commit from `diff-tree -z --name-only --stdin`: a commit's id, then its paths, each ended by a NUL."""
    files: dict[str, list[str]] = {}
    paths: list[str] = []
    for word in output.decode(errors="replace").split("\0")[:-1]:
        if word in shas:
            paths = files.setdefault(word, [])
        else:
            paths.append(word)
    return files
