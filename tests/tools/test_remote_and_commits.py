"""Names of repositories, and commits in the output of commands."""

import pytest

from attribution.tools.commits import commits_printed
from attribution.tools.remote import slug

FULL = "5902654f230bc089279aadb0ed884b7fcdba70a0"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/widgets.git", "acme/widgets"),
        ("https://github.com/acme/widgets/", "acme/widgets"),
        ("https://dev:s3cret@github.com/acme/widgets", "acme/widgets"),
        ("https://x-access-token:ghs_p@ss@github.com/acme/widgets.git", "acme/widgets"),
        ("git@github.com:acme/widgets.git", "acme/widgets"),
        ("github.com:acme/widgets", "acme/widgets"),
        ("ssh://git@github.com/acme/widgets.git", "acme/widgets"),
        ("ssh://git@ssh.github.com:443/acme/widgets.git", "acme/widgets"),
        ("git://GitHub.com/Acme/Widgets.js", "Acme/Widgets.js"),
        ("https://ghe.example.com:8443/acme/widgets.git?token=s3cret", "ghe.example.com/acme/widgets"),
        ("git@gitlab.com:group/sub/widgets.git", "gitlab.com/group/sub/widgets"),
        ("/srv/git/widgets.git", ""),
        ("../widgets", ""),
        ("file:///srv/git/widgets.git", ""),
        ("file://server/srv/widgets.git", ""),
        ("https://github.com/acme", ""),
        ("https://github.com/", ""),
        ("", ""),
    ],
)
def test_slug(url: str, name: str):
    assert slug(url) == name


@pytest.mark.parametrize(
    ("command", "output", "ids"),
    [
        ("git add -A && git commit -m x", "[main abc1234] x\n 1 file changed\n", {"abc1234"}),
        ("git commit -m x", "[main (root-commit) abc1234] x\n", {"abc1234"}),
        ("git -C sub commit -m x", "[detached HEAD abc1234] x\n", {"abc1234"}),
        ("git commit -qm x && git rev-parse HEAD", f"{FULL}\n", {FULL}),
        ("git commit -m x && git rev-parse HEAD", f"[fix/7 5902654] x\n{FULL}\n", {FULL}),
        ("git commit -qm x; git log -1 --format=%H", f"{FULL}\r\n", {FULL}),
        ("git rev-parse HEAD && git commit -qm x", f"{FULL}\n", set()),
        ("git commit -qm x && git rev-parse HEAD~1", f"{FULL}\n", set()),
        ("git rev-parse HEAD", f"{FULL}\n", set()),
        ("git log --oneline", "abc1234 x\n", set()),
        ("git commit -m x", "nothing to commit, working tree clean\n", set()),
        ("git commit -m x", f"Merge {FULL}\n", set()),
        ("echo commit", "[main abc1234] x\n", set()),
    ],
)
def test_commits(command: str, output: str, ids: set[str]):
    assert commits_printed(command, output) == ids
