"""What the files of a repository cannot do to the machine on which the collector looks at it."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector import processes
from collector.git import MOST_TIMEOUTS, NOTHING, Git
from tests.collector.developer import Developer
from tests.collector.fake_server import TOKEN, Server
from tests.collector.machine import call, git

# Every setting with which git can be made to run a program: https://git-scm.com/docs/git-config
PROGRAMS = [
    "core.fsmonitor", "core.pager", "core.editor", "core.askPass", "core.sshCommand", "core.gitProxy", "core.alternateRefsCommand",
    "credential.helper", "credential.https://github.com.helper", "diff.external", "diff.evil.command", "diff.evil.textconv",
    "difftool.evil.cmd", "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "gpg.program", "gpg.openpgp.program",
    "gpg.ssh.program", "gpg.x509.program", "gpg.ssh.defaultKeyCommand", "interactive.diffFilter", "merge.evil.driver", "mergetool.evil.cmd", "pager.log",
    "pager.reflog", "pager.config", "pager.diff-tree", "remote.origin.uploadpack", "remote.origin.receivepack",
    "sequence.editor", "ssh.variant", "trailer.Co-authored-by.command", "trailer.Co-authored-by.cmd", "uploadpack.packObjectsHook", "web.browser",
    "sendemail.sendmailCmd", "instaweb.httpd", "guitool.evil.cmd", "submodule.evil.update", "tar.evil.command", "receive.procReceiveRefs",
    "man.evil.cmd", "imap.tunnel", "browser.evil.cmd",
]  # fmt: skip
ALIASES = ["cat-file", "config", "diff-tree", "patch-id", "reflog", "remote", "rev-parse", "show", "log"]
HOOKS = ["post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman", "query-watchman"]  # fmt: skip


class Hostile:
    """A repository whose configuration and hooks leave a file in the folder `marks` when git runs them."""

    def __init__(self, repo: Path, folder: Path) -> None:
        self.repo, self.marks, self._folder = repo, folder / "marks", folder
        self.marks.mkdir()

    def script(self, name: str) -> str:
        path = self._folder / "scripts" / name.replace("/", "-")
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\necho \"$0 $*\" > '{self.marks / path.name}'\nexit 1\n")
        path.chmod(0o755)
        return str(path)

    def name_programs_everywhere(self) -> None:
        settings = {name: self.script(name) for name in PROGRAMS} | {
            f"alias.{name}": f"!{self.script(f'alias-{name}')}" for name in ALIASES
        }
        settings |= {
            "log.showSignature": "true", "protocol.allow": "always", "protocol.ext.allow": "always", "protocol.file.allow": "always",
            "extensions.partialClone": "origin", "remote.origin.promisor": "true", "remote.origin.partialCloneFilter": "blob:none",
            "remote.origin.url": f"ext::{self.script('ext-protocol')} %S", "submodule.recurse": "true", "diff.submodule": "diff",
            "core.hooksPath": str(self._folder / "hooks"), "remote.evil.vcs": "evil", "core.repositoryFormatVersion": "1",
            "gc.auto": "1", "maintenance.auto": "true",
        }  # fmt: skip
        (self._folder / "hooks").mkdir()
        for folder in (self._folder / "hooks", self.repo / ".git/hooks"):
            for name in HOOKS:
                (folder / name).symlink_to(self.script(f"hook-{name}"))
        lines = [f"\t{name.rpartition('.')[2]} = {_quoted(value)}\n" for name, value in settings.items()]
        sections = [_section(name.rpartition(".")[0]) for name in settings]
        included = self._folder / "included"
        included.write_text("".join(map("".join, zip(sections, lines, strict=True))))
        with (self.repo / ".git/config").open("a") as file:
            file.write(f'[include]\n\tpath = {included}\n[includeIf "gitdir:**"]\n\tpath = {included}\n')
        (self.repo / ".git/info").mkdir(exist_ok=True)
        (self.repo / ".git/info/attributes").write_text("* diff=evil filter=evil merge=evil\n")


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _section(name: str) -> str:
    first, _, rest = name.partition(".")
    return f'[{first} "{rest}"]\n' if rest else f"[{first}]\n"


@pytest.fixture
def dev(home: Path, repo: Path, server: Server) -> Developer:
    names = ("MERGECOST_URL", "MERGECOST_TOKEN")
    dev = Developer(home, repo, **{name: os.environ[name] for name in names})
    dev.env = {name: value for name, value in dev.env.items() if name != "MERGECOST_STATE"}
    return dev


def commit_by_hand(dev: Developer) -> None:
    """A commit with a signature, which only a person's tools should check, after a session edited its file."""
    now = datetime.now(UTC).isoformat()
    dev.work(1, content=[call("t1", "Write", file_path=str(dev.repo / "new.py"))])
    (dev.repo / "new.py").write_text("1\n")
    git(dev.repo, "add", "-A")
    signer = dev.home / "signer"
    signer.write_text(
        "#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nAAAA\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    signer.chmod(0o755)
    git(dev.repo, "-c", f"gpg.program={signer}", "commit", "-q", "-S", "-m", "work\n\nCo-authored-by: a <a@b>", at=now)


COMMANDS = [
    ("--by", "branch"), ("--by", "pull"), ("--all", "--csv"), ("scan",), ("scan", "--json"), ("scan", "--explain", "r0"), ("guard",), ("guard", "--json"),
    ("guard", "--unlock", "1h", "--reason", "test"), ("push", "--dry-run"), ("push",), ("push", "--if-due"), ("hooks", "status"),
    ("hooks", "install", "--offline", "--dry-run"), ("hooks", "install", "--offline", "--guard"), ("hooks", "uninstall"),
]  # fmt: skip


def test_no_program_that_a_repository_names_is_run(dev: Developer, tmp_path: Path):
    commit_by_hand(dev)
    hostile = Hostile(dev.repo, tmp_path)
    hostile.name_programs_everywhere()
    for arguments in COMMANDS:
        (dev.state / "index.db").unlink(missing_ok=True)  # git is asked anew
        dev.mergecost(*arguments)
        assert [path.read_text() for path in hostile.marks.iterdir()] == [], arguments
    subprocess.run(
        ["git", "-C", str(dev.repo), "diff", "HEAD~1"], capture_output=True, check=False
    )  # as a person runs it
    assert list(hostile.marks.iterdir()), "the settings would run programs"


def test_of_an_incomplete_clone_nothing_is_fetched(dev: Developer, tmp_path: Path):
    commit_by_hand(dev)
    blob = git(dev.repo, "rev-parse", "HEAD:new.py")
    (dev.repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    hostile = Hostile(dev.repo, tmp_path)
    hostile.name_programs_everywhere()
    dev.mergecost("push")
    assert list(hostile.marks.iterdir()) == []


def test_facts_are_the_same_whatever_programs_are_named(dev: Developer, tmp_path: Path):
    """All but the remote, which the configuration may set."""
    commit_by_hand(dev)
    before = Git(dev.env).facts(str(dev.repo))
    commits = Git(dev.env).commits(before.root, [commit.sha for commit in before.branches.commits])
    Hostile(dev.repo, tmp_path).name_programs_everywhere()
    after = Git(dev.env).facts(str(dev.repo))
    assert (after.root, after.author, after.branches) == (before.root, before.author, before.branches)
    assert Git(dev.env).commits(after.root, list(commits)) == commits
    assert all(commit.files and commit.patch_id for commit in commits.values())


def test_a_folder_that_looks_like_a_repository_is_none(dev: Developer, repo: Path):
    """Such a folder can be part of a commit, and its configuration comes with the clone."""
    bare = repo / "docs"
    git(repo, "clone", "-q", "--bare", str(repo), str(bare))
    git(bare, "remote", "set-url", "origin", "https://github.com/evil/evil.git")
    git(bare, "config", "core.bare", "false")
    git(bare, "config", "core.worktree", ".")
    assert Git(dev.env).facts(str(bare)) == NOTHING


def test_a_working_tree_elsewhere_is_none(dev: Developer, repo: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    git(repo, "config", "core.worktree", str(other))
    assert Git(dev.env).facts(str(repo)) == NOTHING


def test_programs_are_not_searched_in_the_folder_of_the_repository(dev: Developer, repo: Path, tmp_path: Path):
    hostile = Hostile(repo, tmp_path)
    for name in ("git", "gh"):
        (repo / name).symlink_to(hostile.script(name))
    dev.work(1)
    for path in (f".:{dev.env['PATH']}", f":{dev.env['PATH']}", ".", ""):
        for arguments in (("push",), ("--by", "pull")):
            dev.mergecost(*arguments, PATH=path)
    assert list(hostile.marks.iterdir()) == []


def test_git_learns_nothing_of_the_environment_but_where_things_are(dev: Developer, repo: Path, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/git"
    program.write_text(f"#!{sys.executable} -IS\nimport os\nprint(sorted(os.environ))\n")
    program.chmod(0o755)
    env = dev.env | {
        "PATH": f"{program.parent}:{dev.env['PATH']}",
        "GIT_DIR": "/x",
        "LD_PRELOAD": "",
        "EDITOR": "x",
        "MERGECOST_TOKEN": TOKEN,
    }
    names = processes.git(env, str(repo), "status").decode()
    assert "GIT_DIR" not in names
    assert "EDITOR" not in names
    assert "TOKEN" not in names


@pytest.mark.parametrize("script", ["sleep 1000 & sleep 1000", "yes"])
def test_a_program_without_an_end_is_stopped_with_what_it_started(
    dev: Developer, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
):
    """The pipe is open in every process that the program started: it ends when all of them have."""
    monkeypatch.setattr(processes, "GIT_SECONDS", 0.2)
    monkeypatch.setattr(processes, "MOST_BYTES", 10_000_000)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/git"
    program.write_text(f"#!/bin/sh\nexec 9>'{tmp_path}/pipe'\n{script}\n")
    program.chmod(0o755)
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(processes.ProcessFailed):
        processes.git({"PATH": f"{program.parent}:{os.environ['PATH']}"}, str(repo), "status")
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_scan_gives_up_on_a_git_that_is_always_too_slow(
    dev: Developer, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(processes, "GIT_SECONDS", 0)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/git"
    program.write_text("#!/bin/sh\nsleep 1000\n")
    program.chmod(0o755)
    asked: list[str] = []
    original = processes.git
    monkeypatch.setattr(
        processes, "git", lambda *arguments, **options: (asked.append(""), original(*arguments, **options))[1]
    )
    slow = Git({"PATH": f"{program.parent}:{os.environ['PATH']}"})
    for number in range(2 * MOST_TIMEOUTS):
        (repo / str(number)).mkdir()
        assert slow.facts(str(repo / str(number))) == NOTHING
    assert len(asked) == MOST_TIMEOUTS


@pytest.mark.parametrize("kind", ["hooks/post-commit.before-mergecost", "hooks/post-commit.mergecost-new"])
def test_hooks_are_not_written_through_links(dev: Developer, repo: Path, home: Path, kind: str):
    """A repository's hook is its own text: where a link leads, that text must not arrive."""
    profile = home / ".profile"
    profile.write_text("# mine\n")
    hook = repo / ".git/hooks/post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nevil\n")
    (repo / ".git" / kind).symlink_to(profile)
    missing = home / ".zshenv"
    (repo / ".git/hooks/post-rewrite").write_text("#!/bin/sh\nevil\n")
    (repo / f".git/{kind.replace('commit', 'rewrite')}").symlink_to(missing)
    dev.mergecost("hooks", "install", "--offline")
    assert profile.read_text() == "# mine\n"
    assert not missing.exists()


def test_a_hook_that_is_a_link_is_left_alone(dev: Developer, repo: Path, home: Path):
    script = home / "script"
    script.write_text("#!/bin/sh\n")
    (repo / ".git/hooks").mkdir(exist_ok=True)
    (repo / ".git/hooks/post-commit").symlink_to(script)
    run = dev.mergecost("hooks", "install", "--offline")
    assert "is a symbolic link" in run.stderr
    assert script.read_text() == "#!/bin/sh\n"


def test_a_hook_or_settings_that_are_no_file_are_named(dev: Developer, repo: Path, home: Path):
    (repo / ".git/hooks").mkdir(exist_ok=True)
    for path in (repo / ".git/hooks/post-commit", home / ".claude/settings.json"):
        os.mkfifo(path)
        run = dev.mergecost("hooks", "install", "--offline")
        assert (run.returncode, f"{path} is no regular file" in run.stderr) == (1, True)
        assert dev.mergecost("hooks", "status").returncode == 0
        assert dev.mergecost("guard").returncode == 0
        path.unlink()


@pytest.mark.parametrize(
    "place",
    [
        "logs/HEAD",
        "HEAD",
        "config",
        "refs/remotes/origin/HEAD",
        "logs/refs/heads/feat/x",
        "info/attributes",
        "packed-refs",
    ],
)
def test_what_is_no_file_in_a_repository_is_not_waited_for(
    dev: Developer, repo: Path, place: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(processes, "GIT_SECONDS", 0.5)
    dev.set_caps(session_usd=1)
    dev.work(2, gitBranch="/dev/zero")
    path = repo / ".git" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    for arguments in (("--all",), ("push",), ("guard",)):
        assert dev.mergecost(*arguments).returncode == 0
