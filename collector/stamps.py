"""What git's hooks noted on this machine: which session made a commit, and which commit became which."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from collector.files import read_bytes

# The variable in which a tool tells the commands that it runs which session they belong to, and the tool.
# https://code.claude.com/docs/en/env-vars · https://developers.openai.com/codex; the others as seen in their shells
SESSION_VARIABLES = {
    "CLAUDE_CODE_SESSION_ID": "claude-code",
    "CODEX_THREAD_ID": "codex",
    "COPILOT_AGENT_SESSION_ID": "copilot-cli",
    "GROK_SESSION_ID": "grok-build",
    "PI_SESSION_ID": "pi",
    "QWEN_CODE_SESSION_ID": "qwen-code",
}


MOST_BYTES = 256 * 1024 * 1024


class Stamp(msgspec.Struct, frozen=True, order=True):
    """A commit that a session made, and when."""

    at: datetime
    sha: str


class Stamps(msgspec.Struct):
    """Commits by (tool, session or thread), in order of time, and what each rewritten commit became."""

    by_session: dict[tuple[str, str], list[Stamp]] = {}
    rewrites: dict[str, str] = {}

    def now(self, sha: str) -> str:
        """What a commit is called now."""
        names = {sha}
        while (after := self.rewrites.get(sha)) and after not in names:
            names.add(sha := after)
        return sha


def stamps_file(env_state: Path) -> Path:
    return env_state.with_name("stamps")


def read_stamps(path: Path) -> Stamps:
    """The file that the hooks append to; what is no line of theirs is passed over."""
    try:
        lines = read_bytes(path, MOST_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return Stamps()
    by_session: defaultdict[tuple[str, str], set[Stamp]] = defaultdict(set)
    rewrites: dict[str, str] = {}
    for line in lines:
        match line.split():
            case ["commit", at, sha, tool, session] if at.isdecimal() and len(at) < 12:
                by_session[tool, session].add(Stamp(datetime.fromtimestamp(int(at), UTC), sha))
            case ["rewrite", old, new, *_] if old != new:
                rewrites[old] = new
            case _:
                pass
    return Stamps({session: sorted(stamps) for session, stamps in by_session.items()}, rewrites)


def session_of(stamps: Stamps, tool: str, session_id: str, agent_id: str) -> Mapping[str, datetime]:
    """The commits of a session, by what they are called now."""
    stamps_of_session = [
        *stamps.by_session.get((tool, session_id), ()),
        *(stamps.by_session.get((tool, agent_id), ()) if agent_id else ()),
    ]
    return {stamps.now(stamp.sha): stamp.at for stamp in stamps_of_session}
