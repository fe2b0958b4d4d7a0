"""The name of a repository from the URL of its remote."""

import re

# https://host/owner/name.git, ssh://git@host:22/owner/name, git@host:owner/name: https://git-scm.com/docs/git-clone#_git_urls
_URL = re.compile(r"^[a-z][a-z0-9+.-]*://(?:[^/]*@)?(?P<host>[^/:@]+)(?::\d+)?/+(?P<path>.+)$", re.IGNORECASE)
_SCP = re.compile(r"^(?:[^/@]*@)?(?P<host>[^/:@]+):(?!//)/*(?P<path>.+)$")
_PATH = re.compile(r"^[\w.~-]+(?:/[\w.~-]+)+$")
# GitHub's ssh over the https port: https://docs.github.com/en/authentication/troubleshooting-ssh/using-ssh-over-the-https-port
_GITHUB = {"github.com", "www.github.com", "ssh.github.com"}


def path_of(uri: str) -> str:
    """The path of a `file://` address, and empty text for any other."""
    if not uri.startswith("file://"):
        return ""
    plain = re.sub(
        rb"%([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), uri.removeprefix("file://").encode()
    )
    return plain.decode(errors="replace")


def slug(url: str) -> str:
    """`owner/name` on github.com, `host/owner/name` elsewhere, empty for a local path or what is no repository.

    Never carries credentials, port or query.
    """
    match = _URL.match(url.strip()) or _SCP.match(url.strip())
    if match is None:
        return ""
    host = match["host"].lower()
    path = match["path"].split("?")[0].split("#")[0].strip("/").removesuffix(".git")
    if not _PATH.match(path) or url.lower().startswith("file:"):
        return ""
    return path if host in _GITHUB else f"{host}/{path}"
